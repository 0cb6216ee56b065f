"""The work store: where parts are made and kept, beside DVC's cache and out of its reach.

DVC empties a stage's outs before it runs. Parts therefore live in `<cache dir>/../moodline`, one
folder per fingerprint and part format, and a stage copies the live ones into its out, by clone
where the file system has it. Any number
of clones may share a work store: writers never share a part, and nothing is removed while a
writer holds the folder.
"""

import errno
import fcntl
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from pipeline.errors import StoreError
from pipeline.files import (
    PARTIAL,
    digest_bytes,
    is_digest,
    protect,
    remove,
    remove_whole,
    write_text,
    write_whole,
)
from pipeline.store import PART_FORMATS
from pipeline.store.contract import Content, PartFormat
from pipeline.store.header import check_bytes, check_digest, digest_tree, read_header
from pipeline.store.index import Location, read_index
from pipeline.store.parts import PartClip, name_part
from pipeline.store.shared_cache import find_shared_cache


def locate_work_store(project: Path) -> Path:
    """Folder of the work store of the DVC project at `project`."""
    dvc = project / ".dvc"
    if not dvc.is_dir():
        raise StoreError(f"{project.resolve()}: not a DVC project; run this in your moodline clone")
    cache = find_shared_cache(project) or dvc / "cache"
    return cache.resolve().parent / "moodline"


@dataclass(frozen=True)
class Part:
    """A part of the work store: the clips it lists, and their rows in all."""

    name: str
    clips: Sequence[PartClip]

    @cached_property
    def rows(self) -> int:
        """Rows of all its clips."""
        return sum(clip.rows for clip in self.clips)


class WorkParts:
    """The parts of one fingerprint and part format, in the folder `work`/<fingerprint>.<format>.

    Raises StoreError where a part is not what its name says.
    """

    def __init__(self, work: Path, fingerprint: str, part_format: str) -> None:
        self.folder = work / f"{fingerprint}.{part_format}"
        self.part_format = part_format
        self.format: PartFormat = PART_FORMATS.load(part_format).PARTS
        self.parts: dict[str, Part] = {}
        self._places: dict[tuple[str, str], dict[str, PartClip]] = {}
        self.read_lists()

    def read_lists(self) -> None:
        """Take in the lists of the parts that came since."""
        for path in sorted(self.folder.iterdir()) if self.folder.is_dir() else ():
            name = path.name.split(".")[0]
            if name and name not in self.parts:
                self._enter(self._read_list(name, path))

    def __contains__(self, clip: tuple[str, str]) -> bool:
        """Whether any part holds the clip of this id and key."""
        return clip in self._places

    def locate(self, keys: Mapping[str, str]) -> dict[str, Location]:
        """clip_id → where the clip of this key lies; raises KeyError for one that is nowhere.

        Of several parts that hold a clip, the one that serves `keys` with most of its rows.
        """
        places = {clip_id: self._places[clip_id, key] for clip_id, key in keys.items()}
        live: Counter[str] = Counter()
        for held in places.values():
            live.update({part: clip.rows for part, clip in held.items()})

        def rank(part: str) -> tuple[float, int, str]:
            return live[part] / max(1, self.parts[part].rows), live[part], part

        best = {clip_id: max(held, key=rank) for clip_id, held in places.items()}
        return {clip_id: Location(places[clip_id][part], part) for clip_id, part in best.items()}

    def add(self, clips: Sequence[PartClip], contents: Sequence[Content]) -> Part:
        """Commit a part of `clips`, whose rows are `contents` one after another."""
        part = Part(name_part(clips), clips)
        path = self.path_of(part.name)

        def write(aside: Path) -> None:
            self.format.write_part(aside, contents, clips)
            protect(aside)

        write_whole(path, write)
        self.note_digest(part.name, digest_tree(path))
        self._enter(part)
        return part

    def take_in(
        self,
        name: str,
        write: Callable[[Path], object],
        digest: str,
        check: Callable[[Path, Any], object],
    ) -> None:
        """Commit part `name`, which came from elsewhere; `write` puts it where it is told to.

        Raises StoreError unless its files have this digest, its name is that of its clips, and
        their rows are those that they were made with, which `check`, called with its path and what
        it opens to, may refuse as well.
        """
        path = self.path_of(name)

        def write_checked(aside: Path) -> None:
            write(aside)
            check_bytes(aside, digest)
            opened = self._check_rows(self._read_list(name, aside), aside)
            if opened is not None:
                check(aside, opened)

        write_whole(path, write_checked)
        self.note_digest(name, digest)
        self._enter(self._read_list(name, path))

    def _read_list(self, name: str, path: Path) -> Part:
        """Part `name`, which lies at `path`; raises StoreError where it is another's list."""
        clips = self.format.read_clips(path)
        if not is_digest(name) or name_part(clips) != name:
            raise StoreError(
                f"{path}: expected the clips that its name is the digest of, got others; "
                f"remove it, and they are made again"
            )
        return Part(name, clips)

    def path_of(self, part: str) -> Path:
        """File or folder of a part."""
        return self.format.path_of(self.folder, part)

    def digest_of(self, part: str) -> str:
        """Digest of a part's files: as noted when it was made, for publishing reads no data."""
        note = self._note_of(part)
        if not note.is_file():  # its writer was killed in between
            self._check_rows(self.parts[part], self.path_of(part))
            self.note_digest(part, digest_tree(self.path_of(part)))
        return note.read_text()

    def _open_part(self, part: str) -> Any:
        """A part as its format opens it; raises StoreError unless its bytes are as written."""
        path = self.path_of(part)
        if digest_tree(path) != self.digest_of(part):
            raise StoreError(f"{path}: {DAMAGED}")
        return self.format.open_part(path)

    def read(self, places: Iterable[Location]) -> Iterator[tuple[PartClip, Content | None]]:
        """Each clip of `places` with its rows, None where it has none; parts are opened once."""
        opened: dict[str, Any] = {}
        for place in places:
            clip, part = place.clip, place.part
            if not clip.rows or part is None:
                yield clip, None
                continue
            if part not in opened:
                opened[part] = self._open_part(part)
            yield clip, self.format.slice_part(opened[part], clip.start, clip.start + clip.rows)

    def note_digest(self, part: str, digest: str) -> None:
        """Remember the digest of a part's files."""
        write_text(self._note_of(part), digest)

    def remove(self, part: str) -> None:
        """Remove a part; only under `hold_alone`."""
        remove_whole(self.path_of(part))
        self._note_of(part).unlink(missing_ok=True)

    def note_store(self, store: Path) -> None:
        """Remember that the parts of `store` are needed, for as long as it is there."""
        path = str(store.resolve())
        write_text(self.folder / f".{digest_bytes(path.encode())}{STORE_NOTE}", path)

    def _check_rows(self, part: Part, path: Path) -> Any:
        """What the part at `path` opens to, None where it has no rows.

        Raises StoreError unless they are those that the part has the digests of.
        """
        opened = self.format.open_part(path) if part.rows else None
        for clip in part.clips:
            if clip.rows:
                rows = self.format.slice_part(opened, clip.start, clip.start + clip.rows)
                if len(rows) != clip.rows or self.format.digest_content(rows) != clip.digest:
                    raise StoreError(f"{path}: {DAMAGED}")
        return opened

    def _enter(self, part: Part) -> None:
        self.parts[part.name] = part
        for clip in part.clips:
            self._places.setdefault((clip.clip_id, clip.key), {})[part.name] = clip

    def _note_of(self, part: str) -> Path:
        return self.folder / f".{part}.digest"


def find_lacking(work: Path, fingerprint: str, keys: Mapping[str, str]) -> list[str]:
    """Those of `keys` (clip_id → key) that the work store has in no format."""
    folders = [(name, work / f"{fingerprint}.{name}") for name in PART_FORMATS.members]
    held = [WorkParts(work, fingerprint, name) for name, folder in folders if folder.is_dir()]
    return [
        clip_id
        for clip_id, key in keys.items()
        if not any((clip_id, key) in parts for parts in held)
    ]


DAMAGED = "not the bytes that were written; remove it, and its clips are made again"

STORE_NOTE = ".store"
"""Ending of the notes that `note_store` leaves; each holds the path of a store."""


def find_needed(folder: Path) -> set[str]:
    """Parts in `folder` that a store which was published from it still names in its index."""
    needed: set[str] = set()
    for store in read_store_notes(folder):
        if (store / "store.json").is_file():
            check_digest(store, read_header(store), "index.parquet")
            needed.update(read_index(store / "index.parquet").parts)
    return needed


def read_store_notes(folder: Path) -> dict[Path, float]:
    """Store that was published from `folder` → when it last was, in seconds since the epoch."""
    notes = folder.glob(f".*{STORE_NOTE}")
    return {Path(note.read_text()): note.stat().st_mtime for note in notes}


@contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Keep what lies in `folder` from being removed by others while a writer works.

    The first writer to come sweeps away what killed ones left half-written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a+") as file:
        if _lock(file, fcntl.LOCK_EX | fcntl.LOCK_NB):
            for aside in folder.glob(f".*{PARTIAL}"):
                remove(aside)
        _lock(file, fcntl.LOCK_SH)
        yield


@contextmanager
def hold_alone(folder: Path) -> Iterator[bool]:
    """Whether `folder` is free of writers; none begins while the block runs."""
    with (folder / ".lock").open("a+") as file:
        yield _lock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def has_locks(folder: Path) -> bool:
    """Whether the file system of `folder` knows locks at all."""
    with (folder / ".lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError as error:
            return error.errno == errno.EWOULDBLOCK
    return True


def _lock(file: IO[str], kind: int) -> bool:
    """Whether the lock was given; a file system without locks gives none."""
    try:
        fcntl.flock(file, kind)
    except OSError as error:
        if error.errno not in _NO_LOCK:
            raise
        return False
    return True


_NO_LOCK = {errno.EWOULDBLOCK, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}
