"""The ledger: every clip a stage left out or marked, and why. Nothing disappears silently."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa

from pipeline.errors import MoodlineError, StoreError
from pipeline.limits import MOST_CLIPS, MOST_REASONS
from pipeline.store.header import check_digest, read_header
from pipeline.store.objects import list_rows
from pipeline.store.parts import PartClip
from pipeline.store.tables import read_records, write_table

SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("clip_id", "stage", "status", "reason", "detail")]
)


@dataclass(frozen=True)
class Entry:
    """One clip in the ledger of one stage.

    `status` is `left_out` (the clip gives this stage nothing), `marked` (it stays, with a remark)
    or `absent` (it has nothing of this kind); `reason` is one fixed word a table can count,
    `detail` a sentence for a person.
    """

    clip_id: str
    stage: str
    status: str
    reason: str
    detail: str


def enter_clips(stage: str, clips: Iterable[PartClip]) -> list[Entry]:
    """Entries of those of `clips` that are not plain."""
    return [
        Entry(c.clip_id, stage, c.status, c.reason, c.detail) for c in clips if c.status != "ok"
    ]


def write_ledger(path: Path, entries: Iterable[Entry]) -> None:
    """Write `entries` sorted by clip."""
    rows = [asdict(entry) for entry in sorted(entries, key=lambda entry: entry.clip_id)]
    write_table(path, pa.Table.from_pylist(rows, schema=SCHEMA))


def read_ledger(path: Path) -> list[Entry]:
    """Entries of the ledger at `path`; raises StoreError where it is not as it was written."""
    store = path.parent
    if (store / "store.json").is_file():
        check_digest(store, read_header(store), path.name)
    table = read_records(path, SCHEMA, MOST_CLIPS)
    if any(column.null_count for column in table.columns):
        raise StoreError(f"{path}: expected all of each entry, got blanks; `dvc pull` it anew")
    entries = [Entry(**row) for row in list_rows(table)]
    if (count := len({(one.stage, one.status, one.reason) for one in entries})) > MOST_REASONS:
        raise StoreError(
            f"{path}: expected at most {MOST_REASONS:,} reasons, got {count:,}; `dvc pull` it anew"
        )
    return entries


def check_share(entries: Iterable[Entry], total: int, allowed_share: float) -> None:
    """Raise MoodlineError when more than `allowed_share` of `total` clips were left out."""
    left_out = [entry for entry in entries if entry.status == "left_out"]
    if len(left_out) <= allowed_share * total:
        return
    raise MoodlineError(
        f"{left_out[0].stage}: expected at most a share of {allowed_share:g} left out, "
        f"got {len(left_out)} of {total} clips ({describe_losses(left_out)}); "
        f"mend the corpus or raise `allowed_share` in params.yaml"
    )


def describe_losses(left_out: Sequence[Entry]) -> str:
    """How many of `left_out` there are of each reason, and the first of them."""
    counted = sorted(Counter(entry.reason for entry in left_out).items())
    counts = ", ".join(f"{reason} {count}" for reason, count in counted)
    return f"{counts}; first {left_out[0].clip_id}: {left_out[0].detail}"
