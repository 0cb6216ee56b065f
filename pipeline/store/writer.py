"""Writing a store: keep what has its key, make the rest, publish all of it."""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType

import pyarrow as pa

from pipeline.files import PARTIAL
from pipeline.interrupts import finish_first
from pipeline.rows import Rows
from pipeline.store import ROW_FORMATS
from pipeline.store.contract import Content
from pipeline.store.index import Location
from pipeline.store.ledger import Entry
from pipeline.store.parts import Facts, PartClip, Status
from pipeline.store.provenance import Provenance
from pipeline.store.publishing import choose_parts, measure_uses, publish_store
from pipeline.store.seeding import seed_parts
from pipeline.store.work import WorkParts, find_needed, hold, hold_alone

PART_BYTES = 64_000_000
PART_SECONDS = 60.0
"""A part closes by size or age, so that a kill loses at most a minute."""


Places = dict[tuple[str, str], Location]
"""(clip_id, key) → where it lies."""


@dataclass(frozen=True)
class Made:
    """What a stage made of one clip; `content` is None where it gave no rows."""

    content: Content | None
    status: Status = "ok"
    reason: str = ""
    detail: str = ""
    facts: Facts = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        """Bytes of its rows: of features of the embeddings alone, which are nearly all."""
        return _count_bytes(self.content)


class StoreWriter:
    """Fills the work store with the clips it lacks, then publishes a store of the wanted ones.

    Use it in a `with` block: what was added when an error or Ctrl-C ends the block is kept.
    One writer makes its own parts; any number may share a work store. Media have a `schema`.
    """

    def __init__(
        self,
        work: Path,
        provenance: Provenance,
        part_format: str,
        schema: pa.Schema | None = None,
    ) -> None:
        self.work = work
        self.provenance = provenance
        self.part_format = part_format
        self.schema = schema
        self._held = ExitStack()
        self._added: list[tuple[PartClip, Content | None]] = []
        self._bytes = 0
        self._opened_at = time.monotonic()
        self._own: set[str] = set()

    def __enter__(self) -> "StoreWriter":
        fingerprint = self.provenance.fingerprint
        self._held.enter_context(hold(self.work / f"{fingerprint}.{self.part_format}"))
        self.parts = WorkParts(self.work, fingerprint, self.part_format)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._held:
            self.close_part()

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Folder for files on their way, seen by all workers and gone with the block."""
        with TemporaryDirectory(
            dir=self.parts.folder, prefix=".", suffix=PARTIAL, ignore_cleanup_errors=True
        ) as folder:
            yield Path(folder)

    def missing(self, keys: Mapping[str, str], out: Path) -> list[str]:
        """Those of `keys` (clip_id → key) that are yet to be made.

        What the work store lacks is first looked for in the store that dvc.lock names for `out`,
        and among the parts of other formats.
        """
        if lacking := self._lacking(keys):
            seed_parts(self.work, self.provenance.fingerprint, lacking, out, self.schema)
            self.parts.read_lists()
            self._take_other_formats(keys)
        return list(self._lacking(keys))

    def add(self, clip_id: str, key: str, made: Made) -> None:
        """Take what was made of a clip; it is committed when its part closes."""
        rows = 0 if made.content is None else len(made.content)
        clip = PartClip(
            clip_id=clip_id,
            key=key,
            start=0,  # known when the part closes
            rows=rows,
            digest="" if made.content is None else self.parts.format.digest_content(made.content),
            status=made.status,
            reason=made.reason,
            detail=made.detail,
            facts=made.facts,
        )
        self._take(clip, made.content)
        if time.monotonic() - self._opened_at >= PART_SECONDS:
            self.close_part()

    def close_part(self) -> Places:
        """Commit what was added since the last part closed, in the order of the clips' ids.

        Returns where those clips lie now.
        """
        added = sorted(self._added, key=lambda pair: (pair[0].clip_id, pair[0].key))
        self._opened_at = time.monotonic()
        if not added:
            return {}
        clips, start = [], 0
        for clip, _ in added:
            clips.append(replace(clip, start=start))
            start += clip.rows
        contents = [content for clip, content in added if clip.rows and content is not None]
        with finish_first():
            part = self.parts.add(clips, contents)
            self._own.add(part.name)
            self._added, self._bytes = [], 0
        return {(clip.clip_id, clip.key): Location(clip, part.name) for clip in clips}

    def adopt(self, keys: Mapping[str, str]) -> None:
        """Take in the parts that came since from other processes, and hold clips of `keys` alone.

        They count as made by this run.
        """
        known = set(self.parts.parts)
        self.parts.read_lists()
        for name in self.parts.parts.keys() - known:
            if all(keys.get(clip.clip_id) == clip.key for clip in self.parts.parts[name].clips):
                self._own.add(name)

    def locate(self, keys: Mapping[str, str]) -> dict[str, Location]:
        """clip_id → where it lies in the work store; raises KeyError for one that is not made."""
        return self.parts.locate(keys)

    def read(self, keys: Mapping[str, str]) -> dict[str, Made]:
        """clip_id → what was made of the clip of this key; raises KeyError for one that is not."""
        return {
            clip.clip_id: Made(content, clip.status, clip.reason, clip.detail, clip.facts)
            for clip, content in self.parts.read(self.locate(keys).values())
        }

    def publish(
        self, out: Path, locations: Mapping[str, Location], ledger: Iterable[Entry]
    ) -> None:
        """Make `out` a store of `locations` (clip_id → where it lies), linked, not copied.

        Parts that are mostly dead are written anew, small ones together.
        """
        chosen = choose_parts(measure_uses(self.parts, locations, self._own), PART_BYTES)
        publish_store(out, self.parts, self.provenance, self._pack(chosen, locations), ledger)
        self._drop(chosen & self._own)

    def _lacking(self, keys: Mapping[str, str]) -> dict[str, str]:
        return {clip_id: key for clip_id, key in keys.items() if (clip_id, key) not in self.parts}

    def _take_other_formats(self, keys: Mapping[str, str]) -> None:
        """Rewrite in this format what the work store holds of `keys` in another."""
        fingerprint = self.provenance.fingerprint
        for other in ROW_FORMATS:
            if not (self.work / f"{fingerprint}.{other}").is_dir() or other == self.part_format:
                continue
            held = WorkParts(self.work, fingerprint, other)
            found = {clip: key for clip, key in self._lacking(keys).items() if (clip, key) in held}
            self._copy(held, held.locate(found).values())

    def _pack(self, chosen: set[str], locations: Mapping[str, Location]) -> dict[str, Location]:
        """`locations` after their clips in the parts `chosen` went into new parts together.

        Of parts of this run every clip goes along, of others those in `locations`.
        """
        wanted = {(place.clip.clip_id, place.clip.key, place.part) for place in locations.values()}
        moving = [
            Location(clip, part)
            for part in sorted(chosen)
            for clip in self.parts.parts[part].clips
            if part in self._own or (clip.clip_id, clip.key, part) in wanted
        ]
        moved = self._copy(self.parts, moving)
        return {
            clip_id: _move(place, moved) if place.part in chosen else place
            for clip_id, place in locations.items()
        }

    def _copy(self, held: WorkParts, places: Iterable[Location]) -> Places:
        """Write the clips of `places`, which lie in `held`, into parts of this writer."""
        self.close_part()
        ordered = sorted(places, key=lambda place: (place.clip.clip_id, place.clip.key))
        copied: Places = {}
        for clip, content in held.read(ordered):
            copied |= self._take(clip, content)
        return copied | self.close_part()

    def _take(self, clip: PartClip, content: Content | None) -> Places:
        """Hold one clip's rows until the part is large enough; returns what that committed."""
        self._added.append((clip, content))
        self._bytes += _count_bytes(content)
        return self.close_part() if self._bytes >= PART_BYTES else {}

    def _drop(self, packed: set[str]) -> None:
        """Remove parts of this run that were packed into others, unless somebody needs them."""
        if packed:
            self._held.close()
            with hold_alone(self.parts.folder) as alone:
                for part in packed - find_needed(self.parts.folder) if alone else ():
                    self.parts.remove(part)


def _move(place: Location, moved: Places) -> Location:
    found = moved[place.clip.clip_id, place.clip.key]
    return Location(replace(place.clip, start=found.clip.start), found.part)


def _count_bytes(content: Content | None) -> int:
    if content is None:
        return 0
    return int(content.embedding.nbytes if isinstance(content, Rows) else content.nbytes)
