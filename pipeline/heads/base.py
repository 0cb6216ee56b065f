"""What every head shares: masked pooling, standardised inputs, and one output per target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from pipeline.heads import HeadParams


@dataclass(frozen=True)
class Output:
    """One output of a head: `emotion` (class logits), `valence`, `arousal` (one number each) or
    `polar` (cos, sin and the intensity's logit, for valence and arousal together).
    """

    name: Literal["emotion", "valence", "arousal", "polar"]
    size: int
    per: Literal["clip", "frame"]


class Head(nn.Module):
    """Network from modalities with masks to outputs.

    `dims` gives the row size of each modality the head reads. A modality's `time` is its own
    rows, or the window's grid, shared by all, when any output is per frame. A mask is False
    where a row is absent or padding; what lies there never reaches an output, and every subset
    of modalities gives finite outputs, none at all included.
    """

    def __init__(
        self, params: HeadParams, dims: Mapping[str, int], outputs: Sequence[Output]
    ) -> None:
        super().__init__()
        self.params = params
        self.dims = dict(dims)
        self.outputs = tuple(outputs)

    def forward(
        self,
        inputs: Mapping[str, Float[Tensor, "clips _ _"]],
        masks: Mapping[str, Bool[Tensor, "clips _"]],
    ) -> dict[str, Tensor]:
        """Output name → `(clips, size)`, or `(clips, time, size)` for outputs per frame."""
        raise NotImplementedError


class Standardise(nn.Module):
    """Shifts and scales each modality's columns by moments of the training rows."""

    def __init__(self, dims: Mapping[str, int]) -> None:
        super().__init__()
        for modality, dim in dims.items():
            self.register_buffer(f"{modality}_mean", torch.zeros(dim))
            self.register_buffer(f"{modality}_scale", torch.ones(dim))

    def set_moments(self, modality: str, mean: Tensor, scale: Tensor) -> None:
        """Keep `mean` and `scale`, both `(dim,)`; columns of scale 0 are left unscaled."""
        getattr(self, f"{modality}_mean").copy_(mean)
        getattr(self, f"{modality}_scale").copy_(torch.where(scale > 0, scale, 1.0))

    def forward(
        self, modality: str, rows: Float[Tensor, "clips time dim"], mask: Bool[Tensor, "clips time"]
    ) -> Float[Tensor, "clips time dim"]:
        """Standardised rows, zero where `mask` is False."""
        mean, scale = getattr(self, f"{modality}_mean"), getattr(self, f"{modality}_scale")
        return ((rows - mean) / scale).masked_fill(~mask[..., None], 0.0)


def masked_mean(
    rows: Float[Tensor, "clips time dim"], mask: Bool[Tensor, "clips time"]
) -> Float[Tensor, "clips dim"]:
    """Mean over the rows that `mask` keeps; zero for a clip that keeps none."""
    kept = rows.masked_fill(~mask[..., None], 0.0).sum(dim=1)
    return kept / mask.sum(dim=1, keepdim=True).clamp(min=1)
