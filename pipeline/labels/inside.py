"""Files inside a corpus: those that its clips may name, in a table of one's own or a stranger's.

A corpus, which is an archive of somebody's, may come with links to any file of this machine.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from pipeline.errors import CorpusError
from pipeline.files import check_depth
from pipeline.labels.clips import Clip
from pipeline.labels.corpora.params import CorpusParams


def check_inside(clips: Sequence[Clip], corpora: Mapping[str, CorpusParams]) -> None:
    """Raise CorpusError for files outside of the roots of `corpora`, unless one is to be followed.

    They are those of clips, folders of crops, and what these folders hold.
    """
    named = [(clip, path) for clip in clips for path in (clip.path, clip.crops) if path]
    for clip, path in named:
        if "\0" in path:
            raise CorpusError(f"{clip.clip_id}: expected a path, got {path!r}")
    if any(corpus.follow for corpus in corpora.values()):
        return
    is_below = tell_below(*(corpus.root for corpus in corpora.values()))
    links = {path: [*_list_links(path)] for path in {clip.crops for clip in clips if clip.crops}}
    outside = [
        (clip, found)
        for clip, path in named
        for found in (path, *links.get(path, ()))
        if not is_below(found)
    ]
    if outside:
        (clip, path), more = outside[0], f" and {len(outside) - 1:,} more" * (len(outside) > 1)
        told = ", ".join(corpus.root for corpus in corpora.values())
        raise CorpusError(
            f"{clip.clip_id}{more}: expected files below {told}, got {path}; set "
            f"`follow: true` of the corpus if they are meant"
        )


def check_below(path: Path, root: Path) -> None:
    """Raise CorpusError for a file elsewhere than below `root`, or a link from there."""
    if not tell_below(root)(path):
        raise CorpusError(
            f"{path}: expected a file below {root}, got a link that leads elsewhere; put the file "
            f"there, or set `follow: true` of the corpus if it is meant"
        )


def check_links(root: Path) -> None:
    """Raise CorpusError for links in the folder `root`, or in one below it, that lead out of it."""
    is_below = tell_below(root)
    outside = [link for link in _list_links(root) if not is_below(link)]
    if outside:
        link, more = min(outside), f" and {len(outside) - 1:,} more" * (len(outside) > 1)
        raise CorpusError(
            f"{link}{more}: expected a file below {root}, got a link that leads elsewhere; remove "
            f"it, or set `follow: true` of the corpus, or `moodline scan --follow`, if it is meant"
        )


def tell_below(*roots: str | Path) -> Callable[[str | Path], bool]:
    """What tells whether a path, links followed, is one of the folders `roots` or lies below it."""
    places = tuple(os.path.join(os.path.realpath(root), "") for root in roots)
    return lambda path: os.path.join(os.path.realpath(path), "").startswith(places)


def _list_links(folder: str | Path) -> Iterator[str]:
    """Links in a folder and in those below it, if it is one; none is followed."""
    waiting = [os.fspath(folder)] if os.path.isdir(folder) else []
    while waiting:
        check_depth(waiting[-1], folder)
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_symlink():
                    yield entry.path
                elif entry.is_dir():
                    waiting.append(entry.path)
