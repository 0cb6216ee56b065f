"""The ledger: every clip a stage left out or marked, and why. Nothing disappears silently."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa

from pipeline.errors import MoodlineError
from pipeline.tables import read_table, write_table

SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("clip_id", "stage", "status", "reason", "detail")]
)


@dataclass(frozen=True)
class Entry:
    """One clip in the ledger of one stage.

    `status` is `left_out` (the clip gives this stage nothing) or `marked` (it stays, with a
    remark); `reason` is one fixed word a table can count, `detail` a sentence for a person.
    """

    clip_id: str
    stage: str
    status: str
    reason: str
    detail: str


def write_ledger(path: Path, entries: Iterable[Entry]) -> None:
    """Write `entries` sorted by clip."""
    rows = [asdict(entry) for entry in sorted(entries, key=lambda entry: entry.clip_id)]
    write_table(path, pa.Table.from_pylist(rows, schema=SCHEMA))


def read_ledger(path: Path) -> list[Entry]:
    """Entries of the ledger at `path`."""
    return [Entry(**row) for row in read_table(path, SCHEMA).to_pylist()]


def check_share(entries: Iterable[Entry], total: int, allowed_share: float) -> None:
    """Raise MoodlineError when more than `allowed_share` of `total` clips were left out."""
    left_out = [entry for entry in entries if entry.status == "left_out"]
    if len(left_out) <= allowed_share * total:
        return
    reasons: dict[str, int] = {}
    for entry in left_out:
        reasons[entry.reason] = reasons.get(entry.reason, 0) + 1
    counted = ", ".join(f"{reason} {count}" for reason, count in sorted(reasons.items()))
    raise MoodlineError(
        f"{left_out[0].stage}: {len(left_out)} of {total} clips left out ({counted}), "
        f"expected at most a share of {allowed_share:g}; first: {left_out[0].clip_id} "
        f"({left_out[0].detail}); mend the corpus or raise `allowed_share` in params.yaml"
    )
