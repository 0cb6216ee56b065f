"""Stills: a few whole frames of a clip, evenly spread, from its video or else from data/scene."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.engines import LOCAL, run_clips
from pipeline.engines.guard import explain_error
from pipeline.errors import MediaError, MoodlineError
from pipeline.labels.clips import Clip
from pipeline.media.jpeg import decode_jpeg
from pipeline.media.sampling import Sampling
from pipeline.media.video import Frame, read_frames
from pipeline.report.face_summaries import read_facts
from pipeline.report.pictures import embed_image, name_clip, pick_evenly
from pipeline.store.reader import MediaStore

MOST_STILLS = 24

LIMIT_SECONDS = 600.0
"""A film is read for so long at most; stage `faces` waits as long for a minute of one."""

_SIDE = 400
"""Longer side of a still in pixels, enough for screens of twice the usual density."""


@dataclass(frozen=True)
class Still:
    """A frame that was looked at; boxes are placed in its `width` and `height`."""

    frame: int
    seconds: float
    picture: str
    width: float
    height: float


@dataclass(frozen=True)
class Stills:
    """Frames of a clip, and where they are from, empty where there are none.

    `sized` is False where nobody knows how large the video's frames were, so boxes have no place.
    `broken` is why there are no more frames, None where all could be had.
    """

    shown: list[Still]
    source: str = ""
    sized: bool = True
    broken: str | None = None


def take_stills(
    clip_id: str, clip: Clip | None, sampling: Sampling, scenes: MediaStore | None
) -> Stills:
    """At most MOST_STILLS of the frames of a clip that `sampling` takes.

    `clip` is None where its video is not known here, `scenes` where data/scene is not here.
    """
    if clip is not None and os.path.isfile(clip.path):
        return film_apart(clip, sampling)
    rows = None if scenes is None or clip_id not in scenes else scenes[clip_id]
    if scenes is None or rows is None:
        return Stills([])
    with name_clip(scenes, clip_id):
        return _show_scenes(rows, read_facts(scenes)[clip_id].get("height"))


def film_apart(clip: Clip, sampling: Sampling, limit_seconds: float = LIMIT_SECONDS) -> Stills:
    """Stills of a clip's video, read by another process, which it may end or keep at work."""
    work = partial(_film, sampling=sampling)
    (result,) = run_clips(LOCAL, work, [clip], workers=1, limit_seconds=lambda _: limit_seconds)
    made = result[1]
    if isinstance(made, MediaError):
        return Stills([], source="the video", broken=str(made))
    return made


def _film(clip: Clip, sampling: Sampling) -> Stills:
    stills: list[Still] = []
    broken = None
    try:
        begin, end = clip.start_seconds, clip.end_seconds
        frames = read_frames(Path(clip.path), sampling, start_seconds=begin, end_seconds=end)
        thin_out(frames, stills)
    except Exception as error:  # a decoder may raise almost anything over a damaged file
        told = explain_error(error)
        if not isinstance(told, MoodlineError):
            raise
        broken = str(told)
    return Stills(pick_evenly(stills, MOST_STILLS), source="the video", broken=broken)


def thin_out(frames: Iterable[Frame], stills: list[Still]) -> None:
    """Put some of `frames` into `stills`, evenly spread and fewer than twice MOST_STILLS."""
    step = 1
    for number, frame in enumerate(frames):
        if number % step:
            continue
        stills.append(_keep_frame(frame))
        if len(stills) == 2 * MOST_STILLS:
            del stills[1::2]
            step *= 2


def _keep_frame(frame: Frame) -> Still:
    height, width = frame.image.shape[:2]
    picture = embed_image(frame.image, _SIDE)
    return Still(frame.index, frame.seconds, picture, float(width), float(height))


def _show_scenes(rows: pa.Table, height: float | int | str | None) -> Stills:
    picked = rows.take(pick_evenly(range(len(rows)), MOST_STILLS)).to_pylist()
    stills = [_keep_scene(row, None if height is None else float(height)) for row in picked]
    return Stills(stills, source="data/scene", sized=height is not None)


def _keep_scene(row: dict[str, Any], height: float | None) -> Still:
    """Still of a whole frame that was `height` pixels high when faces were found in it."""
    image = decode_jpeg(row["jpeg"])
    scale = 1.0 if height is None else height / image.shape[0]
    size = image.shape[1] * scale, image.shape[0] * scale
    return Still(row["frame"], row["seconds"], embed_image(image, _SIDE), *size)
