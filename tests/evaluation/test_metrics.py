import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    f1_score,
    precision_recall_fscore_support,
    roc_auc_score,
    top_k_accuracy_score,
)

from pipeline.evaluation.metrics import (
    METRICS,
    Counts,
    Grouping,
    Pairs,
    auc,
    find_metric,
    find_ties,
    mean_f1,
    name_metrics,
    rate_classes,
    rate_presence,
    score_targets,
    sum_targets,
)
from pipeline.targets import TARGETS, UNITS, list_metrics

NAN = np.nan
CLASSES = 5
seeds = st.integers(0, 10_000)


def pairs(labels, predictions, scores=None):
    given = None if scores is None else np.array(scores, dtype=np.float32)
    return Pairs(np.array(labels, dtype=float), np.array(predictions, dtype=float), given)


def score(target, *series, classes=CLASSES):
    """Metric, without the name of its target → value."""
    found = score_targets({target: pairs(*series)}, classes)
    return {metric: found[name].value for metric, name in name_metrics(TARGETS[target]).items()}


def draw_shares(seed, rows=41):
    """Votes of seven for each row, and predicted shares."""
    generator = np.random.default_rng(seed)
    votes = generator.multinomial(7, generator.dirichlet(np.ones(CLASSES), rows))
    return votes / 7, generator.dirichlet(np.ones(CLASSES), rows)


def draw_presence(seed, rows=41):
    generator = np.random.default_rng(seed)
    numbers = generator.random((rows, CLASSES)) * (generator.random((rows, CLASSES)) < 0.4)
    return numbers, generator.integers(8, size=(rows, CLASSES)) / 7


# All targets


def test_every_metric_of_the_targets_is_scored_in_the_order_of_the_table():
    rated = pairs([0.1, 0.2, 0.3], [0.2, 0.3, 0.4])
    shares = pairs([[1, 0], [0, 1], [0, 1]], [[0.5, 0.5], [0.25, 0.75], [0.75, 0.25]])
    given = {
        "emotion": pairs([0, 1, 1], [0, 1, 0], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]),
        **dict.fromkeys(("intensity", "valence", "arousal", "dominance", "sentiment"), rated),
        **dict.fromkeys(("emotions", "votes"), shares),
        **dict.fromkeys((f"au{unit}" for unit in UNITS), pairs([1, 0, 1], [0.9, 0.2, 0.4])),
    }
    scores = score_targets(given, 2)
    assert list(scores) == list_metrics(TARGETS)
    assert {score.reason for score in scores.values()} == {None}
    assert scores["uar"].value == pytest.approx(3 / 4)


def test_ccc_mean_is_that_of_valence_and_arousal():
    targets = {
        "valence": pairs([1, 2, 3], [2, 3, 4]),
        "arousal": pairs([1, 2, 3], [1, 2, 3]),
    }
    assert score_targets(targets, 2)["ccc_mean"].value == pytest.approx((4 / 7 + 1) / 2)


def test_one_rating_alone_has_no_mean():
    assert "ccc_mean" not in score_targets({"valence": pairs([1, 2], [2, 3])}, 2)


def test_what_ranks_heads_is_better_when_higher():
    ranks = {target.behaviour.rank for target in TARGETS.values()}
    assert not [metric for metric in ranks if METRICS[metric].lower_is_better]


def test_a_metric_is_found_by_its_full_name():
    assert find_metric("rmse_arousal") == (TARGETS["arousal"], METRICS["rmse"])
    assert find_metric("uar") == (TARGETS["emotion"], METRICS["uar"])
    assert find_metric("ccc_mean") == (None, METRICS["ccc"])


# Reasons and coverage


def test_rows_without_label_or_prediction_do_not_count_and_are_told():
    valence = pairs([0.1, 0.5, NAN, 0.9, 0.2], [0.1, 0.5, 0.3, NAN, NAN])
    found = score_targets({"valence": valence}, 3)["ccc_valence"]
    assert found.value == pytest.approx(1)
    assert (found.covered, found.annotated) == (2, 4)


def test_an_undefined_metric_has_a_reason():
    targets = {
        "emotion": pairs([0, 1], [NAN, NAN]),
        "valence": pairs([0.2, 0.2], [0.4, 0.4]),
        "arousal": pairs([NAN, NAN], [0.4, 0.3]),
        "sentiment": pairs([0, 0], [0.4, 0.3]),
        "intensity": pairs([0.4, 0.3], [0.1, 0.1]),
        "emotions": pairs([[0, 0], [0, 0]], [[0.1, 0.2], [0, 0]]),
        "votes": pairs([[0.5, 0.5]], [[0, 1]]),
    }
    reasons = {metric: found.reason for metric, found in score_targets(targets, 2).items()}
    assert reasons["accuracy"] == "nothing covered"
    assert reasons["ccc_valence"] == "labels are constant"
    assert reasons["pearson_sentiment"] == "labels are constant"
    assert reasons["pearson_intensity"] == "predictions are constant"
    assert reasons["ccc_arousal"] == "nothing annotated"
    assert reasons["ccc_mean"] == "valence: labels are constant"
    assert reasons["acc2_non0_sentiment"] == "every covered label is 0"
    assert reasons["mean_f1_emotions"] == "no class is labelled or predicted"
    assert reasons["mean_auc_emotions"] == "no class is there in some rows and not in others"
    assert reasons["kl_votes"] == "a class with votes is predicted to have none"
    assert reasons["uar_votes"] == "every covered row has a tie"


def test_ccc_mean_counts_the_rows_of_the_less_covered_target():
    targets = {
        "valence": pairs([0.1, 0.5, 0.9], [0.1, 0.5, 0.2]),
        "arousal": pairs([0.1, 0.5, 0.9], [0.1, 0.5, NAN]),
    }
    found = score_targets(targets, 2)["ccc_mean"]
    assert (found.covered, found.annotated) == (2, 3)


@pytest.mark.parametrize("target", TARGETS)
def test_no_rows_leave_every_metric_undefined(target):
    none = np.empty((0, 3) if TARGETS[target].behaviour.vector else 0)
    assert set(score(target, none, none, classes=3).values()) == {None}


# Classes


def test_top_2_counts_the_two_most_probable_and_a_tie_for_the_second_is_a_miss():
    scores = [[0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [0.4, 0.3, 0.3], [0.35, 0.35, 0.3]]
    assert score("emotion", [1, 2, 1, 0], [0, 0, 0, 0], scores, classes=3)["top_2"] == 1 / 2


@given(seeds)
def test_top_2_is_that_of_scikit_learn(seed):
    generator = np.random.default_rng(seed)
    scores = generator.dirichlet(np.ones(CLASSES), 41)
    labels = generator.integers(CLASSES, size=41)
    found = score("emotion", labels, scores.argmax(axis=1), scores)["top_2"]
    expected = top_k_accuracy_score(labels, scores, k=2, labels=range(CLASSES))
    assert found == pytest.approx(expected)


def test_without_probabilities_what_goes_by_them_alone_is_undefined():
    found = score_targets({"emotion": pairs([0, 1], [0, 1])}, 2)
    without = {name for name, one in found.items() if one.reason == "no probabilities are given"}
    assert without == {"top_2", "nll", "ece"}
    assert found["accuracy"].value == 1


def test_rates_of_each_class_come_with_its_number():
    rates = rate_classes(np.array([[1.0, 1.0], [0.0, 0.0]]))
    np.testing.assert_equal(rates["precision"], [1, 0])
    np.testing.assert_equal(rates["recall"], [1 / 2, NAN])
    assert rates["support"].tolist() == [2, 0]


# Sentiment


def measure_as_mmsa(labels, predictions):
    """What MMSA computes of ratings from -3 to 3."""
    kept = labels != 0
    signs = {"has0": (labels >= 0, predictions >= 0)}
    signs["non0"] = (labels[kept] > 0, predictions[kept] > 0)
    found = {}
    for name, (truth, guess) in signs.items():
        found[f"acc2_{name}"] = accuracy_score(truth, guess)
        found[f"f1_{name}"] = f1_score(truth, guess, average="weighted", zero_division=0)
    for points, most in ((5, 2), (7, 3)):
        clipped = (np.clip(series, -most, most) for series in (labels, predictions))
        found[f"acc{points}"] = np.mean(np.equal(*(np.round(series) for series in clipped)))
    return found


@given(seeds)
def test_sentiment_is_measured_as_mmsa_does(seed):
    generator = np.random.default_rng(seed)
    labels = generator.integers(-9, 10, 37) / 3
    labels[0] = 1
    predictions = generator.normal(0, 2, 37).round(2)
    found = score("sentiment", labels / 3, predictions / 3)
    for metric, expected in measure_as_mmsa(labels, predictions).items():
        assert found[metric] == pytest.approx(expected), metric


def test_halves_of_a_point_round_to_even_however_they_were_stored():
    labels = np.array([0.5, 1.5, 2.5, -2.5], dtype=np.float32) / 3
    found = score("sentiment", labels, np.array([0, 2, 2, -2]) / 3)
    assert (found["acc7"], found["acc5"]) == (1, 1)


def test_ratings_beyond_the_scale_are_its_ends():
    found = score("sentiment", [1.0, -1.0], [1.7, -2.0])
    assert (found["acc7"], found["acc5"]) == (1, 1)


def test_neutral_labels_count_as_positive_with_0_and_not_at_all_without():
    found = score("sentiment", [0, 0, 0.3], [0.1, -0.1, 0.2])
    assert (found["acc2_has0"], found["acc2_non0"]) == (pytest.approx(2 / 3), 1)


# Presence, and scores of several classes


@given(seeds)
def test_f1_and_auc_of_a_presence_are_those_of_scikit_learn(seed):
    labels, predictions = (columns[:, 0] for columns in draw_presence(seed))
    found = score("au1", labels, predictions)
    expected = f1_score(labels > 0, predictions > 0.5, zero_division=np.nan)
    assert found["f1"] == (None if np.isnan(expected) else pytest.approx(expected))
    if 0 < (labels > 0).sum() < len(labels):
        assert found["auc"] == pytest.approx(roc_auc_score(labels > 0, predictions))
    else:
        assert found["auc"] is None


def test_several_units_have_the_mean_of_their_f1():
    units = {"au1": pairs([1, 0, 1], [0.9, 0.2, 0.9]), "au2": pairs([1, 0, 1], [0.9, 0.9, 0.2])}
    assert score_targets(units, 2)["f1_units"].value == pytest.approx((1 + 1 / 2) / 2)


@given(seeds)
def test_f1_and_auc_of_scores_are_those_of_scikit_learn(seed):
    labels, predictions = draw_presence(seed)
    found = score("emotions", labels, predictions)
    expected = f1_score(labels > 0, predictions > 0.5, average="macro", zero_division=np.nan)
    assert found["mean_f1"] == pytest.approx(expected)
    areas = [
        roc_auc_score(present, scores)
        for present, scores in zip((labels > 0).T, predictions.T, strict=True)
        if 0 < present.sum() < len(present)
    ]
    assert found["mean_auc"] == pytest.approx(np.mean(areas))


@given(seeds)
def test_presence_of_each_class_is_rated_as_scikit_learn_does(seed):
    labels, predictions = draw_presence(seed)
    parts = sum_targets(
        {"emotions": pairs(labels, predictions)},
        {"emotions": Grouping(np.zeros(len(labels), dtype=np.int64), 1)},
        CLASSES,
    )["emotions"]
    assert isinstance(parts["presences"], Counts)
    found = rate_presence(parts["presences"].sums)
    expected = precision_recall_fscore_support(
        labels > 0, predictions > 0.5, average=None, zero_division=np.nan
    )
    for rate, values in zip(("precision", "recall", "f1", "support"), expected, strict=True):
        np.testing.assert_allclose(found[rate][0], values, err_msg=rate)


def test_a_class_that_is_never_there_has_no_area_and_no_part_in_the_means():
    found = pairs([[1, 0], [0, 0], [1, 0]], [[0.9, 0.1], [0.2, 0.4], [0.1, 0.3]])
    np.testing.assert_equal(auc(found), [1 / 2, NAN])
    assert score_targets({"emotions": found}, 2)["mean_auc_emotions"].value == 1 / 2
    # Of the first class one of two is found: F1 2/3. The second is neither there nor predicted.
    assert score_targets({"emotions": found}, 2)["mean_f1_emotions"].value == pytest.approx(2 / 3)


def test_an_even_chance_claims_no_class():
    counts = score("emotions", [[1], [0]], [[0.5], [0.5]], classes=1)
    assert counts["mean_f1"] == 0
    assert np.isnan(mean_f1(np.array([[[[2.0, 0.0], [0.0, 0.0]]]]))).all()


# Votes


@given(seeds)
def test_divergence_is_that_of_scipy(seed):
    votes, predicted = draw_shares(seed)
    found = score("votes", votes, predicted)
    assert found["kl"] == pytest.approx(entropy(votes.T, predicted.T).mean())


@given(seeds)
@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
def test_votes_are_judged_by_the_class_that_most_chose(seed):
    votes, predicted = draw_shares(seed)
    untied = (votes == votes.max(axis=1, keepdims=True)).sum(axis=1) == 1
    found = score("votes", votes, predicted)
    labels, guesses = votes[untied].argmax(axis=1), predicted[untied].argmax(axis=1)
    assert found["accuracy"] == pytest.approx(accuracy_score(labels, guesses))
    assert found["uar"] == pytest.approx(balanced_accuracy_score(labels, guesses))


def test_ties_are_found():
    votes = pairs([[0.4, 0.4, 0.2], [0.6, 0.2, 0.2]], np.zeros((2, 3)))
    assert find_ties(votes).tolist() == [True, False]


def test_divergence_of_a_hand_computed_row():
    # 1/2 log (1/2 / 1/4) + 1/2 log (1/2 / 3/4)
    expected = (np.log(2) + np.log(2 / 3)) / 2
    assert score("votes", [[0.5, 0.5]], [[0.25, 0.75]], classes=2)["kl"] == pytest.approx(expected)


def test_metrics_load_without_heavy_libraries():
    heavy = {"torch", "pandas", "sklearn", "scipy"}
    told = f"import sys, pipeline.evaluation.metrics; print({heavy} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
