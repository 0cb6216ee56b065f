"""Pictures: the frames of a file, with their own times."""

import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from jaxtyping import UInt8

from pipeline.errors import MediaError
from pipeline.media.drawing import display_matrix, draw_frame, turn_image, with_neighbours
from pipeline.media.opening import PICTURES
from pipeline.media.sampling import TOLERANCE_SECONDS, Counted, Picture, Sampling, sample_frames
from pipeline.media.streams import Media, declared_end, decode_frames, find_video, open_media


@dataclass(frozen=True)
class Frame:
    """One picture in RGB, upright, its pixels square.

    `index` counts all frames of the stretch from 0, those not sampled included; `seconds` is
    when it is shown, from the stretch's start.
    """

    index: int
    seconds: float
    image: UInt8[np.ndarray, "height width 3"]


def read_frames(
    path: Path,
    sampling: Sampling,
    start_seconds: float | None = None,
    end_seconds: float | None = None,
) -> Iterator[Frame]:
    """Frames shown in the stretch that `sampling` takes, one at a time, none of them twice.

    Their times are the file's own, never a count over a rate; one that would be before the last is
    shown with it. They look as a player shows them:
    turned and mirrored as the file asks for, stretched in width to square pixels, deinterlaced,
    by the file's own colour matrix and range. HDR keeps its curve, transparency is ignored.
    Raises MediaError `no_video`, and `unreadable`, `undecodable` or `truncated` as `streams`
    does: the last two after the frames that could be had, so that a caller may keep and mark them.
    """
    stretch = _bound(start_seconds, end_seconds)
    with open_media(path) as media:
        stream = _expect_video(media)
        length = _measure(media, stream, sampling, stretch)
        decoded = with_neighbours(decode_frames(media, stream, stretch[0]))
        matrix, seconds = None, 0.0
        for frame in sample_frames(_count(decoded, *stretch), sampling, length):
            shown, seconds = frame.picture, max(seconds, frame.seconds)
            matrix = matrix or display_matrix(shown.frame, path)
            image = draw_frame(shown, stream.sample_aspect_ratio or Fraction(1))
            yield Frame(frame.index, seconds, turn_image(image, matrix))


def read_crops(
    path: Path,
    folder: Path,
    sampling: Sampling,
    start_seconds: float | None = None,
    end_seconds: float | None = None,
) -> Iterator[Frame]:
    """As `read_frames`, with the pictures in `folder` in place of the video's own.

    The number at the end of a picture's name is that of its frame in the file, from 1; a frame
    without one, or with one that cannot be read, has an image of no pixels. Raises MediaError as
    `list_pictures` does, and after the last frame `unreadable_crops` where some could not be read.
    """
    pictures = list_pictures(folder)
    stretch = _bound(start_seconds, end_seconds)
    with open_media(path) as media:
        stream = _expect_video(media)
        length = _measure(media, stream, sampling, stretch)
        lane = media.lane(stream)
        times = [*(lane.times if lane else ()), math.inf]
    timed = (
        (seconds, until, pictures.get(number))
        for number, (seconds, until) in enumerate(pairwise(times), start=1)
    )
    refused: list[MediaError] = []
    for frame in sample_frames(_count(timed, *stretch), sampling, length):
        image = NOTHING if frame.picture is None else _try_picture(frame.picture, refused)
        yield Frame(frame.index, max(frame.seconds, 0.0), image)
    if refused:
        raise MediaError(
            "unreadable_crops",
            f"expected pictures that can be read, got {len(refused)} that cannot, first "
            f"{refused[0].detail}",
        )


NOTHING = np.empty((0, 0, 3), np.uint8)
"""Image of a frame that has none."""


def list_pictures(folder: Path) -> dict[int, Path]:
    """Number at the end of its name → picture of `folder`.

    Raises MediaError `no_crops` where there is none, `doubled_crops` where two have one number.
    """
    found = sorted(folder.iterdir()) if os.path.isdir(folder) else []
    pictures: dict[int, Path] = {}
    for path in found:
        number = re.search(r"(\d+)$", path.stem)
        if number is None or path.suffix.lower() not in PICTURES or not path.is_file():
            continue
        former = pictures.setdefault(int(number[1]), path)
        if former != path:
            raise MediaError(
                "doubled_crops",
                f"{folder}: expected one picture of frame {int(number[1])}, got {former.name} and "
                f"{path.name}; remove one",
            )
    if not pictures:
        raise MediaError(
            "no_crops", f"expected pictures named by their frame in {folder}, got none; link them"
        )
    return pictures


def read_picture(path: Path) -> UInt8[np.ndarray, "height width 3"]:
    """The one frame of a picture; raises MediaError as `read_frames` does, which names the file."""
    try:
        return next(read_frames(path, Sampling())).image
    except StopIteration:
        raise MediaError(
            "undecodable", f"{path}: expected a picture, got none; replace it"
        ) from None
    except MediaError as error:
        raise MediaError(error.reason, f"{path}: {error.detail}") from error


def _try_picture(path: Path, refused: list[MediaError]) -> UInt8[np.ndarray, "height width 3"]:
    """The picture at `path`, or nothing where it cannot be read, with the reason in `refused`."""
    try:
        return read_picture(path)
    except MediaError as error:
        refused.append(error)
        return NOTHING


def _bound(start_seconds: float | None, end_seconds: float | None) -> tuple[float, float]:
    return start_seconds or 0.0, math.inf if end_seconds is None else end_seconds


def _expect_video(media: Media) -> av.VideoStream:
    stream = find_video(media)
    if stream is None:
        raise MediaError("no_video", "expected a stream of pictures, got none; add one")
    return stream


def _measure(
    media: Media, stream: av.VideoStream, sampling: Sampling, stretch: tuple[float, float]
) -> float:
    """Seconds of the stretch that has pictures; infinite where `sampling` need not know."""
    if sampling.per_clip is None and sampling.middle_share == 1:
        return math.inf
    lane = media.lane(stream)
    end = declared_end(media, stream) or (lane.end if lane else 0.0)
    return min(stretch[1], end) - stretch[0]


def _count(
    timed: Iterator[tuple[float, float, Picture]], begin: float, end: float
) -> Iterator[Counted[Picture]]:
    """Those that begin in `[begin, end)`, counted, with their times since `begin`."""
    index = 0
    for seconds, until, picture in timed:
        if seconds >= end - TOLERANCE_SECONDS:
            return
        if seconds >= begin - TOLERANCE_SECONDS:
            yield Counted(index, seconds - begin, until - begin, picture)
            index += 1
