"""Smoothing: a target's answers over the frames of one clip, gaps bridged and noise evened out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int64

from pipeline.heads.postprocessing_params import SmoothingName
from pipeline.heads.shared.params import HeadParams
from pipeline.limits import LEAST_SECONDS, MOST_POINTS
from pipeline.prediction.calibration import LEAST_CHANCE
from pipeline.windows.alignment import EPSILON_SECONDS, check_points

Series = Float64[np.ndarray, " points"]


@dataclass(frozen=True)
class Smoother:
    """Which series become one, and how they are smoothed: over `width_seconds`, 0 for not at all.

    Answers at most `gap_seconds` apart belong together. When `causal`, an answer becomes that of
    its own frame and of earlier ones.
    """

    name: SmoothingName
    width_seconds: float
    gap_seconds: float
    causal: bool

    @classmethod
    def of(cls, params: HeadParams, width_seconds: float) -> "Smoother":
        """The one that `params` ask for, over this width."""
        asked = params.postprocessing
        return cls(asked.smoothing, width_seconds, asked.gap_seconds, params.windows.causal)


def smooth_frames(
    values: Float[np.ndarray, "frames *classes"],
    seconds: Float64[np.ndarray, " frames"],
    smoother: Smoother,
) -> Float[np.ndarray, "frames *classes"]:
    """Answers of one clip's frames, those that are NaN filled where a gap is short, and smoothed.

    Frames count as a step from one to the next, which is the median of their distances, whatever
    their own is; one that was left out counts as a gap. Series that a longer gap parts are smoothed
    by themselves, as if they went on with what they begin and end with. Chances sum to 1. Raises
    ParamsError for more frames with those between than any memory has.
    """
    smoothed = np.full_like(values, np.nan)
    places, step = place_frames(seconds)
    for held in _list_pieces(values, seconds, places, smoother.gap_seconds):
        first, last = places[held[[0, -1]]].tolist()
        check_points(last - first, seconds[held[-1]])
        grid = np.arange(first, last + 1)
        rows = np.arange(held[0], held[-1] + 1)
        found = _smooth_piece(_fill(values[held], places[held], grid), smoother, step)
        smoothed[rows] = found[places[rows] - grid[0]]
    return smoothed


def place_frames(
    seconds: Float64[np.ndarray, " frames"],
) -> tuple[Int64[np.ndarray, " frames"], float]:
    """Number of each frame, counted in the usual step from the first, and that step in seconds.

    A step is LEAST_SECONDS at least, and no frame is more than MOST_POINTS after the one before.

    >>> place_frames(np.array([0.5, 0.75, 1.0, 2.0]))
    (array([0, 1, 2, 6]), 0.25)
    >>> place_frames(np.array([0.5]))
    (array([0]), inf)
    """
    apart = np.diff(seconds)
    step = max(float(np.median(apart)), LEAST_SECONDS) if len(apart) else np.inf
    steps = np.clip(np.round(apart / step), 1, MOST_POINTS).astype(np.int64)
    # Summed up, not rounded each from the first one: no two frames have one place.
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(steps)]), step


def count_taps(width_seconds: float, step_seconds: float) -> int:
    """Frames that a width holds, the odd number that is nearest: as many before as behind.

    >>> count_taps(1.0, 0.2), count_taps(0.3, 0.2), count_taps(0.1, 0.2)
    (5, 1, 1)
    """
    return 2 * int(width_seconds / step_seconds / 2 + EPSILON_SECONDS) + 1


def _list_pieces(
    values: Float[np.ndarray, "frames *classes"],
    seconds: Float64[np.ndarray, " frames"],
    places: Int64[np.ndarray, " frames"],
    gap_seconds: float,
) -> Iterator[Int64[np.ndarray, " answered"]]:
    """Numbers of the frames that have an answer, of each series that belongs together."""
    missing = np.isnan(values).reshape(len(values), -1).any(axis=1)
    answered = np.flatnonzero(~missing)
    if not len(answered):
        return
    near = np.diff(seconds[answered]) <= gap_seconds + EPSILON_SECONDS
    together = near | (np.diff(places[answered]) == 1)
    yield from np.split(answered, np.flatnonzero(~together) + 1)


def _fill(
    values: Float[np.ndarray, "answered *classes"],
    places: Int64[np.ndarray, " answered"],
    grid: Int64[np.ndarray, " points"],
) -> Float64[np.ndarray, "points *classes"]:
    """Answers at each point of `grid`, on straight lines between those at `places`."""
    return np.apply_along_axis(lambda column: np.interp(grid, places, column), 0, values)


def _smooth_piece(
    series: Float64[np.ndarray, "points *classes"], smoother: Smoother, step: float
) -> Float64[np.ndarray, "points *classes"]:
    """A series without gaps, smoothed; no wider than that its middle sees all of it."""
    taps = min(count_taps(smoother.width_seconds, step), 2 * len(series) - 1)
    if taps == 1:
        return series
    origin = taps // 2 if smoother.causal else 0
    filter_ = FILTERS[smoother.name]
    if series.ndim == 1:
        return filter_(series, taps, origin)
    chances = np.maximum(series, LEAST_CHANCE)
    smoothed = np.apply_along_axis(filter_, 0, chances, taps, origin)
    return np.asarray(smoothed / smoothed.sum(axis=1, keepdims=True))


def _mean(series: Series, taps: int, origin: int) -> Series:
    from scipy.ndimage import uniform_filter1d

    return np.asarray(uniform_filter1d(series, taps, mode="nearest", origin=origin))


def _median(series: Series, taps: int, origin: int) -> Series:
    from scipy.ndimage import median_filter

    return np.asarray(median_filter(series, taps, mode="nearest", origin=origin))


def _gaussian(series: Series, taps: int, origin: int) -> Series:
    """Smoothed by a Gaussian as wide as a mean of `taps`: its variance is (taps² - 1) / 12."""
    from scipy.ndimage import gaussian_filter1d

    return np.asarray(gaussian_filter1d(series, ((taps**2 - 1) / 12) ** 0.5, mode="nearest"))


def _wiener(series: Series, taps: int, origin: int) -> Series:
    """Smoothed where it varies no more than it does on average, and else the less the more.

    Lim, Two-dimensional signal and image processing, 1990, p. 548, by SciPy, whose zeros beyond
    the ends are what the series begins and ends with here.
    """
    from scipy.signal import wiener

    if not np.ptp(series):
        return series  # there is no noise to divide by
    padded = np.pad(series, taps // 2, mode="edge")
    with np.errstate(divide="ignore", invalid="ignore"):  # of what does not vary for a while
        return np.asarray(wiener(padded, taps)[taps // 2 : -(taps // 2)])


FILTERS: dict[SmoothingName, Callable[[Series, int, int], Series]] = {
    "mean": _mean,
    "median": _median,
    "gaussian": _gaussian,
    "wiener": _wiener,
}
"""Name in params.yaml → series, an odd number of frames, and how far back these are moved → the
series smoothed. What lies beyond an end is as the end is."""
