"""Packing: every clip's face crops, and whole frames if asked for, as stores."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from pathlib import Path

import pyarrow as pa

from pipeline.clips import Clip
from pipeline.engines import LOCAL, EngineParams, run_clips
from pipeline.errors import MediaError
from pipeline.faces import DETECTORS
from pipeline.faces.cutting import CropSpec, Cut, cut_clip
from pipeline.ledger import Entry, check_share
from pipeline.params import FacesParams
from pipeline.progress import track
from pipeline.store.index import Location, rowless
from pipeline.store.parts import Provenance
from pipeline.store.writer import Made, StoreWriter

FACE_SCHEMA = pa.schema(
    [
        ("clip_id", pa.string()),
        ("frame", pa.int64()),
        ("seconds", pa.float64()),
        ("jpeg", pa.binary()),
        ("box", pa.list_(pa.float32(), 4)),
        ("score", pa.float32()),
        ("landmarks", pa.list_(pa.float32(), 10)),
        ("track", pa.int64()),
        ("marks", pa.string()),
    ]
)
"""One row per frame that shows the face; boxes and landmarks in pixels of the upright frame."""

SCENE_SCHEMA = pa.schema(
    [
        ("clip_id", pa.string()),
        ("frame", pa.int64()),
        ("seconds", pa.float64()),
        ("jpeg", pa.binary()),
    ]
)
"""One row per sampled frame, whole."""

VERSION = 1
"""Raised whenever sampling, cropping or scaling changes."""

SPARSE_SHARE = 0.8
"""A clip with a face in a smaller share of its frames is marked."""


def pack_faces(
    clips: Sequence[Clip],
    params: FacesParams,
    out: Path,
    work: Path,
    *,
    engine: EngineParams = LOCAL,
) -> None:
    """Write the stores `out`/face and `out`/scene; each video is decoded once for both.

    Raises MoodlineError when more of the clips with video than allowed have no face.
    """
    filmed = [clip for clip in clips if clip.fps is not None]
    blind = [clip.clip_id for clip in clips if clip.fps is None]
    with ExitStack() as stack:
        writers = {
            name: stack.enter_context(StoreWriter(work, provenance, "parquet"))
            for name, provenance in describe_crops(params).items()
        }
        keys = {name: _derive_keys(filmed, writer) for name, writer in writers.items()}
        asked = ("face", "scene") if params.scene_pixels else ("face",)
        lacking = {name: frozenset(writers[name].missing(keys[name], out / name)) for name in asked}
        failures = _cut_missing(filmed, params, writers, keys, lacking, engine=engine)
        for name, writer in writers.items():
            writer.close_part()
            wanted = keys[name] if name in asked else {}
            locations, entries = _collect(writer, wanted, failures)
            absent = blind if wanted else [clip.clip_id for clip in clips]
            locations.update((clip_id, rowless(clip_id)) for clip_id in absent)
            if name == "face":
                entries += [Entry(clip_id, "faces", "absent", *NO_VIDEO) for clip_id in blind]
                check_share(entries, len(filmed), params.allowed_share)
            writer.publish(out / name, locations, entries)


NO_VIDEO = ("no_video", "no video stream")


def describe_crops(params: FacesParams) -> dict[str, Provenance]:
    """Provenance of `face` and of `scene`: everything that shapes them."""
    sampled = {"version": VERSION, "rate_hz": params.rate_hz, "jpeg_quality": params.jpeg_quality}
    detector = DETECTORS.load(params.detector).Detector
    face = {
        **sampled,
        "detector": params.detector,
        "detector_version": detector.version,
        "pixels": params.pixels,
        "margin": params.margin,
    }
    return {
        "face": Provenance("faces", face),
        "scene": Provenance("faces", {**sampled, "scene_pixels": params.scene_pixels}),
    }


def specify_crops(params: FacesParams) -> CropSpec:
    """What a worker is told of `params`."""
    return CropSpec(
        detector=params.detector,
        rate_hz=params.rate_hz,
        size=params.pixels,
        margin=params.margin,
        jpeg_quality=params.jpeg_quality,
        scene_pixels=params.scene_pixels,
    )


def _derive_keys(clips: Iterable[Clip], writer: StoreWriter) -> dict[str, str]:
    """clip_id → key."""
    fingerprint = writer.provenance.fingerprint
    return {clip.clip_id: clip.derive_key(fingerprint) for clip in clips}


def _cut_missing(
    clips: Sequence[Clip],
    params: FacesParams,
    writers: Mapping[str, StoreWriter],
    keys: Mapping[str, Mapping[str, str]],
    lacking: Mapping[str, frozenset[str]],
    *,
    engine: EngineParams,
) -> dict[str, MediaError]:
    """Cut the clips that any store is `lacking`; returns failures that may not hold next time."""
    anywhere = frozenset().union(*lacking.values())
    missing, failures = _find_files(clip for clip in clips if clip.clip_id in anywhere)
    cuts = run_clips(
        engine,
        partial(cut_clip, spec=specify_crops(params)),
        missing,
        workers=params.workers,
        limit_seconds=params.limit_seconds,
    )
    for clip, cut in track(cuts, "faces", len(missing)):
        if isinstance(cut, MediaError):
            failures[clip.clip_id] = cut
            continue
        for name, clip_ids in lacking.items():
            if clip.clip_id in clip_ids:
                made = make_faces(clip, cut) if name == "face" else make_scenes(clip, cut)
                writers[name].add(clip.clip_id, keys[name][clip.clip_id], made)
    return failures


def _find_files(clips: Iterable[Clip]) -> tuple[list[Clip], dict[str, MediaError]]:
    """Clips whose file is there, and the failure of each of the others."""
    present, failures = [], {}
    for clip in clips:
        if Path(clip.path).is_file():
            present.append(clip)
        else:
            detail = f"{clip.path}: no such file; link the corpus, or `dvc pull` the faces"
            failures[clip.clip_id] = MediaError("missing", detail)
    return present, failures


def make_faces(clip: Clip, cut: Cut) -> Made:
    """Store rows of a clip's crops, and the remark it earns."""
    found, frames = len(cut.faces), cut.frames
    seen = f"a face in {found} of {frames} frames"
    if not found:
        reason, detail = cut.broken or ("no_face", seen)
        return Made(None, "left_out", reason, detail)
    rows = [{"clip_id": clip.clip_id, **asdict(face)} for face in cut.faces]
    table = pa.Table.from_pylist(rows, schema=FACE_SCHEMA)
    if cut.broken:
        return Made(table, "marked", *cut.broken)
    if found < SPARSE_SHARE * frames:
        return Made(table, "marked", "face_leaves", seen)
    return Made(table)


def make_scenes(clip: Clip, cut: Cut) -> Made:
    """Store rows of a clip's whole frames, or why there are none."""
    if not cut.scenes:
        return Made(None, "left_out", *(cut.broken or ("no_frames", "no frame was decoded")))
    rows = [{"clip_id": clip.clip_id, **asdict(scene)} for scene in cut.scenes]
    return Made(pa.Table.from_pylist(rows, schema=SCENE_SCHEMA))


def _collect(
    writer: StoreWriter, keys: Mapping[str, str], failures: Mapping[str, MediaError]
) -> tuple[dict[str, Location], list[Entry]]:
    """Where each clip of `keys` lies, and the ledger of those that are not plain."""
    locations = writer.locate({c: key for c, key in keys.items() if c not in failures})
    clips = [place.clip for place in locations.values() if place.clip.status != "ok"]
    entries = [Entry(c.clip_id, "faces", c.status, c.reason, c.detail) for c in clips]
    for clip_id in keys.keys() & failures.keys():
        locations[clip_id] = rowless(clip_id, "left_out")
        failure = failures[clip_id]
        entries.append(Entry(clip_id, "faces", "left_out", failure.reason, failure.detail))
    return locations, entries
