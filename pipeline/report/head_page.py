"""The page of one head: how well it does, where it errs, and how it was made."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from pipeline.evaluation.judgement import Estimate, SplitName
from pipeline.evaluation.metrics import METRICS
from pipeline.evaluation.params import EvaluateParams
from pipeline.report.figures import (
    draw_confusion,
    draw_losses,
    draw_ratings,
    draw_scores,
    pair_ratings,
)
from pipeline.report.formats import write_number
from pipeline.report.pages import embed, write_page
from pipeline.report.summary import HeadSummary

Values = Mapping[str, Mapping[str, float | None]]
"""Metric → name (of a fold, a cluster, …) → value."""

SPLIT_NAMES = {"val": "Validation", "test": "Test"}
RATINGS = ("valence", "arousal")


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
        "metrics": METRICS,
        "figures": draw_splits(head),
        "withheld": _tabulate_withheld(head),
        "parts_of": [_tabulate_folds(head), _tabulate_clusters(head)],
        "average": average_values,
        "curves": _draw_curves(head),
        "runs": len({row["run"] for row in head.history}),
    }
    write_page(path, "head.html.j2", content)


def draw_splits(head: HeadSummary) -> dict[str, dict[str, Markup]]:
    """Split → title → confusion matrix and scatters, those with nothing to show left out."""
    return {split: dict(_draw_split(head, split)) for split in head.evaluation.splits}


def average_values(values: Mapping[str, float | None]) -> float | None:
    """Mean of the values that are defined, None where none is."""
    defined = [value for value in values.values() if value is not None]
    return sum(defined) / len(defined) if defined else None


def tabulate_values(values: Values) -> Grid | None:
    """`values` as a table without the metrics that are undefined everywhere; None if all are."""
    metrics = [
        metric
        for metric in METRICS
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
                    "all inputs": judged.filled[metric],
                    **{m: judged.withheld[m][metric] for m in head.sets if m in judged.withheld},
                }
                for metric in METRICS
            }
            for split, judged in head.evaluation.splits.items()
            if judged.withheld
        }
    )


def _tabulate_folds(head: HeadSummary) -> Part:
    values = {split: judged.fold_values for split, judged in head.evaluation.splits.items()}
    return Part(
        "Fold by fold",
        "Each run judged by itself, on clips that it was not trained on.",
        "fold",
        _tabulate_splits(values),
    )


def _tabulate_clusters(head: HeadSummary) -> Part:
    unit = head.evaluation.splits["val"].cluster_unit
    values = {split: judged.cluster_values for split, judged in head.evaluation.splits.items()}
    return Part(
        f"Each {unit} by itself",
        f"Too few {unit}s for an interval: from fewer than ten it would be too narrow.",
        unit,
        _tabulate_splits(values),
    )


def _tabulate_splits(values: Mapping[SplitName, Values]) -> dict[str, Grid]:
    grids = {split: tabulate_values(found) for split, found in values.items()}
    return {split: grid for split, grid in grids.items() if grid is not None}


def _draw_split(head: HeadSummary, split: SplitName) -> Iterable[tuple[str, Markup]]:
    judged = head.evaluation.splits[split]
    if any(map(any, judged.confusion)):
        figure = draw_confusion(judged.emotions, judged.confusion)
        yield _caption("Emotion · UAR", judged.metrics["uar"]), embed(figure, f"confusion-{split}")
    for target in RATINGS:
        labels, predictions = pair_ratings(head.predictions, split, target)
        if len(labels):
            figure = draw_ratings(target, labels, predictions)
            title = _caption(f"{target.capitalize()} · CCC", judged.metrics[f"ccc_{target}"])
            yield title, embed(figure, f"{target}-{split}")


def _caption(title: str, found: Estimate) -> str:
    return f"{title} {found.reason if found.value is None else write_number(found.value)}"


def _draw_curves(head: HeadSummary) -> dict[str, Markup]:
    if not head.history:
        return {}
    return {
        "Loss": embed(draw_losses(head.history), "losses"),
        "Metrics on validation": embed(draw_scores(head.history), "scores"),
    }
