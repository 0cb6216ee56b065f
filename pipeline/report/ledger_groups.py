"""Ledgers as pages list them: by stage and reason, the clips of each under it."""

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.store.ledger import Entry

LISTED = 300
"""Most clips of one stage and reason that a page lists; the ledger itself has them all."""


@dataclass(frozen=True)
class LedgerGroup:
    """Clips that one stage left out or marked for one reason; `entries` has the first of them."""

    stage: str
    status: str
    reason: str
    clips: int
    entries: list[Entry]


def group_entries(entries: Iterable[Entry]) -> list[LedgerGroup]:
    """`entries` by stage, status and reason, the largest groups of each stage first."""
    found: dict[tuple[str, str, str], list[Entry]] = {}
    for entry in entries:
        found.setdefault((entry.stage, entry.status, entry.reason), []).append(entry)
    groups = [
        LedgerGroup(*key, len(group), sorted(group, key=lambda entry: entry.clip_id)[:LISTED])
        for key, group in found.items()
    ]
    return sorted(groups, key=lambda group: (group.stage, -group.clips, group.reason))
