import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import pearsonr
from sklearn.metrics import mean_absolute_error, root_mean_squared_error

from pipeline.evaluation import moments
from pipeline.evaluation.moments import sum_moments

ratings = st.integers(-1000, 1000).map(lambda step: step / 1000)
series = st.lists(st.tuples(ratings, ratings), min_size=2, max_size=31).map(np.array)


def measure(metric, labels, predictions):
    sums = sum_moments(
        np.asarray(labels, dtype=np.float64),
        np.asarray(predictions, dtype=np.float64),
        np.zeros(len(labels), dtype=np.int64),
        1,
    )
    return metric(sums).item()


def ccc(labels, predictions):
    return measure(moments.ccc, labels, predictions)


def test_ccc_is_one_for_equal_series():
    labels = np.array([0.1, -0.4, 0.9, 0.3, 0.2])
    assert ccc(labels, labels) == 1


def test_ccc_uses_population_moments():
    # covariance 2/3, variances 2/3 and 2/3, means 2 and 3: (2 · 2/3) / (4/3 + 1) = 4/7.
    # Sample moments would give 2 / 3.
    assert ccc([1.0, 2.0, 3.0], [2.0, 3.0, 4.0]) == pytest.approx(4 / 7)


def test_ccc_of_a_mirrored_series_is_minus_one():
    labels = np.array([-0.5, 0.0, 0.5])
    assert ccc(labels, -labels) == pytest.approx(-1)


def test_constant_predictions_score_zero():
    # 0.1 has no exact mean in floating point: only an explicit rule gives exactly 0.
    assert ccc([0.3, 0.1, -0.7], np.full(3, 0.1)) == 0


@pytest.mark.parametrize("predictions", [[0.1, 0.1, 0.1], [0.9, 0.9, 0.9], [0.3, 0.1, -0.7]])
def test_ccc_of_constant_labels_is_undefined_whatever_is_predicted(predictions):
    assert np.isnan(ccc(np.full(3, 0.1), predictions))


@pytest.mark.parametrize("metric", [moments.ccc, moments.pearson])
def test_agreement_is_undefined_for_no_rows_and_for_one(metric):
    assert np.isnan(measure(metric, [], []))
    assert np.isnan(measure(metric, [0.2], [0.7]))


def test_pearson_is_undefined_where_one_series_is_constant():
    assert np.isnan(measure(moments.pearson, [0.3, 0.1, -0.7], np.full(3, 0.1)))


def test_errors_of_no_rows_are_undefined():
    assert np.isnan([measure(metric, [], []) for metric in (moments.mae, moments.rmse)]).all()


def test_errors_of_hand_computed_series():
    # Differences 1, 0 and 2.
    assert measure(moments.mae, [0.0, 1.0, 2.0], [1.0, 1.0, 0.0]) == pytest.approx(1)
    assert measure(moments.rmse, [0.0, 1.0, 2.0], [1.0, 1.0, 0.0]) == pytest.approx((5 / 3) ** 0.5)


def test_series_that_hardly_vary_keep_their_correlation():
    labels = 0.7 + np.linspace(0, 1e-6, 101) ** 2 * 1e6
    predictions = 0.3 + np.linspace(0, 1e-6, 101)
    expected = pearsonr((labels - 0.7) * 1e6, (predictions - 0.3) * 1e6).statistic
    assert measure(moments.pearson, labels, predictions) == pytest.approx(expected, abs=1e-6)


@given(series)
def test_ccc_is_that_of_two_passes(rows):
    first, second = rows.T
    apart = first.mean() - second.mean()
    covariance = np.mean((first - first.mean()) * (second - second.mean()))
    if len(set(first)) > 1 and len(set(second)) > 1:
        expected = 2 * covariance / (first.var() + second.var() + apart**2)
        assert ccc(first, second) == pytest.approx(expected, abs=1e-12)


@given(series)
def test_ratings_are_measured_as_scipy_and_scikit_learn_do(rows):
    first, second = rows.T
    assert measure(moments.mae, *rows.T) == pytest.approx(mean_absolute_error(first, second))
    assert measure(moments.rmse, *rows.T) == pytest.approx(root_mean_squared_error(first, second))
    if len(set(first)) > 1 and len(set(second)) > 1:
        expected = pearsonr(first, second).statistic
        assert measure(moments.pearson, *rows.T) == pytest.approx(expected, abs=1e-9)


@given(series)
def test_ccc_is_symmetric_and_within_one(rows):
    if np.ptp(rows, axis=0).all():
        assert ccc(*rows.T) == pytest.approx(ccc(*rows.T[::-1]))
        assert abs(ccc(*rows.T)) <= 1 + 1e-12


@given(series, st.sampled_from([-0.7, 0.3, 1.1]))
def test_a_shift_lowers_the_ccc_of_equal_series(rows, shift):
    labels = rows[:, 0]
    if len(set(labels)) > 1:
        assert ccc(labels, labels + shift) < ccc(labels, labels)


@given(series, st.randoms(use_true_random=False))
def test_order_of_rows_changes_no_ccc(rows, random):
    order = random.sample(range(len(rows)), len(rows))
    assert ccc(*rows.T) == pytest.approx(ccc(*rows[order].T), abs=1e-12, nan_ok=True)


@given(st.integers(0, 10_000))
def test_moments_added_are_those_about_one_centre(seed):
    generator = np.random.default_rng(seed)
    first, second = generator.uniform(-1, 1, (2, 2, 13))
    one = np.zeros(13, dtype=np.int64)
    whole = sum_moments(*first, one, 1).add(sum_moments(*second, one, 1))
    both = np.concatenate([first, second], axis=1)
    for metric in (moments.ccc, moments.pearson, moments.mae, moments.rmse):
        assert metric(whole).item() == pytest.approx(measure(metric, *both), abs=1e-12)


def test_moments_added_tell_what_is_constant():
    # Of the three sets, weights leave out one in each: the second draw has constant labels alone.
    labels, predictions = np.array([0.1, 0.1, 0.7]), np.array([0.3, 0.4, 0.2])
    sets = sum_moments(labels, predictions, np.arange(3), 3)
    kept = np.array([[1.0, 0.0, 1.0], [1.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    nothing = sets.combine(np.zeros((3, 3)))
    added = sets.combine(kept).add(sets.combine(np.array([[0.0] * 3, [0.0] * 3, [0.0, 1.0, 0.0]])))
    assert np.isnan(moments.ccc(added)).tolist() == [False, True, True]
    assert np.isnan(moments.ccc(nothing.add(sets.combine(kept)))).tolist() == [False, True, True]
