"""Publishing: parts of a work store, linked into a store that stands by itself."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from pipeline.files import digest_file, remove_whole, write_text
from pipeline.store.header import seal_header
from pipeline.store.index import Location, write_index
from pipeline.store.ledger import Entry, write_ledger
from pipeline.store.linking import link_tree
from pipeline.store.provenance import Provenance
from pipeline.store.work import WorkParts


def publish_store(
    out: Path,
    parts: WorkParts,
    provenance: Provenance,
    locations: Mapping[str, Location],
    ledger: Iterable[Entry],
) -> None:
    """Make `out` a store of `locations` (clip_id → where it lies), linked, not copied."""
    remove_whole(out)
    parts.note_store(out)
    digests = {}
    for part in sorted(live_parts(locations)):
        path = parts.path_of(part)
        link_tree(path, out / "parts" / path.name)
        digests[f"parts/{path.name}"] = parts.digest_of(part)
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
