"""Heads for people: a table of them, best first, and what one needs to be made again."""

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from pipeline.cli.printing import tabulate
from pipeline.evaluation.ranking import list_leading, list_targets
from pipeline.presets.rebuilding import Rebuilt, Weights
from pipeline.report.formats import name_metric, write_number
from pipeline.report.summary import HeadSummary, find_baseline, rank_summaries


def tabulate_heads(heads: Sequence[HeadSummary]) -> Table:
    """One row per head, the first one in bold."""
    ranked = rank_summaries(heads)
    leading = list_leading(list_targets(head.evaluation for head in heads))
    splits = ranked[0].evaluation.splits
    metrics = [f"{split}\n{name_metric(metric)}" for split in splits for metric in leading]
    table = tabulate(("head", "reads", *metrics), (_list_cells(h, ranked, leading) for h in ranked))
    for column in table.columns[2:]:
        column.justify = "right"
    table.rows[0].style = "bold"
    return table


def _list_cells(
    head: HeadSummary, ranked: Sequence[HeadSummary], leading: Sequence[str]
) -> tuple[str, ...]:
    return (
        head.name + _write_marks(head, ranked),
        " + ".join(head.sets),
        *(
            write_number(None if found is None else found.value)
            for judged in head.evaluation.splits.values()
            for metric in leading
            for found in [judged.metrics.get(metric)]
        ),
    )


def _write_marks(head: HeadSummary, ranked: Sequence[HeadSummary]) -> str:
    marked = {
        "best": head is ranked[0],
        "to beat": head is find_baseline(ranked),
        "has seen the corpus": bool(head.seen),
    }
    marks = [mark for mark, fits in marked.items() if fits]
    return f" ({', '.join(marks)})" if marks else ""


def tell_rebuilt(rebuilt: Rebuilt, out: Path) -> str:
    """One sentence: what was written to `out`, and what the head needs from elsewhere."""
    needs = [
        *(f"the corpus at {root}" for root in rebuilt.roots),
        *map(_name_weights, rebuilt.weights),
    ]
    needs.append(f"code, data/overrides.csv and data/splits.csv of {rebuilt.revision}")
    command = f"dvc repro models/dvc.yaml:train@{rebuilt.head}"
    given = f"{', '.join(needs[:-1])}, and {needs[-1]}"
    return f"{out}: `{command}` makes the head again with it, given {given}"


def _name_weights(weights: Weights) -> str:
    digest = f", digest {weights.digest}" if weights.digest else ""
    return f"weights {weights.name} ({weights.place}{digest})"
