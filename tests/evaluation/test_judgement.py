import numpy as np
import pyarrow as pa
import pytest

from pipeline.errors import StoreError
from pipeline.evaluation.judgement import (
    Comparison,
    Estimate,
    Evaluation,
    compare_heads,
    evaluate_head,
    headline,
    rank_heads,
)
from pipeline.evaluation.metrics import METRICS, ccc
from pipeline.evaluation.params import EvaluateParams
from pipeline.prediction.table import PREDICTIONS_SCHEMA

EMOTIONS = ["angry", "happy", "sad"]
PARAMS = EvaluateParams(resamples=199)


def table(count, **columns):
    """Predictions of `count` clips of one split, each its own; single values stand for all."""
    values = {"clip_id": [f"c{row:02d}" for row in range(count)], "split": "val", **columns}
    values.setdefault("withheld", "none")
    arrays = []
    for field in PREDICTIONS_SCHEMA:
        value = values.get(field.name)
        rows = value if isinstance(value, (list, np.ndarray)) else [value] * count
        arrays.append(pa.array(rows, field.type))
    return pa.table(arrays, schema=PREDICTIONS_SCHEMA)


def rated(count, seed=0, **columns):
    """Clips of 13 subjects with every label and prediction."""
    generator = np.random.default_rng(seed)
    valence, arousal, noise = np.random.default_rng(1).uniform(-1, 1, (3, count))
    emotion = [EMOTIONS[row % 3] for row in range(count)]
    predicted = [EMOTIONS[row % 3 if hit else 0] for row, hit in enumerate(noise > -0.2)]
    given = {
        "subject": [f"s{row % 13}" for row in range(count)],
        "emotion": emotion,
        "predicted_emotion": predicted,
        "valence": valence,
        "predicted_valence": valence / 2 + generator.normal(0, 0.2, count),
        "arousal": arousal,
        "predicted_arousal": arousal / 3,
        "prior_emotion": "angry",
        "prior_valence": 0.1,
        "prior_arousal": -0.1,
    }
    return table(count, **{**given, **columns})


def evaluate(predictions, params=PARAMS):
    return evaluate_head("words", predictions, EMOTIONS, params).splits["val"]


def values(split):
    return {metric: estimate.value for metric, estimate in split.metrics.items()}


def column(predictions, name):
    return predictions[name].to_numpy()


def replaced(predictions, name, rows):
    place = predictions.schema.get_field_index(name)
    field = predictions.schema.field(name)
    return predictions.set_column(place, field, pa.array(rows, field.type))


def without(predictions, name, rows):
    """Predictions with nulls in `rows` of a column."""
    kept = predictions[name].to_pylist()
    return replaced(
        predictions, name, [None if row in rows else value for row, value in enumerate(kept)]
    )


# One head


def test_values_are_pooled_over_all_rows():
    predictions = rated(41)
    split = evaluate(predictions)
    assert tuple(split.metrics) == METRICS
    assert split.metrics["ccc_valence"].value == ccc(
        column(predictions, "valence"), column(predictions, "predicted_valence")
    )
    assert split.confusion[0] == [14, 0, 0]
    assert sum(map(sum, split.confusion)) == 41


def test_every_interval_holds_its_value():
    for estimate in evaluate(rated(83)).metrics.values():
        assert estimate.low < estimate.value < estimate.high


def test_more_confidence_widens_the_interval():
    predictions = rated(83)
    wide = evaluate(predictions, EvaluateParams(confidence=0.99)).metrics["uar"]
    narrow = evaluate(predictions, EvaluateParams(confidence=0.5)).metrics["uar"]
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_order_of_rows_changes_nothing():
    predictions = rated(41)
    order = np.random.default_rng(3).permutation(41)
    before, after = evaluate(predictions), evaluate(predictions.take(order))
    for metric, estimate in before.metrics.items():
        for end in ("value", "low", "high"):
            assert getattr(estimate, end) == pytest.approx(getattr(after.metrics[metric], end))


def test_clusters_are_subjects_else_groups_else_clips():
    predictions = rated(41, group=["g0", "g1", *["g2"] * 39])
    assert (evaluate(predictions).cluster_unit, evaluate(predictions).clusters) == ("subject", 13)
    groups = evaluate(without(predictions, "subject", [5]))
    assert (groups.cluster_unit, groups.clusters) == ("group", 3)
    clips = evaluate(without(without(predictions, "subject", [5]), "group", [7]))
    assert (clips.cluster_unit, clips.clusters) == ("clip", 41)


def test_few_clusters_are_shown_instead_of_an_interval():
    predictions = rated(41, subject=[f"s{row % 3}" for row in range(41)])
    split = evaluate(predictions)
    assert {(each.low, each.high) for each in split.metrics.values()} == {(None, None)}
    assert list(split.cluster_values["accuracy"]) == ["s0", "s1", "s2"]
    assert split.cluster_values["ccc_valence"]["s1"] == pytest.approx(
        ccc(column(predictions, "valence")[1::3], column(predictions, "predicted_valence")[1::3])
    )


def test_a_metric_that_few_of_many_clusters_hold_has_no_interval():
    split = evaluate(without(rated(41), "valence", [row for row in range(41) if row % 13 > 6]))
    assert split.metrics["ccc_valence"].low is None
    assert split.metrics["ccc_arousal"].low is not None
    assert list(split.cluster_values) == ["ccc_valence", "ccc_mean"]
    assert split.cluster_values["ccc_valence"]["s9"] is None


def test_enough_clusters_need_no_values_of_their_own():
    assert evaluate(rated(41)).cluster_values == {}


def test_folds_are_pooled_with_their_own_values_beside():
    predictions = rated(41, fold=[row % 2 for row in range(41)])
    split = evaluate(predictions)
    valence, predicted = (column(predictions, name) for name in ("valence", "predicted_valence"))
    assert split.metrics["ccc_valence"].value == ccc(valence, predicted)
    assert split.fold_values["ccc_valence"] == {
        "0": pytest.approx(ccc(valence[::2], predicted[::2])),
        "1": pytest.approx(ccc(valence[1::2], predicted[1::2])),
    }


def test_folds_are_in_the_order_of_numbers():
    split = evaluate(rated(41, fold=[row % 11 for row in range(41)]))
    assert list(split.fold_values["uar"]) == [str(fold) for fold in range(11)]


def test_without_folds_there_are_no_fold_values():
    assert evaluate(rated(41)).fold_values == {}


def test_coverage_counts_annotated_and_covered_rows():
    predictions = without(rated(41), "predicted_valence", [2, 3, 5])
    predictions = without(predictions, "valence", [5, 7])
    estimate = evaluate(predictions).metrics["ccc_valence"]
    assert (estimate.covered, estimate.annotated) == (37, 39)


def test_missing_predictions_are_filled_by_the_prior():
    predictions = table(
        5,
        emotion=["angry", "angry", "happy", "sad", None],
        predicted_emotion=["angry", None, None, "sad", None],
        prior_emotion=["angry", "angry", "sad", "sad", "sad"],
    )
    split = evaluate(predictions)
    assert split.metrics["accuracy"].value == 1
    assert split.filled["accuracy"] == 3 / 4


def test_filled_is_undefined_where_the_prior_misses_too():
    predictions = without(without(rated(41), "predicted_valence", [3]), "prior_valence", [3])
    split = evaluate(predictions)
    assert split.filled["ccc_valence"] is None
    assert split.filled["ccc_arousal"] == split.metrics["ccc_arousal"].value


def test_full_coverage_makes_filled_equal():
    split = evaluate(rated(41))
    assert split.filled == values(split)


def test_withheld_modalities_stand_apart():
    own = rated(41)
    mute = rated(41, withheld="audio", predicted_valence=None, predicted_emotion="sad")
    split = evaluate(pa.concat_tables([own, mute]))
    assert values(split) == values(evaluate(own))
    assert list(split.withheld) == ["audio"]
    assert split.withheld["audio"]["uar"] == pytest.approx(1 / 3)
    assert split.withheld["audio"]["ccc_valence"] == 0


def test_undefined_metrics_say_why():
    split = evaluate(rated(41, predicted_emotion=None, arousal=None))
    assert split.metrics["uar"] == Estimate(
        value=None, low=None, high=None, reason="nothing covered", covered=0, annotated=41
    )
    assert split.metrics["ccc_mean"].reason == "arousal: nothing annotated"


def test_an_empty_split_is_undefined_throughout():
    split = evaluate(rated(41, split="test"))
    assert set(values(split).values()) == {None}
    assert (split.clusters, split.per_video, split.withheld) == (0, {}, {})


def test_test_is_closed_unless_opened():
    predictions = pa.concat_tables([rated(41), rated(37, split="test")])
    closed = evaluate_head("words", predictions, EMOTIONS, PARAMS)
    opened = evaluate_head("words", predictions, EMOTIONS, EvaluateParams(test=True))
    assert list(closed.splits) == ["val"]
    assert opened.splits["test"].metrics["uar"].annotated == 37


def test_an_evaluation_survives_json():
    evaluation = evaluate_head("words", rated(41), EMOTIONS, PARAMS)
    assert Evaluation.model_validate_json(evaluation.model_dump_json()) == evaluation


# Frames


def framed(clips=3, frames=7):
    """Clips whose frames carry valence, and one more row per clip that carries its emotion."""
    count = clips * frames
    valence = np.random.default_rng(0).uniform(-1, 1, count)
    names = [f"c{row // frames}" for row in range(count)]
    per_frame = table(
        count,
        clip_id=names,
        seconds=[row % frames / 25 for row in range(count)],
        valence=valence,
        predicted_valence=valence * np.repeat([1.0, -1.0, 0.5], frames)[:count],
    )
    per_clip = table(
        clips,
        clip_id=[f"c{row}" for row in range(clips)],
        emotion="sad",
        predicted_emotion="sad",
        valence=0.9,
        predicted_valence=-0.9,
    )
    return pa.concat_tables([per_clip, per_frame])


def test_a_target_is_judged_on_frames_where_frames_carry_it_else_on_clips():
    metrics = evaluate(framed()).metrics
    assert (metrics["ccc_valence"].annotated, metrics["accuracy"].annotated) == (21, 3)


def test_per_video_is_the_mean_over_clips_of_their_own_ccc():
    predictions = framed()
    valence, predicted = (
        column(predictions, name)[3:].reshape(3, 7) for name in ("valence", "predicted_valence")
    )
    expected = np.mean([ccc(*clip) for clip in zip(valence, predicted, strict=True)])
    assert evaluate(predictions).per_video == {"ccc_valence": pytest.approx(expected)}


def test_per_video_leaves_undefined_clips_out():
    predictions = framed()
    steady = without(predictions, "predicted_valence", range(11, 24))
    valence, predicted = column(predictions, "valence"), column(predictions, "predicted_valence")
    # Of the second clip one frame is covered, of the third none.
    assert evaluate(steady).per_video["ccc_valence"] == pytest.approx(
        ccc(valence[3:10], predicted[3:10])
    )


def test_clip_targets_have_no_per_video():
    assert evaluate(rated(41)).per_video == {}


# Refusals


def test_a_number_that_is_not_finite_is_refused():
    predictions = rated(41, predicted_valence=np.r_[np.zeros(40), np.inf])
    with pytest.raises(
        StoreError, match=r"words: clip c40: predicted_valence: expected a finite number .* got inf"
    ):
        evaluate(predictions)


def test_an_unknown_emotion_is_refused():
    predictions = rated(41, emotion=[*["sad"] * 40, "hapy"])
    with pytest.raises(StoreError, match=r"clip c40: emotion: unknown emotion 'hapy'; did you mea"):
        evaluate(predictions)


# Several heads


def compare(**predictions):
    return compare_heads(predictions, EMOTIONS, "val", PARAMS)


def test_heads_are_compared_on_the_rows_that_all_cover():
    first = without(rated(41), "predicted_valence", [0, 1])
    second = without(rated(41, seed=5), "predicted_valence", [1, 2, 3])
    comparison = compare(first=first, second=second)
    labels, predicted = column(first, "valence")[4:], column(second, "predicted_valence")[4:]
    assert comparison.common["second"]["ccc_valence"] == ccc(labels, predicted)
    assert comparison.common_clips == 41


def test_rows_of_another_order_meet_by_clip_fold_and_time():
    order = np.random.default_rng(0).permutation(24)
    comparison = compare(first=framed(), second=framed().take(order))
    assert comparison.common["first"]["ccc_valence"] == pytest.approx(
        comparison.common["second"]["ccc_valence"]
    )
    assert {each.difference for each in comparison.differences} == {0.0}


def test_rows_that_one_head_lacks_are_not_common():
    comparison = compare(first=rated(41), second=rated(41).slice(0, 29))
    assert comparison.common_clips == 29
    assert comparison.common["first"] == values(evaluate(rated(41).slice(0, 29)))


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
    assert found["best", "worst"].p_value == 1 / 200
    assert found["best", "worst"].p_holm == pytest.approx(3 / 200)


def test_two_predictions_of_one_row_are_refused():
    twice = pa.concat_tables([rated(41), rated(2)])
    with pytest.raises(StoreError, match=r"words: expected one prediction per clip .* got 2 more"):
        compare(words=twice)


def test_one_head_has_nothing_to_differ_from():
    comparison = compare(words=rated(41))
    assert comparison.differences == []
    assert comparison.common["words"] == values(evaluate(rated(41)))


def test_no_heads_and_no_common_rows_leave_everything_undefined():
    assert compare() == Comparison(split="val", common_clips=0, common={}, differences=[])
    apart = compare(first=rated(41).slice(0, 7), second=rated(41).slice(7))
    assert apart.common_clips == 0
    assert set(apart.common["first"].values()) == {None}
    assert apart.differences == []


# Ranks and headlines


def named(head, predictions):
    return evaluate_head(head, predictions, EMOTIONS, EvaluateParams(test=True, resamples=1))


def test_heads_are_ranked_by_validation_alone():
    good = rated(41, predicted_valence=rated(41)["valence"].to_pylist())
    poor = rated(41, predicted_valence=0.0)
    mixed = pa.concat_tables([poor, replaced(good, "split", ["test"] * 41)])
    assert rank_heads([named("mixed", mixed), named("good", good)]) == ["good", "mixed"]


def test_covering_easy_clips_alone_gains_no_rank():
    hits = [EMOTIONS[row % 3] for row in range(41)]
    easy = rated(41, predicted_emotion=[*hits[:5], *[None] * 36])
    whole = rated(41, predicted_emotion=[*hits[:37], *["angry"] * 4])
    assert named("easy", easy).splits["val"].metrics["uar"].value == 1
    assert rank_heads([named("easy", easy), named("whole", whole)]) == ["whole", "easy"]


def test_heads_without_any_headline_come_last_and_ties_follow_names():
    blank = rated(41, emotion=None, valence=None, arousal=None)
    heads = [named("a", blank), named("c", rated(41)), named("b", rated(41))]
    assert rank_heads(heads) == ["b", "c", "a"]
    assert rank_heads(heads[:1]) == ["a"]


def test_heads_of_valence_alone_are_ranked_by_it():
    alone = {"emotion": None, "arousal": None}
    good = rated(41, predicted_valence=rated(41)["valence"].to_pylist(), **alone)
    assert rank_heads([named("a", rated(41, **alone)), named("b", good)]) == ["b", "a"]


def test_headline_is_flat_and_rounded():
    split = evaluate(rated(41, arousal=None))
    flat = headline(split)
    assert tuple(flat) == METRICS
    assert flat["ccc_arousal"] is None
    assert flat["uar"] == round(split.metrics["uar"].value, 6)
