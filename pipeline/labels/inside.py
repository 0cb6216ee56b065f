"""Files inside a corpus: those that its clips may name, in a table of one's own or a stranger's."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from pipeline.errors import CorpusError
from pipeline.labels.clips import Clip
from pipeline.labels.corpora.params import CorpusParams


def check_inside(clips: Sequence[Clip], corpus: CorpusParams) -> None:
    """Raise CorpusError for files outside of corpus.root, unless these are to be followed.

    They are those of clips, folders of crops, and what these folders hold.
    """
    is_below = _below(corpus.root)
    named = [(clip, path) for clip in clips for path in (clip.path, clip.crops) if path]
    for clip, path in named:
        if "\0" in path:
            raise CorpusError(f"{corpus.name}: {clip.clip_id}: expected a path, got {path!r}")
    if corpus.follow:
        return
    outside = [
        (clip, found)
        for clip, path in named
        for found in (path, *(_list_links(path) if path == clip.crops else ()))
        if not is_below(found)
    ]
    if outside:
        (clip, path), more = outside[0], f" and {len(outside) - 1:,} more" * (len(outside) > 1)
        raise CorpusError(
            f"{corpus.name}: {clip.clip_id}{more}: expected files below {corpus.root}, got {path}; "
            f"set `corpus.follow: true` if they are meant"
        )


def check_below(path: Path, root: Path) -> None:
    """Raise CorpusError for a file that lies elsewhere than below `root`, or is a link from there.

    A corpus may come with a link to any file of this machine.
    """
    if not _below(root)(path):
        raise CorpusError(
            f"{path}: expected a file below {root}, got a link that leads elsewhere; put the file "
            f"there, or set `corpus.follow: true` if it is meant"
        )


def _below(root: str | Path) -> Callable[[str | Path], bool]:
    """What tells whether a path, links followed, lies below the folder `root`."""
    place = os.path.join(os.path.realpath(root), "")
    return lambda path: os.path.realpath(path).startswith(place)


def _list_links(folder: str) -> list[str]:
    """Links in a folder, if it is one."""
    if not os.path.isdir(folder):
        return []
    with os.scandir(folder) as entries:
        return [entry.path for entry in entries if entry.is_symlink()]
