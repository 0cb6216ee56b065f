import numpy as np
import pyarrow as pa
import pytest

from pipeline.errors import StoreError
from pipeline.evaluation.comparing import compare_heads
from pipeline.evaluation.records import Comparison
from tests.evaluation.predictions import (
    EMOTIONS,
    PARAMS,
    ccc,
    column,
    evaluate,
    framed,
    keep_clips,
    pick,
    rated,
    values,
    without,
)


def compare(**predictions):
    return compare_heads(predictions, EMOTIONS, "val", PARAMS)


def test_heads_are_compared_on_the_rows_that_all_cover():
    first = without(rated(41), "predicted_valence", [0, 1])
    second = without(rated(41, seed=5), "predicted_valence", [1, 2, 3])
    comparison = compare(first=first, second=second)
    labels, predicted = column(first, "valence")[4:], column(second, "predicted_valence")[4:]
    assert comparison.common["second"]["ccc_valence"] == pytest.approx(ccc(labels, predicted))
    assert comparison.common_clips == 41


def test_rows_of_another_order_meet_by_clip_fold_and_time():
    order = np.random.default_rng(0).permutation(24)
    comparison = compare(first=framed(), second=framed().take(order))
    assert comparison.common["first"]["ccc_valence"] == pytest.approx(
        comparison.common["second"]["ccc_valence"]
    )
    assert {each.difference for each in comparison.differences} == {0.0}


def test_rows_that_one_head_lacks_are_not_common():
    comparison = compare(first=rated(41), second=keep_clips(rated(41), 0, 29))
    assert comparison.common_clips == 29
    assert comparison.common["first"] == values(evaluate(keep_clips(rated(41), 0, 29)))


def test_heads_without_a_target_do_not_empty_its_common_rows():
    comparison = compare(
        first=rated(41), second=rated(41, seed=5), words=rated(41, predicted_valence=None)
    )
    assert comparison.common["first"]["ccc_valence"] is not None
    assert comparison.common["words"]["ccc_valence"] is None
    tested = [(each.first, each.second, each.metric) for each in comparison.differences]
    assert tested[:2] == [("first", "second", "ccc_mean"), ("first", "second", "accuracy")]
    assert len(tested) == 1 + 3 + 3


def test_a_better_head_differs_and_holm_raises_its_p_value():
    best = rated(97, predicted_emotion=[EMOTIONS[row % 3] for row in range(97)])
    worst = rated(97, predicted_emotion=[EMOTIONS[(row + 1) % 3] for row in range(97)])
    comparison = compare(best=best, worst=worst, middle=rated(97))
    found = {
        (each.first, each.second): each
        for each in comparison.differences
        if each.metric == "accuracy"
    }
    assert len(found) == 3
    assert found["best", "worst"].difference == 1
    # Two of the 2^13 swaps of 13 subjects set them as far apart.
    assert found["best", "worst"].p_value == 2 / 2**13
    assert found["best", "worst"].p_holm == found["best", "worst"].p_least == 6 / 2**13
    assert (comparison.clusters, comparison.swaps, comparison.floors) == (13, None, {})


def test_as_many_swaps_are_drawn_as_correction_needs():
    names = [f"s{row % 19}" for row in range(97)]
    heads = {name: rated(97, seed, subject=names) for seed, name in enumerate("abcd")}
    comparison = compare(**heads)
    assert (comparison.clusters, comparison.swaps) == (19, 599)
    assert {each.p_least for each in comparison.differences} == {6 / 600}


def test_too_few_clusters_for_any_difference_are_told_in_words():
    names = [f"s{row % 4}" for row in range(41)]
    best = rated(41, subject=names, predicted_emotion=[EMOTIONS[row % 3] for row in range(41)])
    comparison = compare(
        best=best, words=rated(41, subject=names), other=rated(41, 5, subject=names)
    )
    assert min(each.p_holm for each in comparison.differences) >= 3 * 2 / 2**4
    assert comparison.floors["accuracy"] == (
        "of 3 pairs of heads, swaps of the subjects that hold it give no corrected p-value below "
        "0.38; compare fewer heads, or on more subjects"
    )


def test_two_predictions_of_one_row_are_refused():
    twice = pa.concat_tables([rated(41), rated(2)])
    with pytest.raises(StoreError, match=r"words: emotion: clip c00: expected one .* got two \(2"):
        compare(words=twice)


def test_one_head_has_nothing_to_differ_from():
    comparison = compare(words=rated(41))
    assert comparison.differences == []
    assert comparison.common["words"] == values(evaluate(rated(41)))


def test_no_heads_and_no_common_rows_leave_everything_undefined():
    nothing = {"common_clips": 0, "clusters": 0, "common": {}, "differences": [], "floors": {}}
    assert compare() == Comparison(split="val", cluster_unit="subject", swaps=None, **nothing)
    apart = compare(first=keep_clips(rated(41), 0, 7), second=keep_clips(rated(41), 7, 41))
    assert apart.common_clips == 0
    assert set(apart.common["first"].values()) == {None}
    assert apart.differences == []


def test_heads_of_other_targets_stand_beside_each_other():
    first = rated(41)
    words = rated(41, seed=5)
    words = words.filter(pa.array(pick(words, "emotion")))
    comparison = compare(first=first, words=words)
    assert "ccc_valence" not in comparison.common["words"]
    assert comparison.common["first"]["ccc_valence"] is not None
    assert {each.metric for each in comparison.differences} == {"accuracy", "uar"}
