import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
    bootstrap,
    combine,
    correct_holm,
    draw_resamples,
    percentile_interval,
    swap_test,
)
from pipeline.targets import TARGETS, list_metrics

CLASSES = 3
CLUSTERS = 11
ROWS = 53

SUMMED = [
    metric
    for metric in list_metrics(TARGETS)
    if metric
    not in {
        name
        for target in TARGETS.values()
        for base, name in name_metrics(target).items()
        if METRICS[base].part is None
    }
]
"""Every metric but the area under the curve, which is no function of sums."""


def make_pairs(kind, generator, rows):
    """Series that are often equal, with unlabelled and uncovered rows."""
    shape = (2, rows, CLASSES) if kind in ("scores", "votes") else (2, rows)
    draw = {
        "class": lambda: generator.integers(CLASSES, size=shape).astype(float),
        "rating": lambda: generator.integers(-2, 3, size=shape) / 2,
        "scores": lambda: generator.integers(0, 3, size=shape) / 2,
        "votes": lambda: generator.dirichlet(np.ones(CLASSES), size=shape[:2]),
    }
    series = draw[kind]()
    series[generator.random((2, rows)) < 0.15] = np.nan
    scores = generator.dirichlet(np.ones(CLASSES), rows) if kind == "class" else None
    return Pairs(*series, scores)


def make_targets(seed, rows=ROWS):
    generator = np.random.default_rng(seed)
    return {name: make_pairs(target.kind, generator, rows) for name, target in TARGETS.items()}


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


def rows_of(clusters, weights):
    """Rows of a draw, each as often as its cluster was taken."""
    return np.repeat(np.arange(len(clusters)), weights.astype(int)[clusters])


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_metrics_of_each_cluster_are_those_of_its_rows(seed):
    targets, clusters = make_targets(seed), make_clusters(seed)
    metrics = compute_metrics(summed(targets, clusters))
    for cluster in range(CLUSTERS):
        found = [metrics[name][cluster] for name in SUMMED]
        np.testing.assert_allclose(found, scored(take(targets, clusters == cluster)), atol=1e-12)


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_bootstrap_equals_recomputing_from_the_drawn_rows(seed):
    targets, clusters = make_targets(seed), make_clusters(seed)
    drawn = bootstrap(summed(targets, clusters), resamples=7, generator=np.random.default_rng(seed))
    weights = draw_resamples(7, CLUSTERS, np.random.default_rng(seed))
    naive = [scored(take(targets, rows_of(clusters, weight))) for weight in weights]
    np.testing.assert_allclose(np.transpose([drawn[name] for name in SUMMED]), naive, atol=1e-12)


def test_a_draw_of_constant_clusters_alone_is_undefined():
    ratings = Pairs(np.array([0.1, 0.1, 0.1, 0.7]), np.array([0.3, 0.3, 0.3, -0.2]))
    sums = summed({"valence": ratings}, np.array([0, 0, 1, 2]), count=3)
    weights = np.array([[2.0, 1.0, 0.0], [0.0, 3.0, 0.0], [1.0, 1.0, 1.0]])
    undefined = np.isnan(compute_metrics(combine(sums, weights))["ccc_valence"])
    assert undefined.tolist() == [True, True, False]


def test_every_resample_takes_as_many_clusters_as_there_are():
    weights = draw_resamples(29, 13, np.random.default_rng(3))
    assert weights.shape == (29, 13)
    assert (weights.sum(axis=1) == 13).all()
    assert np.ptp(weights) > 1


def test_bootstrap_repeats_with_the_same_seed():
    sums = summed(make_targets(1), make_clusters(2))
    first, second = (
        bootstrap(sums, resamples=5, generator=np.random.default_rng(17)) for _ in range(2)
    )
    np.testing.assert_equal(first, second)


def test_many_clusters_are_drawn_in_several_chunks():
    count = 700_001
    labels = np.zeros(count)
    sums = summed({"emotion": Pairs(labels, labels)}, np.arange(count), count, classes=1)
    drawn = bootstrap(sums, resamples=5, generator=np.random.default_rng(0))
    assert drawn["accuracy"].tolist() == [1.0] * 5


def test_interval_leaves_equal_tails():
    assert percentile_interval(np.arange(101.0), 0.9) == pytest.approx((5, 95))


def test_interval_leaves_undefined_resamples_out():
    assert percentile_interval(np.append(np.arange(101.0), np.nan), 0.9) == pytest.approx((5, 95))


def test_no_interval_when_undefined_resamples_reach_the_tails():
    assert percentile_interval(np.array([1.0, 2.0, 3.0, np.nan]), 0.75) is None


def test_interval_covers_the_true_value_about_as_often_as_it_says():
    # 19 clusters of 7 rows that share their luck: the true accuracy is 0.5.
    generator = np.random.default_rng(5)
    clusters = np.repeat(np.arange(19), 7)
    covering = 0
    for _ in range(100):
        chance = generator.beta(2, 2, size=19)[clusters]
        hits = (generator.random(133) < chance).astype(float)
        sums = summed({"emotion": Pairs(np.ones(133), hits)}, clusters, count=19, classes=2)
        drawn = bootstrap(sums, resamples=200, generator=generator)["accuracy"]
        low, high = percentile_interval(drawn, 0.9)
        covering += int(low <= 0.5 <= high)
    assert 80 <= covering <= 98


def test_swap_test_equals_recomputing_from_the_swapped_rows():
    first, clusters = make_targets(3), make_clusters(5)
    every = dict.fromkeys(first, np.full(ROWS, True))
    second = swapped(first, make_targets(7), every)
    common = {name: second[name].covered & first[name].covered for name in first}
    groupings = {name: Grouping(clusters[rows], CLUSTERS) for name, rows in common.items()}
    first, second = (
        {name: head[name].take(rows) for name, rows in common.items()} for head in (first, second)
    )
    tests = swap_test(
        sum_targets(first, groupings, CLASSES),
        sum_targets(second, groupings, CLASSES),
        resamples=97,
        generator=np.random.default_rng(2),
    )
    swaps = np.random.default_rng(2).integers(2, size=(97, CLUSTERS)) == 1
    chosen = [
        {name: swap[grouping.index] for name, grouping in groupings.items()}
        for swap in [np.full(CLUSTERS, False), *swaps]
    ]
    gaps = [
        np.subtract(scored(swapped(first, second, rows)), scored(swapped(second, first, rows)))
        for rows in chosen
    ]
    farther = (np.abs(gaps[1:]) >= np.abs(gaps[0]) - 1e-9).sum(axis=0)
    assert [tests[name].difference for name in SUMMED] == pytest.approx(gaps[0])
    assert [tests[name].p_value for name in SUMMED] == pytest.approx((farther + 1) / 98)


def test_a_head_differs_from_itself_by_nothing():
    sums = summed(make_targets(3), make_clusters(5))
    tests = swap_test(sums, sums, resamples=19, generator=np.random.default_rng(0))
    assert {test.p_value for test in tests.values()} == {1.0}
    assert max(abs(test.difference) for test in tests.values()) < 1e-12


def test_p_value_of_a_head_always_right_against_one_always_wrong():
    # Of 2^11 swaps only two set the heads as far apart as they are: none of 99 does, by this seed.
    labels = np.zeros(CLUSTERS)
    unlabelled = Pairs(np.full(CLUSTERS, np.nan), labels)
    right, wrong = (
        summed({"emotion": Pairs(labels, predictions), "valence": unlabelled}, np.arange(CLUSTERS))
        for predictions in (labels, labels + 1)
    )
    tests = swap_test(right, wrong, resamples=99, generator=np.random.default_rng(0))
    assert (tests["accuracy"].difference, tests["accuracy"].p_value) == (1.0, 0.01)
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
        tests = swap_test(first, second, resamples=99, generator=generator)
        small += tests["accuracy"].p_value <= 0.1
    assert small <= 18


def test_swap_test_of_no_rows_finds_nothing():
    sums = summed({"valence": Pairs(np.empty(0), np.empty(0))}, np.empty(0, np.int64), count=0)
    assert swap_test(sums, sums, resamples=3, generator=np.random.default_rng(0)) == {}


def test_heads_of_different_targets_are_contrasted_in_none():
    first, second = (make_targets(3), make_targets(5))
    tests = swap_test(
        summed({"valence": first["valence"]}, make_clusters(5)),
        summed({"arousal": second["arousal"]}, make_clusters(5)),
        resamples=3,
        generator=np.random.default_rng(0),
    )
    assert tests == {}


def test_holm_multiplies_by_the_tests_left_and_never_falls():
    assert correct_holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


def test_holm_stops_at_one_and_takes_no_tests():
    assert correct_holm([0.9, 0.8]) == [1.0, 1.0]
    assert correct_holm([]) == []
