"""Files that appear whole or not at all, and the digests that name what they hold."""

import errno
import hashlib
import json
import os
import re
import shutil
import stat
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import Any

from pipeline.limits import MOST_FOLDERS

DIGEST_BYTES = 16

DIGEST = "[0-9a-f]{32}"
"""How a digest is written, ours and DVC's MD5: strangers' become paths, and are looked at first."""

PARTIAL = ".partial"
"""Ending of what is being written; its name begins with a dot."""


FileState = tuple[int, int, int]
"""Size of a file, when it was changed in nanoseconds, and its inode."""


def digest_bytes(data: bytes) -> str:
    """BLAKE2b of `data`, 32 hexadecimal characters."""
    return hashlib.blake2b(data, digest_size=DIGEST_BYTES).hexdigest()


def is_digest(text: str) -> bool:
    """Whether `text` can be a digest.

    >>> is_digest("0123456789abcdef" * 2), is_digest("../../stages/extract.py")
    (True, False)
    """
    return bool(re.fullmatch(DIGEST, text))


def digest_json(value: Any) -> str:
    """Digest of a JSON value, whatever the order of its keys."""
    return digest_bytes(canonical_json(value).encode())


def open_regular(path: Path) -> BufferedReader:
    """The file at `path`, opened for reading.

    Raises OSError for a folder, a pipe or a device, which may give nothing for ever.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Not a regular file", str(path))
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def digest_file(path: Path) -> str:
    """Digest of a file's bytes, read in blocks; raises OSError as `open_regular` does."""
    with open_regular(path) as file:
        return hashlib.file_digest(
            file, lambda: hashlib.blake2b(digest_size=DIGEST_BYTES)
        ).hexdigest()


def look_at(path: Path) -> FileState:
    """State of the file at `path`; raises OSError where there is none."""
    found = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ino


def is_text(name: str) -> bool:
    """Whether UTF-8 can write `name`: bytes of a file's name that are none stand for themselves."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def measure_tree(path: Path) -> int:
    """Bytes of a file, or of all files below a folder."""
    return sum(file.stat().st_size for file in list_tree(path) if file.is_file())


def list_tree(path: Path) -> list[Path]:
    """`path`, all files and folders below it, no link followed; raises OSError as `walk` does."""
    walked = walk(path)
    return [path, *(Path(at, name) for at, inner, names in walked for name in (*inner, *names))]


def walk(root: Path, *, follow: bool = False) -> Iterator[tuple[str, list[str], list[str]]]:
    """As `os.walk`; raises OSError for more than MOST_FOLDERS within one another."""
    for folder, inner, names in os.walk(root, followlinks=follow):
        check_depth(folder, root)
        yield folder, inner, names


def check_depth(folder: str, root: str | Path) -> None:
    """Raise OSError for a folder more than MOST_FOLDERS below `root`."""
    if folder.count(os.sep, len(os.fspath(root))) > MOST_FOLDERS:
        raise OSError(errno.ENAMETOOLONG, "Folders lie too deep within one another", str(root))


def walk_folders(root: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    """Each folder at or below `root`, links followed, once: its path, its folders, its files.

    Names are in order, those of folders that are links last: who takes a folder out of the list is
    not led there. Raises OSError as `walk` does.
    """
    seen: set[str] = set()
    for folder, inner, names in walk(root, follow=True):
        if (place := os.path.realpath(folder)) in seen:
            inner.clear()  # links lead here again
            continue
        seen.add(place)
        inner.sort(key=lambda name: (os.path.islink(os.path.join(folder, name)), name))
        yield folder, inner, sorted(names)


def canonical_json(value: Any) -> str:
    """`value` as JSON with sorted keys and no spaces; NaN and infinity raise ValueError."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make a file or a folder beside `path`, flush it to disk, rename it to `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = _aside(path)
    try:
        write(aside)
        _sync_tree(aside)
        _rename(aside, path)
        _sync(path.parent)
    finally:
        remove(aside)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path`, whole."""
    write_whole(path, lambda aside: aside.write_text(text, encoding="utf-8"))


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write `value` to `path` as indented JSON, whole; NaN and infinity raise ValueError."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def protect(path: Path) -> None:
    """Take from everybody the right to write to a file, or to the files below a folder."""
    for file in list_tree(path):
        if file.is_file():
            file.chmod(0o444)


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there; raises OSError as `walk` does."""
    if path.is_dir() and not path.is_symlink():
        list_tree(path)  # Python's own removal would end halfway
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def remove_whole(path: Path) -> None:
    """Remove a file or a folder so that nobody sees half of it; it may be gone already."""
    aside = _aside(path)
    with suppress(FileNotFoundError):
        path.rename(aside)
    remove(aside)


def _aside(path: Path) -> Path:
    """Name beside `path` that no other thread, process or machine writes to."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}{PARTIAL}")


def _rename(aside: Path, path: Path) -> None:
    try:
        aside.replace(path)
    except OSError as error:
        # Only folders cannot be replaced, and those are named by the digest of what they hold.
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise


def _sync_tree(path: Path) -> None:
    for folder, _, names in walk(path):
        for name in names:
            _sync(Path(folder, name))
    _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
