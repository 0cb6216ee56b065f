"""Manifests: a list of a corpus's files that `dvc repro` watches in their place.

DVC digests whatever `depends_on` names, which takes hours where that is a million films. A manifest
tells size and time of each file in a line, and changes where any of them does.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import CorpusError
from pipeline.files import walk_folders, write_whole
from pipeline.labels.inside import check_links

_ESCAPED = {ord("\\"): "\\\\", ord("\n"): "\\n"}


def write_manifest(root: Path, out: Path, *, follow: bool = False) -> int:
    """Write a line for each file below `root`, links followed, in order; returns how many.

    A line is the size in bytes, the time of the last change in nanoseconds, and the path below
    `root`, apart by tabs. Raises CorpusError where `root` is no folder, or `out` lies in it, and
    for links that lead out of it, unless they are to be followed.
    """
    if not root.is_dir():
        raise CorpusError(f"{root}: no such folder; name the root of a corpus")
    if out.resolve().is_relative_to(root.resolve()):
        raise CorpusError(f"{out}: expected a place outside of {root}, whose files it lists")
    if not follow:
        check_links(root)
    count = 0

    def write(path: Path) -> None:
        nonlocal count
        with path.open("w", encoding="utf-8", errors="surrogateescape") as file:
            for line in _list_lines(root):
                file.write(line)
                count += 1

    write_whole(out, write)
    return count


def _list_lines(root: Path) -> Iterator[str]:
    for folder, _, names in walk_folders(root):
        below = os.path.relpath(folder, root)
        for name in names:
            path = os.path.join(folder, name)
            try:
                found = os.stat(path)
            except OSError:  # a link to nothing
                found = os.lstat(path)
            told = os.path.normpath(os.path.join(below, name)).translate(_ESCAPED)
            yield f"{found.st_size}\t{found.st_mtime_ns}\t{told}\n"
