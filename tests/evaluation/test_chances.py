from itertools import pairwise

import numpy as np
import pytest
from sklearn.metrics import log_loss

from pipeline.errors import StoreError
from pipeline.evaluation.chances import BINS, ece, nll, sum_gaps, sum_second, sum_surprise

CLASSES, SETS = 5, 3
seeds = pytest.mark.parametrize("seed", [0, 1, 2])


def draw(seed, dtype=np.float32):
    """Chances, labels that agree with them now and then, and the set of each row."""
    generator = np.random.default_rng(seed)
    chances = generator.dirichlet(np.full(CLASSES, 0.5), 83).astype(dtype)
    chances[:2] = np.eye(CLASSES)[:2]  # as sure as can be, once right and once wrong
    chances[2:4] = [0.2, 0.6, 0.1, 0.1, 0.0], [0.0, 0.2, 0.2, 0.4, 0.2]  # at the ends of bins
    labels = np.where(generator.random(83) < 0.4, chances.argmax(axis=1), 0)
    return chances, labels, np.arange(83) % SETS


def calibration_error(chances, labels):
    """Guo and others, equation 3, bin by bin."""
    sure, hits = chances.max(axis=1), chances.argmax(axis=1) == labels
    ends = np.linspace(0, 1, 16, dtype=chances.dtype)
    bins = [(sure > low) & (sure <= high) for low, high in pairwise(ends)]
    return sum(b.mean() * abs(hits[b].mean() - sure[b].mean(dtype=float)) for b in bins if b.any())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@seeds
def test_ece_is_that_of_its_definition(seed, dtype):
    chances, labels, sets = draw(seed, dtype)
    expected = [calibration_error(chances[sets == n], labels[sets == n]) for n in range(SETS)]
    assert ece(sum_gaps(chances, labels, sets, SETS)) == pytest.approx(expected)


@seeds
def test_nll_is_that_of_scikit_learn(seed):
    chances, labels, sets = draw(seed)
    expected = [
        log_loss(labels[sets == n], chances[sets == n], labels=range(CLASSES)) for n in range(SETS)
    ]
    assert nll(sum_surprise(chances, labels, sets, SETS)) == pytest.approx(expected, rel=1e-5)


def test_by_hand():
    chances, labels = np.array([[0.75, 0.25], [0.75, 0.25], [0.05, 0.95]]), np.array([0, 1, 1])
    sets = np.zeros(3, int)
    assert nll(sum_surprise(chances, labels, sets, 1)) == pytest.approx(
        -np.log(0.75 * 0.25 * 0.95) / 3
    )
    assert ece(sum_gaps(chances, labels, sets, 1)) == pytest.approx((2 * 0.25 + 0.05) / 3)


def test_a_tie_for_the_second_place_is_a_miss():
    chances = np.array([[0.5, 0.3, 0.2], [0.4, 0.3, 0.3], [0.4, 0.4, 0.2], [0.1, 0.2, 0.7]])
    found = sum_second(chances, np.array([1, 1, 1, 0]), np.array([0, 0, 1, 1]), 3)
    assert found.tolist() == [[1, 1], [1, 1], [0, 0]]


def test_sums_of_two_sets_are_those_of_all_rows():
    chances, labels, sets = draw(0)
    for add, metric in ((sum_surprise, nll), (sum_gaps, ece)):
        whole = add(chances, labels, np.zeros_like(sets), 1)
        joined = add(chances, labels, sets, SETS).sum(axis=0, keepdims=True)
        assert metric(joined) == pytest.approx(metric(whole))


def test_more_cells_than_memory_holds_are_refused():
    none = np.empty((0, 2)), np.empty(0, int), np.empty(0, int)
    with pytest.raises(StoreError, match=f"got 9,000,000 times {BINS + 1}; give clips a subject"):
        sum_gaps(*none, 9_000_000)
