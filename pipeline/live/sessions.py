"""Sessions: what was live, on disk as it comes, to be opened again and written about."""

import json
import os
import re
import secrets
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from itertools import islice, takewhile
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import pyarrow as pa
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, ValidationError

from pipeline.errors import StoreError
from pipeline.files import open_regular, remove_whole, write_json
from pipeline.live.messages import ClientError, Line, LiveSeconds, Mark
from pipeline.sections import Section
from pipeline.store.records import read_record

NAME = r"[0-9]{8}-[0-9]{6}-[0-9a-f]{4}"
"""Of a session and its folder: when it began, and four digits that no other of that second has."""

MOST_NOTES = 10_000
"""Marks, stretches or people of a session."""

REMEDY = "remove the session's folder, or bring the file back"

KEPT = ("answer", "faces", "mark", "recording")
"""Kinds of messages that a session keeps, each in a file of its own."""

MOST_RECORDED = 20 * 10**9
"""Bytes of a recording: a day at two megabits a second."""

SPARE_BYTES = 10**9
"""Of a disk that recordings leave."""

MOST_KEPT = 2**29
"""Bytes of the messages of one kind in a session: a day of faces has 200 million."""

MOST_LINE = 2**20
"""Bytes of a message; what is longer is parted, and is none."""

Person = Annotated[str, Field(pattern=r"^\d{1,9}$")]


def _check_stretch(stretch: list[float]) -> list[float]:
    if not stretch[0] < stretch[1]:
        raise ValueError("expected a stretch that ends after it begins")
    return stretch


def _check_numbers(head: dict[str, Any]) -> dict[str, Any]:
    json.dumps(head, allow_nan=False)  # raises ValueError for numbers that JSON has not
    return head


Stretch = Annotated[
    list[LiveSeconds], Field(min_length=2, max_length=2), AfterValidator(_check_stretch)
]


class Marked(Section):
    """A moment that a person marked, or a stretch, where it goes on `until` another."""

    seconds: LiveSeconds
    until: LiveSeconds | None = None
    text: Line = ""

    def is_in(self, begin: float, end: float) -> bool:
        """Whether any of it is in a stretch that holds its end, but not its begin."""
        return self.seconds <= end and begin < (self.seconds if self.until is None else self.until)


class Notes(Section):
    """What people wrote about a session: who its tracks are, what was when, what does not count.

    `merged` is track → the track of the same person that stands for both.
    """

    model_config = ConfigDict(defer_build=False)  # FastAPI asks for its schema

    title: Line = ""
    people: dict[Person, Line] = Field({}, max_length=MOST_NOTES)
    merged: dict[Person, Annotated[int, Field(ge=0)]] = Field({}, max_length=MOST_NOTES)
    marks: list[Marked] = Field([], max_length=MOST_NOTES)
    excluded: list[Stretch] = Field([], max_length=MOST_NOTES)

    def name_person(self, track: int | None) -> str:
        """Name of who is seen in a track, else the number that stands for that person.

        >>> Notes(people={"0": "Ada"}, merged={"3": 0}).name_person(3)
        'Ada'
        """
        if track is None:
            return ""
        seen = {track}
        while (other := self.merged.get(str(track))) is not None and other not in seen:
            track = other
            seen.add(track)
        return self.people.get(str(track)) or str(track)


class Kept(Notes):
    """Notes as they are in their file: of the marks that were made live, so many are among them."""

    format_version: Literal[1] = 1
    taken: Annotated[int, Field(ge=0)] = 0


class Seconds(BaseModel):
    """What all messages have that are kept; one of none is not one."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    seconds: LiveSeconds


class Answered(Seconds):
    """An answer that was kept."""

    type: Literal["answer"]
    person: int | None
    emotions: dict[str, float | None]
    ratings: dict[str, float | None]
    dominant_emotion: str | None
    confidence: float | None
    modalities: list[str]
    latency_seconds: float


class Face(BaseModel):
    """Who is in a frame, and where."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    person: Annotated[int, Field(ge=0)]
    box: Annotated[list[float], Field(min_length=4, max_length=4)]
    score: float
    chosen: bool


class Faces(Seconds):
    """Who is in a frame, as it was kept."""

    type: Literal["faces"]
    people: list[Face]


KeptT = TypeVar("KeptT", bound=BaseModel)


class Opening(Section):
    """What is known of a session when it begins; `head` is how it was described."""

    format_version: Literal[1] = 1
    session: Annotated[str, Field(pattern=f"^{NAME}$")]
    begun: str
    head: Annotated[dict[str, JsonValue], AfterValidator(_check_numbers)]


class Session:
    """A session that goes on: what is added is in its folder at once, a line each.

    A recording is kept where it is to be.
    """

    def __init__(self, folder: Path, opening: Opening, title: str, *, record: bool) -> None:
        self.name = opening.session
        self._folder = folder
        self._record = record
        self._recorded = 0
        self._marks = 0
        folder.mkdir(mode=0o700, parents=True)
        write_json(folder / "session.json", opening.model_dump())
        write_json(folder / "notes.json", Kept(title=title).model_dump())
        self._files = {
            kind: (folder / f"{kind}.jsonl").open("a", encoding="utf-8") for kind in KEPT
        }
        self._film = (folder / "recording.webm").open("ab")

    def add(self, message: Mapping[str, Any]) -> None:
        """Keep an answer, who is in a frame, or a moment that a person marked.

        Raises ClientError for more marks than a session has.
        """
        self._marks += message["type"] == "mark"
        if self._marks > MOST_NOTES:
            raise ClientError(
                f"expected at most {MOST_NOTES:,} marks, got more; stop and start anew"
            )
        file = self._files[message["type"]]
        file.write(json.dumps(message, allow_nan=False) + "\n")
        file.flush()

    def add_recording(self, seconds: float, chunk: bytes) -> None:
        """Keep a part of what the browser records, the first of which says when it begins.

        Raises ClientError where none is to be kept, for more than cameras make, and without room.
        """
        if not self._record:
            raise ClientError("expected no recording, for start asked for none; start with record")
        if not self._recorded:
            self.add({"type": "recording", "seconds": seconds})
        self._recorded += len(chunk)
        if self._recorded > MOST_RECORDED:
            raise ClientError(f"expected a recording of at most {MOST_RECORDED / 1e9:,.0f} GB")
        if shutil.disk_usage(self._folder).free < SPARE_BYTES:
            raise ClientError("expected room for the recording on the disk, got too little")
        self._film.write(chunk)
        self._film.flush()

    def close(self) -> Path | None:
        """Let go of its files; where its recording lies, if there is one."""
        for file in (*self._files.values(), self._film):
            file.close()
        film = self._folder / "recording.webm"
        if self._recorded:
            return film
        film.unlink(missing_ok=True)
        return None


class Sessions:
    """The sessions of `folder`, each in a folder of its own.

    Methods that take the name of one raise ClientError where there is none, StoreError where it is
    damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._live: set[str] = set()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def begin(self, head: Mapping[str, Any], title: str, *, record: bool) -> Session:
        """A new one, of the head that is described so; it is live until `end`."""
        now = datetime.now(UTC)
        name = f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        opening = Opening(session=name, begun=now.isoformat(timespec="seconds"), head=dict(head))
        self._live.add(name)
        return Session(self.folder / name, opening, title, record=record)

    def end(self, session: Session) -> Path | None:
        """Close a session; where its recording lies, if there is one."""
        self._live.discard(session.name)
        return session.close()

    def is_live(self, name: str) -> bool:
        """Whether a session goes on."""
        return name in self._live

    def list(self) -> list[dict[str, Any]]:
        """What each is called and how long it is, the newest first; damaged ones are left out."""
        found = []
        for path in sorted(self.folder.glob("*/session.json"), reverse=True):
            with suppress(ClientError, StoreError):
                folder, opening, notes = self._read(path.parent.name)
                answers = _read_lines(folder / "answer.jsonl", Answered)
                found.append(_sum_up(folder.name, opening, notes, answers))
        return found

    def open(self, name: str) -> dict[str, Any]:
        """All that is known of a session but where faces are; in how many frames each track is."""
        folder, opening, notes = self._read(name)
        recordings = _read_lines(folder / "recording.jsonl", Seconds)
        began = next((recording.seconds for recording in recordings), None)
        answers = [*_read_lines(folder / "answer.jsonl", Answered)]
        return {
            **_sum_up(name, opening, notes, answers),
            "head": opening.head,
            "recording": began is not None,
            "recording_begins": began,
            **notes.model_dump(),
            "answers": [answer.model_dump() for answer in answers],
            "tracks": _count_tracks(folder),
        }

    def list_faces(self, name: str, begin: float, end: float) -> Iterator[dict[str, Any]]:
        """Who is in the frames of a stretch, and where."""
        looks = _read_lines(self._find(name) / "faces.jsonl", Faces)
        shown = takewhile(lambda look: look.seconds < end, looks)
        return (look.model_dump() for look in shown if begin <= look.seconds)

    def write_notes(self, name: str, notes: Notes) -> None:
        """Keep what people wrote about a session."""
        folder = self._find(name)
        taken = sum(1 for _ in _read_lines(folder / "mark.jsonl", Mark))
        write_json(folder / "notes.json", Kept(**notes.model_dump(), taken=taken).model_dump())

    def find_recording(self, name: str) -> Path:
        """Film of a session; raises ClientError where none was kept."""
        path = self._find(name) / "recording.webm"
        if not path.is_file() or path.is_symlink():  # who brings a session may not show other files
            raise ClientError(f"{name}: expected a recording, got none, for it was not kept", 404)
        return path

    def remove(self, name: str) -> None:
        """Take a session away, for good; raises ClientError while it is live."""
        folder = self._find(name)
        if self.is_live(name):
            told = f"{name}: expected a session that has ended, got one that is live; stop it"
            raise ClientError(told, 409)
        remove_whole(folder)

    def tabulate(self, name: str) -> pa.Table:
        """A row for each answer: when, who, what, and what people noted of it."""
        folder, _, notes = self._read(name)
        before, rows = -1.0, []
        for answer in _read_lines(folder / "answer.jsonl", Answered):
            seconds = answer.seconds
            marks = [mark for mark in notes.marks if mark.is_in(before, seconds)]
            rows.append(
                {
                    "seconds": seconds,
                    "person": notes.name_person(answer.person),
                    **answer.emotions,
                    "dominant_emotion": answer.dominant_emotion,
                    "confidence": answer.confidence,
                    **answer.ratings,
                    "modalities": "+".join(answer.modalities),
                    "excluded": any(first <= seconds < last for first, last in notes.excluded),
                    "mark": "; ".join(mark.text or "mark" for mark in marks),
                }
            )
            before = seconds
        return pa.Table.from_pylist(rows) if rows else pa.table({"seconds": pa.array([], "f8")})

    def _find(self, name: str) -> Path:
        folder = self.folder / name
        if not re.fullmatch(NAME, name) or not (folder / "session.json").is_file():
            raise ClientError(f"{name}: expected a session, got none of this name", 404)
        return folder

    def _read(self, name: str) -> tuple[Path, Opening, Notes]:
        folder = self._find(name)
        opening = read_record(folder / "session.json", Opening, "a session", REMEDY)
        kept = read_record(folder / "notes.json", Kept, "notes", REMEDY)
        made = islice(_read_lines(folder / "mark.jsonl", Mark), kept.taken, MOST_NOTES)
        live = [Marked(seconds=mark.seconds, text=mark.text) for mark in made]
        plain = kept.model_dump(exclude={"format_version", "taken"})
        return folder, opening, Notes(**{**plain, "marks": [*kept.marks, *live][:MOST_NOTES]})


def _sum_up(
    name: str, opening: Opening, notes: Notes, answers: Iterable[Answered]
) -> dict[str, Any]:
    """What a session is called, and how long it is."""
    count, seconds = 0, 0.0
    for answer in answers:
        count, seconds = count + 1, answer.seconds
    return {
        "session": name,
        "title": notes.title,
        "begun": opening.begun,
        "seconds": seconds,
        "answers": count,
        "head": opening.head.get("head"),
    }


def _count_tracks(folder: Path) -> list[tuple[int, int]]:
    """Each track that was seen, and in how many frames."""
    looks = _read_lines(folder / "faces.jsonl", Faces)
    return [*Counter(face.person for look in looks for face in look.people).items()]


def _read_lines(path: Path, kind: type[KeptT]) -> Iterator[KeptT]:
    """Messages of a file that are whole: a service may have been ended amid one.

    Raises StoreError for a file of another kind, and for one of more than any day has.
    """
    if not path.exists():
        return
    try:
        with open_regular(path) as file:
            if os.fstat(file.fileno()).st_size > MOST_KEPT:
                raise StoreError(f"{path}: expected at most {MOST_KEPT:,} bytes; {REMEDY}")
            for line in iter(partial(file.readline, MOST_LINE), b""):
                with suppress(ValidationError):
                    yield kind.model_validate_json(line)
    except OSError as error:
        raise StoreError(f"{path}: expected messages, got {error.strerror}; {REMEDY}") from error
