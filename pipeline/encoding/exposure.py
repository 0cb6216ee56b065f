"""Exposure: the corpora that an encoder's weights were trained on, as a feature set states them."""

from dataclasses import dataclass, field
from typing import Any

from pipeline.store.parts import Provenance


@dataclass(frozen=True)
class FeatureProvenance(Provenance):
    """What made a feature set; `seen_corpora` are for people, and no part of the fingerprint."""

    seen_corpora: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """JSON form; without `seen_corpora` where none is stated, as in sets that know of none."""
        made = super().to_json()
        if not self.seen_corpora:
            del made["seen_corpora"]
        return made
