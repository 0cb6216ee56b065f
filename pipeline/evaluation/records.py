"""What evaluation finds out: the records of `evaluation.json`, and of a comparison of heads."""

from typing import Literal

from pipeline.sections import Section

SplitName = Literal["val", "test"]
Unit = Literal["subject", "group", "clip"]

FEW_CLUSTERS = 10
"""Below this many clusters their own values are shown: an interval from so few is too narrow."""


class Estimate(Section):
    """One metric: `value` is None where it is undefined, and `reason` says why.

    `low` and `high` bound the interval over resampled clusters, None where fewer than ten clusters
    hold the metric, where too many resamples leave it undefined, and for the area under a curve,
    which no sums over clusters give. `covered` of `annotated` clips (or frames, where frames carry
    the labels) had a prediction; for a mean of several targets, of the one that has fewest.
    """

    value: float | None
    low: float | None
    high: float | None
    reason: str | None
    covered: int
    annotated: int


class ClassRates(Section):
    """How one class is found: None where undefined. `auc` is for scores alone."""

    precision: float | None
    recall: float | None
    f1: float | None
    support: int
    auc: float | None = None


class SplitEvaluation(Section):
    """One head on one split, out-of-fold predictions pooled.

    `cluster_unit` names what intervals resample; `cluster_values` (metric → cluster → value) has
    the metrics that fewer than ten clusters hold. `fold_values` is metric → fold → value.
    `filled` repeats every metric with missing predictions filled by the training prior; None
    where some still miss. `withheld` is modality → metric → value without that modality, filled
    likewise, so it stands beside `filled`. `per_video` is the mean over clips of the CCC of a
    frame rating computed in each, clips where it is undefined left out.

    `confusion` has, for each target with one class a row, covered clips (or frames) by (annotated,
    predicted) class in the order of `classes`; of votes the class that most chose counts, and
    `tied` the rows left out because several did. `per_class` is target → class → how it is found;
    for scores, how its presence is.
    """

    metrics: dict[str, Estimate]
    cluster_unit: Unit
    clusters: int
    cluster_values: dict[str, dict[str, float | None]]
    fold_values: dict[str, dict[str, float | None]]
    filled: dict[str, float | None]
    per_video: dict[str, float | None]
    withheld: dict[str, dict[str, float | None]]
    classes: list[str]
    confusion: dict[str, list[list[int]]]
    tied: dict[str, int]
    per_class: dict[str, dict[str, ClassRates]]


class Evaluation(Section):
    """One head on its targets and the opened splits: `val` always, `test` when asked for."""

    format_version: Literal[2] = 2
    head: str
    targets: list[str]
    splits: dict[SplitName, SplitEvaluation]


class Difference(Section):
    """`first` minus `second` on the rows that all heads cover.

    `p_value` comes from swapping the two heads' predictions for whole clusters, two-sided;
    `p_holm` is corrected over all pairs of its split and metric.
    """

    first: str
    second: str
    metric: str
    difference: float
    p_value: float
    p_holm: float


class Comparison(Section):
    """Heads beside each other on one split.

    `common` is head → metric → value on the rows that all heads cover, target by target; a head
    that predicts nothing of a target takes no part in it. `common_clips` counts the clips that
    hold such rows.
    """

    split: SplitName
    common_clips: int
    common: dict[str, dict[str, float | None]]
    differences: list[Difference]


def headline(split: SplitEvaluation) -> dict[str, float | None]:
    """Metric → value of one split, None where undefined, for `reports/metrics/<head>.json`.

    Rounded to six decimals: the order in which sums were taken shows in later ones.
    """
    return {
        metric: None if estimate.value is None else round(estimate.value, 6)
        for metric, estimate in split.metrics.items()
    }
