"""Features made elsewhere, as `moodline import` wrote them: their rows are there already."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from pipeline.encoders.params import ImportedParams
from pipeline.encoders.shared.facts import Facts
from pipeline.errors import StoreError
from pipeline.modalities import MODALITIES, Modality
from pipeline.rows import Rows
from pipeline.store.header import read_header
from pipeline.store.reader import open_features

FACTS = Facts("their maker's")


class Encoder:
    """Rows of the store that `params` name; raises StoreError where it has another digest."""

    version: ClassVar[int] = 1
    modalities: ClassVar[frozenset[Modality]] = frozenset(MODALITIES)

    def __init__(self, params: ImportedParams, device: str = "cpu") -> None:
        path = Path(params.store)
        if not (path / "store.json").is_file():
            raise StoreError(
                f"{path}: expected features that `moodline import` wrote, found none; import them, "
                f"or `dvc pull` what a colleague has imported"
            )
        found = read_header(path)["digest"]
        if found != params.digest:
            raise StoreError(
                f"{path}: expected features of digest {params.digest}, as params.yaml has it, got "
                f"{found}; take over that digest, or get the features that params.yaml means"
            )
        self.store = open_features(path)
        self.dtype = np.dtype(self.source["settings"]["dtype"])
        if (stated := self.source["settings"].get("modality")) != params.modality:
            raise StoreError(f"{path}: expected modality {params.modality}, got {stated}; mend it")

    @property
    def row_shape(self) -> tuple[int, ...]:
        """Shape of one row."""
        return self.store.row_shape

    @property
    def provenance(self) -> dict[str, Any]:
        """Nothing: each clip's key is the digest of its rows."""
        return {}

    @property
    def source(self) -> dict[str, Any]:
        """Provenance of the import."""
        return self.store.provenance

    @property
    def seen_corpora(self) -> Sequence[str]:
        """Corpora whose labels had a part in making the rows, as the import states it."""
        stated: Sequence[str] | None = self.source["settings"].get("trained_on_labels")
        return stated or ()

    def list_keys(self) -> Mapping[str, str]:
        """clip_id → digest of the clip's rows."""
        return self.store.list_keys()

    def recall(self, clip_id: str) -> Rows:
        """Rows of a clip."""
        return self.store[clip_id]
