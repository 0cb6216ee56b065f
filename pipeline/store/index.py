"""The index of a store: where each clip's rows lie."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Int64

from pipeline.errors import StoreError
from pipeline.files import is_digest
from pipeline.limits import MOST_INDEXED, MOST_ROWS
from pipeline.store.parts import FILLED, STATUSES, PartClip, Status
from pipeline.store.tables import read_records, write_table

INDEX_SCHEMA = pa.schema(
    [
        ("clip_id", pa.string()),
        ("key", pa.string()),
        ("part", pa.string()),
        ("start", pa.int64()),
        ("rows", pa.int64()),
        ("status", pa.string()),
    ]
)
"""One row per clip, sorted by `clip_id`; `part` is null for a clip without rows."""


@dataclass(frozen=True)
class Location:
    """A clip's record and the part that holds it; `part` is None for a clip that needs none."""

    clip: PartClip
    part: str | None


def rowless(clip_id: str, status: Status = "absent", key: str = "") -> Location:
    """Location of a clip without rows that no part needs to hold."""
    return Location(PartClip(clip_id, key, 0, 0, "", status=status), None)


def write_index(path: Path, locations: Mapping[str, Location]) -> None:
    """Write the index of `locations` (clip_id → where it lies)."""
    rows = [_index_row(clip_id, locations[clip_id]) for clip_id in sorted(locations)]
    write_table(path, pa.Table.from_pylist(rows, schema=INDEX_SCHEMA))


def _index_row(clip_id: str, location: Location) -> dict[str, Any]:
    clip = location.clip
    return {
        "clip_id": clip_id,
        "key": clip.key,
        "part": location.part if clip.rows else None,
        "start": clip.start,
        "rows": clip.rows,
        "status": clip.status,
    }


@dataclass(frozen=True, eq=False)
class Index:
    """A store's index held as columns; a clip is found by its position in them."""

    clip_ids: Sequence[str]
    keys: Sequence[str]
    statuses: Sequence[Status]
    starts: Int64[np.ndarray, " clips"]
    rows: Int64[np.ndarray, " clips"]
    parts: Sequence[str]
    part_numbers: Int64[np.ndarray, " clips"]

    @classmethod
    def of(cls, table: pa.Table) -> "Index":
        """That of rows of INDEX_SCHEMA."""
        encoded = table["part"].combine_chunks().dictionary_encode()
        return cls(
            clip_ids=table["clip_id"].to_pylist(),
            keys=table["key"].to_pylist(),
            statuses=table["status"].to_pylist(),
            starts=table["start"].to_numpy(),
            rows=table["rows"].to_numpy(),
            parts=encoded.dictionary.to_pylist(),
            part_numbers=encoded.indices.fill_null(-1).to_numpy().astype(np.int64),
        )

    @cached_property
    def positions(self) -> dict[str, int]:
        """clip_id → position."""
        return {clip_id: position for position, clip_id in enumerate(self.clip_ids)}

    def __len__(self) -> int:
        return len(self.clip_ids)

    def rename(self, names: Mapping[str, str]) -> "Index":
        """The same under the ids of `names` (id → id here), of clips that it has, and no others."""
        places = {name: self.positions[own] for name, own in names.items() if own in self.positions}
        taken = np.array([*places.values()], np.int64)
        return Index(
            clip_ids=[*places],
            keys=[self.keys[place] for place in taken],
            statuses=[self.statuses[place] for place in taken],
            starts=self.starts[taken],
            rows=self.rows[taken],
            parts=self.parts,
            part_numbers=self.part_numbers[taken],
        )


def read_index(path: Path) -> Index:
    """Index at `path`; raises StoreError as `read_records` does, and where it cannot be an index.

    It may come from a stranger, and what it names is read, linked and removed.
    """
    table = read_records(path, INDEX_SCHEMA, MOST_INDEXED)
    if mistake := next(_find_mistakes(table), None):
        raise StoreError(f"{path}: expected an index of a store, got {mistake}; `dvc pull` it anew")
    return Index.of(table)


def _find_mistakes(table: pa.Table) -> Iterator[str]:
    """What in `table` no writer of an index leaves."""
    blank = [
        name for name in ("clip_id", "key", "start", "rows", "status") if table[name].null_count
    ]
    if blank:
        yield f"no {blank[0]} for a clip"
        return
    ids, starts, rows = table["clip_id"], table["start"].to_numpy(), table["rows"].to_numpy()
    if pc.any(pc.greater_equal(ids[:-1], ids[1:])).as_py():
        yield "clips that are not sorted, each once"
    if (starts < 0).any() or (rows < 0).any() or (starts > MOST_ROWS - rows).any():
        yield "rows before the first or after any last one"
    if not np.array_equal(pc.is_valid(table["part"]).to_numpy(), rows > 0):
        yield "a part for a clip without rows, or none for one with some"
    for part in pc.unique(table["part"]).to_pylist():
        if part is not None and not is_digest(part):
            yield f"{part!r} for the name of a part"
    for status in pc.unique(table["status"]).to_pylist():
        if status not in STATUSES:
            yield f"status {status!r}"
    filled = table["status"].filter(pa.array(rows > 0))
    if set(pc.unique(filled).to_pylist()) - {*FILLED}:
        yield "rows of a clip that should have none"
