"""The page of one head: how well it does, where it errs, and how it was made."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from markupsafe import Markup

from pipeline.evaluation.metrics import METRICS, list_shared_means, name_metrics
from pipeline.evaluation.pairing import name_head
from pipeline.evaluation.params import EvaluateParams
from pipeline.evaluation.ranking import list_shown
from pipeline.evaluation.records import FEW_CLUSTERS, SplitEvaluation, SplitName
from pipeline.evaluation.table import ENROLLED
from pipeline.report.figures import (
    draw_classes,
    draw_confusion,
    draw_layers,
    draw_losses,
    draw_ratings,
    draw_scores,
    pair_ratings,
)
from pipeline.report.formats import write_number
from pipeline.report.pages import embed, write_page
from pipeline.report.summary import HeadSummary
from pipeline.targets import TARGETS

Values = Mapping[str, Mapping[str, float | None]]
"""Metric → name (of a fold, a cluster, …) → value."""

ADJUSTED = {
    "width_seconds": "smoothed over (s)",
    "scale": "scale",
    "shift": "shift",
    "temperature": "temperature",
}
"""What is fitted to validation → its name for people."""

SPLIT_NAMES = {"val": "Validation", "test": "Test"}


@dataclass(frozen=True)
class Grid:
    """A table with a column per metric and a row per name; `None` where undefined."""

    metrics: list[str]
    rows: dict[str, dict[str, float | None]]


@dataclass(frozen=True)
class Part:
    """Values of the parts that a split falls into: its folds, or its clusters."""

    title: str
    lead: str
    unit: str
    grids: dict[str, Grid]


def write_head_page(path: Path, head: HeadSummary, params: EvaluateParams) -> None:
    """Write the page of `head`, judged as `params` say, to `path`; it needs no other file."""
    content = {
        "head": head,
        "params": params,
        "split_names": SPLIT_NAMES,
        "metrics": group_metrics(head.evaluation.targets),
        "figures": draw_splits(head, by_class=True),
        "withheld": _tabulate_withheld(head),
        "parts_of": [
            _tabulate_enrolment(head),
            _tabulate_corpora(head),
            _tabulate_folds(head),
            _tabulate_clusters(head),
        ],
        "average": average_values,
        "curves": _draw_curves(head),
        "layers": _draw_layers(head),
        "adjustments": _tabulate_adjustments(head),
        "runs": len({row["run"] for row in head.history}),
    }
    write_page(path, "head.html.j2", content)


def group_metrics(targets: Sequence[str]) -> dict[str, list[str]]:
    """Heading → metrics below it: means of several targets first, then each target's own."""
    own = {target: list(name_metrics(TARGETS[target]).values()) for target in targets}
    means = list_shared_means(targets)
    return {**({"several targets": list(means)} if means else {}), **own}


def draw_splits(head: HeadSummary, *, by_class: bool) -> dict[str, dict[str, Markup]]:
    """Split → title → figures of each target, those with nothing to show left out.

    `by_class` adds how each class is found where a confusion matrix shows it already.
    """
    return {
        split: {
            title: figure
            for target in head.evaluation.targets
            for title, figure in (
                *_draw_confusion(head, split, target),
                *_draw_classes(head, split, target, by_class=by_class),
                *_draw_ratings(head, split, target),
            )
        }
        for split in head.evaluation.splits
    }


def average_values(values: Mapping[str, float | None]) -> float | None:
    """Mean of the values that are defined, None where none is."""
    defined = [value for value in values.values() if value is not None]
    return sum(defined) / len(defined) if defined else None


def tabulate_values(values: Values, targets: Sequence[str]) -> Grid | None:
    """Shown metrics of `targets` among `values` as a table; None if all are undefined.

    Metrics that are undefined everywhere are left out.
    """
    metrics = [
        metric
        for metric in list_shown(targets)
        if any(value is not None for value in values.get(metric, {}).values())
    ]
    names = dict.fromkeys(name for metric in metrics for name in values[metric])
    rows = {name: {metric: values[metric].get(name) for metric in metrics} for name in names}
    return Grid(metrics, rows) if rows else None


def _tabulate_withheld(head: HeadSummary) -> dict[str, Grid]:
    """Split → filled values with all inputs, then with each modality withheld."""
    return _tabulate_splits(
        {
            split: {
                metric: {
                    "all inputs": value,
                    **{m: judged.withheld[m][metric] for m in head.sets if m in judged.withheld},
                }
                for metric, value in judged.filled.items()
            }
            for split, judged in head.evaluation.splits.items()
            if judged.withheld.keys() & head.sets.keys()
        },
        head.evaluation.targets,
    )


def _tabulate_enrolment(head: HeadSummary) -> Part:
    """Values by how many clips of a subject a head knows it from, of heads that go by that."""
    values = {
        split: {
            metric: {
                **{
                    str(count): judged.withheld[word][metric]
                    for word, count in ENROLLED.items()
                    if word in judged.withheld
                },
                "all": value,
            }
            for metric, value in judged.filled.items()
        }
        for split, judged in head.evaluation.splits.items()
        if judged.withheld.keys() & ENROLLED.keys()
    }
    return Part(
        "Enrolment",
        "The same head, where it knows each subject from so many other clips, or as many as there "
        "are; all: from every clip, the judged one too. Values are filled.",
        "other clips",
        _tabulate_splits(values, head.evaluation.targets),
    )


def _tabulate_folds(head: HeadSummary) -> Part:
    values = {split: judged.fold_values for split, judged in head.evaluation.splits.items()}
    return Part(
        "Fold by fold",
        "Each run judged by itself, on clips that it was not trained on.",
        "fold",
        _tabulate_splits(values, head.evaluation.targets),
    )


def _tabulate_corpora(head: HeadSummary) -> Part:
    values = {split: judged.corpus_values for split, judged in head.evaluation.splits.items()}
    return Part(
        "Corpus by corpus",
        "One head, judged on the clips of each corpus by themselves.",
        "corpus",
        _tabulate_splits(values, head.evaluation.targets),
    )


def _tabulate_clusters(head: HeadSummary) -> Part:
    unit = head.evaluation.splits["val"].cluster_unit
    values = {split: judged.cluster_values for split, judged in head.evaluation.splits.items()}
    return Part(
        f"Each {unit} by itself",
        f"From fewer than {FEW_CLUSTERS} {unit}s there is no interval: each one tells more.",
        unit,
        _tabulate_splits(values, head.evaluation.targets),
    )


def _tabulate_splits(values: Mapping[SplitName, Values], targets: Sequence[str]) -> dict[str, Grid]:
    grids = {split: tabulate_values(found, targets) for split, found in values.items()}
    return {split: grid for split, grid in grids.items() if grid is not None}


Drawn = Iterator[tuple[str, Markup]]
"""Title and figure."""


def _draw_confusion(head: HeadSummary, split: SplitName, target: str) -> Drawn:
    judged = head.evaluation.splits[split]
    if any(map(any, judged.confusion.get(target, []))):
        figure = draw_confusion(judged.classes, judged.confusion[target])
        title = _caption(target, judged) + _count_tied(target, judged)
        yield title, embed(figure, f"confusion-{target}-{split}")


def _draw_classes(head: HeadSummary, split: SplitName, target: str, *, by_class: bool) -> Drawn:
    judged = head.evaluation.splits[split]
    rates = judged.per_class.get(target, {})
    confused = target in judged.confusion
    if any(found.support for found in rates.values()) and (by_class or not confused):
        title = f"{target.capitalize()} by class" if confused else _caption(target, judged)
        yield title, embed(draw_classes(rates), f"classes-{target}-{split}")


def _draw_ratings(head: HeadSummary, split: SplitName, target: str) -> Drawn:
    if TARGETS[target].kind == "rating":
        with name_head(head.name):
            labels, predictions = pair_ratings(head.predictions, split, target)
        if len(labels):
            title = _caption(target, head.evaluation.splits[split])
            yield title, embed(draw_ratings(target, labels, predictions), f"{target}-{split}")


def _caption(target: str, judged: SplitEvaluation) -> str:
    """Name of `target`, and the metric that ranks heads by it."""
    found = judged.metrics[TARGETS[target].rank]
    title = METRICS[TARGETS[target].behaviour.rank].title
    value = found.reason if found.value is None else write_number(found.value)
    return f"{target.capitalize()} · {title} {value}"


def _count_tied(target: str, judged: SplitEvaluation) -> str:
    tied = judged.tied.get(target, 0)
    return f", {tied} tied left out" if tied else ""


def _draw_curves(head: HeadSummary) -> dict[str, Markup]:
    if not head.history:
        return {}
    shown = list_shown(head.evaluation.targets)
    return {
        "Loss": embed(draw_losses(head.history), "losses"),
        "Metrics on validation": embed(draw_scores(head.history, shown), "scores"),
    }


def _tabulate_adjustments(head: HeadSummary) -> dict[str, dict[str, str]]:
    """Target → what was fitted for it → its value, or the least and the most of several runs."""
    runs = list(head.recipe.adjustments.values())
    targets = dict.fromkeys(target for run in runs for target in run)
    return {
        target: {
            title: _write_range([getattr(run[target], field) for run in runs if target in run])
            for field, title in ADJUSTED.items()
        }
        for target in targets
    }


def _write_range(values: Sequence[float]) -> str:
    ends = dict.fromkeys(map(write_number, (min(values), max(values))))
    return " to ".join(ends)


def _draw_layers(head: HeadSummary) -> dict[str, Markup]:
    """Stream and its feature set → the layers of its rows by what they weigh in the head."""
    runs = head.recipe.layer_shares.values()
    streams = dict.fromkeys(stream for shares in runs for stream in shares)
    return {
        f"{stream} · {made.name}": embed(
            draw_layers(made.layers, np.array([shares[stream] for shares in runs])),
            f"layers-{stream.replace('/', '-')}",
        )
        for stream in streams
        for made in [head.recipe.inputs[stream]]
    }
