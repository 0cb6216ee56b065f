"""Pictures: the frames of a file, with their own times."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from jaxtyping import UInt8

from pipeline.errors import MediaError
from pipeline.media.streams import decode_frames, find_video, open_media

TOLERANCE_SECONDS = 1e-3
"""A frame this much early is in time: Matroska rounds times to whole milliseconds."""


@dataclass(frozen=True)
class Frame:
    """One picture, upright, in RGB.

    `index` counts all frames of the stretch from 0, those not sampled included; `seconds` is
    when it is shown, from the stretch's start.
    """

    index: int
    seconds: float
    image: UInt8[np.ndarray, "height width 3"]


def read_frames(
    path: Path,
    *,
    rate_hz: float | None,
    start_seconds: float | None = None,
    end_seconds: float | None = None,
) -> Iterator[Frame]:
    """Frames shown in the stretch, one at a time: the first at or after each tick of 1 / `rate_hz`.

    All of them where `rate_hz` is None; no frame twice where the file has fewer. The times are
    the file's own, never a count over a rate. Raises MediaError `no_video`, and `unreadable`,
    `undecodable` or `truncated` as `streams` does: the last two after the frames that could be
    had, so that a caller may keep and mark them.
    """
    begin, end = start_seconds or 0.0, math.inf if end_seconds is None else end_seconds
    with open_media(path) as container:
        stream = find_video(container)
        if stream is None:
            raise MediaError("no_video", "expected a stream of pictures, got none; add one")
        next_tick = 0
        shown = _cut(decode_frames(container, stream, begin), begin, end)
        for index, (seconds, frame) in enumerate(shown):
            tick = index if rate_hz is None else math.floor((seconds + TOLERANCE_SECONDS) * rate_hz)
            if tick >= next_tick:
                next_tick = tick + 1
                yield Frame(index, max(seconds, 0.0), _upright_rgb(frame))


def _cut(
    frames: Iterator[tuple[float, av.VideoFrame]], begin: float, end: float
) -> Iterator[tuple[float, av.VideoFrame]]:
    """Those of `frames` in `[begin, end)`, with their seconds since `begin`."""
    for seconds, frame in frames:
        if seconds >= end - TOLERANCE_SECONDS:
            return
        if seconds >= begin - TOLERANCE_SECONDS:
            yield seconds - begin, frame


def _upright_rgb(frame: av.VideoFrame) -> UInt8[np.ndarray, "height width 3"]:
    """Image of `frame`, turned as phones ask for in the file's display matrix."""
    image = frame.to_ndarray(format="rgb24")
    quarters = round(frame.rotation / 90)  # counter-clockwise, as np.rot90 counts
    return np.ascontiguousarray(np.rot90(image, quarters))
