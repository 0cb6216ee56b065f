"""Folders of corpora: what in one DVC cannot digest, found before it tries."""

import os
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import CorpusError
from pipeline.files import is_text, walk_folders
from pipeline.paths import FACE_COUNTS, FEATURES, METRICS, OVERRIDES, SPLITS, WATCHED

TRACKED = (OVERRIDES, SPLITS, WATCHED, METRICS, FACE_COUNTS, FEATURES / "none")
"""What git has of the data, and stages depend on."""

TOLD = 5
"""Most files that one message names."""


def check_folder(folder: Path, *, follow: bool) -> None:
    """Raise CorpusError that names what DVC cannot take in `folder`, if it is one.

    Nor shall it take what links lead to out of the folder, unless they are to be followed.
    """
    mistakes = list(_find_mistakes(folder, follow)) if folder.is_dir() else []
    if mistakes:
        more = f"; and {len(mistakes) - TOLD} more" if len(mistakes) > TOLD else ""
        raise CorpusError(
            f"{folder}: {'; '.join(mistakes[:TOLD])}{more}; mend or remove them, for DVC cannot "
            f"digest the folder otherwise"
        )


def check_tracked(project: Path) -> None:
    """Raise CorpusError for what DVC would digest without end in the `project`.

    Git brings links as whoever committed them made them, and DVC reads what they lead to.
    """
    for path in (project / name for name in TRACKED):
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise CorpusError(
                f"{path}: expected a file, got a pipe or a device; `git log -- {path}` says "
                f"whose it is, remove it"
            )
        check_folder(path, follow=False)


def _find_mistakes(folder: Path, follow: bool) -> Iterator[str]:
    """Names that are no UTF-8, links to nothing, out of the folder, and back, in order.

    What several links lead to is looked at once.
    """
    place = folder.resolve()
    for inner, folders, files in walk_folders(folder):
        for name in sorted([*folders, *files]):
            path = Path(inner, name)
            told, link = _show(path.relative_to(folder)), path.is_symlink()
            if not is_text(name):
                yield f"{told}: expected a name in UTF-8, got other bytes"
            elif not path.exists():
                yield f"{told}: a link to {_show(path.readlink())}, which is not there"
            elif not (path.is_file() or path.is_dir()):
                yield f"{told}: expected a file or a folder, got a pipe or a device"
            elif link and _leads_back(path, folder):
                folders.remove(name)
                yield f"{told}: a link to a folder that it lies in"
            elif link and not follow and not path.resolve().is_relative_to(place):
                folders[:] = [other for other in folders if other != name]
                yield f"{told}: a link out of the folder, which only `follow: true` allows"


def _show(path: Path) -> str:
    """A path for people; a byte of no text by its number."""
    return os.fsencode(path).decode(errors="backslashreplace")


def _leads_back(link: Path, folder: Path) -> bool:
    """Whether a link leads to a folder on the way to it from `folder`, links among that."""
    if not link.is_dir():
        return False
    target = link.resolve()
    way = [above for above in link.parents if above.is_relative_to(folder)]
    return any(above.resolve().is_relative_to(target) for above in way)
