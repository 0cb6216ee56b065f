"""What made a store, and the keys of its clips."""

from dataclasses import asdict, dataclass, field
from typing import Any

from pipeline.files import digest_json


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
    and `views`, their number and what they are, are no part of the fingerprint.
    """

    seen_corpora: list[str] = field(default_factory=list)
    views: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """JSON form; without `seen_corpora` or `views` where a set has none."""
        made = super().to_json()
        for name in ("seen_corpora", "views"):
            if not made[name]:
                del made[name]
        return made
