"""What evaluation finds out: the records of `evaluation.json`, and of a comparison of heads."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.limits import MOST_CLASSES, MOST_ROWS
from pipeline.sections import Name, Section
from pipeline.targets import TARGETS, list_metrics

Count = Annotated[int, Field(ge=0, le=MOST_ROWS)]

SplitName = Literal["val", "test"]
Unit = Literal["group", "subject", "clip"]

FEW_CLUSTERS = 8
"""Below this many clusters their own values are shown: they tell more than an interval would.

Of so many it is known what intervals cover: `benchmarks/coverage.py`.
"""


def count_units(count: int, unit: Unit) -> str:
    """So many of `unit`, in words.

    >>> count_units(1, "group"), count_units(7, "clip")
    ('1 group', '7 clips')
    """
    return f"{count} {unit}{'' if count == 1 else 's'}"


class Estimate(Section):
    """One metric: `value` is None where it is undefined, and `reason` says why.

    `low` and `high` bound its interval, the jackknife over clusters; None where there is none, and
    `interval_reason` says why though there is a value. `covered` of `annotated` clips (or frames,
    where frames carry the labels) had a prediction; for a mean of several targets, of the one that
    has fewest.
    """

    value: float | None
    low: float | None
    high: float | None
    reason: str | None
    interval_reason: str | None
    covered: Count
    annotated: Count


class ClassRates(Section):
    """How one class is found: None where undefined, and `reason` says why for all but `auc`.

    `auc` is for scores alone, None where every row has the class or none.
    """

    precision: float | None
    recall: float | None
    f1: float | None
    support: Count
    auc: float | None = None
    reason: str | None = None


class SplitEvaluation(Section):
    """One head on one split, out-of-fold predictions pooled.

    `cluster_unit` names what intervals leave out and tests swap, and of how many there are
    `clusters`; `notes` are sentences on what so few cannot tell. `cluster_values` (metric →
    cluster → value) has the metrics that fewer than eight clusters hold. `fold_values` is metric →
    fold → value, `corpus_values` metric → corpus → value where clips are of several corpora.
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
    notes: list[str]
    cluster_values: dict[str, dict[str, float | None]]
    fold_values: dict[str, dict[str, float | None]]
    corpus_values: dict[str, dict[str, float | None]]
    filled: dict[str, float | None]
    per_video: dict[str, float | None]
    withheld: dict[str, dict[str, float | None]]
    classes: list[str] = Field(max_length=MOST_CLASSES)
    confusion: dict[str, list[list[Count]]]
    tied: dict[str, int]
    per_class: dict[str, dict[str, ClassRates]]

    @model_validator(mode="after")
    def _check_tables(self) -> "SplitEvaluation":
        for counts in self.confusion.values():
            if {len(counts), *map(len, counts)} != {len(self.classes)}:
                raise ValueError("expected a confusion matrix with a row and a column each class")
        for values in self.withheld.values():
            if values.keys() != self.filled.keys():
                raise ValueError("expected the same metrics without a modality as with all")
        return self


class Evaluation(Section):
    """One head on its targets and the opened splits: `val` always, `test` when asked for."""

    format_version: Literal[4] = 4
    head: Name
    targets: list[str] = Field(min_length=1)
    splits: dict[SplitName, SplitEvaluation]

    @model_validator(mode="after")
    def _check_metrics(self) -> "Evaluation":
        if "val" not in self.splits or not set(self.targets) <= TARGETS.keys():
            raise ValueError(f"expected val, and targets of {', '.join(TARGETS)}")
        for split in self.splits.values():
            if not split.metrics.keys() == split.filled.keys() == {*list_metrics(self.targets)}:
                raise ValueError("expected the metrics of its targets, each with a filled value")
        return self


class Difference(Section):
    """`first` minus `second` on the rows that all heads cover.

    `p_value` comes from swapping the two heads' predictions for whole clusters, two-sided;
    `p_holm` is corrected over all pairs of its split and metric, and `p_least` is the least that
    this could be, whatever two heads say.
    """

    first: str
    second: str
    metric: str
    difference: float
    p_value: float
    p_holm: float
    p_least: float


class Comparison(Section):
    """Heads beside each other on one split.

    `common` is head → metric → value on the rows that all heads cover, target by target; a head
    that predicts nothing of a target takes no part in it. `common_clips` counts the clips that
    hold such rows, and `clusters` the `cluster_unit`s, which tests swap: in every way where `swaps`
    is None, else so many times by chance. `floors` is metric → why no difference in it can be
    significant.
    """

    split: SplitName
    common_clips: int
    cluster_unit: Unit
    clusters: int
    swaps: int | None
    floors: dict[str, str]
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
