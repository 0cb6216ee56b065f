"""Evaluation of one head's predictions, and comparison of several heads."""

from typing import Literal

from pydantic import Field, PositiveInt

from pipeline.sections import Section


class EvaluateParams(Section):
    """How heads are judged: `evaluate` in params.yaml. Ranking never looks at test."""

    test: bool = False
    confidence: float = Field(0.95, gt=0, lt=1)
    resamples: PositiveInt = 1000
    seed: int = 0


class Estimate(Section):
    """One metric: `value` is None where it is undefined, and `reason` says why.

    `low` and `high` bound the interval over resampled clusters, None where clusters are too few.
    `covered` of `annotated` clips (or frames) had a prediction.
    """

    value: float | None
    low: float | None
    high: float | None
    reason: str | None
    covered: int
    annotated: int


class SplitEvaluation(Section):
    """One head on one split, out-of-fold predictions pooled.

    `cluster_unit` names what intervals resample; `cluster_values` (metric → cluster → value) is
    filled where there are fewer than ten clusters. `fold_values` is metric → fold → value.
    `filled` repeats every metric with missing predictions filled by the training prior.
    `withheld` is modality → metric → value without that modality. `per_video` is the mean over
    clips of a frame metric computed in each, empty for clip targets. `confusion` counts
    clips by (annotated, predicted) class in the order of `emotions`.
    """

    metrics: dict[str, Estimate]
    cluster_unit: Literal["subject", "group", "clip"]
    clusters: int
    cluster_values: dict[str, dict[str, float | None]]
    fold_values: dict[str, dict[str, float | None]]
    filled: dict[str, float | None]
    per_video: dict[str, float | None]
    withheld: dict[str, dict[str, float | None]]
    emotions: list[str]
    confusion: list[list[int]]


class Evaluation(Section):
    """One head on the splits that were opened: `val` always, `test` when asked for."""

    format_version: Literal[1] = 1
    head: str
    splits: dict[Literal["val", "test"], SplitEvaluation]


class Difference(Section):
    """`first` minus `second` on the clips both cover.

    `p_value` comes from swapping the two heads' predictions for whole clusters, two-sided;
    `p_holm` is corrected over all pairs of its split and metric.
    """

    first: str
    second: str
    metric: str
    difference: float | None
    p_value: float | None
    p_holm: float | None


class Comparison(Section):
    """Heads beside each other on one split: `common` metrics on the clips that all cover."""

    split: Literal["val", "test"]
    common_clips: int
    common: dict[str, dict[str, float | None]]
    differences: list[Difference]
