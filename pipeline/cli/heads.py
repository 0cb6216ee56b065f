"""Heads for people: tables of them, and what one needs to be made again."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from rich.table import Table

from pipeline.cli.printing import tabulate
from pipeline.errors import ParamsError
from pipeline.evaluation.ranking import list_leading, list_targets
from pipeline.evaluation.records import Comparison, Estimate, SplitName
from pipeline.families import suggest
from pipeline.presets.rebuilding import Rebuilt, Weights
from pipeline.report.formats import (
    name_metric,
    write_difference,
    write_interval,
    write_number,
    write_p,
)
from pipeline.report.summary import HeadSummary, find_baseline, set_apart

APART = " (normalised by subject, not ranked)"


def tabulate_heads(heads: Sequence[HeadSummary]) -> Table:
    """One row per head, the first one in bold; those that are not ranked come last."""
    ranked, apart = set_apart(heads)
    leading = list_leading(list_targets(head.evaluation for head in heads))
    splits = ranked[0].evaluation.splits
    metrics = [f"{split}\n{name_metric(metric)}" for split in splits for metric in leading]
    table = tabulate(
        ("head", "reads", *metrics), (_list_cells(h, ranked, leading) for h in [*ranked, *apart])
    )
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
    told = f" ({', '.join(marks)})" if marks else ""
    return told if head in ranked else told + APART


def choose_heads(asked: Sequence[str], known: Iterable[str]) -> list[str]:
    """`asked`, each once; raises ParamsError for one that params.yaml does not have."""
    names = list(known)
    for name in asked:
        if name not in names:
            raise ParamsError(f"params.yaml: heads.{name}: no such entry; {suggest(name, names)}")
    return list(dict.fromkeys(asked))


def list_comparisons(
    heads: Sequence[HeadSummary], comparisons: Iterable[Comparison]
) -> Iterator[Table | str]:
    """Split by split: heads side by side, each two of them tested, and what no test can tell."""
    for comparison in comparisons:
        yield tabulate_estimates(heads, comparison.split)
        yield tabulate_differences(comparison)
        yield from comparison.floors.values()


def tabulate_estimates(heads: Sequence[HeadSummary], split: SplitName) -> Table:
    """One row per head, best first by validation: leading metrics of `split`, with intervals.

    Those that are not ranked come last, and are tested against no other.
    """
    ranked, apart = set_apart(heads)
    leading = list_leading(list_targets(head.evaluation for head in heads))
    metrics = [f"{split}\n{name_metric(metric)}" for metric in leading]
    return tabulate(
        ("head", "reads", *metrics),
        (
            (
                head.name + (APART if head in apart else ""),
                " + ".join(head.sets.values()),
                *(_write(head.evaluation.splits[split].metrics.get(m)) for m in leading),
            )
            for head in [*ranked, *apart]
        ),
    )


def _write(estimate: Estimate | None) -> str:
    """A value with its interval: `0.612 (0.55 to 0.67)`."""
    if estimate is None:
        return write_number(None)
    interval = write_interval(estimate)
    return write_number(estimate.value) + (f" ({interval})" if interval else "")


def tabulate_differences(comparison: Comparison) -> Table:
    """One row per pair of heads and metric, on the rows that all of them cover."""
    table = tabulate(
        ("difference", "metric", "value", "p", "p, corrected"),
        (
            (
                f"{one.first} − {one.second}",
                name_metric(one.metric),
                write_difference(one.difference),
                write_p(one.p_value),
                write_p(one.p_holm),
            )
            for one in comparison.differences
        ),
    )
    for column in table.columns[2:]:
        column.justify = "right"
    return table


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
