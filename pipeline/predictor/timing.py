"""Timing: when a clip is answered for, and what stretch of it each answer goes by."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from jaxtyping import Float64, Int64

from pipeline.errors import ParamsError
from pipeline.labels.clips import Clip
from pipeline.limits import MOST_POINTS
from pipeline.windows.alignment import EPSILON_SECONDS

NOBODY = -1
"""Of a time at which no face was found."""


@dataclass(frozen=True)
class Timing:
    """Times that answers are wanted at, in seconds, the frames there, and the `stretches` around.

    `frames` is None where there are no pictures; `length` is that of the clip, in seconds. Of the
    faces in a stretch the last `faces` count, None for all.
    """

    seconds: Float64[np.ndarray, " times"]
    frames: Int64[np.ndarray, " times"] | None
    stretches: Float64[np.ndarray, "times 2"]
    length: float
    faces: int | None = None


@dataclass(frozen=True)
class Spacing:
    """How answers follow each other: one at every so manieth frame of a film.

    Or one in the middle of each `hop_seconds`, where that is given, or there are no frames; that is
    `window_seconds` unless given. Each goes by the `window_seconds` around it, or before it, and by
    the last `faces` of the faces there.
    """

    window_seconds: float = 1.0
    hop_seconds: float | None = None
    every: int = 10
    faces: int | None = None

    def __post_init__(self) -> None:
        for name in ("window_seconds", "hop_seconds", "every", "faces"):
            number = getattr(self, name)
            if number is not None and not 0 < number < np.inf:
                raise ParamsError(f"{name}: expected a number above 0, got {number}; give another")

    def lay_times(self, clip: Clip, *, causal: bool) -> Timing:
        """Times of a clip that `clean` has seen, those of its first frame or hop at least.

        A `causal` head answers by what was before alone. Raises ParamsError for more times than
        any page shows.
        """
        seconds, duration = self._list_times(clip), clip.duration_seconds or 0.0
        window = self.window_seconds
        begins = seconds - (window if causal else window / 2)
        ends = seconds + (0.0 if causal else window / 2)
        last = duration + EPSILON_SECONDS  # the clip's last instant is in it
        stretches = np.stack([np.maximum(begins, 0.0), np.clip(ends, EPSILON_SECONDS, last)], 1)
        frames = None if clip.fps is None else np.rint(seconds * clip.fps).astype(np.int64)
        return Timing(seconds, frames, stretches, duration, self.faces)

    def _list_times(self, clip: Clip) -> Float64[np.ndarray, " times"]:
        duration = clip.duration_seconds or 0.0
        if clip.fps and self.hop_seconds is None:
            step, first = self.every / clip.fps, 0.0
        else:
            step = self.hop_seconds or self.window_seconds
            first = min(step, duration) / 2
        if (times := duration / step) > MOST_POINTS:
            raise ParamsError(
                f"{clip.path or clip.clip_id}: expected at most {MOST_POINTS:,} answers of a "
                f"medium, got {times:,.0f} in {duration:g} s; set --every or --hop to more"
            )
        count = max(1, int(np.ceil((duration - first) / step - EPSILON_SECONDS)))
        return first + np.arange(count) * step


def name_time(clip_id: str, place: int) -> str:
    """Name of the stretch around the time of this number in a clip.

    >>> name_time("media/talk", 3)
    'media/talk@3'
    """
    return f"{clip_id}@{place}"


def find_people(faces: pa.Table | None, timing: Timing) -> Int64[np.ndarray, " times"]:
    """Number of the track of the face nearest to each time, of those in its stretch, or NOBODY.

    `faces` are a clip's rows in `data/face`, None where it has none.
    """
    people = np.full(len(timing.seconds), NOBODY)
    if faces is None or not len(faces):
        return people
    seconds, tracks = faces["seconds"].to_numpy(), faces["track"].to_numpy()
    order = np.argsort(seconds, kind="stable")
    seconds, tracks = seconds[order], tracks[order]
    after = np.searchsorted(seconds, timing.seconds)
    pair = np.stack([np.maximum(after - 1, 0), np.minimum(after, len(seconds) - 1)])
    closer = np.abs(seconds[pair] - timing.seconds).argmin(axis=0)
    nearest = pair[closer, np.arange(len(after))]
    begins, ends = timing.stretches.T
    within = (seconds[nearest] >= begins) & (seconds[nearest] < ends)
    return np.where(within, tracks[nearest], NOBODY)
