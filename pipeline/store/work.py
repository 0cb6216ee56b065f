"""The work store: where parts are made and kept, beside DVC's cache and out of its reach.

DVC empties a stage's outs before it runs. Parts therefore live in `<cache dir>/../moodline`,
one folder per fingerprint, and a stage links the live ones into its out.
"""

import errno
import fcntl
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path

from dvc.config import Config

from pipeline.errors import StoreError
from pipeline.files import PARTIAL, remove

FICLONE = 0x40049409
"""Linux's ioctl that clones a file's extents (`man 2 ioctl_ficlone`)."""

STALE_SECONDS = 3600
"""A part lies aside only while it is written, so for seconds; after this its writer is dead."""


def locate_work_store(project: Path) -> Path:
    """Folder of the work store of the DVC project at `project`."""
    dvc = project / ".dvc"
    if not dvc.is_dir():
        raise StoreError(f"{project.resolve()}: not a DVC project; run this in your moodline clone")
    configured = Config(str(dvc)).get("cache", {}).get("dir")
    cache = Path(configured) if configured else dvc / "cache"
    return cache.resolve().parent / "moodline"


def link_tree(source: Path, target: Path) -> None:
    """Give `target` the file, or every file of the folder, at `source` without copying it."""
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
    try:
        with source.open("rb") as read, target.open("xb") as write:
            fcntl.ioctl(write.fileno(), FICLONE, read.fileno())
    except OSError:
        target.unlink(missing_ok=True)
        raise


def sweep_partials(folder: Path) -> None:
    """Remove what writers that were killed left aside in `folder`."""
    for aside in folder.glob(f".*{PARTIAL}"):
        with suppress(FileNotFoundError):  # another writer has just finished it
            if time.time() - aside.stat().st_mtime > STALE_SECONDS:
                remove(aside)
