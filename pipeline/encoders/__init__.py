"""Encoders: frozen networks and signal transforms, a batch of clips → rows of embeddings.

A member is a module with two names:

- `Params`, a `FeatureParams` with the encoder's own options;
- `Encoder`, of the form below;

and where its like (`encoding.facts`, `weights`) have it otherwise

- `FACTS`, licence and needs;
- `place_weights(params) -> Path`, the file of weights that are no folder, package or Hub id;
  raises ParamsError where it is not there.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

from pydantic import NonNegativeInt, PositiveFloat, PositiveInt

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
        "huggingface_language_model": "pipeline.encoders.huggingface_language_model",
        "huggingface_speech": "pipeline.encoders.huggingface_speech",
        "huggingface_text": "pipeline.encoders.huggingface_text",
        "huggingface_vision": "pipeline.encoders.huggingface_vision",
        "logmel": "pipeline.encoders.logmel",
        "mfcc": "pipeline.encoders.mfcc",
        "opensmile": "pipeline.encoders.opensmile",
        "pixels": "pipeline.encoders.pixels",
        "timm": "pipeline.encoders.timm",
        "torchaudio_bundle": "pipeline.encoders.torchaudio_bundle",
    },
)


class FeatureParams(Section):
    """What every feature set is told: `features.<set>` in params.yaml.

    `batch` clips are encoded at once on `device`; neither changes the rows beyond rounding.
    With `rate_hz`, rows are averaged to at most so many per second (`encoding.rates`). A run that
    would encode more than `max_new_clips` clips, or write more than `max_gb`, stops
    (`encoding.ceilings`).
    """

    keyless: ClassVar[frozenset[str]] = frozenset(
        {"format", "batch", "device", "weights", "revision", "max_new_clips", "max_gb"}
    )
    """Options that shape no row; an encoder's own `Params` may add to them."""

    modality: Modality
    encoder: str
    format: RowFormat = "zarr"
    batch: PositiveInt = 16
    device: Literal["cpu", "cuda"] = "cpu"
    rate_hz: PositiveFloat | None = None
    max_new_clips: NonNegativeInt | None = None
    max_gb: PositiveFloat | None = None

    def settings(self) -> dict[str, Any]:
        """What of this shapes the rows; weights count by what the encoder's provenance says."""
        return self.model_dump(exclude=set(self.keyless), exclude_none=True)

    def list_seen(self) -> list[str]:
        """Corpora that the weights were trained on: none, where there are no weights."""
        return []


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
