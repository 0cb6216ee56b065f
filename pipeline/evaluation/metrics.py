"""Metrics of emotion predictions: concordance for valence and arousal, rates of a confusion matrix.

NumPy alone, in float64. A metric that is undefined is NaN in arrays and None, with the reason,
in a `Score`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Integer, Real

METRICS = (
    "ccc_valence",
    "ccc_arousal",
    "ccc_mean",
    "accuracy",
    "uar",
    "weighted_f1",
    "macro_f1",
)
"""Every metric, in the order of reports."""


@dataclass(frozen=True)
class Pairs:
    """Labels and predictions of one target, row by row, NaN where there is none.

    Emotions are class indices.
    """

    labels: Float64[np.ndarray, " rows"]
    predictions: Float64[np.ndarray, " rows"]

    @property
    def annotated(self) -> Bool[np.ndarray, " rows"]:
        """Rows that have a label."""
        rows: np.ndarray = ~np.isnan(self.labels)
        return rows

    @property
    def covered(self) -> Bool[np.ndarray, " rows"]:
        """Rows that have a label and a prediction."""
        rows: np.ndarray = self.annotated & ~np.isnan(self.predictions)
        return rows


@dataclass(frozen=True)
class Score:
    """Value of one metric, or None and the reason; `covered` of `annotated` rows count in it."""

    value: float | None
    reason: str | None
    covered: int
    annotated: int


def ccc(labels: Real[np.ndarray, " rows"], predictions: Real[np.ndarray, " rows"]) -> float | None:
    """Concordance correlation coefficient with population moments, in [-1, 1].

    2 cov / (var + var + (mean - mean)²): Lin, A concordance correlation coefficient to evaluate
    reproducibility, Biometrics 45 (1989). One constant series scores 0; None where both are
    constant, and for no rows.
    """
    flat = [bool(np.all(series == series[:1])) for series in (labels, predictions)]
    if any(flat):
        return None if all(flat) else 0.0
    first, second = labels.astype(np.float64), predictions.astype(np.float64)
    apart = first.mean() - second.mean()
    covariance = np.mean((first - first.mean()) * (second - second.mean()))
    return float(2 * covariance / (first.var() + second.var() + apart**2))


def confusion(
    labels: Integer[np.ndarray, " rows"], predictions: Integer[np.ndarray, " rows"], classes: int
) -> Integer[np.ndarray, "{classes} {classes}"]:
    """Number of rows by (annotated, predicted) class; indices run from 0 to `classes` - 1."""
    cells = labels.astype(np.int64) * classes + predictions
    return np.bincount(cells, minlength=classes**2).reshape(classes, classes)


def accuracy(counts: Real[np.ndarray, "sets classes classes"]) -> Float64[np.ndarray, " sets"]:
    """Share of rows predicted as annotated, for each confusion matrix; NaN for no rows."""
    return divide(_hits(counts).sum(axis=1), counts.sum(axis=(1, 2)))


def uar(counts: Real[np.ndarray, "sets classes classes"]) -> Float64[np.ndarray, " sets"]:
    """Unweighted average recall over the classes present in the labels; NaN for no rows.

    Schuller, Steidl and Batliner, The INTERSPEECH 2009 Emotion Challenge. scikit-learn calls it
    `balanced_accuracy_score`; its macro `recall_score` also counts classes only predicted, as 0.
    """
    support = counts.sum(axis=2)
    recall = divide(_hits(counts), support)
    return divide(np.nansum(recall, axis=1), np.count_nonzero(support, axis=1))


def weighted_f1(counts: Real[np.ndarray, "sets classes classes"]) -> Float64[np.ndarray, " sets"]:
    """Mean F1 of classes weighted by their number of labels; NaN for no rows."""
    support = counts.sum(axis=2)
    return divide(np.nansum(_f1(counts) * support, axis=1), support.sum(axis=1))


def macro_f1(counts: Real[np.ndarray, "sets classes classes"]) -> Float64[np.ndarray, " sets"]:
    """Plain mean F1 over the classes present in labels or predictions; NaN for no rows.

    A class present in one of them only scores 0. This is scikit-learn's
    `f1_score(average="macro")`: the mean of F1 values, not the F1 of mean precision and recall
    (Opitz and Burst, Macro F1 and Macro F1, 2019).
    """
    f1 = _f1(counts)
    return divide(np.nansum(f1, axis=1), np.count_nonzero(~np.isnan(f1), axis=1))


RATES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "accuracy": accuracy,
    "uar": uar,
    "weighted_f1": weighted_f1,
    "macro_f1": macro_f1,
}
"""Metrics of a confusion matrix."""


def score_targets(targets: Mapping[str, Pairs], classes: int) -> dict[str, Score]:
    """Every metric over all rows of `targets`: `emotion`, `valence` and `arousal`, each a `Pairs`.

    `ccc_mean` is the mean of the two CCC, and undefined where one is.
    """
    valence, arousal = _score_ratings(targets["valence"]), _score_ratings(targets["arousal"])
    return {
        "ccc_valence": valence,
        "ccc_arousal": arousal,
        "ccc_mean": _score_mean(valence, arousal),
        **_score_emotion(targets["emotion"], classes),
    }


def count_emotions(pairs: Pairs, classes: int) -> Integer[np.ndarray, "{classes} {classes}"]:
    """Confusion matrix of the covered rows of an emotion target."""
    covered = pairs.covered
    return confusion(
        pairs.labels[covered].astype(np.int64), pairs.predictions[covered].astype(np.int64), classes
    )


def divide(
    above: Real[np.ndarray, "*shape"], below: Real[np.ndarray, "*shape"]
) -> Float64[np.ndarray, "*shape"]:
    """`above / below`, NaN where `below` is not positive."""
    ratios = np.full(above.shape, np.nan)
    np.divide(above, below, out=ratios, where=below > 0)
    return ratios


def _score_ratings(pairs: Pairs) -> Score:
    covered = pairs.covered
    value = ccc(pairs.labels[covered], pairs.predictions[covered])
    return _score(value, pairs, "labels and predictions are both constant")


def _score_mean(valence: Score, arousal: Score) -> Score:
    scores = {"valence": valence, "arousal": arousal}
    least = min(scores.values(), key=lambda score: score.covered / max(score.annotated, 1))
    for name, score in scores.items():
        if score.value is None:
            return Score(None, f"{name}: {score.reason}", least.covered, least.annotated)
    value = float(np.mean([valence.value, arousal.value]))
    return Score(value, None, least.covered, least.annotated)


def _score_emotion(pairs: Pairs, classes: int) -> dict[str, Score]:
    counts = count_emotions(pairs, classes)[np.newaxis]
    values = {metric: float(rate(counts)[0]) for metric, rate in RATES.items()}
    return {
        metric: _score(None if np.isnan(value) else value, pairs, "")
        for metric, value in values.items()
    }


def _score(value: float | None, pairs: Pairs, reason: str) -> Score:
    """Score of `value`; `reason` is why it is None though some rows are covered."""
    annotated = int(np.count_nonzero(pairs.annotated))
    covered = int(np.count_nonzero(pairs.covered))
    if annotated == 0:
        reason = "nothing annotated"
    elif covered == 0:
        reason = "nothing covered"
    return Score(value, reason if value is None else None, covered, annotated)


def _hits(counts: Real[np.ndarray, "sets classes classes"]) -> Real[np.ndarray, "sets classes"]:
    return np.diagonal(counts, axis1=1, axis2=2)


def _f1(counts: Real[np.ndarray, "sets classes classes"]) -> Float64[np.ndarray, "sets classes"]:
    """F1 of each class, NaN for one that is neither annotated nor predicted."""
    return divide(2 * _hits(counts), counts.sum(axis=2) + counts.sum(axis=1))
