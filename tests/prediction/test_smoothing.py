"""Series of answers over a clip's frames: gaps, and what evens them out."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d, median_filter, uniform_filter1d
from scipy.signal import wiener

from pipeline.errors import ParamsError
from pipeline.limits import MOST_POINTS
from pipeline.prediction.smoothing import FILTERS, Smoother, place_frames, smooth_frames

STEP = 0.2
MEAN = Smoother("mean", width_seconds=3 * STEP, gap_seconds=0.0, causal=False)
NONE = Smoother("none", width_seconds=0.0, gap_seconds=0.0, causal=False)
BY_SCIPY = {
    "mean": lambda series: uniform_filter1d(series, 7, mode="nearest"),
    "median": lambda series: median_filter(series, 7, mode="nearest"),
    "gaussian": lambda series: gaussian_filter1d(series, 2.0, mode="nearest"),
    "wiener": lambda series: wiener(np.pad(series, 3, mode="edge"), 7)[3:-3],
}
"""Over seven frames; the deviation of a mean of seven is 2."""


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def smooth(values, smoother, *, seconds=None):
    times = STEP * np.arange(len(values)) if seconds is None else np.array(seconds)
    return smooth_frames(np.array(values, np.float32), times, smoother)


@pytest.mark.parametrize("name", FILTERS)
def test_a_series_is_smoothed_as_scipy_does(name):
    series = draw(41)
    found = smooth(series, replace(MEAN, name=name, width_seconds=7 * STEP))
    np.testing.assert_allclose(found, BY_SCIPY[name](series.astype(float)), atol=1e-6)


def test_a_mean_is_over_as_many_frames_before_as_behind():
    np.testing.assert_allclose(smooth([0, 0, 9, 0, 0, 3], MEAN), [0, 3, 3, 3, 1, 2], atol=1e-6)


def test_frames_between_two_answers_are_interpolated_up_to_a_limit():
    series = [np.nan, 1, np.nan, 3, np.nan, np.nan, 6, np.nan]
    found = smooth(series, replace(NONE, gap_seconds=2 * STEP))
    np.testing.assert_allclose(found, [np.nan, 1, 2, 3, np.nan, np.nan, 6, np.nan])
    found = smooth(series, replace(NONE, gap_seconds=3 * STEP))
    np.testing.assert_allclose(found, [np.nan, 1, 2, 3, 4, 5, 6, np.nan])


@pytest.mark.parametrize("name", FILTERS)
def test_what_a_longer_gap_parts_is_smoothed_by_itself(name):
    smoother = replace(MEAN, name=name, gap_seconds=3 * STEP)
    first, second = draw(11), draw(13, seed=1)
    times = STEP * np.array([*range(11), *range(15, 28)])
    found = smooth(np.concatenate([first, second]), smoother, seconds=times)
    alone = [smooth(part, smoother) for part in (first, second)]
    np.testing.assert_allclose(found, np.concatenate(alone), atol=1e-6)


def test_frames_that_are_left_out_count_in_time():
    smoother = replace(MEAN, gap_seconds=2 * STEP)
    found = smooth([0, 0, 6, 6, 6], smoother, seconds=STEP * np.array([0, 1, 3, 4, 5]))
    np.testing.assert_allclose(found, [0, 1, 5, 6, 6], atol=1e-6)  # 3 stands between 0 and 6


@pytest.mark.parametrize("name", ["mean", "median"])
def test_later_answers_change_no_causal_one(name):
    smoother = replace(MEAN, name=name, causal=True)
    series = draw(17)
    found = smooth(series, smoother)
    np.testing.assert_array_equal(found[:9], smooth([*series[:9], *draw(8, seed=1)], smoother)[:9])
    assert found[9] == pytest.approx({"mean": np.mean, "median": np.median}[name](series[7:10]))


@pytest.mark.parametrize("name", FILTERS)
def test_chances_sum_to_one_however_sure(name):
    sure = np.eye(3)[[0, 1, 2, 0, 1, 2, 0]]
    found = smooth(sure, replace(MEAN, name=name))
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("frames", [1, 2, 5])
def test_a_constant_series_stays_however_wide_the_window(name, frames):
    smoother = replace(MEAN, name=name, width_seconds=60.0)
    np.testing.assert_allclose(smooth(np.full(frames, 0.3), smoother), 0.3, atol=1e-6)


def test_a_clip_without_an_answer_stays_without():
    assert np.isnan(smooth([np.nan, np.nan], replace(MEAN, gap_seconds=9.0))).all()


@pytest.mark.parametrize(("seconds", "place"), [(1.0, 1002), (1e300, 2 + MOST_POINTS)])
def test_frames_of_strange_times_have_places(seconds, place):
    """Labels of frames a nanosecond apart asked for a billion of them between two."""
    assert place_frames(np.array([0.0, 1e-9, 2e-9, seconds]))[0].tolist() == [0, 1, 2, place]


def test_more_frames_between_answers_than_any_memory_has_are_refused():
    seconds = np.cumsum(np.tile([60.0, 1e-3], 200))
    with pytest.raises(ParamsError, match="expected at most 10,000,000 windows"):
        smooth_frames(np.zeros(400), seconds, replace(NONE, gap_seconds=60.0))
