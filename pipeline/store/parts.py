"""Records of parts: which clips one holds, and what it is called."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import ConfigDict, FailFast, Field, PlainValidator, TypeAdapter, ValidationError

from pipeline.errors import StoreError, tell_first
from pipeline.files import digest_json
from pipeline.limits import MOST_ROWS

Status = Literal["ok", "marked", "left_out", "absent"]
"""`left_out`: the clip should have given rows and could not; `absent`: it has nothing to give."""

STATUSES: tuple[Status, ...] = get_args(Status)

FILLED: tuple[Status, ...] = ("ok", "marked")
"""Statuses that a clip with rows may have."""

Count = Annotated[int, Field(ge=0, le=MOST_ROWS, strict=True)]
"""A number of rows."""


def _check_facts(facts: Any) -> Any:
    if not isinstance(facts, Mapping) or not all(isinstance(one, str) for one in facts):
        raise ValueError("expected facts by their names")
    for name, fact in facts.items():
        if not isinstance(fact, float | int | str | None):
            raise ValueError(f"{name}: expected a number, a text or nothing")
        if isinstance(fact, float) and not math.isfinite(fact):  # which no digest covers
            raise ValueError(f"{name}: expected a finite number, got {fact}")
    return facts


# Not pydantic's own check, which goes on after a mistake and keeps each.
Facts = Annotated[Mapping[str, float | int | str | None], PlainValidator(_check_facts)]
"""Small findings about a clip that tables downstream want."""


@dataclass(frozen=True)
class PartClip:
    """One clip in a part: its rows are `start` to `start + rows`; `digest` covers their values."""

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")

    clip_id: str
    key: str
    start: Count
    rows: Count
    digest: str
    status: Status = "ok"
    reason: str = ""
    detail: str = ""
    facts: Facts = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Field → value, as a part lists it."""
        return vars(self) | {"facts": dict(self.facts)}


def parse_clips(path: Path, listed: Any) -> list[PartClip]:
    """Clips that the part at `path` lists; raises StoreError for what is no such list."""
    try:
        clips = _LIST.validate_python(listed)
    except ValidationError as error:
        raise StoreError(
            f"{path}: not a readable list of clips ({tell_first(error)}); `dvc pull` it anew"
        ) from error
    if mistake := next(_find_mistakes(clips), None):
        raise StoreError(f"{path}: not a list of clips: {mistake}; `dvc pull` it anew")
    return clips


def _find_mistakes(clips: Sequence[PartClip]) -> Iterator[str]:
    """What no writer of a part leaves: clips twice, or whose rows are those of others."""
    seen, end = set(), 0
    for clip in sorted(clips, key=lambda clip: (clip.start, clip.rows)):
        if (clip.clip_id, clip.key) in seen:
            yield f"{clip.clip_id} is there twice"
        seen.add((clip.clip_id, clip.key))
        if clip.rows and clip.start < end:
            yield f"{clip.clip_id} has rows of another clip"
        if clip.rows and clip.status not in FILLED:
            yield f"{clip.clip_id} has rows, and status {clip.status}"
        end = max(end, clip.start + clip.rows)


_LIST = TypeAdapter(Annotated[list[PartClip], FailFast()], config=ConfigDict(defer_build=True))


def name_part(clips: Sequence[PartClip]) -> str:
    """Name of the part that holds `clips`: the digest of their records, so of their values too."""
    return digest_json([clip.to_json() for clip in clips])
