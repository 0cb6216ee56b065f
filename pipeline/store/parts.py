"""Records of parts: which clips one holds, and what it is called."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Literal

from pipeline.files import digest_json

Status = Literal["ok", "marked", "left_out", "absent"]
"""`left_out`: the clip should have given rows and could not; `absent`: it has nothing to give."""

Facts = Mapping[str, float | int | str | None]
"""Small findings about a clip that tables downstream want."""


@dataclass(frozen=True)
class PartClip:
    """One clip in a part: its rows are `start` to `start + rows`; `digest` covers their values."""

    clip_id: str
    key: str
    start: int
    rows: int
    digest: str
    status: Status = "ok"
    reason: str = ""
    detail: str = ""
    facts: Facts = field(default_factory=dict)


def name_part(clips: Sequence[PartClip]) -> str:
    """Name of the part that holds `clips`: the digest of their records, so of their values too."""
    return digest_json([asdict(clip) for clip in clips])
