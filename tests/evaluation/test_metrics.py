import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from pipeline.evaluation.metrics import (
    METRICS,
    Pairs,
    accuracy,
    ccc,
    confusion,
    count_emotions,
    macro_f1,
    score_targets,
    uar,
    weighted_f1,
)

NAN = np.nan
NO_ROWS = Pairs(np.empty(0), np.empty(0))

ratings = st.integers(-1000, 1000).map(lambda step: step / 1000)
series = st.lists(st.tuples(ratings, ratings), min_size=2, max_size=31).map(np.array)


def pairs(labels, predictions):
    return Pairs(np.array(labels, dtype=float), np.array(predictions, dtype=float))


def test_ccc_is_one_for_equal_series():
    labels = np.array([0.1, -0.4, 0.9, 0.3, 0.2])
    assert ccc(labels, labels) == pytest.approx(1, abs=1e-15)


def test_ccc_uses_population_moments():
    # covariance 2/3, variances 2/3 and 2/3, means 2 and 3: (2 · 2/3) / (4/3 + 1) = 4/7.
    # Sample moments would give 2 / 3.
    assert ccc(np.array([1.0, 2.0, 3.0]), np.array([2.0, 3.0, 4.0])) == pytest.approx(4 / 7)


def test_ccc_of_a_mirrored_series_is_minus_one():
    labels = np.array([-0.5, 0.0, 0.5])
    assert ccc(labels, -labels) == pytest.approx(-1)


def test_constant_prediction_scores_zero():
    # 0.1 has no exact mean in floating point: only an explicit rule gives exactly 0.
    assert ccc(np.array([0.3, 0.1, -0.7]), np.full(3, 0.1)) == 0


def test_constant_labels_score_zero():
    assert ccc(np.full(3, 0.1), np.array([0.3, 0.1, -0.7])) == 0


@pytest.mark.parametrize("prediction", [0.1, 0.9])
def test_ccc_is_undefined_when_both_are_constant(prediction):
    assert ccc(np.full(5, 0.1), np.full(5, prediction)) is None


def test_ccc_is_undefined_for_no_rows_and_for_one():
    assert ccc(np.empty(0), np.empty(0)) is None
    assert ccc(np.array([0.2]), np.array([0.7])) is None


def test_ccc_of_float32_is_taken_in_float64():
    labels = np.linspace(0.9, 0.9001, 1009, dtype=np.float32)
    exact = ccc(labels.astype(np.float64), labels.astype(np.float64)[::-1])
    assert ccc(labels, labels[::-1]) == exact


@given(series)
def test_ccc_is_symmetric_and_within_one(rows):
    first, second = rows.T
    value = ccc(first, second)
    assert value == pytest.approx(ccc(second, first))
    assert value is None or abs(value) <= 1 + 1e-12


@given(series, st.sampled_from([-0.7, 0.3, 1.1]))
def test_a_shift_lowers_the_ccc_of_equal_series(rows, shift):
    labels = rows[:, 0]
    if len(set(labels)) > 1:
        assert ccc(labels, labels + shift) < ccc(labels, labels)


@given(series, st.randoms(use_true_random=False))
def test_order_of_rows_changes_no_ccc(rows, random):
    order = random.sample(range(len(rows)), len(rows))
    before, after = ccc(*rows.T), ccc(*rows[order].T)
    assert before == after or before == pytest.approx(after, abs=1e-12)


def test_confusion_counts_annotated_by_row_and_predicted_by_column():
    counts = confusion(np.array([0, 0, 2, 2, 2]), np.array([0, 1, 2, 2, 0]), 3)
    assert counts.tolist() == [[1, 1, 0], [0, 0, 0], [1, 0, 2]]


def test_confusion_of_no_rows_is_all_zero():
    none = np.empty(0, dtype=np.int64)
    assert confusion(none, none, 2).tolist() == [[0, 0], [0, 0]]


def test_rates_of_a_hand_computed_matrix():
    # Labels 0 0 2 2 2, predictions 0 1 2 2 0. Recall 1/2 and 2/3; F1 1/2, 0 and 4/5.
    counts = np.array([[[1, 1, 0], [0, 0, 0], [1, 0, 2]]])
    assert accuracy(counts) == pytest.approx([3 / 5])
    assert uar(counts) == pytest.approx([(1 / 2 + 2 / 3) / 2])
    assert weighted_f1(counts) == pytest.approx([(2 * 1 / 2 + 3 * 4 / 5) / 5])
    assert macro_f1(counts) == pytest.approx([(1 / 2 + 0 + 4 / 5) / 3])


def test_rates_are_undefined_without_rows_and_that_of_others_stays():
    counts = np.array([[[0, 0], [0, 0]], [[1, 0], [0, 1]]])
    for rate in (accuracy, uar, weighted_f1, macro_f1):
        np.testing.assert_equal(rate(counts), [NAN, 1.0])


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=37))
@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
def test_rates_are_those_of_scikit_learn(rows):
    labels, predictions = np.array(rows).T
    counts = confusion(labels, predictions, 5)[np.newaxis]
    assert accuracy(counts) == pytest.approx([accuracy_score(labels, predictions)])
    # With one class scikit-learn warns that the recall of a single label is probably an error.
    if len(set(labels)) > 1:
        assert uar(counts) == pytest.approx([balanced_accuracy_score(labels, predictions)])
    for rate, average in ((macro_f1, "macro"), (weighted_f1, "weighted")):
        expected = f1_score(labels, predictions, average=average, zero_division=0)
        assert rate(counts) == pytest.approx([expected])


def test_every_metric_is_scored():
    targets = {
        "emotion": pairs([0, 1, 1], [0, 1, 0]),
        "valence": pairs([1, 2, 3], [2, 3, 4]),
        "arousal": pairs([1, 2, 3], [1, 2, 3]),
    }
    scores = score_targets(targets, 2)
    assert tuple(scores) == METRICS
    assert scores["ccc_mean"].value == pytest.approx((4 / 7 + 1) / 2)
    assert scores["uar"].value == pytest.approx(3 / 4)
    assert {score.reason for score in scores.values()} == {None}


def test_rows_without_label_or_prediction_do_not_count_and_are_told():
    valence = pairs([0.1, 0.5, NAN, 0.9, 0.2], [0.1, 0.5, 0.3, NAN, NAN])
    score = score_targets({"emotion": NO_ROWS, "valence": valence, "arousal": NO_ROWS}, 3)
    assert score["ccc_valence"].value == pytest.approx(1)
    assert (score["ccc_valence"].covered, score["ccc_valence"].annotated) == (2, 4)


def test_an_undefined_metric_has_a_reason():
    targets = {
        "emotion": pairs([0, 1], [NAN, NAN]),
        "valence": pairs([0.2, 0.2], [0.4, 0.4]),
        "arousal": pairs([NAN, NAN], [0.4, 0.3]),
    }
    scores = score_targets(targets, 2)
    assert {score.value for score in scores.values()} == {None}
    assert scores["accuracy"].reason == "nothing covered"
    assert scores["ccc_valence"].reason == "labels and predictions are both constant"
    assert scores["ccc_arousal"].reason == "nothing annotated"
    assert scores["ccc_mean"].reason == "valence: labels and predictions are both constant"


def test_ccc_mean_counts_the_rows_of_the_less_covered_target():
    targets = {
        "emotion": NO_ROWS,
        "valence": pairs([0.1, 0.5, 0.9], [0.1, 0.5, 0.2]),
        "arousal": pairs([0.1, 0.5, 0.9], [0.1, 0.5, NAN]),
    }
    score = score_targets(targets, 2)["ccc_mean"]
    assert (score.covered, score.annotated) == (2, 3)


def test_emotions_are_counted_where_covered():
    counts = count_emotions(pairs([0, 1, 1, NAN], [1, 1, NAN, 0]), 2)
    assert counts.tolist() == [[0, 1], [0, 1]]


def test_metrics_load_without_heavy_libraries():
    heavy = {"torch", "pandas", "sklearn"}
    told = f"import sys, pipeline.evaluation.metrics; print({heavy} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
