"""Sampling: which frames of a stretch are taken, whatever is known of each."""

import math
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import islice
from typing import Generic, TypeVar

TOLERANCE_SECONDS = 1e-3
"""A frame this much early is in time: Matroska rounds times to whole milliseconds."""


@dataclass(frozen=True)
class Sampling:
    """Which frames of a stretch are taken: all of them, or as the one given of the first three.

    `rate_hz`: the first frame at or after each tick of 1 / `rate_hz` seconds. `every`: the first
    of each so many. `per_clip`: this many, each the one shown in the middle of one of as many
    equal parts. Ticks, counts and parts cover the `middle_share` of the stretch alone.
    """

    rate_hz: float | None = None
    every: int | None = None
    per_clip: int | None = None
    middle_share: float = 1.0


SAMPLED = frozenset(field.name for field in fields(Sampling))
"""Params that say which frames are taken."""

Picture = TypeVar("Picture")


@dataclass(frozen=True)
class Counted(Generic[Picture]):
    """Frame `index` of a stretch, which is shown in `[seconds, until)` since its start."""

    index: int
    seconds: float
    until: float
    picture: Picture


def sample_frames(
    pictures: Iterator[Counted[Picture]], sampling: Sampling, length: float
) -> Iterator[Counted[Picture]]:
    """Those of `pictures` that `sampling` takes from a stretch of `length` seconds.

    >>> def film() -> Iterator[Counted[str]]:  # a second at 10 Hz
    ...     return (Counted(n, n / 10, (n + 1) / 10, f"picture {n}") for n in range(10))
    >>> [frame.index for frame in sample_frames(film(), Sampling(rate_hz=4.0), 1.0)]
    [0, 3, 5, 8]
    >>> [frame.index for frame in sample_frames(film(), Sampling(every=4), 1.0)]
    [0, 4, 8]
    >>> [frame.index for frame in sample_frames(film(), Sampling(per_clip=2), 1.0)]
    [2, 7]
    >>> [frame.index for frame in sample_frames(film(), Sampling(middle_share=0.4), 1.0)]
    [3, 4, 5, 6]
    """
    first, last = 0.0, math.inf
    if sampling.middle_share < 1:
        first = length * (1 - sampling.middle_share) / 2
        last = length - first
        pictures = _shown_within(pictures, first, last)
    if sampling.per_clip is not None:
        part = (length - 2 * first) / sampling.per_clip
        moments = [first + (number + 0.5) * part for number in range(sampling.per_clip)]
        return _shown_at(pictures, moments)
    if sampling.rate_hz is not None:
        return _from_ticks(pictures, first, sampling.rate_hz)
    return islice(pictures, 0, None, sampling.every)


def _shown_within(
    pictures: Iterator[Counted[Picture]], first: float, last: float
) -> Iterator[Counted[Picture]]:
    """Those seen in `[first, last)`, with the one already shown when it begins."""
    for frame in pictures:
        begins_in_time = frame.seconds < max(last - TOLERANCE_SECONDS, first)
        if begins_in_time and frame.until > first + TOLERANCE_SECONDS:
            yield frame


def _shown_at(
    pictures: Iterator[Counted[Picture]], moments: list[float]
) -> Iterator[Counted[Picture]]:
    """Those seen at the `moments`, which rise."""
    served = 0
    for frame in pictures:
        reached = bisect_left(moments, frame.until - TOLERANCE_SECONDS)
        if reached > served:
            served = reached
            yield frame


def _from_ticks(
    pictures: Iterator[Counted[Picture]], first: float, rate_hz: float
) -> Iterator[Counted[Picture]]:
    """The first at or after each tick since `first`, and the one already shown at `first`."""
    next_tick = 0
    for frame in pictures:
        elapsed = max(frame.seconds - first, 0.0)
        tick = math.floor((elapsed + TOLERANCE_SECONDS) * rate_hz)
        if tick >= next_tick:
            next_tick = tick + 1
            yield frame
