"""Writing a store: keep what has its key, make the rest, publish all of it."""

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from pipeline.files import digest_file, digest_json, remove, write_text, write_whole
from pipeline.ledger import Entry, write_ledger
from pipeline.rows import Rows
from pipeline.store import PART_FORMATS, Content, PartFormat
from pipeline.store.index import Location, write_index
from pipeline.store.parts import Facts, PartClip, Provenance, Status, name_part
from pipeline.store.work import link_tree, sweep_partials

FORMAT_VERSION = 1
PART_BYTES = 64_000_000
PART_SECONDS = 60.0
"""A part closes by size or age, so that a kill loses at most a minute."""


@dataclass(frozen=True)
class Made:
    """What a stage made of one clip; `content` is None where it gave no rows."""

    content: Content | None
    status: Status = "ok"
    reason: str = ""
    detail: str = ""
    facts: Facts = field(default_factory=dict)


class StoreWriter:
    """Fills the work store with the clips it lacks, then publishes a store of the wanted ones.

    Use it in a `with` block: what was added when an error or Ctrl-C ends the block is kept.
    One writer makes its own parts; any number may share a work store.
    """

    def __init__(self, work: Path, provenance: Provenance, part_format: str) -> None:
        self.provenance = provenance
        self.part_format = part_format
        self.parts = work / f"{provenance.fingerprint}.{part_format}"
        self._format: PartFormat = PART_FORMATS.load(part_format).PARTS
        self._known = read_work_parts(self.parts, self._format)
        self._contents: list[Content] = []
        self._clips: list[PartClip] = []
        self._rows = 0
        self._bytes = 0
        self._opened_at = time.monotonic()

    def __enter__(self) -> "StoreWriter":
        sweep_partials(self.parts)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close_part()

    def has(self, clip_id: str, key: str) -> bool:
        """Whether the work store holds the clip under this key."""
        return (clip_id, key) in self._known

    def find(self, clip_id: str, key: str) -> Location:
        """Where the clip lies in the work store; raises KeyError when it does not."""
        return self._known[clip_id, key]

    def add(self, clip_id: str, key: str, made: Made) -> None:
        """Take what was made of a clip; it is committed when its part closes."""
        rows = 0 if made.content is None else len(made.content)
        digest = ""
        if made.content is not None and rows:
            digest = self._format.digest_content(made.content)
            self._contents.append(made.content)
            self._bytes += _count_bytes(made.content)
        self._clips.append(
            PartClip(
                clip_id=clip_id,
                key=key,
                start=self._rows,
                rows=rows,
                digest=digest,
                status=made.status,
                reason=made.reason,
                detail=made.detail,
                facts=made.facts,
            )
        )
        self._rows += rows
        if self._bytes >= PART_BYTES or time.monotonic() - self._opened_at >= PART_SECONDS:
            self.close_part()

    def close_part(self) -> None:
        """Commit what was added since the last part closed."""
        if self._clips:
            part = name_part(self._clips)
            write_whole(
                self._format.path_of(self.parts, part),
                lambda aside: self._format.write_part(aside, self._contents, self._clips),
            )
            self._digest_part(part)
            for clip in self._clips:
                self._known[clip.clip_id, clip.key] = Location(clip, part)
        self._contents, self._clips = [], []
        self._rows = self._bytes = 0
        self._opened_at = time.monotonic()

    def publish(
        self, out: Path, locations: Mapping[str, Location], ledger: Iterable[Entry]
    ) -> None:
        """Make `out` a store of `locations` (clip_id → where it lies), linked, not copied."""
        remove(out)
        digests = {}
        live = {place.part for place in locations.values() if place.part and place.clip.rows}
        for part in sorted(live):
            path = self._format.path_of(self.parts, part)
            link_tree(path, out / "parts" / path.name)
            digests[f"parts/{path.name}"] = self._read_digest(part)
        provenance = self.provenance.to_json()
        self._format.mark_parts(out / "parts", provenance)
        write_index(out / "index.parquet", locations)
        write_ledger(out / "ledger.parquet", ledger)
        for path in sorted([*out.glob("*.parquet"), *(out / "parts").glob("*.json")]):
            digests[path.relative_to(out).as_posix()] = digest_file(path)
        header = {"part_format": self.part_format, "provenance": provenance, "digests": digests}
        write_text(out / "store.json", seal_header(header))

    def _read_digest(self, part: str) -> str:
        """Digest of a part's files: as noted when it was made, for publishing reads no data."""
        note = self._note_of(part)
        return note.read_text() if note.is_file() else self._digest_part(part)

    def _digest_part(self, part: str) -> str:
        """Digest of a part's files as they lie on disk, noted beside it."""
        digest = digest_tree(self._format.path_of(self.parts, part))
        write_text(self._note_of(part), digest)
        return digest

    def _note_of(self, part: str) -> Path:
        return self.parts / f".{part}.digest"


def seal_header(header: Mapping[str, Any]) -> str:
    """Text of `store.json`, the last file of a store and the mark that it is whole.

    `digests` names every other file or part of the store, and `digest` covers the header itself.
    """
    sealed = {"format_version": FORMAT_VERSION, **header}
    sealed["digest"] = digest_json(sealed)
    return json.dumps(sealed, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def digest_tree(path: Path) -> str:
    """Digest of a file, or of all files of a folder with their names."""
    if path.is_file():
        return digest_file(path)
    files = sorted(file for file in path.rglob("*") if file.is_file())
    return digest_json({file.relative_to(path).as_posix(): digest_file(file) for file in files})


def read_work_parts(parts: Path, part_format: PartFormat) -> dict[tuple[str, str], Location]:
    """(clip_id, key) → location of every clip in the work store's folder `parts`."""
    located = {}
    paths = sorted(path for path in parts.iterdir()) if parts.is_dir() else []
    for path in paths:
        if not path.name.startswith("."):
            for clip in part_format.read_clips(path):
                located[clip.clip_id, clip.key] = Location(clip, path.name.split(".")[0])
    return located


def _count_bytes(content: Content) -> int:
    return int(content.embedding.nbytes if isinstance(content, Rows) else content.nbytes)
