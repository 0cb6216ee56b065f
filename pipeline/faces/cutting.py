"""Cutting: one clip's video → its people, their face crops, and whole frames if asked for."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Bool

from pipeline.errors import MediaError
from pipeline.faces import GIVEN
from pipeline.faces.choosing import People, Sound, choose_tracks
from pipeline.faces.crops import align_face, crop_face, scale_frame
from pipeline.faces.params import FacesParams, Thresholds, Whose
from pipeline.faces.quality import judge_crops, measure_quality
from pipeline.faces.searching import count_pixels, find_faces, load_detector, split_batches
from pipeline.faces.serving import RemoteDetector
from pipeline.faces.spool import Spool, keep_rows
from pipeline.faces.tables import SCHEMAS
from pipeline.faces.tracks import Seen, Sighting, Tracker
from pipeline.labels.clips import Clip
from pipeline.labels.holding import hold_media
from pipeline.media.audio import decode_audio
from pipeline.media.jpeg import encode_jpeg
from pipeline.media.video import Frame, read_crops, read_frames

SOUND_HZ = 4000
"""Enough of a voice to tell when it speaks."""

UNALIGNED = "unaligned"
"""Mark of a face without landmarks among aligned ones: it is cut by its box."""


@dataclass(frozen=True)
class Cut:
    """What one clip gave: files of rows (`spool`), for `take_rows`, by the name of their store.

    `frames` of `height` pixels were looked at; `people` are the tracks in them. `shown` counts the
    frames with a crop of whoever was chosen, `poor` the crops that were not kept, by what is wrong
    with them, and `spoilt` the frames that have none for that. `broken` is why the video could not
    be read, or not to its end.
    """

    rows: dict[str, Path]
    frames: int
    height: int
    people: int
    shown: int
    spoilt: int
    poor: dict[str, int]
    broken: MediaError | None


def cut_clip(clip: Clip, *, params: FacesParams, folder: Path, servers: Sequence[str] = ()) -> Cut:
    """Crops of the person chosen in `clip`, all its people, and its scenes, in order of time.

    `params` are as `resolve_detector` gives them. Frames are searched here, or by one of
    `servers`. Rows go to files in `folder`: a long clip takes no more memory than a short one.
    Raises MediaError as `hold_media` does.
    """
    with hold_media(clip, crops=params.detector == GIVEN):
        return _cut(clip, params, folder, servers)


def _cut(clip: Clip, params: FacesParams, folder: Path, servers: Sequence[str]) -> Cut:
    reel = Reel(clip, params)
    people = People(watch_mouths=params.choose == "speaker")
    with ExitStack() as stack:
        spools = {name: stack.enter_context(Spool(SCHEMAS[name], folder)) for name in SCHEMAS}
        for seen in _find_people(reel, params, servers):
            people.add(seen)
            for name, row in _list_rows(seen, params):
                spools[name].add({"clip_id": clip.clip_id, **row})
    chosen = choose_tracks(people.tracks, params.choose, _hear(clip, params.choose))
    picker = Picker(chosen, params.thresholds)
    keep_rows(spools["face"].path, picker.judge)
    return Cut(
        rows={name: spool.path for name, spool in spools.items()},
        frames=reel.frames,
        height=reel.height,
        people=len(people.tracks),
        shown=len(picker.shown),
        spoilt=len(picker.spoilt),
        poor=dict(picker.poor),
        broken=reel.broken,
    )


class Reel:
    """The sampled frames of a clip, as far as they can be read.

    `frames` counts them, `height` is theirs in pixels, and `broken` is what ended them early, if
    anything did.
    """

    def __init__(self, clip: Clip, params: FacesParams) -> None:
        self._clip = clip
        self._given = params.detector == GIVEN
        self._sampling = params.sampling
        self.frames = 0
        self.height = 0
        self.broken: MediaError | None = None

    def __iter__(self) -> Iterator[Frame]:
        try:
            for frame in self._read():
                self.frames += 1
                self.height = frame.image.shape[0]
                yield frame
        except MediaError as error:
            self.broken = error

    def _read(self) -> Iterator[Frame]:
        clip = self._clip
        stretch = clip.start_seconds, clip.end_seconds
        if not self._given:
            return read_frames(Path(clip.path), self._sampling, *stretch)
        if clip.crops is None:
            raise MediaError("no_crops", "expected crops of the corpus, got none; find faces anew")
        return read_crops(Path(clip.path), Path(clip.crops), self._sampling, *stretch)


class Picker:
    """Picks the crops of the tracks chosen that keep to the thresholds, and counts the others.

    `shown` are the numbers of the frames with such a crop, `spoilt` of those with poor ones alone.
    """

    def __init__(self, chosen: frozenset[int], thresholds: Thresholds) -> None:
        self._chosen = np.array(sorted(chosen), dtype=np.int64)
        self._thresholds = thresholds
        self.shown: set[int] = set()
        self.spoilt: set[int] = set()
        self.poor: Counter[str] = Counter()

    def judge(self, batch: pa.RecordBatch) -> Bool[np.ndarray, " rows"]:
        """Which rows of a batch of crops to keep."""
        kept: Bool[np.ndarray, " rows"] = np.isin(batch["track"].to_numpy(), self._chosen)
        frames = batch["frame"].to_numpy()
        of_chosen = frames[kept]
        for reason, failing in judge_crops(batch, self._thresholds).items():
            self.poor[reason] += int((kept & failing).sum())
            kept = kept & ~failing
        self.shown.update(frames[kept].tolist())
        self.spoilt = self.spoilt.union(of_chosen.tolist()) - self.shown
        return kept


def _find_people(reel: Reel, params: FacesParams, servers: Sequence[str]) -> Iterator[Seen]:
    """The frames of `reel` with who is in them, in order."""
    searcher = _reach_server(tuple(servers)) if servers else load_detector(params)
    tracker = Tracker(params.gap_seconds)
    for batch in split_batches(reel, params.batch, lambda frame: count_pixels(frame.image)):
        found = find_faces([frame.image for frame in batch], searcher, params.search_pixels)
        for frame, faces in zip(batch, found, strict=True):
            yield from tracker.add(frame, faces)
    yield from tracker.end()


@lru_cache(maxsize=1)
def _reach_server(servers: tuple[str, ...]) -> RemoteDetector:
    """One of `servers`, the same for all clips of this process, and others for others."""
    return RemoteDetector(servers[os.getpid() % len(servers)])


def _list_rows(seen: Seen, params: FacesParams) -> Iterator[tuple[str, dict[str, Any]]]:
    """Rows of one frame, each with the store it is for."""
    place = {"frame": seen.frame.index, "seconds": seen.frame.seconds}
    for person in seen.people:
        yield "tracks", place | describe_person(person)
        yield "face", place | cut_face(seen.frame, person, params)
    if params.scene_pixels is not None:
        scene = scale_frame(seen.frame.image, params.scene_pixels)
        yield "scene", place | {"jpeg": encode_jpeg(scene, params.jpeg_quality)}


def cut_face(frame: Frame, person: Sighting, params: FacesParams) -> dict[str, Any]:
    """Crop of a person and what it is worth: columns of FACE_SCHEMA, but for the frame's place."""
    pointed = bool(np.ptp(person.landmarks, axis=0).max() > 0)  # False of NaN
    if params.align and pointed:
        crop = align_face(frame.image, person.landmarks, size=params.pixels)
    else:
        crop = crop_face(frame.image, person.box, size=params.pixels, margin=params.margin)
    unaligned = (UNALIGNED,) if params.align and not pointed else ()
    return {
        **describe_person(replace(person, marks=person.marks + unaligned)),
        "jpeg": encode_jpeg(crop, params.jpeg_quality),
        **asdict(measure_quality(crop, person.box, person.landmarks)),
    }


def describe_person(person: Sighting) -> dict[str, Any]:
    """Columns of someone in a frame."""
    return {
        "box": person.box,
        "score": person.score,
        "landmarks": person.landmarks.ravel(),
        "track": person.track,
        "marks": ",".join(person.marks),
    }


def _hear(clip: Clip, choose: Whose) -> Sound | None:
    """Sound of a clip, where the speaker is to be chosen and there is any."""
    if choose != "speaker" or clip.audio_hz is None:
        return None
    try:
        samples = decode_audio(
            Path(clip.path),
            hz=SOUND_HZ,
            start_seconds=clip.start_seconds,
            end_seconds=clip.end_seconds,
        )
    except MediaError:
        return None
    return Sound(samples, SOUND_HZ)
