"""Metrics: what the predictions of targets are worth, one table of them for all targets.

NumPy alone, in float64. All but the area under the curve are functions of sums over rows, so
those of many sets of rows come at once. A metric that is undefined is NaN in arrays and None,
with the reason, in a `Score`.
"""

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Float64, Integer

from pipeline.evaluation import chances, confusions, moments
from pipeline.evaluation.confusions import count_confusions, divide
from pipeline.evaluation.moments import Moments, sum_moments
from pipeline.targets import TARGETS, Target, list_means, list_metrics

PRESENT = 0.5
"""A score above this says that the class is there: an even chance is no claim."""

POINTS = 3
"""Sentiment from -1 to 1 stands for seven points, from minus to plus this many."""

_TIES = "every covered row has a tie"

_NO_CHANCES = "no probabilities are given"

_DECIMALS = 6
"""Points are rounded to these first: a label of 2.5 divided by 3 and multiplied again is 2.5."""


@dataclass(frozen=True)
class Pairs:
    """Labels and predictions of one target, row by row, NaN where there is none.

    Of a class, its index, and in `scores` the probabilities of all. Of targets with a number for
    each class: how much of each class, or the shares of the votes, beside what is predicted.
    """

    labels: Float64[np.ndarray, "rows *classes"]
    predictions: Float64[np.ndarray, "rows *classes"]
    scores: Float[np.ndarray, "rows every_class"] | None = None

    @property
    def annotated(self) -> Bool[np.ndarray, " rows"]:
        """Rows that have a label."""
        return _known(self.labels)

    @property
    def covered(self) -> Bool[np.ndarray, " rows"]:
        """Rows that have a label and a prediction."""
        rows: np.ndarray = self.annotated & _known(self.predictions)
        return rows

    def take(self, rows: Bool[np.ndarray, " rows"] | Integer[np.ndarray, " taken"]) -> "Pairs":
        """These `rows` alone."""
        scores = None if self.scores is None else self.scores[rows]
        return Pairs(self.labels[rows], self.predictions[rows], scores)


@dataclass(frozen=True)
class Score:
    """Value of one metric, or None and the reason; `covered` of `annotated` rows count in it."""

    value: float | None
    reason: str | None
    covered: int
    annotated: int


@dataclass(frozen=True)
class Counts:
    """Numbers summed over rows, for each of several sets of rows."""

    sums: Float64[np.ndarray, "sets *cells"]

    @property
    def held(self) -> Bool[np.ndarray, " sets"]:
        """Sets that hold any row."""
        cells = tuple(range(1, self.sums.ndim))
        return np.asarray(self.sums.any(axis=cells))

    def combine(self, weights: Float64[np.ndarray, "draws sets"]) -> "Counts":
        """Sums of each draw that takes every set as often as its weight says."""
        return Counts(np.tensordot(weights, self.sums, axes=1))

    def leave_out(self) -> "Counts":
        """Sums of all sets but one, for each that is left out."""
        return Counts(self.sums.sum(axis=0) - self.sums)

    def add(self, other: "Counts") -> "Counts":
        """Sums of each set of this and the set of `other` in its place together."""
        return Counts(self.sums + other.sums)


SumChances = Callable[..., Float64[np.ndarray, "sets cells"]]
"""Chances of classes, labels, the set of each row and how many sets there are → sums of each."""

Part = Counts | Moments
Sums = Mapping[str, Mapping[str, Part]]
"""Target → part → what its metrics are functions of, for each of several sets of rows."""


@dataclass(frozen=True)
class Grouping:
    """Which of `count` sets each row belongs to."""

    index: Integer[np.ndarray, " rows"]
    count: int


@dataclass(frozen=True)
class Metric:
    """One row of the table of metrics, whose values lie from `least` to `most`.

    `compute` takes the sums of `part`; where `part` is None, it takes the covered `Pairs`, and the
    metric has no value of several sets at once. `explain` tells of the covered pairs, if there are
    any, why there is no value.
    """

    title: str
    part: str | None
    compute: Callable[[Any], Any]
    explain: Callable[[Pairs], str] = lambda _: "undefined"
    least: float = 0.0
    most: float = 1.0
    lower_is_better: bool = False


def count_classes(pairs: Pairs, sets: Grouping, classes: int) -> Counts:
    """Confusion matrices; of votes, of the class that most chose, rows with a tie left out."""
    if pairs.labels.ndim > 1:
        untied = ~find_ties(pairs)
        labels, predictions = (
            each[untied].argmax(axis=1) for each in (pairs.labels, pairs.predictions)
        )
        sets = Grouping(sets.index[untied], sets.count)
    else:
        labels, predictions = (each.astype(np.int64) for each in (pairs.labels, pairs.predictions))
    return Counts(
        count_confusions(labels, predictions, sets.index, count=sets.count, classes=classes)
    )


def find_ties(pairs: Pairs) -> Bool[np.ndarray, " rows"]:
    """Rows in which several classes have the most votes."""
    most = pairs.labels.max(axis=1, keepdims=True, initial=-np.inf)
    ties: np.ndarray = (pairs.labels == most).sum(axis=1) > 1
    return ties


def mean_f1(counts: Float64[np.ndarray, "sets classes 2 2"]) -> Float64[np.ndarray, " sets"]:
    """Mean F1 of all classes, each there or not; those neither labelled nor predicted left out."""
    f1 = rate_presence(counts)["f1"]
    return divide(np.nansum(f1, axis=1), np.count_nonzero(~np.isnan(f1), axis=1))


def rate_presence(
    counts: Float64[np.ndarray, "sets classes 2 2"],
) -> dict[str, Float64[np.ndarray, "sets classes"]]:
    """Precision, recall, F1 and number of each class's presence, NaN where undefined."""
    shape = counts.shape[:2]
    flat = counts.reshape(-1, 2, 2)
    rates = {
        "precision": confusions.precision(flat)[:, 1],
        "recall": confusions.recall(flat)[:, 1],
        "f1": confusions.f1(flat)[:, 1],
        "support": flat[:, 1].sum(axis=1),
    }
    return {name: values.reshape(shape) for name, values in rates.items()}


def rate_classes(
    counts: Float64[np.ndarray, "classes classes"],
) -> dict[str, Float64[np.ndarray, " classes"]]:
    """Precision, recall, F1 and number of each class of a confusion matrix, NaN where undefined."""
    rates = (confusions.precision, confusions.recall, confusions.f1)
    found = {rate.__name__: rate(counts[np.newaxis])[0] for rate in rates}
    return {**found, "support": counts.sum(axis=1)}


def auc(pairs: Pairs) -> Float64[np.ndarray, " classes"]:
    """Area under each class's curve of hits against false alarms, NaN where all or none has it.

    The chance that a row with the class scores above one without, a tie counting half: Hanley and
    McNeil, The meaning and use of the area under a receiver operating characteristic (ROC) curve,
    Radiology 143 (1982).
    """
    columns = zip((pairs.labels > 0).T, pairs.predictions.T, strict=True)
    return np.array([_area(present, scores) for present, scores in columns], dtype=np.float64)


def name_constant(pairs: Pairs) -> str:
    """Which of two series is constant: labels, where both are."""
    return f"{'predictions' if np.ptp(pairs.labels) else 'labels'} are constant"


METRICS: dict[str, Metric] = {
    "accuracy": Metric(
        "accuracy", "confusion", lambda part: confusions.accuracy(part.sums), lambda _: _TIES
    ),
    "uar": Metric("UAR", "confusion", lambda part: confusions.uar(part.sums), lambda _: _TIES),
    "weighted_f1": Metric(
        "weighted F1", "confusion", lambda part: confusions.weighted_f1(part.sums)
    ),
    "macro_f1": Metric("macro F1", "confusion", lambda part: confusions.macro_f1(part.sums)),
    "macro_precision": Metric(
        "macro precision", "confusion", lambda part: confusions.macro_precision(part.sums)
    ),
    "top_2": Metric(
        "top-2 accuracy",
        "second",
        lambda part: _share(part.sums),
        lambda _: _NO_CHANCES,
    ),
    "nll": Metric(
        "NLL",
        "surprise",
        lambda part: chances.nll(part.sums),
        lambda _: _NO_CHANCES,
        most=np.inf,
        lower_is_better=True,
    ),
    "ece": Metric(
        "ECE",
        "gaps",
        lambda part: chances.ece(part.sums),
        lambda _: _NO_CHANCES,
        lower_is_better=True,
    ),
    "ccc": Metric("CCC", "moments", moments.ccc, name_constant, least=-1.0),
    "pearson": Metric("Pearson", "moments", moments.pearson, name_constant, least=-1.0),
    "mae": Metric("MAE", "moments", moments.mae, most=np.inf, lower_is_better=True),
    "rmse": Metric("RMSE", "moments", moments.rmse, most=np.inf, lower_is_better=True),
    "acc2_has0": Metric("Acc-2 with 0", "has0", lambda part: confusions.accuracy(part.sums)),
    "f1_has0": Metric("F1 with 0", "has0", lambda part: confusions.weighted_f1(part.sums)),
    "acc2_non0": Metric(
        "Acc-2 without 0",
        "non0",
        lambda part: confusions.accuracy(part.sums),
        lambda _: "every covered label is 0",
    ),
    "f1_non0": Metric(
        "F1 without 0",
        "non0",
        lambda part: confusions.weighted_f1(part.sums),
        lambda _: "every covered label is 0",
    ),
    "acc5": Metric("Acc-5", "five", lambda part: _share(part.sums)),
    "acc7": Metric("Acc-7", "seven", lambda part: _share(part.sums)),
    "mean_f1": Metric(
        "mean F1",
        "presences",
        lambda part: mean_f1(part.sums),
        lambda _: "no class is labelled or predicted",
    ),
    "mean_auc": Metric(
        "mean AUC",
        None,
        lambda pairs: _mean_defined(auc(pairs)),
        lambda _: "no class is there in some rows and not in others",
    ),
    "f1": Metric(
        "F1",
        "presence",
        lambda part: confusions.f1(part.sums)[:, 1],
        lambda _: "it is neither labelled nor predicted",
    ),
    "auc": Metric(
        "AUC",
        None,
        lambda pairs: _area(pairs.labels > 0, pairs.predictions),
        lambda _: "it is in all rows, or in none",
    ),
    "kl": Metric(
        "KL divergence",
        "divergence",
        lambda part: _mean_divergence(part.sums),
        lambda _: "a class with votes is predicted to have none",
        most=np.inf,
        lower_is_better=True,
    ),
}
"""Metric → its name for people, what it is a function of, and that function.

Acc-2, Acc-5, Acc-7 and the F1 beside Acc-2 are those of MMSA (Mao and others, M-SENA: An
Integrated Platform for Multimodal Sentiment Analysis, 2022): `has0` sets ratings of 0 or more
against those below; `non0` drops labels of 0 and sets those above against the others; the others
round to whole points, half to even, within two and within three points of 0.
"""

PARTS: dict[str, Callable[[Pairs, Grouping, int], Part]] = {
    "confusion": count_classes,
    "second": lambda pairs, sets, classes: _sum_chances(chances.sum_second, pairs, sets),
    "surprise": lambda pairs, sets, classes: _sum_chances(chances.sum_surprise, pairs, sets),
    "gaps": lambda pairs, sets, classes: _sum_chances(chances.sum_gaps, pairs, sets),
    "moments": lambda pairs, sets, classes: sum_moments(
        pairs.labels, pairs.predictions, sets.index, sets.count
    ),
    "has0": lambda pairs, sets, classes: _count_signs(
        pairs.labels >= 0, pairs.predictions >= 0, sets
    ),
    "non0": lambda pairs, sets, classes: _count_unequal(pairs, sets),
    "five": lambda pairs, sets, classes: _count_points(pairs, sets, 2),
    "seven": lambda pairs, sets, classes: _count_points(pairs, sets, 3),
    "presences": lambda pairs, sets, classes: _count_presences(pairs, sets),
    "presence": lambda pairs, sets, classes: _count_signs(
        pairs.labels > 0, pairs.predictions > PRESENT, sets
    ),
    "divergence": lambda pairs, sets, classes: _sum_divergence(pairs, sets),
}
"""Part → sums of covered pairs for each of several sets of rows."""


def score_targets(pairs: Mapping[str, Pairs], classes: int) -> dict[str, Score]:
    """Every metric of the targets in `pairs` over all rows, by its full name (`ccc_valence`).

    Among them are the means that rank heads by several targets at once (`ccc_mean`), undefined
    where one of their parts is.
    """
    whole = {
        target: Grouping(np.zeros(len(found.labels), dtype=np.int64), 1)
        for target, found in pairs.items()
    }
    values = {
        metric: value.item()
        for metric, value in compute_metrics(sum_targets(pairs, whole, classes)).items()
    }
    scores: dict[str, Score] = {}
    for target, found in pairs.items():
        for metric, name in name_metrics(TARGETS[target]).items():
            if METRICS[metric].part is None:
                values[name] = METRICS[metric].compute(found.take(found.covered))
            scores[name] = _score(values[name], found, METRICS[metric].explain)
    for mean, targets in list_shared_means(pairs).items():
        scores[mean] = _score_mean({target: scores[TARGETS[target].rank] for target in targets})
    return {metric: scores[metric] for metric in list_metrics(pairs)}


def sum_targets(
    pairs: Mapping[str, Pairs], groupings: Mapping[str, Grouping], classes: int
) -> dict[str, dict[str, Part]]:
    """Sums of the covered rows of each target in `pairs`, for each set of its grouping."""
    sums: dict[str, dict[str, Part]] = {}
    for target, found in pairs.items():
        covered, grouping = found.covered, groupings[target]
        kept, sets = found.take(covered), Grouping(grouping.index[covered], grouping.count)
        parts = {METRICS[metric].part: None for metric in name_metrics(TARGETS[target])}
        sums[target] = {
            part: PARTS[part](kept, sets, classes) for part in parts if part is not None
        }
    return sums


def compute_metrics(
    sums: Sums, wanted: Container[str] | None = None
) -> dict[str, Float64[np.ndarray, " sets"]]:
    """Metrics of `sums` (all, or those `wanted`) for each set of rows, NaN where undefined."""
    listed = [metric for metric in list_metrics(sums) if wanted is None or metric in wanted]
    means = {
        mean: [TARGETS[target].rank for target in targets]
        for mean, targets in list_shared_means(sums).items()
        if mean in listed
    }
    needed = {*listed, *(rank for ranks in means.values() for rank in ranks)}
    values = {
        name: METRICS[metric].compute(parts[part])
        for target, parts in sums.items()
        for metric, name in name_metrics(TARGETS[target]).items()
        for part in [METRICS[metric].part]
        if part is not None and name in needed
    }
    for mean, ranks in means.items():
        values[mean] = np.mean([values[rank] for rank in ranks], axis=0)
    return {metric: values[metric] for metric in listed if metric in values}


def count_holders(sums: Sums) -> dict[str, int]:
    """Number of sets that hold rows of each metric of `sums`."""
    holders = {
        name: int(np.count_nonzero(parts[part].held))
        for target, parts in sums.items()
        for metric, name in name_metrics(TARGETS[target]).items()
        for part in [METRICS[metric].part]
        if part is not None
    }
    for mean, targets in list_shared_means(sums).items():
        holders[mean] = min(holders[TARGETS[target].rank] for target in targets)
    return holders


def name_metrics(target: Target) -> dict[str, str]:
    """Metric → its full name, for every metric that judges `target`."""
    return {
        metric: target.name_metric(metric)
        for metric in (*target.behaviour.metrics, *target.metrics)
    }


def find_metric(name: str) -> tuple[Target | None, Metric]:
    """Target and row of the table of the metric of this full `name`; None for a mean of several."""
    for target in TARGETS.values():
        for metric, full in name_metrics(target).items():
            if full == name:
                return target, METRICS[metric]
    parts = list_shared_means(TARGETS)[name]
    return None, METRICS[TARGETS[parts[0]].behaviour.rank]


def list_shared_means(targets: Iterable[str]) -> dict[str, list[str]]:
    """Metric of several of `targets` at once → those that it is the mean of."""
    named = set(targets)
    ranks = {target.rank: name for name, target in TARGETS.items() if name in named}
    return {
        mean: [ranks[part] for part in parts]
        for mean, parts in list_means(named).items()
        if len(parts) > 1
    }


def _score(value: float, pairs: Pairs, explain: Callable[[Pairs], str]) -> Score:
    """Score of `value`; `explain` tells of covered rows why it is undefined (NaN)."""
    rows = pairs.covered
    annotated, covered = (int(np.count_nonzero(found)) for found in (pairs.annotated, rows))
    if not np.isnan(value):
        return Score(float(value), None, covered, annotated)
    if annotated == 0:
        return Score(None, "nothing annotated", covered, annotated)
    reason = "nothing covered" if covered == 0 else explain(pairs.take(rows))
    return Score(None, reason, covered, annotated)


def _score_mean(scores: Mapping[str, Score]) -> Score:
    """Mean of `scores` (target → score); the rows that it counts are of the least covered."""
    least = min(scores.values(), key=lambda score: score.covered / max(score.annotated, 1))
    for target, score in scores.items():
        if score.value is None:
            return Score(None, f"{target}: {score.reason}", least.covered, least.annotated)
    value = float(np.mean([score.value for score in scores.values()]))
    return Score(value, None, least.covered, least.annotated)


def _known(values: Float64[np.ndarray, "rows *classes"]) -> Bool[np.ndarray, " rows"]:
    missing = np.isnan(values)
    return np.asarray(~(missing if values.ndim == 1 else missing.any(axis=1)))


def _sum_chances(sum_rows: SumChances, pairs: Pairs, sets: Grouping) -> Counts:
    """What `sum_rows` makes of the rows that have probabilities."""
    scores = np.empty((len(pairs.labels), 1)) if pairs.scores is None else pairs.scores
    given = np.full(len(scores), pairs.scores is not None) & ~np.isnan(scores).any(axis=1)
    labels = pairs.labels[given].astype(np.int64)
    return Counts(sum_rows(scores[given], labels, sets.index[given], sets.count))


def _count_hits(hits: Bool[np.ndarray, " rows"], sets: Grouping) -> Counts:
    cells = np.bincount(sets.index * 2 + hits, minlength=2 * sets.count)
    return Counts(cells.reshape(sets.count, 2).astype(np.float64))


def _share(counts: Float64[np.ndarray, "sets 2"]) -> Float64[np.ndarray, " sets"]:
    return divide(counts[:, 1], counts.sum(axis=1))


def _count_signs(
    labels: Bool[np.ndarray, " rows"], predictions: Bool[np.ndarray, " rows"], sets: Grouping
) -> Counts:
    first, second = labels.astype(np.int64), predictions.astype(np.int64)
    return Counts(count_confusions(first, second, sets.index, count=sets.count, classes=2))


def _count_unequal(pairs: Pairs, sets: Grouping) -> Counts:
    rows = pairs.labels != 0
    kept = Grouping(sets.index[rows], sets.count)
    return _count_signs(pairs.labels[rows] > 0, pairs.predictions[rows] > 0, kept)


def _count_points(pairs: Pairs, sets: Grouping, most: int) -> Counts:
    """Misses and hits of the rounded points, those beyond `most` taken for as many."""
    label, prediction = (
        np.round(np.clip(np.round(POINTS * values, _DECIMALS), -most, most))
        for values in (pairs.labels, pairs.predictions)
    )
    return _count_hits(label == prediction, sets)


def _count_presences(pairs: Pairs, sets: Grouping) -> Counts:
    """For each class, whether it was there by whether that was predicted."""
    columns = zip((pairs.labels > 0).T, (pairs.predictions > PRESENT).T, strict=True)
    return Counts(np.stack([_count_signs(*column, sets).sums for column in columns], axis=1))


def _sum_divergence(pairs: Pairs, sets: Grouping) -> Counts:
    """Rows with a finite divergence of the votes from what is predicted, its sum, other rows."""
    votes, shares = (
        values / values.sum(axis=1, keepdims=True) for values in (pairs.labels, pairs.predictions)
    )
    voted = votes > 0
    finite = ~(voted & (shares == 0)).any(axis=1)
    ratios = np.divide(votes, shares, out=np.ones_like(votes), where=voted & finite[:, np.newaxis])
    divergence = (votes * np.log(ratios)).sum(axis=1)
    sums = [np.bincount(sets.index, term, sets.count) for term in (finite, divergence, ~finite)]
    return Counts(np.stack(sums, axis=1, dtype=np.float64))


def _mean_divergence(sums: Float64[np.ndarray, "sets 3"]) -> Float64[np.ndarray, " sets"]:
    means = divide(sums[:, 1], sums[:, 0])
    return np.where(sums[:, 2] > 0, np.nan, means)


def _area(present: Bool[np.ndarray, " rows"], scores: Float64[np.ndarray, " rows"]) -> float:
    with_class = int(np.count_nonzero(present))
    without = len(present) - with_class
    if not with_class or not without:
        return np.nan
    _, place, times = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = np.cumsum(times) - (times - 1) / 2
    above = ranks[place][present].sum() - with_class * (with_class + 1) / 2
    return float(above / (with_class * without))


def _mean_defined(values: Float64[np.ndarray, " classes"]) -> float:
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else np.nan
