"""What a feature set states beside its fingerprint: corpora that its weights have seen, views."""

from dataclasses import dataclass, field
from typing import Any

from pipeline.store.parts import Provenance


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
