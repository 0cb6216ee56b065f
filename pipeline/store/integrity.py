"""Integrity: what a store says of itself, checked against its bytes.

`store.json` carries the digest of itself, of every other file and of every part, so a bit that
flips anywhere is found. Where the bytes are those that were written, what they say is compared as
well: each clip's rows with its digest, each part with its name and with the index.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.store import PART_FORMATS
from pipeline.store.contract import PartFormat
from pipeline.store.header import digest_tree, read_header
from pipeline.store.index import read_index
from pipeline.store.ledger import read_ledger
from pipeline.store.parts import PartClip, name_part
from pipeline.store.provenance import Provenance
from pipeline.store.reader import open_store

TABLES = ("index.parquet", "ledger.parquet")
"""Files that every store has."""

IndexRows = list[dict[str, Any]]


def verify_store(path: Path) -> Iterator[str]:
    """Problems of the store at `path`; raises StoreError where it cannot be read on."""
    sound = True
    for problem in _list_problems(path):
        sound = False
        yield problem
    if sound:  # as far as it says itself: whether its readers take it, they know
        store = open_store(path)
        for number in range(len(store.index.parts)):
            store.open_part(number)


def _list_problems(path: Path) -> Iterator[str]:
    """What of the bytes, the header, the index and the parts of a store disagrees."""
    header = read_header(path)
    yield from _verify_fingerprint(header["provenance"])
    digests, present = header["digests"], _list_files(path)
    whole = {name for name in present if digests.get(name) == digest_tree(path / name)}
    rows_of = _group_rows(path) if "index.parquet" in whole else {}
    for name in sorted(set(TABLES) - digests.keys()):
        yield f"{name}: store.json does not name it"
    for name in sorted({*digests, *present} - whole):
        yield f"{name}: {_tell(name in digests, name in present)}{_name_clips(name, rows_of)}"
    parts: PartFormat = PART_FORMATS.load(header["part_format"]).PARTS
    for part in rows_of:
        if (name := f"parts/{parts.path_of(Path(), part).name}") not in digests:
            yield f"{name}: the index names it, and store.json does not"
    yield from _verify_parts(path, parts, whole, rows_of)
    if "ledger.parquet" in whole:
        read_ledger(path / "ledger.parquet")


def _verify_fingerprint(provenance: Mapping[str, Any]) -> Iterator[str]:
    made: Mapping[str, Any] | None = provenance
    while made is not None:
        if Provenance(made["stage"], made["settings"]).fingerprint != made["fingerprint"]:
            whose = (
                "its fingerprint" if made is provenance else f"the fingerprint of {made['stage']}"
            )
            yield f"store.json: {whose} is not that of its stage and settings"
        made = made["source"]


def _tell(known: bool, present: bool) -> str:
    if not present:
        return "missing"
    return "not the bytes that were written" if known else "not a file of this store"


def _list_files(path: Path) -> list[str]:
    """Files and parts of the store at `path`, relative to it, but for `store.json`."""
    found = [*path.iterdir(), *((path / "parts").iterdir() if (path / "parts").is_dir() else ())]
    names = {child.relative_to(path).as_posix() for child in found}
    return sorted(names - {"store.json", "parts"})


def _group_rows(path: Path) -> dict[str, IndexRows]:
    """Part → its rows in the index; raises StoreError where it cannot be one."""
    index = read_index(path / "index.parquet")
    columns = (index.clip_ids, index.keys, index.starts.tolist(), index.rows.tolist())
    grouped: dict[str, IndexRows] = {}
    for number, *cells in zip(index.part_numbers, *columns, strict=True):
        if number >= 0:
            row = dict(zip(("clip_id", "key", "start", "rows"), cells, strict=True))
            grouped.setdefault(index.parts[number], []).append(row)
    return grouped


def _name_clips(name: str, rows_of: Mapping[str, IndexRows]) -> str:
    """Words that name the clips of a part, none for a file that is no part."""
    rows = rows_of.get(Path(name).stem)
    if not rows:
        return ""
    others = f" and {len(rows) - 1:,} more" if len(rows) > 1 else ""
    return f"; it holds {rows[0]['clip_id']}{others}"


def _verify_parts(
    path: Path, parts: PartFormat, whole: set[str], rows_of: Mapping[str, IndexRows]
) -> Iterator[str]:
    """Problems of the parts whose bytes are as they were written."""
    for part, rows in rows_of.items():
        place = parts.path_of(path / "parts", part)
        name = place.relative_to(path).as_posix()
        if name in whole:
            clips = parts.read_clips(place)
            if name_part(clips) != part:
                yield f"{name}: its name is not the digest of its clips"
            yield from (f"{name}: {problem}" for problem in _compare_index(rows, clips))
            yield from (f"{name}: {problem}" for problem in _verify_rows(parts, place, clips))


def _compare_index(rows: IndexRows, clips: Iterable[PartClip]) -> Iterator[str]:
    held = {(clip.clip_id, clip.key): (clip.start, clip.rows) for clip in clips}
    for row in rows:
        if held.get((row["clip_id"], row["key"])) != (row["start"], row["rows"]):
            yield f"{row['clip_id']}: the index and the part disagree on where its rows are"


def _verify_rows(parts: PartFormat, path: Path, clips: Iterable[PartClip]) -> Iterator[str]:
    filled = [clip for clip in clips if clip.rows]
    opened = parts.open_part(path) if filled else None
    for clip in filled:
        content = parts.slice_part(opened, clip.start, clip.start + clip.rows)
        if len(content) != clip.rows or parts.digest_content(content) != clip.digest:
            yield f"{clip.clip_id}: its rows are not those that were written"
