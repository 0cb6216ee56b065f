"""Publishing: parts of a work store, copied into a store that stands by itself.

Before that, some parts had better be packed: written anew, without what is dead in them.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import StoreError
from pipeline.files import digest_file, measure_tree, remove_whole, write_text
from pipeline.store.header import digest_tree, seal_header
from pipeline.store.index import Location, write_index
from pipeline.store.ledger import Entry, write_ledger
from pipeline.store.linking import copy_tree
from pipeline.store.provenance import Provenance
from pipeline.store.work import DAMAGED, WorkParts

LIVE_SHARE = 0.5
"""A part is written anew when a smaller share of its rows is live."""

MOST_SMALL = 16
"""Small parts of former runs are left as they are, for they were shared, until more gather."""


@dataclass(frozen=True)
class Use:
    """What a store takes of a part; `own` if the part was made by this very run."""

    part: str
    size_bytes: int
    rows: int
    live_rows: int
    own: bool


def measure_uses(
    parts: WorkParts, locations: Mapping[str, Location], own: Collection[str]
) -> list[Use]:
    """What a store of `locations` takes of each part it needs, and of those in `own`."""
    live = dict.fromkeys({*live_parts(locations), *own}, 0)
    for place in locations.values():
        if place.part in live:
            live[place.part] += place.clip.rows
    return [
        Use(
            part=part,
            size_bytes=measure_tree(parts.path_of(part)),
            rows=parts.parts[part].rows,
            live_rows=rows,
            own=part in own,
        )
        for part, rows in live.items()
    ]


def choose_parts(uses: Iterable[Use], part_bytes: int) -> set[str]:
    """Parts to write anew: those mostly dead, and small ones where several can be one.

    Small is under half of `part_bytes`. Those of this run are packed as soon as there are two:
    nobody has them yet.
    """
    uses = list(uses)
    dead = {use.part for use in uses if use.live_rows < LIVE_SHARE * use.rows}
    small = [use for use in uses if use.size_bytes < part_bytes / 2]
    former = {use.part for use in small if not use.own}
    gathered = {use.part for use in small if use.own or len(former) > MOST_SMALL}
    return dead | (gathered if len(gathered) > 1 else set())


def publish_store(
    out: Path,
    parts: WorkParts,
    provenance: Provenance,
    locations: Mapping[str, Location],
    ledger: Iterable[Entry],
) -> None:
    """Make `out` a store of `locations` (clip_id → where it lies), its parts copies of their own.

    Raises StoreError for a part that is not what was written.
    """
    remove_whole(out)
    parts.note_store(out)
    digests = {}
    for part in sorted(live_parts(locations)):
        path = parts.path_of(part)
        place = out / "parts" / path.name
        copy_tree(path, place)
        digests[f"parts/{path.name}"] = digest = parts.digest_of(part)
        if digest_tree(place) != digest:
            raise StoreError(f"{path}: {DAMAGED}")
    made = provenance.to_json()
    parts.format.mark_parts(out / "parts", made)
    write_index(out / "index.parquet", locations)
    write_ledger(out / "ledger.parquet", ledger)
    for path in sorted([*out.glob("*.parquet"), *(out / "parts").glob("*.json")]):
        digests[path.relative_to(out).as_posix()] = digest_file(path)
    header = {"part_format": parts.part_format, "provenance": made, "digests": digests}
    write_text(out / "store.json", seal_header(header))


def live_parts(locations: Mapping[str, Location]) -> set[str]:
    """Parts that hold rows of `locations`."""
    return {place.part for place in locations.values() if place.part and place.clip.rows}
