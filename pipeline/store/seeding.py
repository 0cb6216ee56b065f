"""Seeding: what dvc.lock names as a stage's former out, fetched for the parts that still serve.

In a fresh clone the work store is empty, and DVC has emptied the out before its stage runs. The
out that the team committed is then in DVC's cache or on its remote.
"""

import json
import sys
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.files import write_whole
from pipeline.store.index import Index, read_index
from pipeline.store.linking import link_tree
from pipeline.store.work import WorkParts

if TYPE_CHECKING:
    from dvc.output import Output
    from dvc.repo import Repo


def seed_parts(work: Path, fingerprint: str, keys: Mapping[str, str], out: Path) -> None:
    """Link into the work store the former parts of `out` that hold any of `keys` (clip_id → key).

    Where they can be fetched from nowhere, that is said and nothing is done: the clips are made.
    """
    project = _find_project(out)
    if project is None:
        return
    from dvc.exceptions import DvcException  # half a second, and seldom needed
    from dvc.repo import Repo

    try:
        with Repo(str(project)) as repo:
            for output in repo.find_outs_by_path(str(out.resolve())):
                _link_parts(FormerStore(repo, output), work, fingerprint, keys)
    except (DvcException, OSError) as error:
        told = " ".join(str(error).split())
        print(f"moodline: {out}: not fetched ({told}); its clips are made again", file=sys.stderr)


class FormerStore:
    """A store as dvc.lock names it; its files are fetched into DVC's cache when asked for."""

    def __init__(self, repo: "Repo", output: "Output") -> None:
        self.repo = repo
        self.output = output

    @cached_property
    def files(self) -> dict[str, str]:
        """Path in the store → DVC's digest; empty where the store is nowhere to be had."""
        if self.output.hash_info and self.output.get_obj() is None:
            self.repo.fetch(targets=[f"{self.output.fs_path}/store.json"])
        return {"/".join(key): found.value for key, _, found in self.output.get_obj() or ()}

    def fetch(self, *names: str) -> list[Path]:
        """Paths in DVC's cache of the files of these names."""
        paths = [Path(self.output.cache.oid_to_path(self.files[name])) for name in names]
        absent = [name for name, path in zip(names, paths, strict=True) if not path.is_file()]
        if absent:
            self.repo.fetch(targets=[f"{self.output.fs_path}/{name}" for name in absent])
        return paths


def _link_parts(former: FormerStore, work: Path, fingerprint: str, keys: Mapping[str, str]) -> None:
    if "store.json" not in former.files:
        return
    header = json.loads(former.fetch("store.json")[0].read_text(encoding="utf-8"))
    if header["provenance"]["fingerprint"] != fingerprint:
        return
    parts = WorkParts(work, fingerprint, header["part_format"])
    for part in _find_parts(read_index(former.fetch("index.parquet")[0]), keys):
        if part not in parts.parts:
            path = parts.path_of(part)
            _link_part(former, path)
            parts.note_digest(part, header["digests"][f"parts/{path.name}"])


def _link_part(former: FormerStore, path: Path) -> None:
    """Make `path` the part of that name: one file, or a folder of them."""
    name = f"parts/{path.name}"
    files = [found for found in former.files if found == name or found.startswith(f"{name}/")]
    sources = dict(zip(files, former.fetch(*files), strict=True))

    def link(aside: Path) -> None:
        for found, source in sources.items():
            link_tree(source, aside / Path(found).relative_to(name))

    write_whole(path, link)


def _find_parts(index: Index, keys: Mapping[str, str]) -> set[str]:
    """Parts that hold rows of any of `keys`."""
    numbers = {
        index.part_numbers[position]
        for clip_id, key in keys.items()
        if (position := index.positions.get(clip_id)) is not None and index.keys[position] == key
    }
    return {index.parts[number] for number in numbers if number >= 0}


def _find_project(out: Path) -> Path | None:
    """The DVC project that `out` lies in, if its dvc.lock may name it."""
    for folder in out.resolve().parents:
        if (folder / ".dvc").is_dir():
            lock, name = folder / "dvc.lock", out.resolve().relative_to(folder).as_posix()
            known = lock.is_file() and f"path: {name}\n" in lock.read_text(encoding="utf-8")
            return folder if known else None
    return None
