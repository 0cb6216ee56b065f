from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from scipy.stats import permutation_test, sem
from scipy.stats import t as student

from pipeline.evaluation.metrics import (
    METRICS,
    Grouping,
    Pairs,
    compute_metrics,
    name_metrics,
    score_targets,
    sum_targets,
)
from pipeline.evaluation.statistics import (
    SIGNIFICANT,
    bound_metrics,
    combine,
    correct_holm,
    count_swaps,
    find_least,
    leave_out,
    swap_tests,
)
from pipeline.targets import TARGETS, UNITS, list_metrics

CLASSES = 3
CLUSTERS = 11
ROWS = 53

CHOSEN = [name for name in TARGETS if name not in {f"au{unit}" for unit in UNITS[2:]}]
"""Every target, of action units two."""

SUMMED = [
    metric
    for metric in list_metrics(CHOSEN)
    if metric
    not in {
        name
        for target in TARGETS.values()
        for base, name in name_metrics(target).items()
        if METRICS[base].part is None
    }
]
"""Every metric but the areas under curves, which are no function of sums."""


def make_pairs(kind, generator, rows):
    """Series that are often equal, with unlabelled and uncovered rows."""
    shape = (2, rows, CLASSES) if kind in ("scores", "votes") else (2, rows)
    draw = {
        "class": lambda: generator.integers(CLASSES, size=shape).astype(float),
        "rating": lambda: generator.integers(-2, 3, size=shape) / 2,
        "presence": lambda: generator.integers(0, 3, size=shape) / 2,
        "scores": lambda: generator.integers(0, 3, size=shape) / 2,
        "votes": lambda: generator.dirichlet(np.ones(CLASSES), size=shape[:2]),
    }
    series = draw[kind]()
    series[generator.random((2, rows)) < 0.15] = np.nan
    scores = generator.dirichlet(np.ones(CLASSES), rows) if kind == "class" else None
    return Pairs(*series, scores)


def make_targets(seed, rows=ROWS):
    generator = np.random.default_rng(seed)
    return {name: make_pairs(TARGETS[name].kind, generator, rows) for name in CHOSEN}


def make_clusters(seed, rows=ROWS):
    return np.random.default_rng(seed).integers(CLUSTERS, size=rows)


def summed(targets, clusters, count=CLUSTERS, classes=CLASSES):
    return sum_targets(targets, dict.fromkeys(targets, Grouping(clusters, count)), classes)


def take(targets, rows):
    return {name: pairs.take(rows) for name, pairs in targets.items()}


def scored(targets):
    """Metrics recomputed from rows, NaN where undefined."""
    scores = score_targets(targets, CLASSES)
    return [np.nan if scores[name].value is None else scores[name].value for name in SUMMED]


def choose(rows, first, second):
    """Rows of `second` where chosen, else of `first`."""
    if first is None:
        return None
    return np.where(rows.reshape(-1, *[1] * (first.ndim - 1)), second, first)


def swapped(first, second, rows):
    """Targets of `first` with the predictions of `second` at the `rows` of each."""
    return {
        name: Pairs(
            pairs.labels,
            choose(rows[name], pairs.predictions, second[name].predictions),
            choose(rows[name], pairs.scores, second[name].scores),
        )
        for name, pairs in first.items()
    }


@settings(max_examples=5)
@given(st.integers(0, 10_000))
def test_metrics_of_each_cluster_are_those_of_its_rows(seed):
    targets, clusters = make_targets(seed), make_clusters(seed)
    metrics = compute_metrics(summed(targets, clusters))
    for cluster in range(CLUSTERS):
        found = [metrics[name][cluster] for name in SUMMED]
        np.testing.assert_allclose(found, scored(take(targets, clusters == cluster)), atol=1e-12)


@settings(max_examples=5)
@given(st.integers(0, 10_000))
def test_leaving_a_cluster_out_equals_recomputing_from_the_rows_that_stay(seed):
    targets, clusters = make_targets(seed), make_clusters(seed)
    metrics = compute_metrics(leave_out(summed(targets, clusters)))
    for cluster in range(CLUSTERS):
        found = [metrics[name][cluster] for name in SUMMED]
        np.testing.assert_allclose(found, scored(take(targets, clusters != cluster)), atol=1e-12)


def test_a_draw_of_constant_clusters_alone_is_undefined():
    ratings = Pairs(np.array([0.1, 0.1, 0.1, 0.7]), np.array([0.3, 0.3, 0.3, -0.2]))
    sums = summed({"valence": ratings}, np.array([0, 0, 1, 2]), count=3)
    weights = np.array([[2.0, 1.0, 0.0], [0.0, 3.0, 0.0], [1.0, 1.0, 1.0]])
    undefined = np.isnan(compute_metrics(combine(sums, weights))["ccc_valence"])
    assert undefined.tolist() == [True, True, False]


def test_only_where_constant_clusters_are_left_is_a_metric_undefined():
    ratings = Pairs(np.array([0.1, 0.1, 0.1, 0.7]), np.array([0.3, 0.3, 0.3, -0.2]))
    sums = summed({"valence": ratings}, np.array([0, 0, 1, 2]), count=3)
    assert np.isnan(compute_metrics(leave_out(sums))["ccc_valence"]).tolist() == [False] * 2 + [
        True
    ]
    interval = bound_metrics(sums, 0.95)["ccc_valence"]
    assert (interval.low, interval.reason) == (None, "undefined where one cluster is left out")


# Intervals


def made_of(errors):
    """A rating and as many clusters of one row as there are `errors` of it."""
    return summed(
        {"intensity": Pairs(np.zeros(len(errors)), np.asarray(errors))},
        np.arange(len(errors)),
        count=len(errors),
    )


def made_right(hits, each=1):
    """A class, and clusters of `each` rows of which so many are hit."""
    right = np.repeat(hits, each)
    right = np.tile(np.arange(each), len(hits)) < right
    clusters = np.repeat(np.arange(len(hits)), each)
    pairs = Pairs(np.ones(len(right)), right.astype(float))
    return summed({"emotion": pairs}, clusters, count=len(hits), classes=2)


def test_interval_of_a_share_is_that_of_student_on_the_logit():
    hits = np.array([3, 5, 1, 4, 2, 5, 5, 0, 4, 3, 2])
    shares = hits / 5
    mean, width = shares.mean(), student.ppf(0.95, 10) * sem(shares)
    found = bound_metrics(made_right(hits, each=5), 0.9)["accuracy"]
    wide = width / (mean * (1 - mean))
    assert (found.low, found.high) == pytest.approx(expit(logit(mean) + np.array([-wide, wide])))


def test_interval_of_an_error_is_that_of_student_on_the_logarithm():
    errors = np.array([0.1, 0.4, 0.2, 0.05, 0.3, 0.6, 0.2])
    wide = student.ppf(0.975, 6) * sem(errors) / errors.mean()
    found = bound_metrics(made_of(errors), 0.95)["mae_intensity"]
    assert (found.low, found.high) == pytest.approx(errors.mean() * np.exp([-wide, wide]))


def test_clusters_without_rows_change_no_interval():
    errors = np.array([0.1, 0.4, 0.2, 0.05, 0.3, 0.6, 0.2])
    pairs = {"intensity": Pairs(np.zeros(7), errors)}
    sparse = bound_metrics(summed(pairs, np.arange(7) * 3, count=29), 0.95)["mae_intensity"]
    dense = bound_metrics(made_of(errors), 0.95)["mae_intensity"]
    assert (sparse.low, sparse.high) == pytest.approx((dense.low, dense.high))


@pytest.mark.parametrize("hits", [np.zeros(11, np.int64), np.ones(11, np.int64)])
def test_a_metric_at_the_end_of_its_range_has_no_interval(hits):
    found = bound_metrics(made_right(hits), 0.95)["accuracy"]
    assert (found.low, found.high) == (None, None)
    assert found.reason == "the value is the best or the worst that there is"


def test_one_cluster_bounds_nothing():
    assert bound_metrics(made_of([0.3]), 0.95)["mae_intensity"].low is None


def test_interval_covers_the_true_value_about_as_often_as_it_says():
    # 11 clusters of 7 rows that share their luck: the true accuracy is 0.5.
    generator = np.random.default_rng(5)
    covering = 0
    for _ in range(300):
        hits = generator.binomial(7, generator.beta(2, 2, size=11))
        found = bound_metrics(made_right(hits, each=7), 0.9)["accuracy"]
        covering += int(found.low <= 0.5 <= found.high)
    assert 255 <= covering <= 285


# Tests of two heads


def swap_test(first, second, *, draws=1, seed=0):
    """Contrast of two heads in each metric."""
    heads = {"first": first, "second": second}
    return swap_tests(heads, draws=draws, generator=np.random.default_rng(seed))["first", "second"]


def farther_by_rows(first, second, groupings, swaps):
    """How many of `swaps` set two heads at least as far apart as they are, metric by metric."""
    chosen = [
        {name: swap[grouping.index] for name, grouping in groupings.items()}
        for swap in [np.full(len(swaps[0]), False), *swaps]
    ]
    gaps = [
        np.subtract(scored(swapped(first, second, rows)), scored(swapped(second, first, rows)))
        for rows in chosen
    ]
    return gaps[0], (np.abs(gaps[1:]) >= np.abs(gaps[0]) - 1e-9).sum(axis=0)


def contrast(count, swaps):
    """Tests of two heads on `count` clusters, beside what the rows of each of `swaps` say."""
    first, clusters = make_targets(3), np.random.default_rng(5).integers(count, size=ROWS)
    every = dict.fromkeys(first, np.full(ROWS, True))
    second = swapped(first, make_targets(7), every)
    common = {name: second[name].covered & first[name].covered for name in first}
    groupings = {name: Grouping(clusters[rows], count) for name, rows in common.items()}
    first, second = (
        {name: head[name].take(rows) for name, rows in common.items()} for head in (first, second)
    )
    tests = swap_test(
        sum_targets(first, groupings, CLASSES),
        sum_targets(second, groupings, CLASSES),
        draws=97,
        seed=2,
    )
    return [tests[name] for name in SUMMED], *farther_by_rows(first, second, groupings, swaps)


def test_all_swaps_of_few_clusters_are_made_from_their_rows():
    tests, gaps, farther = contrast(5, np.array(list(product([False, True], repeat=5))))
    assert [test.difference for test in tests] == pytest.approx(gaps)
    assert [test.p_value for test in tests] == pytest.approx(farther / 32)
    assert {test.least for test in tests} == {2 / 32}


def test_drawn_swaps_of_many_clusters_are_made_from_their_rows():
    swaps = np.random.default_rng(2).integers(2, size=(97, 19)) == 1
    tests, gaps, farther = contrast(19, swaps)
    assert [test.difference for test in tests] == pytest.approx(gaps)
    assert [test.p_value for test in tests] == pytest.approx((farther + 1) / 98)
    assert {test.least for test in tests} == {1 / 98}


@settings(max_examples=5)
@given(st.integers(0, 10_000))
def test_p_value_of_few_clusters_is_that_of_scipy(seed):
    first, second = np.random.default_rng(seed).integers(0, 6, size=(2, 9))
    test = swap_test(
        made_right(first, each=5),
        made_right(second, each=5),
    )
    expected = permutation_test(
        (first, second),
        lambda one, other, axis: np.sum(one - other, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=2**9,
    )
    assert test["accuracy"].p_value == pytest.approx(expected.pvalue)


def test_several_heads_are_contrasted_as_each_two_of_them():
    generator = np.random.default_rng(1)
    heads = {name: made_right(generator.integers(6, size=17), each=5) for name in "abc"}
    together = swap_tests(heads, draws=97, generator=np.random.default_rng(0))
    assert list(together) == [("a", "b"), ("a", "c"), ("b", "c")]
    for (first, second), contrasts in together.items():
        assert contrasts == swap_test(heads[first], heads[second], draws=97)


def test_only_wanted_metrics_are_tested():
    heads = {name: summed(make_targets(seed), make_clusters(5)) for seed, name in enumerate("ab")}
    wanted = {"ccc_mean", "uar"}
    tests = swap_tests(heads, draws=1, generator=np.random.default_rng(0), wanted=wanted)
    every = swap_test(*heads.values())
    assert tests["a", "b"] == {metric: every[metric] for metric in ("ccc_mean", "uar")}


def test_many_clusters_of_which_few_hold_rows_are_swapped_as_those_alone():
    # So many clusters that their swaps lie in memory in several pieces.
    hits = np.random.default_rng(1).integers(2, size=(2, 9)).astype(float)
    pairs = [{"emotion": Pairs(np.ones(9), each)} for each in hits]
    alone, among = (
        swap_test(
            *(summed(each, np.arange(9) * step, count, classes=2) for each in pairs),
        )
        for step, count in ((1, 9), (1000, 9000))
    )
    assert among == alone


@pytest.mark.parametrize("heads", [2, 8, 18, 33])
def test_enough_swaps_are_drawn_for_a_difference_to_survive_correction(heads):
    pairs = heads * (heads - 1) // 2
    assert pairs / (count_swaps(pairs, 1) + 1) == pytest.approx(0.01)
    assert count_swaps(pairs, 10**6) == 10**6


def test_a_hundred_heads_are_not_given_hours_of_swaps():
    assert count_swaps(4950, 1000) == 6060


def test_five_clusters_are_too_few_for_any_difference_and_six_are_not():
    assert find_least(5) > SIGNIFICANT > find_least(6)


def test_a_head_differs_from_itself_by_nothing():
    sums = summed(make_targets(3), make_clusters(5))
    tests = swap_test(sums, sums, draws=19)
    assert {test.p_value for test in tests.values()} == {1.0}
    assert max(abs(test.difference) for test in tests.values()) < 1e-12


def test_p_value_of_a_head_always_right_against_one_always_wrong():
    # Of 2^11 swaps only two set the heads as far apart as they are.
    labels = np.zeros(CLUSTERS)
    unlabelled = Pairs(np.full(CLUSTERS, np.nan), labels)
    right, wrong = (
        summed({"emotion": Pairs(labels, predictions), "valence": unlabelled}, np.arange(CLUSTERS))
        for predictions in (labels, labels + 1)
    )
    tests = swap_test(right, wrong, draws=99)
    assert (tests["accuracy"].difference, tests["accuracy"].p_value) == (1.0, 2 / 2**CLUSTERS)
    assert "ccc_valence" not in tests


def test_p_values_of_equal_heads_are_not_small_too_often():
    generator = np.random.default_rng(1)
    clusters = np.repeat(np.arange(CLUSTERS), 5)
    small = 0
    for _ in range(100):
        first, second = (
            summed(
                {"emotion": Pairs(np.ones(55), generator.integers(2, size=55).astype(float))},
                clusters,
            )
            for _ in range(2)
        )
        tests = swap_test(first, second)
        small += tests["accuracy"].p_value <= 0.1
    assert small <= 18


def test_swap_test_of_no_rows_finds_nothing():
    sums = summed({"valence": Pairs(np.empty(0), np.empty(0))}, np.empty(0, np.int64), count=0)
    assert swap_test(sums, sums, draws=3) == {}


def test_heads_of_different_targets_are_contrasted_in_none():
    first, second = (make_targets(3), make_targets(5))
    tests = swap_test(
        summed({"valence": first["valence"]}, make_clusters(5)),
        summed({"arousal": second["arousal"]}, make_clusters(5)),
        draws=3,
    )
    assert tests == {}


def test_holm_multiplies_by_the_tests_left_and_never_falls():
    assert correct_holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


def test_holm_stops_at_one_and_takes_no_tests():
    assert correct_holm([0.9, 0.8]) == [1.0, 1.0]
    assert correct_holm([]) == []
