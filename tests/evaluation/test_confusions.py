import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    f1_score,
    precision_recall_fscore_support,
    precision_score,
)

from pipeline.evaluation.confusions import (
    accuracy,
    count_confusions,
    f1,
    macro_f1,
    macro_precision,
    precision,
    recall,
    uar,
    weighted_f1,
)

NAN = np.nan
CLASSES = 5
HAND = np.array([[[1, 1, 0], [0, 0, 0], [1, 0, 2]]])
"""Labels 0 0 2 2 2, predictions 0 1 2 2 0."""


def count(labels, predictions, classes):
    one = np.zeros(len(labels), dtype=np.int64)
    return count_confusions(labels, predictions, one, count=1, classes=classes)


def test_confusion_counts_annotated_by_row_and_predicted_by_column():
    counts = count(np.array([0, 0, 2, 2, 2]), np.array([0, 1, 2, 2, 0]), 3)
    assert counts.tolist() == HAND.tolist()


def test_each_set_has_its_own_confusion():
    counts = count_confusions(
        np.array([0, 1, 1]), np.array([0, 1, 0]), np.array([2, 0, 2]), count=3, classes=2
    )
    assert counts.tolist() == [[[0, 0], [0, 1]], [[0, 0], [0, 0]], [[1, 0], [1, 0]]]


def test_confusion_of_no_rows_is_all_zero():
    none = np.empty(0, dtype=np.int64)
    assert count(none, none, 2).tolist() == [[[0, 0], [0, 0]]]


def test_rates_of_a_hand_computed_matrix():
    # Recall 1/2 and 2/3; precision 1/2, 0 and 1; F1 1/2, 0 and 4/5.
    assert accuracy(HAND) == pytest.approx([3 / 5])
    assert uar(HAND) == pytest.approx([(1 / 2 + 2 / 3) / 2])
    assert weighted_f1(HAND) == pytest.approx([(2 * 1 / 2 + 3 * 4 / 5) / 5])
    assert macro_f1(HAND) == pytest.approx([(1 / 2 + 0 + 4 / 5) / 3])
    assert macro_precision(HAND) == pytest.approx([(1 / 2 + 0 + 1) / 3])


def test_a_class_has_no_recall_unless_annotated_and_no_precision_unless_predicted():
    counts = np.array([[[1, 0, 0], [1, 0, 0], [0, 0, 0]]])
    np.testing.assert_equal(recall(counts), [[1, 0, NAN]])
    np.testing.assert_equal(precision(counts), [[1 / 2, NAN, NAN]])
    np.testing.assert_allclose(f1(counts), [[2 / 3, 0, NAN]])


def test_rates_are_undefined_without_rows_and_that_of_others_stays():
    counts = np.array([[[0, 0], [0, 0]], [[1, 0], [0, 1]]])
    for rate in (accuracy, uar, weighted_f1, macro_f1, macro_precision):
        np.testing.assert_equal(rate(counts), [NAN, 1.0])


@given(
    st.lists(
        st.tuples(st.integers(0, CLASSES - 1), st.integers(0, CLASSES - 1)), min_size=1, max_size=37
    )
)
@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
def test_rates_are_those_of_scikit_learn(rows):
    labels, predictions = np.array(rows).T
    counts = count(labels, predictions, CLASSES)
    assert accuracy(counts) == pytest.approx([accuracy_score(labels, predictions)])
    # With one class scikit-learn warns that the recall of a single label is probably an error.
    if len(set(labels)) > 1:
        assert uar(counts) == pytest.approx([balanced_accuracy_score(labels, predictions)])
    for rate, average in ((macro_f1, "macro"), (weighted_f1, "weighted")):
        expected = f1_score(labels, predictions, average=average, zero_division=0)
        assert rate(counts) == pytest.approx([expected])
    expected = precision_score(labels, predictions, average="macro", zero_division=0)
    assert macro_precision(counts) == pytest.approx([expected])


@given(st.integers(0, 10_000))
def test_rates_of_each_class_are_those_of_scikit_learn(seed):
    labels, predictions = np.random.default_rng(seed).integers(CLASSES, size=(2, 23))
    counts = count(labels, predictions, CLASSES)
    found = np.stack([precision(counts)[0], recall(counts)[0], f1(counts)[0]])
    expected = precision_recall_fscore_support(
        labels, predictions, labels=range(CLASSES), zero_division=np.nan
    )
    np.testing.assert_allclose(found, expected[:3])
