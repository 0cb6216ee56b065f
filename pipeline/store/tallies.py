"""Tallies: how many clips a stage kept and left out, in one line."""

from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq

from pipeline.store.ledger import read_ledger
from pipeline.store.view_ids import is_like_view


def tally_clips(out: Path) -> str:
    """What a stage kept in the folder `out`, which has a ledger, and for what reasons not all.

    As in "data/clips: 123 of 125 clips; left out 1 unreadable, 1 empty_file
    (data/clips/ledger.parquet)".
    """
    ledger = out / "ledger.parquet"
    reasons: dict[str, Counter[str]] = {}
    for entry in read_ledger(ledger):
        reasons.setdefault(entry.status, Counter())[entry.reason] += 1
    lost = reasons.get("left_out", Counter()).total()
    total = _count_clips(out, lost)
    told = [
        f"{status.replace('_', ' ')} {_list_counts(counts)}"
        for status, counts in sorted(reasons.items())
    ]
    where = f" ({ledger})" if told else ""
    return "; ".join([f"{out}: {total - lost:,} of {total:,} clips", *told]) + where


def _list_counts(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} {reason}" for reason, count in counts.most_common())


def _count_clips(out: Path, lost: int) -> int:
    """Clips that came: all are in a store's index, and in a table those that were not `lost`."""
    if not (out / "index.parquet").is_file():
        return int(pq.read_metadata(out / "clips.parquet").num_rows) + lost
    clip_ids = pq.read_table(out / "index.parquet", columns=["clip_id"])["clip_id"].to_pylist()
    return sum(not is_like_view(clip_id) for clip_id in clip_ids)
