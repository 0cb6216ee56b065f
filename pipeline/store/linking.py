"""Linking: one file in two places, by whatever the file system offers before a copy."""

import errno
import fcntl
import os
import shutil
from pathlib import Path

FICLONE = 0x40049409
"""Linux's ioctl that clones a file's extents (`man 2 ioctl_ficlone`)."""


def link_tree(source: Path, target: Path) -> None:
    """Give `target` the file, or every file of the folder, at `source`.

    By hard link, else clone of its extents, else symbolic link, else a copy. Raises OSError where
    the trouble is another than that the file systems have no such link.
    """
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        for child in sorted(source.iterdir()):
            link_tree(child, target / child.name)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        _link_file(source, target)


def _link_file(source: Path, target: Path) -> None:
    for link in (os.link, _clone_file, os.symlink):
        try:
            link(source.resolve(), target)
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
