import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ParamsError
from pipeline.heads.window_params import WindowParams
from pipeline.windows.alignment import (
    Stretches,
    align_rows,
    plan_windows,
    regular_grid,
    take_own_rows,
)


def stretches(step: float, count: int, valid: list[bool] | None = None) -> Stretches:
    starts = np.arange(count) * step
    known = np.ones(count, bool) if valid is None else np.array(valid)
    return Stretches(starts, starts + step, known)


def params(**given: object) -> WindowParams:
    return WindowParams.model_validate(given)


@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 8)), min_size=1, max_size=12),
    st.sampled_from(["mean", "nearest"]),
    st.booleans(),
)
def test_rows_within_rows_reach_the_points_that_they_overlap(rows, align, causal) -> None:
    starts, lengths = (np.array(side, float) for side in zip(*sorted(rows), strict=True))
    ends, step, grid = starts + lengths, 2.0, np.arange(11) * 2.0 + 0.5
    held = Stretches(starts, ends, np.ones(len(starts), bool))
    asked = params(align=align, causal=causal, tolerance_seconds=0.0)
    aligned = align_rows(held, grid, step, asked)
    found = np.split(aligned.rows, np.cumsum(aligned.counts)[:-1])
    for point, own in zip(grid, found, strict=True):
        if causal:
            over = (ends > point - step) & (ends <= point) & (align == "mean")
            near = ends == point
        else:
            over = (ends > point - step / 2) & (starts < point + step / 2) & (align == "mean")
            near = (starts <= point) & (point <= ends)
        assert set(own) == set(np.flatnonzero(over)) or (not over.any() and near[own].all())
        assert len(own) or not near.any()


def test_a_clip_is_one_window_without_seconds() -> None:
    np.testing.assert_array_equal(plan_windows(7.3, params()), [[0, 7.3]])


def test_the_last_window_ends_with_the_clip_and_none_is_short() -> None:
    np.testing.assert_allclose(plan_windows(7.0, params(seconds=3.0)), [[0, 3], [3, 6], [4, 7]])


def test_windows_overlap_by_the_hop() -> None:
    windows = plan_windows(5.0, params(seconds=3.0, hop_seconds=1.0))
    np.testing.assert_allclose(windows[:, 0], [0, 1, 2])


@given(st.floats(0.1, 100), st.floats(0.1, 20), st.floats(0.1, 1))
def test_windows_cover_the_clip(duration: float, seconds: float, share: float) -> None:
    windows = plan_windows(duration, params(seconds=seconds, hop_seconds=seconds * share))
    assert windows[0, 0] == 0
    assert windows[-1, 1] == pytest.approx(duration, abs=1e-6)
    assert (windows[1:, 0] <= windows[:-1, 1]).all(), "an instant is between two windows"
    np.testing.assert_allclose(windows[:, 1] - windows[:, 0], min(seconds, duration), atol=2e-6)


def test_a_regular_grid_lies_at_the_centres_of_its_cells() -> None:
    np.testing.assert_allclose(regular_grid(1.0, 2.0, 5.0), [1.1, 1.3, 1.5, 1.7, 1.9])


def test_own_rows_are_those_that_overlap_the_window() -> None:
    np.testing.assert_array_equal(take_own_rows(stretches(0.5, 6), 1.0, 2.0).rows, [2, 3])
    np.testing.assert_array_equal(take_own_rows(stretches(0.5, 6), 1.2, 2.2).rows, [2, 3, 4])
    np.testing.assert_array_equal(take_own_rows(stretches(9.0, 1), 4.0, 5.0).rows, [0])


def test_an_own_row_that_is_not_valid_leaves_its_place_empty() -> None:
    aligned = take_own_rows(stretches(0.5, 4, [True, False, True, True]), 0.0, 2.0)
    np.testing.assert_array_equal(aligned.rows, [0, 2, 3])
    np.testing.assert_array_equal(aligned.counts, [1, 0, 1, 1])


@given(st.integers(0, 10**7))
def test_a_row_of_no_length_is_in_one_window(start: int) -> None:
    instant = Stretches(np.full(1, start / 1e6), np.full(1, start / 1e6), np.ones(1, bool))
    windows = plan_windows(10.5, params(seconds=0.7))
    assert sum(len(take_own_rows(instant, *window).rows) for window in windows) == 1


def test_nearest_takes_the_row_that_holds_the_point() -> None:
    grid = np.array([0.1, 0.6, 2.9])
    aligned = align_rows(stretches(1.0, 3), grid, 0.5, params(align="nearest"))
    np.testing.assert_array_equal(aligned.rows, [0, 0, 2])


def test_beyond_the_tolerance_a_point_is_absent() -> None:
    grid = np.array([1.05, 1.2])
    aligned = align_rows(
        stretches(1.0, 1), grid, 0.15, params(align="nearest", tolerance_seconds=0.1)
    )
    np.testing.assert_array_equal(aligned.counts, [1, 0])


def test_mean_takes_every_row_that_overlaps_the_cell() -> None:
    grid = regular_grid(0.0, 1.0, 2.0)
    aligned = align_rows(stretches(0.1, 10), grid, 0.5, params(align="mean"))
    np.testing.assert_array_equal(aligned.counts, [5, 5])
    np.testing.assert_array_equal(aligned.rows, np.arange(10))


def test_mean_falls_back_to_the_nearest_row() -> None:
    rows = Stretches(np.array([0.0]), np.array([0.2]), np.array([True]))
    aligned = align_rows(rows, np.array([0.1, 0.35, 0.6]), 0.25, params(tolerance_seconds=0.2))
    np.testing.assert_array_equal(aligned.counts, [1, 1, 0])


def test_a_row_that_is_not_valid_reaches_nothing() -> None:
    aligned = align_rows(
        stretches(1.0, 3, [True, False, True]),
        np.array([1.5]),
        np.inf,
        params(align="nearest", tolerance_seconds=0.1),
    )
    np.testing.assert_array_equal(aligned.counts, [0])


def test_no_row_at_all_leaves_every_point_absent() -> None:
    aligned = align_rows(stretches(1.0, 0), np.arange(3.0), 1.0, params())
    np.testing.assert_array_equal(aligned.counts, [0, 0, 0])


@pytest.mark.parametrize("align", ["nearest", "mean"])
@given(st.integers(1, 40), st.floats(0.05, 2), st.floats(0.05, 2), st.floats(0, 3))
def test_causal_takes_nothing_later_than_the_point(
    align: str, count: int, step: float, grid_step: float, tolerance: float
) -> None:
    rows = stretches(step, count)
    grid = np.arange(1, 20) * grid_step
    chosen = params(align=align, causal=True, tolerance_seconds=tolerance)
    aligned = align_rows(rows, grid, grid_step, chosen)
    points = np.repeat(grid, aligned.counts)
    assert (rows.end_seconds[aligned.rows] <= points + 1e-5).all()


@given(st.integers(1, 40), st.floats(0.05, 2), st.floats(0.01, 1))
def test_nearest_is_the_nearest(count: int, step: float, tolerance: float) -> None:
    rows, grid = stretches(step, count), np.linspace(0, count * step * 1.5, 23)
    aligned = align_rows(rows, grid, 1.0, params(align="nearest", tolerance_seconds=tolerance))
    gaps = np.maximum(
        np.maximum(
            rows.start_seconds[None] - grid[:, None], grid[:, None] - rows.end_seconds[None]
        ),
        0,
    )
    near = gaps.min(axis=1) <= tolerance
    np.testing.assert_array_equal(aligned.counts[near & (gaps.min(axis=1) < tolerance - 1e-5)], 1)
    found = gaps[np.flatnonzero(aligned.counts), aligned.rows]
    np.testing.assert_allclose(found, gaps.min(axis=1)[aligned.counts > 0], atol=1e-5)


def test_more_windows_or_points_than_memory_holds_are_refused() -> None:
    with pytest.raises(ParamsError, match=r"at most 10,000,000 windows, .* of one of 1e\+08 s"):
        plan_windows(1e8, WindowParams(seconds=2.0, hop_seconds=1.0))
    with pytest.raises(ParamsError, match=r"got 2,500,000,000 of one of 1e\+08 s"):
        regular_grid(0.0, 1e8, rate_hz=25.0)
