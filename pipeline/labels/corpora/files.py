"""Files of a corpus: what lies below its root, each performance once."""

import os
from collections.abc import Collection, Iterable
from pathlib import Path

from pipeline.errors import CorpusError
from pipeline.files import walk_folders
from pipeline.labels.clips import Clip
from pipeline.store.ledger import Entry


def find_files(root: Path, suffixes: Collection[str], corpus: str) -> list[Path]:
    """Files below `root` with one of `suffixes`, in order of their paths; links are followed.

    Raises CorpusError where `root` is no folder.
    """
    if not root.is_dir():
        raise CorpusError(f"{root}: no such folder; put {corpus} there, or a link to it")
    # Copies made on macOS hold a `._` file beside each file.
    return sorted(
        Path(folder, name)
        for folder, _, names in walk_folders(root)
        for name in names
        if Path(name).suffix.lower() in suffixes and not name.startswith(".")
    )


def name_once(paths: Iterable[tuple[str, Path]]) -> dict[str, Path]:
    """Name → path; refuses a name found twice: widespread copies repeat a corpus in a subfolder."""
    named: dict[str, Path] = {}
    for name, path in paths:
        if name in named:
            raise CorpusError(f"{path}: the same performance as {named[name]}; keep one")
        named[name] = path
    return named


def enter_absent(clip_id: str) -> Entry:
    """Entry of a clip that the corpus's own table names and that no file is there of."""
    return Entry(clip_id, "labels", "left_out", "no_file", "the corpus's table names it")


def enter_unnamed(found: Iterable[Path], clips: Iterable[Clip], root: Path) -> list[Entry]:
    """Entry for each file of `found`, below `root`, that is none of the `clips`'."""
    known = {os.path.normpath(clip.path) for clip in clips}
    return [
        Entry(
            path.relative_to(root).as_posix(),
            "labels",
            "absent",
            "no_label",
            "no annotation names this file",
        )
        for path in found
        if os.path.normpath(path) not in known
    ]
