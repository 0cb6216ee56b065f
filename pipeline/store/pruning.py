"""Pruning: parts that no store needs any more, removed from the work store."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.files import measure_tree
from pipeline.store.work import WorkParts, find_needed, has_locks, hold_alone, read_store_notes


@dataclass(frozen=True)
class Pruned:
    """What became of the parts in one folder of the work store, in bytes and counts.

    `unfinished` were made since the last store was published from the folder: a run that was
    stopped will go on with them. `busy` folders are left alone: a writer holds them, or, where the
    file system knows no locks (`locked` False), may hold them.
    """

    folder: Path
    removed: int
    removed_bytes: int
    needed: int
    unfinished: int
    busy: bool = False
    locked: bool = True


def prune_parts(work: Path, *, dry: bool) -> Iterator[Pruned]:
    """Remove from each folder of `work` the parts that no store needs; if `dry`, only count them.

    A store needs the parts in its index for as long as it lies where it was published, whichever
    clone that is in.
    """
    for folder in sorted(work.glob("*/")):
        with hold_alone(folder) as alone:
            if alone:
                yield _prune_folder(folder, dry)
            else:
                yield Pruned(folder, 0, 0, 0, 0, busy=True, locked=has_locks(folder))


def _prune_folder(folder: Path, dry: bool) -> Pruned:
    fingerprint, _, part_format = folder.name.partition(".")
    parts = WorkParts(folder.parent, fingerprint, part_format)
    published_at = max(read_store_notes(folder).values(), default=0.0)
    needed = find_needed(folder) & parts.parts.keys()
    spare = sorted(parts.parts.keys() - needed)
    dead = [part for part in spare if parts.path_of(part).stat().st_mtime <= published_at]
    size = sum(measure_tree(parts.path_of(part)) for part in dead)
    for part in dead if not dry else ():
        parts.remove(part)
    return Pruned(folder, len(dead), size, len(needed), len(spare) - len(dead))
