"""The page of labels, to look at before anything is trained: who and what is in each part."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.labels.overview import Overview
from pipeline.labels.parts import ALL, Counts
from pipeline.report.ledger_groups import group_entries
from pipeline.report.pages import write_page
from pipeline.targets import TARGETS

MOST_NAMED = 4
"""More corpora than these are counted, not named, at the head of the page."""


@dataclass(frozen=True)
class ClassTable:
    """Class → its number in each column; `wholes` is what shares are of, empty where of nothing."""

    rows: Mapping[str, Mapping[str, int]]
    wholes: Mapping[str, int]

    @property
    def largest(self) -> float:
        """The largest share of any cell."""
        shares = [
            number / whole
            for row in self.rows.values()
            for column, number in row.items()
            if (whole := self.wholes.get(column))
        ]
        return max(shares, default=0.0)


def write_labels_page(path: Path, overview: Overview) -> None:
    """Write the page of `overview` to `path`; it needs no other file."""
    content = {
        "overview": overview,
        "every": ALL,
        "most_named": MOST_NAMED,
        "folds": any(part.startswith("fold-") for part in overview.parts),
        "counts": {name: overview.condense(found) for name, found in overview.counts.items()},
        "classes": {
            target: tabulate_classes(target, counts, overview)
            for target, counts in overview.classes.items()
        },
        "ledger": group_entries(overview.entries),
    }
    write_page(path, "labels.html.j2", content)


def tabulate_classes(target: str, counts: Mapping[str, Counts], overview: Overview) -> ClassTable:
    """Classes of `target` by part, with what shares are of.

    That is all clips for scores, of which a clip may have several, and else all that have a class.
    Of folds put together, nothing.
    """
    rows = {name: overview.condense(found) for name, found in counts.items()}
    if overview.crowded:
        return ClassTable(rows, {})
    if target in TARGETS and TARGETS[target].kind == "scores":
        return ClassTable(rows, overview.condense(overview.counts["clips"]))
    columns = (*overview.parts, ALL)
    return ClassTable(rows, {part: sum(row[part] for row in rows.values()) for part in columns})
