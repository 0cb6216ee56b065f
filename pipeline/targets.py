"""The targets: what a clip or a frame can be labelled with.

One table, TARGETS. Labels, heads, losses, predictions, metrics and pages all go by it and name no
target themselves, so a row more is a target more.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["class", "rating", "presence", "scores", "votes"]
"""`class`: one of the corpus's classes. `rating`: a number on a scale. `presence`: there or not,
above 0 or 0. `scores`: how much of each class, several at once. `votes`: which share of the
annotators chose each class."""


@dataclass(frozen=True)
class Behaviour:
    """What targets of one kind have in common.

    `losses` fit its outputs, the first unless params.yaml names another; `metrics` judge it, and
    `rank` is the one of them that chooses epochs and ranks heads. `vector` tells whether a label
    is a number for each class, `number` whether it is one that stands for no class.
    """

    losses: tuple[str, ...]
    metrics: tuple[str, ...]
    rank: str
    vector: bool = False
    number: bool = False


BEHAVIOURS: dict[Kind, Behaviour] = {
    "class": Behaviour(
        losses=("cross_entropy", "focal"),
        metrics=(
            "accuracy",
            "uar",
            "weighted_f1",
            "macro_f1",
            "macro_precision",
            "top_2",
            "nll",
            "ece",
        ),
        rank="uar",
    ),
    "rating": Behaviour(
        losses=("mse_ccc", "mse", "mae", "huber", "ccc", "ccc_epoch"),
        metrics=("ccc", "pearson", "mae", "rmse"),
        rank="ccc",
        number=True,
    ),
    "presence": Behaviour(
        losses=("binary_cross_entropy",),
        metrics=("f1", "auc"),
        rank="f1",
        number=True,
    ),
    "scores": Behaviour(
        losses=("binary_cross_entropy",),
        metrics=("mean_f1", "mean_auc"),
        rank="mean_f1",
        vector=True,
    ),
    "votes": Behaviour(
        losses=("soft_cross_entropy", "kl"),
        metrics=("kl", "accuracy", "uar"),
        rank="uar",
        vector=True,
    ),
}


@dataclass(frozen=True)
class Target:
    """One row of the table.

    Numbers lie from `low` to `high`. `framed` ones may be labelled frame by frame. `metrics` are
    further ones than its kind has. `suffix` ends the names of its metrics (`ccc_valence`).
    `mean` names a metric of several targets at once: the mean of what ranks each of them.
    """

    name: str
    kind: Kind
    low: float = 0.0
    high: float = 1.0
    framed: bool = False
    metrics: tuple[str, ...] = ()
    suffix: str | None = None
    mean: str | None = None

    @property
    def behaviour(self) -> Behaviour:
        """What its kind has in common."""
        return BEHAVIOURS[self.kind]

    def name_metric(self, metric: str) -> str:
        """Name of `metric` of this target in figures and files: `uar`, `ccc_valence`."""
        return f"{metric}{f'_{self.name}' if self.suffix is None else self.suffix}"

    @property
    def rank(self) -> str:
        """Name of the metric that ranks heads by this target."""
        return self.name_metric(self.behaviour.rank)


UNITS = (1, 2, 4, 6, 7, 10, 12, 15, 23, 24, 25, 26)
"""Action units of the face, by their numbers in the Facial Action Coding System (Ekman and Friesen,
1978), that Aff-Wild2 annotates."""

_ROWS = (
    Target("emotion", "class", framed=True, suffix=""),
    Target("intensity", "rating"),
    Target("valence", "rating", -1.0, framed=True, mean="ccc_mean"),
    Target("arousal", "rating", -1.0, framed=True, mean="ccc_mean"),
    Target("dominance", "rating", -1.0),
    # From -1 to 1 stands for the seven points from -3 to 3 of CMU-MOSI and CMU-MOSEI.
    Target(
        "sentiment",
        "rating",
        -1.0,
        metrics=("acc2_has0", "f1_has0", "acc2_non0", "f1_non0", "acc5", "acc7"),
    ),
    Target("emotions", "scores"),
    Target("votes", "votes"),
    *(Target(f"au{unit}", "presence", framed=True, mean="f1_units") for unit in UNITS),
)

TARGETS: dict[str, Target] = {target.name: target for target in _ROWS}
"""All targets by name, in the order of tables and reports."""

PREDICTED = ("emotion", "valence", "arousal")
"""Targets that a head predicts unless params.yaml names others."""


def list_metrics(targets: Iterable[str]) -> list[str]:
    """Names of all metrics of `targets`, in the order of reports: means first, then each target's.

    >>> list_metrics(["valence", "arousal"])[:3]
    ['ccc_mean', 'ccc_valence', 'pearson_valence']
    """
    chosen = [target for name, target in TARGETS.items() if name in set(targets)]
    own = [
        target.name_metric(metric)
        for target in chosen
        for metric in (*target.behaviour.metrics, *target.metrics)
    ]
    return [*(mean for mean, parts in list_means(targets).items() if len(parts) > 1), *own]


def list_means(targets: Iterable[str]) -> dict[str, list[str]]:
    """What ranks heads by `targets` → the metrics that it is the mean of.

    Targets that share a `mean` count as one; one without company ranks by its own metric.

    >>> list_means(["emotion", "valence", "arousal"])
    {'uar': ['uar'], 'ccc_mean': ['ccc_valence', 'ccc_arousal']}
    >>> list_means(["valence"])
    {'ccc_valence': ['ccc_valence']}
    """
    parts: dict[str, list[str]] = {}
    for name, target in TARGETS.items():
        if name in set(targets):
            parts.setdefault(target.mean or target.rank, []).append(target.rank)
    return {mean if len(found) > 1 else found[0]: found for mean, found in parts.items()}
