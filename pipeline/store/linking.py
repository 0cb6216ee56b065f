"""Linking and copying: one file in two places, by the cheapest way that the file system offers."""

import errno
import fcntl
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

FICLONE = 0x40049409
"""Linux's ioctl that clones a file's extents (`man 2 ioctl_ficlone`)."""


def link_tree(source: Path, target: Path) -> None:
    """Give `target` the file, or every file of the folder, at `source`.

    By hard link, else clone of its extents, else a copy. Raises OSError where the trouble is
    another than that the file system has no such link.
    """
    _place_tree(source, target, (os.link, _clone_file))


def copy_tree(source: Path, target: Path) -> None:
    """Give `target` a copy of its own of the file, or the folder, at `source`.

    By clone of its extents, else byte by byte. Two outs that are one inode are not safe: where DVC
    tries whether its cache can clone, it empties the file that stands there (`reflink` opens it
    with O_TRUNC), and with it every other name of that inode.
    """
    _place_tree(source, target, (_clone_file,))


def _place_tree(source: Path, target: Path, ways: Sequence[Callable[[Path, Path], object]]) -> None:
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        for child in sorted(source.iterdir()):
            _place_tree(child, target / child.name, ways)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        _place_file(source.resolve(), target, ways)


def _place_file(source: Path, target: Path, ways: Sequence[Callable[[Path, Path], object]]) -> None:
    for place in ways:
        try:
            place(source, target)
        except OSError as error:
            if error.errno not in _CANNOT_LINK:
                raise
        else:
            return
    shutil.copyfile(source, target)


_CANNOT_LINK = {
    errno.EXDEV,
    errno.EPERM,
    errno.EMLINK,
    errno.EOPNOTSUPP,
    errno.ENOTSUP,  # another number on macOS
    errno.ENOTTY,
    errno.EINVAL,
    errno.ENOSYS,
}


def _clone_file(source: Path, target: Path) -> None:
    with source.open("rb") as read, target.open("xb") as write:
        try:
            fcntl.ioctl(write.fileno(), FICLONE, read.fileno())
        except OSError:
            target.unlink()
            raise
