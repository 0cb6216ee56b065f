"""What made a store, and the keys of its clips."""

from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, FailFast, Field, FiniteFloat, StringConstraints

from pipeline.files import DIGEST, digest_json
from pipeline.limits import MOST_DEPTH, MOST_VALUES, MOST_VIEWS

Digest = Annotated[str, StringConstraints(pattern=f"^{DIGEST}$", strict=True)]
"""As `pipeline.files` makes them."""


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


@dataclass(frozen=True)
class FeatureProvenance(Provenance):
    """What made a feature set; `seen_corpora`, corpora that its encoder's weights were trained on,
    `views`, their number and what they are, and `media`, what most of the numbers of media that
    train lie between (`extraction.media_numbers`), are no part of the fingerprint.
    """

    seen_corpora: list[str] = field(default_factory=list)
    views: dict[str, Any] = field(default_factory=dict)
    media: dict[str, list[float]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """JSON form; without `seen_corpora`, `views` or `media` where a set has none."""
        made = super().to_json()
        for name in ("seen_corpora", "views", "media"):
            if not made[name]:
                del made[name]
        return made


class _Views(BaseModel):
    """What a set with views says of them."""

    count: int = Field(default=0, ge=0, le=MOST_VIEWS, strict=True)


class _Made(BaseModel):
    """What every provenance says, whoever wrote it."""

    stage: str
    settings: dict[str, Any]
    source: "_Made | None"
    fingerprint: Digest
    views: _Views = _Views()
    media: dict[str, tuple[FiniteFloat, FiniteFloat]] = {}
    seen_corpora: Annotated[list[str], FailFast()] = []


def _check(made: dict[str, Any]) -> dict[str, Any]:
    _Made.model_validate(made)
    if _is_deeper(made, MOST_DEPTH):
        raise ValueError(f"expected at most {MOST_DEPTH} lists and maps within one another")
    check_values(made)
    return made


def check_values(*said: Any) -> None:
    """Raise ValueError where there are more than MOST_VALUES in all lists and maps of `said`."""
    if (count := sum(map(_count_values, said))) > MOST_VALUES:
        raise ValueError(f"expected at most {MOST_VALUES:,} values, got {count:,}")


def _count_values(value: Any) -> int:
    return 1 + sum(map(_count_values, _list_inner(value)))


def _is_deeper(value: Any, levels: int) -> bool:
    """Whether lists and maps stand within one another more than `levels` times."""
    return levels < 0 or any(_is_deeper(one, levels - 1) for one in _list_inner(value))


def _list_inner(value: Any) -> Collection[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


Record = Annotated[dict[str, Any], AfterValidator(_check)]
"""A provenance in its JSON form, of the types that a writer gives it."""
