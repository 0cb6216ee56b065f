"""Ranking: which head is best, by validation alone, and by which metrics."""

from collections.abc import Iterable, Mapping

import numpy as np

from pipeline.evaluation.records import Evaluation
from pipeline.targets import TARGETS, list_means, list_metrics


def rank_heads(evaluations: Iterable[Evaluation]) -> list[str]:
    """Names of heads, best first, by validation alone.

    A head's score is the mean of what ranks its targets (of the CCC of valence and arousal, which
    count as one, and the UAR), with missing predictions filled by the training prior: every head is
    judged on every annotated row, and none gains by covering easy clips alone. A metric that no
    head defines is left out; one that other heads define and this one does not counts 0. A head
    that defines none comes last. Ties are in the order of names.
    """
    judged = list(evaluations)
    filled = {evaluation.head: evaluation.splits["val"].filled for evaluation in judged}
    return rank_values(filled, list_targets(judged))


def rank_values(
    filled: Mapping[str, Mapping[str, float | None]], targets: Iterable[str]
) -> list[str]:
    """Names of `filled` (name → metric → value), best first, as `rank_heads` ranks heads."""
    defined = {
        metric for values in filled.values() for metric in values if values[metric] is not None
    }
    means = list_means(targets).values()
    parts = [[metric for metric in part if metric in defined] for part in means]

    def order(head: str) -> tuple[bool, float, str]:
        values = [[filled[head].get(metric) for metric in part] for part in parts if part]
        means = [np.mean([value or 0.0 for value in part]) for part in values]
        undefined = all(value is None for part in values for value in part)
        return undefined, -float(np.mean(means)) if means else 0.0, head

    return sorted(filled, key=order)


def list_targets(evaluations: Iterable[Evaluation]) -> list[str]:
    """Targets that any of `evaluations` judges, in the order of the table."""
    found = {target for evaluation in evaluations for target in evaluation.targets}
    return [target for target in TARGETS if target in found]


def list_ranking(targets: Iterable[str]) -> list[str]:
    """Metrics that rank heads of `targets`, in the order of reports.

    >>> list_ranking(["emotion", "valence", "arousal"])
    ['ccc_mean', 'uar']
    """
    named = set(targets)
    return [metric for metric in list_metrics(named) if metric in list_means(named)]


def list_leading(targets: Iterable[str]) -> list[str]:
    """Metrics that stand for heads of `targets` where there is room for few.

    Those that rank heads, and the accuracy of targets with one class a row.

    >>> list_leading(["emotion", "valence", "arousal"])
    ['ccc_mean', 'accuracy', 'uar']
    """
    named = set(targets)
    classed = [t for name, t in TARGETS.items() if name in named and t.kind == "class"]
    leading = {*list_means(named), *(target.name_metric("accuracy") for target in classed)}
    return [metric for metric in list_metrics(named) if metric in leading]


def list_shown(targets: Iterable[str]) -> list[str]:
    """The leading metrics, and those that a leading mean is made of.

    >>> list_shown(["emotion", "valence", "arousal"])
    ['ccc_mean', 'accuracy', 'uar', 'ccc_valence', 'ccc_arousal']
    """
    named = set(targets)
    parts = {part for means in list_means(named).values() for part in means}
    return [metric for metric in list_metrics(named) if metric in {*list_leading(named), *parts}]
