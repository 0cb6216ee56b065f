import pyarrow as pa

from pipeline.evaluation.evaluating import evaluate_head
from pipeline.evaluation.params import EvaluateParams
from pipeline.evaluation.ranking import list_leading, list_targets, rank_heads
from tests.evaluation.predictions import EMOTIONS, column, pick, rated, replaced, table


def named(head, predictions):
    return evaluate_head(head, predictions, EMOTIONS, EvaluateParams(test=True, resamples=1))


def test_heads_are_ranked_by_validation_alone():
    good = rated(41, predicted_valence=column(rated(41), "valence"))
    poor = rated(41, predicted_valence=0.0)
    mixed = pa.concat_tables([poor, replaced(good, "split", ["test"] * 123)])
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
    good = rated(41, predicted_valence=column(rated(41), "valence"), **alone)
    assert rank_heads([named("a", rated(41, **alone)), named("b", good)]) == ["b", "a"]


def test_a_head_without_a_target_that_others_have_counts_nothing_for_it():
    whole = rated(41, predicted_valence=0.0, predicted_arousal=0.0)
    part = rated(41)
    part = part.filter(pa.array(pick(part, "emotion")))
    assert rank_heads([named("a", part), named("b", whole)]) == ["a", "b"]
    assert rank_heads([named("a", part), named("b", rated(41))]) == ["b", "a"]


def test_leading_metrics_are_what_ranks_and_the_accuracy_of_classes():
    assert list_leading(["emotion", "valence", "arousal"]) == ["ccc_mean", "accuracy", "uar"]
    assert list_leading(["valence", "votes", "emotions"]) == [
        "ccc_valence",
        "mean_f1_emotions",
        "uar_votes",
    ]


def test_targets_of_all_heads_are_in_the_order_of_the_table():
    heads = [named("a", rated(7)), named("b", table(3, sentiment=[0.1, 0.2, 0.3]))]
    assert list_targets(heads) == ["emotion", "valence", "arousal", "sentiment"]
