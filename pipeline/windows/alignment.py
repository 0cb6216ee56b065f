"""Windows: the stretches of time a head sees at once, and the rows that reach each grid point.

One module for training, evaluation and prediction. Times are seconds from the clip's start. The
grid is the labels' own times where labels are per frame; where they are per clip it is regular
at `rate_hz`, or, with no rate, each modality's own rows.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64
from numpy.typing import NDArray

from pipeline.errors import ParamsError
from pipeline.heads.window_params import WindowParams
from pipeline.limits import MOST_POINTS

EPSILON_SECONDS = 1e-6
"""Times come from divisions by frame rates: closer than this they are the same."""

TICKS = 1_000_000
"""Of a second: what windows are counted in."""


@dataclass(frozen=True)
class Stretches:
    """Stretches of time that a clip's rows stand for, in order of their start."""

    start_seconds: Float[np.ndarray, " rows"]
    end_seconds: Float[np.ndarray, " rows"]
    valid: Bool[np.ndarray, " rows"]


@dataclass(frozen=True)
class Alignment:
    """Rows that reach each grid point: the first `counts[0]` of `rows` the first point, and so on.

    A point that no row reaches has a count of 0: it is absent. A point with several is their
    mean. `seconds` are the times of the points.
    """

    rows: Int64[np.ndarray, " taken"]
    counts: Int64[np.ndarray, " time"]
    seconds: Float64[np.ndarray, " time"]


def plan_windows(duration_seconds: float, params: WindowParams) -> Float[np.ndarray, "windows 2"]:
    """Half-open windows that cover a clip, each `params.seconds` long or the whole clip.

    The last one is moved back to end with the clip, so none is shorter than the others. They are
    counted in whole microseconds: an end and the start that follows it are the same number.

    >>> plan_windows(5.0, WindowParams(seconds=2.0)).tolist()
    [[0.0, 2.0], [2.0, 4.0], [3.0, 5.0]]
    >>> plan_windows(5.0, WindowParams()).tolist()
    [[0.0, 5.0]]
    """
    seconds = params.seconds
    if seconds is None or duration_seconds <= seconds + EPSILON_SECONDS:
        return np.array([[0.0, duration_seconds]])
    length, hop = _count_ticks(seconds), _count_ticks(params.hop_seconds or seconds)
    last = max(0, _count_ticks(duration_seconds) - length)
    check_points(last // hop, duration_seconds)
    starts = np.append(np.arange(0, last, hop), last)
    return np.stack([starts, starts + length], axis=1) / TICKS


def check_points(points: int | float, seconds: float) -> None:
    """Raise ParamsError where a stretch of `seconds` is cut too often for any memory."""
    if points > MOST_POINTS:
        raise ParamsError(
            f"windows: expected at most {MOST_POINTS:,} windows, points or labels of a clip, got "
            f"{points:,.0f} of one of {seconds:g} s; set windows.hop_seconds, rate_hz or a gap to "
            f"smooth across otherwise, or look at the clip's times"
        )


def _count_ticks(seconds: float) -> int:
    """Whole ticks of a stretch, at least one."""
    return max(1, round(seconds * TICKS))


def regular_grid(
    start_seconds: float, end_seconds: float, rate_hz: float
) -> Float[np.ndarray, " time"]:
    """Centres of the cells of 1 / `rate_hz` seconds that fill a window, at least one.

    >>> regular_grid(1.0, 2.0, rate_hz=4.0).tolist()
    [1.125, 1.375, 1.625, 1.875]
    """
    cells = max(1, round((end_seconds - start_seconds) * rate_hz))
    check_points(cells, end_seconds - start_seconds)
    return start_seconds + (np.arange(cells) + 0.5) / rate_hz


def take_own_rows(stretches: Stretches, start_seconds: float, end_seconds: float) -> Alignment:
    """Each row that overlaps the window as a grid point of its own, absent where it is not valid.

    So a row of the whole clip is in every window, and a face that was lost leaves its place empty.
    The time of a point is the middle of what of its row is in the window.

    >>> rows = Stretches(np.arange(3.0), np.arange(3.0) + 1, np.array([True, False, True]))
    >>> take_own_rows(rows, 0.5, 2.5)
    Alignment(rows=array([0, 2]), counts=array([1, 0, 1]), seconds=array([0.75, 1.5 , 2.25]))
    """
    begins, ends = stretches.start_seconds, stretches.end_seconds
    first, last = np.maximum(begins, start_seconds), np.minimum(ends, end_seconds)
    instant = (ends - begins <= EPSILON_SECONDS) & (begins >= start_seconds)
    reached = np.flatnonzero((last - first > EPSILON_SECONDS) | (instant & (begins < end_seconds)))
    valid = stretches.valid[reached]
    middles = (first[reached] + last[reached]) / 2
    return Alignment(reached[valid], valid.astype(np.int64), middles)


def align_rows(
    stretches: Stretches,
    grid: Float64[np.ndarray, " time"],
    step_seconds: float,
    params: WindowParams,
) -> Alignment:
    """Rows that reach each point of `grid`, by `params.align`, `tolerance_seconds`, `causal`.

    `nearest` takes the row whose stretch holds the point, or else the nearest one no farther
    than the tolerance. `mean` takes all rows that overlap the point's cell (half of `step_seconds`
    on either side, or the step before it when causal), or else the nearest. When causal, a row
    reaches a point only if its stretch has ended by then.

    >>> ends = np.array([0.1, 0.2, 0.3, 0.4])  # rows at 10 Hz, the third without a face
    >>> rows = Stretches(ends - 0.1, ends, np.array([True, True, False, True]))
    >>> grid = np.array([0.1, 0.25])
    >>> align_rows(rows, grid, 0.15, WindowParams(align="nearest"))
    Alignment(rows=array([1, 1]), counts=array([1, 1]), seconds=array([0.1 , 0.25]))
    >>> align_rows(rows, grid, 0.15, WindowParams(align="nearest", tolerance_seconds=0.0)).counts
    array([1, 0])
    >>> align_rows(rows, grid, 0.15, WindowParams(align="mean")).counts
    array([2, 2])
    """
    known = np.flatnonzero(stretches.valid)
    if not len(known) or not len(grid):
        return Alignment(np.empty(0, np.int64), np.zeros(len(grid), np.int64), grid)
    if params.causal:
        known = known[np.argsort(stretches.end_seconds[known], kind="stable")]
    starts, ends = stretches.start_seconds[known], stretches.end_seconds[known]
    nearest = _find_nearest(starts, ends, grid, params)
    if params.align == "nearest":
        found = nearest >= 0
        return Alignment(known[nearest[found]], found.astype(np.int64), grid)
    taken, counts = _find_overlaps(starts, ends, grid, step_seconds, causal=params.causal)
    alone = (counts == 0) & (nearest >= 0)
    taken = np.insert(taken, np.cumsum(counts)[alone], nearest[alone])
    return Alignment(known[taken], np.where(alone, 1, counts), grid)


def _find_nearest(
    starts: NDArray[np.float64],
    ends: NDArray[np.float64],
    grid: NDArray[np.float64],
    params: WindowParams,
) -> NDArray[np.int64]:
    """Row nearest to each point, -1 beyond the tolerance.

    Of rows in order of their starts, it is the last to begin before the point, the next one, or one
    that goes on while those after it begin and end.
    """
    if params.causal:
        best = np.searchsorted(ends, grid + EPSILON_SECONDS, side="right") - 1
        distance = grid - ends[np.maximum(best, 0)]
    else:
        after = np.searchsorted(starts, grid + EPSILON_SECONDS, side="right")
        before = np.maximum(after - 1, 0)
        some = np.stack([before, np.minimum(after, len(starts) - 1), _find_longest(ends)[before]])
        gaps = np.maximum(np.maximum(starts[some] - grid, grid - ends[some]), 0.0)
        closer = gaps.argmin(axis=0), np.arange(len(grid))
        best, distance = some[closer], gaps[closer]
    near = distance <= params.tolerance_seconds + EPSILON_SECONDS
    return np.where((best >= 0) & near, best, -1).astype(np.int64)


def _find_overlaps(
    starts: NDArray[np.float64],
    ends: NDArray[np.float64],
    grid: NDArray[np.float64],
    step: float,
    *,
    causal: bool,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows that overlap each point's cell, point by point, and how many these are.

    Each row is asked for its points: that takes memory by what overlaps, however rows lie.
    """
    near, far = EPSILON_SECONDS, (step if causal else step / 2) - EPSILON_SECONDS
    if causal:
        first = np.searchsorted(grid, ends - near, side="left")
    else:
        first = np.searchsorted(grid, starts - far, side="right")
    counts = np.maximum(np.searchsorted(grid, ends + far, side="left") - first, 0)
    points = expand_ranges(first, counts)
    taken = np.repeat(np.arange(len(ends)), counts)
    return taken[np.argsort(points, kind="stable")], np.bincount(points, minlength=len(grid))


def _find_longest(ends: NDArray[np.float64]) -> NDArray[np.int64]:
    """Number of the row that ends last of each and those before it, the last of several.

    >>> _find_longest(np.array([1.0, 4.0, 2.0, 4.0, 5.0]))
    array([0, 1, 1, 3, 4])
    """
    rises = ends >= np.maximum.accumulate(ends)
    return np.maximum.accumulate(np.where(rises, np.arange(len(ends)), 0))


def expand_ranges(first: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """`first[i], first[i] + 1, …`, `counts[i]` of them, one range after another."""
    begins = np.cumsum(counts) - counts
    numbers: NDArray[np.int64] = np.arange(counts.sum()) + np.repeat(first - begins, counts)
    return numbers
