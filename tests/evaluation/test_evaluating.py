import numpy as np
import pyarrow as pa
import pytest

from pipeline.errors import StoreError
from pipeline.evaluation.evaluating import evaluate_head
from pipeline.evaluation.params import EvaluateParams
from pipeline.evaluation.records import Estimate, Evaluation, headline
from pipeline.evaluation.table import PREDICTIONS_SCHEMA
from pipeline.limits import MOST_RUNS
from pipeline.targets import TARGETS, Target, list_metrics
from tests.evaluation.predictions import (
    EMOTIONS,
    PARAMS,
    ccc,
    column,
    evaluate,
    framed,
    rated,
    replaced,
    table,
    values,
    without,
)

THREE = ["emotion", "valence", "arousal"]

# One head


def test_values_are_pooled_over_all_rows():
    predictions = rated(41)
    split = evaluate(predictions)
    assert list(split.metrics) == list_metrics(THREE)
    assert split.metrics["ccc_valence"].value == pytest.approx(
        ccc(column(predictions, "valence"), column(predictions, "predicted_valence"))
    )
    assert split.confusion["emotion"][0] == [14, 0, 0]
    assert sum(map(sum, split.confusion["emotion"])) == 41


def test_every_interval_holds_its_value():
    noise = np.random.default_rng(2).uniform(-1, 1, 83)
    for estimate in evaluate(rated(83, predicted_arousal=noise)).metrics.values():
        assert estimate.low < estimate.value < estimate.high


def test_more_confidence_widens_the_interval():
    predictions = rated(83)
    wide = evaluate(predictions, EvaluateParams(confidence=0.99)).metrics["uar"]
    narrow = evaluate(predictions, EvaluateParams(confidence=0.5)).metrics["uar"]
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_order_of_rows_changes_nothing():
    predictions = rated(41)
    order = np.random.default_rng(3).permutation(123)
    before, after = evaluate(predictions), evaluate(predictions.take(order))
    for metric, estimate in before.metrics.items():
        for end in ("value", "low", "high"):
            assert getattr(estimate, end) == pytest.approx(getattr(after.metrics[metric], end))


def find_clusters(predictions):
    split = evaluate(predictions)
    return split.cluster_unit, split.clusters


def test_clusters_are_groups_else_subjects_else_clips():
    predictions = rated(41, group=["g0", "g1", *["g2"] * 39])
    assert find_clusters(predictions) == ("group", 3)
    assert find_clusters(without(predictions, "group", [5])) == ("subject", 13)
    neither = without(without(predictions, "subject", [5]), "group", [7])
    assert find_clusters(neither) == ("clip", 41)


def test_groups_of_one_subject_each_are_called_subjects():
    named = [f"g{row % 13}" for row in range(41)]
    assert find_clusters(rated(41, group=named)) == ("subject", 13)


def test_groups_within_subjects_are_no_clusters():
    takes = [f"s{row % 13}, take {row % 2}" for row in range(41)]
    assert find_clusters(rated(41, group=takes)) == ("subject", 13)


def test_groups_across_subjects_are_clusters():
    assert find_clusters(rated(41, group=[f"g{row % 17}" for row in range(41)])) == ("group", 17)


def test_an_interval_counts_groups_of_subjects_and_not_subjects():
    pooled = [f"g{row % 13 // 2}" for row in range(41)]
    found = evaluate(rated(41, group=pooled)).metrics["uar"]
    assert (found.low, found.interval_reason) == (None, "fewer than 8 groups hold it")


def test_what_few_clusters_cannot_tell_is_said():
    split = evaluate(rated(41, subject=[f"s{row % 4}" for row in range(41)]))
    assert split.notes == [
        "4 subjects are too few to test two heads: by swapping their predictions for whole "
        "subjects no p-value can be below 0.125."
    ]
    assert evaluate(rated(41)).notes == []


def test_a_value_without_interval_says_why():
    right = [EMOTIONS[row % 3] for row in range(41)]
    found = evaluate(rated(41, predicted_emotion=right)).metrics["accuracy"]
    assert (found.value, found.low) == (1, None)
    assert found.interval_reason == "the value is the best or the worst that there is"


def test_constant_labels_leave_agreement_undefined_whatever_a_head_says():
    constant = rated(41, valence=[0.25] * 41)
    for predictions in (constant, rated(41, valence=[0.25] * 41, predicted_valence=0.1)):
        split = evaluate(predictions)
        for metric in ("ccc_valence", "pearson_valence"):
            found = split.metrics[metric]
            assert (found.value, found.reason) == (None, "labels are constant")
        assert split.metrics["mae_valence"].value > 0
        assert split.filled["ccc_valence"] is None


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
    assert list(split.cluster_values) == list_metrics(["valence", "arousal"])[:5]
    assert split.cluster_values["ccc_valence"]["s9"] is None


def test_enough_clusters_need_no_values_of_their_own():
    assert evaluate(rated(41)).cluster_values == {}


def test_folds_are_pooled_with_their_own_values_beside():
    predictions = rated(41, fold=[row % 2 for row in range(41)])
    split = evaluate(predictions)
    valence, predicted = (column(predictions, name) for name in ("valence", "predicted_valence"))
    assert split.metrics["ccc_valence"].value == pytest.approx(ccc(valence, predicted))
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
        value=None,
        low=None,
        high=None,
        reason="nothing covered",
        interval_reason=None,
        covered=0,
        annotated=41,
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


def test_headline_is_flat_and_rounded():
    split = evaluate(rated(41, arousal=None))
    flat = headline(split)
    assert list(flat) == list_metrics(THREE)
    assert flat["ccc_arousal"] is None
    assert flat["uar"] == round(split.metrics["uar"].value, 6)


# Frames


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


# Numbers for each class


def voted(labels, predictions, target="votes", prior=(0.5, 0.25, 0.25)):
    """A row for each class of each clip."""
    rows = [
        {
            "clip_id": f"c{clip}",
            "subject": f"s{clip}",
            "split": "val",
            "withheld": "none",
            "target": target,
            "class": EMOTIONS[place],
            "label": label,
            "predicted": None if predicted is None else predicted[place],
            "prior": prior[place],
        }
        for clip, (given, predicted) in enumerate(zip(labels, predictions, strict=True))
        for place, label in enumerate(given)
    ]
    return pa.Table.from_pylist(rows, schema=PREDICTIONS_SCHEMA)


VOTES = [[0.6, 0.4, 0.0], [0.2, 0.2, 0.6], [0.4, 0.4, 0.2], [0.0, 1.0, 0.0]]
GUESSES = [[0.5, 0.3, 0.2], [0.6, 0.2, 0.2], [0.3, 0.3, 0.4], None]


def test_votes_are_judged_by_most_and_ties_are_counted():
    split = evaluate(voted(VOTES, GUESSES))
    assert split.confusion == {"votes": [[1, 0, 0], [0, 0, 0], [1, 0, 0]]}
    assert split.tied == {"votes": 1}
    assert split.metrics["accuracy_votes"].value == 1 / 2
    assert split.metrics["kl_votes"].covered == 3
    assert split.per_class["votes"]["sad"].recall == 0


def test_rows_for_each_class_may_come_in_any_order():
    predictions = voted(VOTES, GUESSES)
    mixed = predictions.take(np.random.default_rng(0).permutation(12))
    assert evaluate(mixed) == evaluate(predictions)


def test_votes_are_filled_by_the_mean_of_training():
    filled = evaluate(voted(VOTES, GUESSES)).filled
    assert filled["accuracy_votes"] == 1 / 3
    assert filled["kl_votes"] is not None


def test_scores_have_rates_and_an_area_for_each_class():
    labels = [[0.5, 0.0, 0.0], [0.0, 1.0, 0.0], [0.2, 0.3, 0.0]]
    guesses = [[0.9, 0.6, 0.1], [0.2, 0.7, 0.2], [0.3, 0.8, 0.6]]
    split = evaluate(voted(labels, guesses, target="emotions"))
    found = split.per_class["emotions"]
    assert found["angry"].model_dump() == {
        "precision": 1,
        "recall": 1 / 2,
        "f1": pytest.approx(2 / 3),
        "support": 2,
        "auc": 1,
        "reason": None,
    }
    assert (found["sad"].recall, found["sad"].auc) == (None, None)
    assert found["sad"].reason == "never annotated"
    assert split.confusion == {}
    assert split.metrics["mean_auc_emotions"].value == 1
    assert "mean_auc_emotions" not in split.cluster_values


def test_what_each_class_is_found_by_stands_beside_the_confusion():
    found = evaluate(rated(41)).per_class["emotion"]
    assert list(found) == EMOTIONS
    assert (found["angry"].recall, found["angry"].auc) == (1, None)
    assert [rates.support for rates in found.values()] == [14, 14, 13]


def test_filled_classes_count_the_prior_as_sure():
    predictions = table(3, emotion=["angry", "happy", "sad"], prior_emotion="happy")
    assert evaluate(predictions).filled["top_2"] == 1 / 3


# A target more


def test_a_target_more_is_judged_by_one_row_of_the_table(monkeypatch):
    monkeypatch.setitem(TARGETS, "tension", Target("tension", "rating"))
    valence = rated(41)
    words = pa.array(["tension"] * valence.num_rows).dictionary_encode()
    place = valence.schema.get_field_index("target")
    kept = valence.filter(pa.array(np.array(valence["target"].to_pylist()) == "valence"))
    tense = kept.set_column(
        place, valence.schema.field("target"), words.slice(0, 41).cast(valence.schema.types[place])
    )
    split = evaluate(tense)
    assert list(split.metrics) == list_metrics(["tension"])
    assert split.metrics["ccc_tension"].value == evaluate(kept).metrics["ccc_valence"].value


# Refusals


def test_two_predictions_of_one_clip_are_refused():
    twice = pa.concat_tables([rated(41), table(1, valence=0.5, predicted_valence=0.1)])
    with pytest.raises(StoreError, match=r"words: valence: clip c00: expected one prediction, got"):
        evaluate(twice)


def test_two_predictions_of_one_frame_are_refused_with_its_time():
    twice = pa.concat_tables([framed(), framed().slice(10, 2)])
    with pytest.raises(StoreError, match=r"valence: clip c0 at 0\.16 s: expected one .* \(2 rows"):
        evaluate(twice)


def test_two_predictions_of_one_class_are_refused():
    predictions = voted(VOTES, GUESSES)
    with pytest.raises(StoreError, match=r"votes: clip c1: expected one prediction, got two"):
        evaluate(pa.concat_tables([predictions, predictions.slice(4, 1)]))


def test_predictions_of_several_folds_are_no_doubles():
    folded = pa.concat_tables([rated(41, fold=fold) for fold in range(3)])
    assert evaluate(folded).metrics["uar"].annotated == 123


def test_a_number_that_is_not_finite_is_refused():
    predictions = rated(41, predicted_valence=np.r_[np.zeros(40), np.inf])
    with pytest.raises(
        StoreError,
        match=r"words: clip c40: valence: predicted: expected a finite number .* got inf",
    ):
        evaluate(predictions)


@pytest.mark.parametrize("index", [-1.0, 3.0, 0.5])
def test_a_class_that_there_is_not_is_refused(index):
    predictions = replaced(table(1, emotion="sad"), "label", [index])
    with pytest.raises(StoreError, match=r"emotion: label: expected the index of one of 3 classes"):
        evaluate(predictions)


def test_votes_for_classes_of_a_head_that_has_none_are_refused():
    with pytest.raises(StoreError, match="votes: expected classes, got none"):
        evaluate_head("words", voted(VOTES, GUESSES), [], PARAMS)


def test_scores_of_other_classes_are_refused():
    predictions = replaced(table(1, emotion="sad"), "scores", [[0.5, 0.5]])
    with pytest.raises(StoreError, match=r"emotion: scores: expected 3 numbers a row, got \[2\]"):
        evaluate(predictions)


@pytest.mark.parametrize("chance", [-0.5, np.inf, 1e30])
def test_chances_that_are_none_are_refused(chance):
    predictions = replaced(table(1, emotion="sad"), "scores", [[0.5, chance, 0.0]])
    with pytest.raises(StoreError, match=r"words: clip c00: scores: expected chances from 0 to 1"):
        evaluate(predictions)


@pytest.mark.parametrize(("column", "word"), [("target", "valance"), ("withheld", "fase")])
def test_a_word_that_there_is_not_is_refused(column, word):
    with pytest.raises(StoreError, match=rf"words: unknown {column} '{word}'; did you mean"):
        evaluate(renamed(table(1, valence=0.5), column, [word]))


def renamed(predictions, name, words):
    """Predictions with other words in a column, each of them in a row."""
    place = predictions.schema.get_field_index(name)
    encoded = pa.array(words).dictionary_encode()
    return predictions.set_column(place, name, encoded.cast(predictions.schema.field(name).type))


def test_more_folds_or_corpora_than_any_head_has_are_refused():
    """Each has its own value of every metric: 300 kB of a table were 8 GB in memory."""
    predictions = table(MOST_RUNS + 1, valence=0.5)
    with pytest.raises(StoreError, match="expected at most 10,000 folds, got 10,001"):
        evaluate(replaced(predictions, "fold", range(MOST_RUNS + 1)))
    with pytest.raises(StoreError, match="expected at most 10,000 corpora, got 10,001"):
        evaluate(renamed(predictions, "corpus", [f"c{row}" for row in range(MOST_RUNS + 1)]))


def test_rows_that_miss_a_class_are_refused():
    predictions = voted([[0.5, 0.25, 0.25]], [[0.5, 0.25, 0.25]]).slice(0, 2)
    with pytest.raises(StoreError, match=r"votes: expected one row for each of angry, happy, sad"):
        evaluate(predictions)


def test_a_matrix_of_two_hundred_emotions_for_each_of_very_many_clips_is_refused():
    rows = table(3500, emotion="angry", predicted_emotion="sad", prior_emotion="sad")
    rows = rows.set_column(
        rows.column_names.index("scores"), "scores", pa.nulls(3500, pa.list_(pa.float32()))
    )
    classes = [*EMOTIONS, *(f"mood{number}" for number in range(197))]
    with pytest.raises(StoreError, match="of at most 134,217,728 cells, got 3,500 of 200 classes"):
        evaluate_head("head", rows, classes, PARAMS)
