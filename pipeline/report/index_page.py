"""The page that people look at: heads compared, the best one shown, the run accounted for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from pipeline.evaluation.params import EvaluateParams
from pipeline.evaluation.ranking import list_leading, list_ranking, list_shown, list_targets
from pipeline.evaluation.records import Comparison, Difference
from pipeline.heads.recipes import Input
from pipeline.modalities import modality_of
from pipeline.report.face_summaries import FaceCounts
from pipeline.report.figures import draw_small_curves
from pipeline.report.head_page import SPLIT_NAMES, draw_splits
from pipeline.report.ledger_groups import group_entries
from pipeline.report.pages import embed, write_page
from pipeline.report.params import ReportParams
from pipeline.report.standing import draw_standing, draw_withheld
from pipeline.report.summary import HeadSummary, find_baseline, set_apart
from pipeline.store.ledger import Entry
from pipeline.targets import TARGETS

_MOST_SHOWN = 6
"""Above so many columns of validation, what a mean is made of is left to the pages of heads."""


@dataclass(frozen=True)
class Overview:
    """What the page is made of; `params_yaml` is the text of the file, shown as it is.

    `comparisons` has one for each opened split, `alike` a sentence for each two sides that clips of
    nearly the same content stand on.
    """

    heads: Sequence[HeadSummary]
    comparisons: Sequence[Comparison]
    ledger: Sequence[Entry]
    alike: Sequence[str]
    faces: FaceCounts
    params_yaml: str
    report: ReportParams
    evaluate: EvaluateParams


@dataclass(frozen=True)
class ReadSet:
    """A feature set as some heads read it; sets that changed between trainings appear twice."""

    modality: str
    made: Input
    heads: list[str]


def write_index_page(path: Path, overview: Overview) -> None:
    """Write the page of `overview` to `path`; it needs no other file, and links to heads' pages."""
    heads, apart = set_apart(overview.heads)
    targets = list_targets(head.evaluation for head in heads)
    defined = _find_defined(heads, list_shown(targets))
    summed = [metric for metric in list_leading(targets) if metric in defined]
    content = {
        "overview": overview,
        "heads": heads,
        "apart": apart,
        "best": heads[0],
        "baseline": find_baseline(heads),
        "split_names": SPLIT_NAMES,
        "shown": {"val": defined if len(defined) <= _MOST_SHOWN else summed, "test": summed},
        "summed": summed,
        "ranking": [metric for metric in list_ranking(targets) if metric in defined],
        "undefined": _explain_undefined(heads, list_shown(targets)),
        "matrices": {
            c.split: _arrange(c, heads, summed) for c in overview.comparisons if c.differences
        },
        "common": {c.split: c for c in overview.comparisons},
        "floors": {c.split: _group_floors(c) for c in overview.comparisons},
        "ledger": group_entries(overview.ledger),
        "alike": overview.alike,
        "figures": _draw_figures(heads, summed),
        "details": draw_splits(heads[0], by_class=False),
        "scored": any(TARGETS[name].kind == "scores" for name in heads[0].evaluation.targets),
        "curves": _draw_curves(heads, _list_curved(targets)),
        "sets": _collect_sets(heads),
        "versions": _collect(head.recipe.versions for head in heads),
        "revisions": sorted({head.recipe.git_revision or "outside git" for head in heads}),
    }
    write_page(path, "index.html.j2", content)


def _find_defined(heads: Sequence[HeadSummary], metrics: Sequence[str]) -> list[str]:
    """Those of `metrics` that some head defines on some split."""
    splits = [split.metrics for head in heads for split in head.evaluation.splits.values()]
    return [
        metric
        for metric in metrics
        if any(found[metric].value is not None for found in splits if metric in found)
    ]


def _explain_undefined(heads: Sequence[HeadSummary], metrics: Sequence[str]) -> dict[str, str]:
    """Metric → why no head defines it, by the best head's own words that has it at all."""
    splits = [head.evaluation.splits["val"].metrics for head in heads]
    reasons = {
        metric: next((found[metric].reason for found in splits if metric in found), None)
        for metric in metrics
        if metric not in _find_defined(heads, metrics)
    }
    return {metric: reason or "undefined" for metric, reason in reasons.items()}


def _arrange(
    comparison: Comparison, heads: Sequence[HeadSummary], metrics: Sequence[str]
) -> dict[str, list[list[Difference | None]]]:
    """Metric → upper triangle of differences, in the order of `heads`: row minus column."""
    found = {(d.metric, d.first, d.second): d for d in comparison.differences}
    found.update({(d.metric, d.second, d.first): _reverse(d) for d in comparison.differences})
    names = [head.name for head in heads]
    matrices = {
        metric: [
            [found.get((metric, row, column)) for column in names[place + 1 :]]
            for place, row in enumerate(names[:-1])
        ]
        for metric in metrics
    }
    return {metric: rows for metric, rows in matrices.items() if any(map(any, rows))}


def _reverse(d: Difference) -> Difference:
    turned = {"first": d.second, "second": d.first, "difference": -d.difference}
    return d.model_copy(update=turned)


def _group_floors(comparison: Comparison) -> dict[str, list[str]]:
    """Why no difference can be significant → the metrics of which that is so."""
    found: dict[str, list[str]] = {}
    for metric, floor in comparison.floors.items():
        found.setdefault(floor, []).append(metric)
    return found


def _draw_figures(heads: Sequence[HeadSummary], summed: Sequence[str]) -> dict[str, Markup]:
    figures = {}
    if summed:
        figures["standing"] = embed(draw_standing(heads, summed), "standing")
    fused = [h for h in heads if h.sets.keys() & h.evaluation.splits["val"].withheld.keys()]
    if fused and summed:
        figures["withheld"] = embed(draw_withheld(fused, summed), "withheld")
    return figures


def _list_curved(targets: Sequence[str]) -> list[str]:
    """Metrics that small curves may show, the first that a head has: what ranks comes first."""
    return [*list_ranking(targets), *list_shown(targets)]


def _draw_curves(heads: Sequence[HeadSummary], metrics: Sequence[str]) -> dict[str, Markup]:
    """Head → small learning curves; heads solved exactly have none."""
    curves = {}
    for head in heads:
        columns = {column for row in head.history for column, value in row.items() if value}
        metric = next((metric for metric in metrics if metric in columns), None)
        if metric is not None:
            figure = draw_small_curves(head.history, metric)
            curves[head.name] = embed(figure, f"curves-{head.name}")
    return curves


def _collect_sets(heads: Sequence[HeadSummary]) -> list[ReadSet]:
    """Feature sets that `heads` read, by modality and name."""
    found: dict[tuple[str, str, str], ReadSet] = {}
    for head in heads:
        for stream, made in head.recipe.inputs.items():
            modality = modality_of(stream)
            key = (modality, made.name, made.index_digest)
            found.setdefault(key, ReadSet(modality, made, [])).heads.append(head.name)
    return [found[key] for key in sorted(found)]


def _collect(records: Iterable[Mapping[str, str]]) -> dict[str, list[str]]:
    """Key → its values in all `records`: more than one where heads were made differently."""
    found: dict[str, set[str]] = {}
    for record in records:
        for key, value in record.items():
            found.setdefault(key, set()).add(value)
    return {key: sorted(values) for key, values in found.items()}
