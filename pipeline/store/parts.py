"""Records of parts: which clips one holds, what it is called, and what made it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

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


def derive_key(input_key: str, fingerprint: str) -> str:
    """Key of a clip's rows: the digest of its own input's key and of all that shapes the rows."""
    return digest_json([input_key, fingerprint])


@dataclass(frozen=True)
class Provenance:
    """What made a store.

    `settings` is all that shapes the result, as JSON; `source` is the provenance of the store
    or table it was made from.
    """

    stage: str
    settings: dict[str, Any]
    source: dict[str, Any] | None = None

    @property
    def fingerprint(self) -> str:
        """Digest of the stage and its settings."""
        return digest_json([self.stage, self.settings])

    def to_json(self) -> dict[str, Any]:
        """JSON form, the fingerprint included."""
        return {**asdict(self), "fingerprint": self.fingerprint}
