"""Encoders: frozen networks and signal transforms, a batch of clips → rows of embeddings.

A member is a module with two names:

- `Params`, a `FeatureParams` with the encoder's own options;
- `Encoder`, of the form below.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

from pydantic import PositiveFloat, PositiveInt

from pipeline.families import Family
from pipeline.rows import ClipInput, Rows
from pipeline.sections import Section
from pipeline.store import RowFormat

Modality = Literal["face", "scene", "audio", "text"]
MODALITIES: tuple[Modality, ...] = ("face", "scene", "audio", "text")

ENCODERS = Family(
    "encoder",
    {
        "hog": "pipeline.encoders.hog",
        "huggingface_text": "pipeline.encoders.huggingface_text",
        "logmel": "pipeline.encoders.logmel",
        "mfcc": "pipeline.encoders.mfcc",
    },
)


class FeatureParams(Section):
    """What every feature set is told: `features.<set>` in params.yaml.

    `batch` clips are encoded at once on `device`; neither changes the rows beyond rounding.
    With `rate_hz`, rows are averaged to at most so many per second (`encoding.rates`).
    """

    modality: Modality
    encoder: str
    format: RowFormat = "zarr"
    batch: PositiveInt = 16
    device: Literal["cpu", "cuda"] = "cpu"
    rate_hz: PositiveFloat | None = None

    def settings(self) -> dict[str, Any]:
        """What of this shapes the rows; weights count by what the encoder's provenance says."""
        runs = {"format", "batch", "device", "weights", "revision"}
        return self.model_dump(exclude=runs, exclude_none=True)


@runtime_checkable
class Encoder(Protocol):
    """Turns a batch of clips of its modalities into one `Rows` each, in order.

    Each clip's rows are those it would get alone, within a relative 1e-3 (float16 storage).
    A clip that gives no row (too short, no text) gets an empty `Rows` of the same row shape.
    """

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

    def encode(self, clips: Sequence[ClipInput]) -> list[Rows]:
        """One `Rows` of float32 for each of `clips`, in order; never changes its input."""
