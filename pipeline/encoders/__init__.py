"""Encoders: frozen networks and signal transforms, a batch of clips → rows of embeddings.

A member is a module with two names:

- `Params`, a `FeatureParams` with the encoder's own options;
- `Encoder`, of the form below;

and where its like (`encoders.shared.facts`, `weights`) have it otherwise

- `FACTS`, licence and needs;
- `place_weights(params) -> Path`, the file of weights that are no folder, package or Hub id;
  raises ParamsError where it is not there;
- `Encoder.run`, a `FrameRun`: what each of its rows depends on. Long clips of an encoder that has
  one are encoded piece by piece.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

from pydantic import NonNegativeInt, PositiveFloat, PositiveInt, model_validator
from pydantic_core import PydanticCustomError

from pipeline.families import Family
from pipeline.rows import ClipInput, Modality, Rows
from pipeline.sections import Section
from pipeline.store import RowFormat

ENCODERS = Family(
    "encoder",
    {
        "efficientface": "pipeline.encoders.efficientface",
        "expression": "pipeline.encoders.expression",
        "hog": "pipeline.encoders.hog",
        "huggingface_language_model": "pipeline.encoders.huggingface_language_model",
        "huggingface_speech": "pipeline.encoders.huggingface_speech",
        "huggingface_text": "pipeline.encoders.huggingface_text",
        "huggingface_video": "pipeline.encoders.huggingface_video",
        "huggingface_vision": "pipeline.encoders.huggingface_vision",
        "landmarks": "pipeline.encoders.landmarks",
        "logmel": "pipeline.encoders.logmel",
        "mfcc": "pipeline.encoders.mfcc",
        "mobilefacenet": "pipeline.encoders.mobilefacenet",
        "opensmile": "pipeline.encoders.opensmile",
        "pixels": "pipeline.encoders.pixels",
        "timm": "pipeline.encoders.timm",
        "torchaudio_bundle": "pipeline.encoders.torchaudio_bundle",
        "torchvision_video": "pipeline.encoders.torchvision_video",
    },
)


class FeatureParams(Section):
    """What every feature set is told: `features.<set>` in params.yaml.

    `batch` clips are encoded at once on `device`, by so many `workers`, with `cuda` each on a GPU
    of its own; none of these changes the rows beyond rounding.
    With `rate_hz`, rows are averaged to at most so many per second (`extraction.rates`). With
    `views`, clips that train have so many augmented copies (`extraction.views`). A run that would
    encode more than `max_new_clips` clips, or write more than `max_gb`, stops
    (`extraction.ceilings`).
    """

    keyless: ClassVar[frozenset[str]] = frozenset(
        {
            "format",
            "batch",
            "device",
            "workers",
            "weights",
            "revision",
            "views",
            "max_new_clips",
            "max_gb",
        }
    )
    """Options that shape no row of a clip; an encoder's own `Params` may add to them."""

    modality: Modality
    encoder: str
    format: RowFormat = "zarr"
    batch: PositiveInt = 64
    device: Literal["cpu", "cuda"] = "cpu"
    workers: PositiveInt = 1
    rate_hz: PositiveFloat | None = None
    views: NonNegativeInt = 0
    max_new_clips: NonNegativeInt | None = None
    max_gb: PositiveFloat | None = None

    @model_validator(mode="after")
    def _check_views(self) -> "FeatureParams":
        """Refuse views of text."""
        if self.views and self.modality == "text":
            text = "views: expected 0 for text, which has no augmentation, got {views}"
            raise PydanticCustomError("views", text, {"views": self.views})
        return self

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
