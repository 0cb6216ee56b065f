"""What every encoder is: of clips, or of rows that are there already."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from pipeline.modalities import Modality
from pipeline.rows import ClipInput, Rows


@runtime_checkable
class Described(Protocol):
    """What is known of rows before any is made."""

    version: ClassVar[int]
    """Raised whenever the output changes; part of every key."""

    modalities: ClassVar[frozenset[Modality]]

    def __init__(self, params: Any, device: str = "cpu") -> None: ...

    @property
    def row_shape(self) -> tuple[int, ...]:
        """Shape of one row."""

    @property
    def provenance(self) -> dict[str, Any]:
        """What else shapes the output: digests of weights and tokenizer, library constants."""


@runtime_checkable
class Encoder(Described, Protocol):
    """Turns a batch of clips of its modalities into one `Rows` each, in order.

    Each clip's rows are those it would get alone, within a relative 1e-3 (float16 storage).
    A clip that gives no row (too short, no text) gets an empty `Rows` of the same row shape.
    """

    def encode(self, clips: Sequence[ClipInput]) -> list[Rows]:
        """One `Rows` of float32 for each of `clips`, in order; never changes its input."""


@runtime_checkable
class Recall(Described, Protocol):
    """What has the rows of clips already, by their ids, and needs no media."""

    dtype: np.dtype[Any]
    """That its rows are kept in."""

    def list_keys(self) -> Mapping[str, str]:
        """clip_id → key of the clip's rows, of all that it has."""

    def recall(self, clip_id: str) -> Rows:
        """Rows of a clip that it has."""

    @property
    def source(self) -> dict[str, Any]:
        """Provenance of the rows."""

    @property
    def seen_corpora(self) -> Sequence[str]:
        """Corpora whose labels had a part in making them."""
