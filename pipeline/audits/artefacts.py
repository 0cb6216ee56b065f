"""Artefacts: the stores, joint sets, heads and tables that lie at a path or below it."""

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pipeline.errors import StoreError
from pipeline.files import check_depth
from pipeline.store import joint

Kind = Literal["store", "joint", "head", "table"]

RAW = "raw"
"""Folder of corpora: none of moodline's artefacts lies below it."""


def find_artefacts(path: Path) -> list[tuple[Kind, Path]]:
    """Each artefact at or below `path`, by name; raises StoreError where none is."""
    if not path.exists():
        raise StoreError(f"{path}: no such file or folder; run `dvc repro` or `dvc pull` to get it")
    try:
        found = list(_walk(path, path, set()))
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        raise StoreError(f"{path}: folders lie too deep within one another; remove them") from error
    if not found:
        raise StoreError(f"{path}: expected a store, a head, a table or a folder of them, got none")
    return found


def _walk(path: Path, root: Path, seen: set[Path]) -> Iterator[tuple[Kind, Path]]:
    """Artefacts at or below `path`, itself `root` or below it; once where links lead there again.

    Raises OSError as `files.check_depth` does.
    """
    check_depth(str(path), root)
    kind = _kind_of(path)
    if kind is not None:
        yield kind, path
    elif path.is_dir() and (place := path.resolve()) not in seen:
        seen.add(place)
        for child in sorted(path.iterdir()):
            if child.name != RAW and not child.name.startswith("."):
                yield from _walk(child, root, seen)


def _kind_of(path: Path) -> Kind | None:
    """What lies at `path`; one file is enough to tell, for the other may be what is missing."""
    if path.is_file():
        return "table" if path.suffix == ".parquet" else None
    if any((path / name).exists() for name in ("store.json", "index.parquet")):
        return "store"
    if (path / joint.FILE).exists():
        return "joint"
    if any((path / name).exists() for name in ("recipe.json", "model.safetensors")):
        return "head"
    return None
