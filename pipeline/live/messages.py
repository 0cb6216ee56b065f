"""Messages: what clients and the service say to each other over a socket."""

import json
import math
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from pipeline.errors import MoodlineError, tell_first
from pipeline.heads.recipes import Recipe
from pipeline.limits import LEAST_HZ, MOST_SOUND_HZ
from pipeline.predictor.stream import Moment
from pipeline.predictor.timing import NOBODY
from pipeline.predictor.watching import Look
from pipeline.sections import Section
from pipeline.targets import TARGETS

MOST_TEXT = 10_000
"""Letters of a message in JSON, and of what a person writes about a session."""

MOST_LIVE_SECONDS = 86_400.0
"""Of a stream: a day."""

HEADER = struct.Struct("<B7xd")
"""Of a block: its kind, and the second that it is of."""

Kind = Literal["frame", "sound", "recording"]

KINDS: dict[int, Kind] = {1: "frame", 2: "sound", 3: "recording"}

LiveSeconds = Annotated[float, Field(ge=0, le=MOST_LIVE_SECONDS)]

Line = Annotated[str, Field(max_length=200)]
"""What a person writes: a title, a name, a remark."""


class ClientError(MoodlineError):
    """A client asks for what it does not get: told in its text, and by HTTP's `status`.

    There may be a place for it after `again_seconds`.
    """

    def __init__(self, text: str, status: int = 422, again_seconds: int | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.again_seconds = again_seconds


class Start(Section):
    """What a client begins with: sound of so many `hz` or none, frames or none.

    And whether the session is to `record` what the browser does.
    """

    type: Literal["start"]
    hz: Annotated[int, Field(ge=LEAST_HZ, le=MOST_SOUND_HZ)] | None = None
    frames: bool = True
    record: bool = False
    title: Line = ""


class Mark(Section):
    """A moment that a person marks."""

    type: Literal["mark"]
    seconds: LiveSeconds
    text: Line = ""


class Stop(Section):
    """The end of what a client sends."""

    type: Literal["stop"]


Message = Annotated[Start | Mark | Stop, Field(discriminator="type")]

_MESSAGES: TypeAdapter[Start | Mark | Stop] = TypeAdapter(Message)


@dataclass(frozen=True)
class Block:
    """A frame, sound or a part of a recording, which begins at `seconds`."""

    kind: Kind
    seconds: float
    payload: bytes


def read_message(text: str) -> Start | Mark | Stop:
    """A client's message; raises ClientError for what is none.

    >>> read_message('{"type": "start", "hz": 48000}').hz
    48000
    """
    if len(text) > MOST_TEXT:
        raise ClientError(f"expected a message of at most {MOST_TEXT:,} letters, got {len(text):,}")
    try:
        return _MESSAGES.validate_json(text)
    except ValidationError as error:
        raise ClientError(
            f"expected start, mark or stop, got another message: {tell_first(error)}"
        ) from error


def read_block(data: bytes) -> Block:
    """A client's block; raises ClientError for what is none.

    >>> read_block(struct.pack("<B7xd", 1, 0.5) + b"JPEG")
    Block(kind='frame', seconds=0.5, payload=b'JPEG')
    """
    if len(data) < HEADER.size:
        raise ClientError(f"expected a header of {HEADER.size} bytes, got {len(data)}")
    number, seconds = HEADER.unpack_from(data)
    if number not in KINDS:
        raise ClientError(f"expected a frame (1), sound (2) or a recording (3), got kind {number}")
    if not math.isfinite(seconds) or not 0 <= seconds <= MOST_LIVE_SECONDS:
        raise ClientError(f"expected seconds from 0 to {MOST_LIVE_SECONDS:,.0f}, got {seconds}")
    return Block(KINDS[number], seconds, data[HEADER.size :])


def describe_look(seconds: float, look: Look, person: int) -> dict[str, Any]:
    """Who is in a frame, and where: boxes in shares of it; `person` is who is in front."""
    height, width = look.seen.frame.image.shape[:2]
    people = [
        {
            "person": one.track,
            "box": [round(float(side), 4) for side in one.box / (width, height, width, height)],
            "score": round(one.score, 4),
            "chosen": one.track == person,
        }
        for one in look.seen.people
    ]
    return {"type": "faces", "seconds": seconds, "people": people}


def describe_moment(moment: Moment, recipe: Recipe, per: Iterable[str]) -> dict[str, Any]:
    """An answer: a number for each emotion and rating, None where there was nothing to go by."""
    values = moment.values or {}
    classes = next((t for t in per if not TARGETS[t].behaviour.number), None)
    emotions: dict[str, float | None] = {}
    if classes is not None:
        shares = values.get(classes)
        known = [None] * len(recipe.emotions) if shares is None else [_round(s) for s in shares]
        emotions = dict(zip(recipe.emotions, known, strict=True))
    heard = {name: share for name, share in emotions.items() if share is not None}
    greatest = max(heard, key=heard.__getitem__, default=None)
    return {
        "type": "answer",
        "seconds": moment.seconds,
        "person": None if moment.person == NOBODY else moment.person,
        "emotions": emotions,
        "ratings": {name: _round(values.get(name)) for name in list_ratings(per)},
        "dominant_emotion": greatest,
        "confidence": None if greatest is None else heard[greatest],
        "modalities": list(moment.present),
    }


def list_ratings(per: Iterable[str]) -> list[str]:
    """Targets that are a number each."""
    return [target for target in per if TARGETS[target].behaviour.number]


def _round(value: Any) -> float | None:
    return None if value is None or math.isnan(float(value)) else round(float(value), 6)


def write_message(message: dict[str, Any]) -> str:
    """A message as JSON; NaN raises ValueError."""
    return json.dumps(message, allow_nan=False)
