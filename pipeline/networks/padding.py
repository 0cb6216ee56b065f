"""Padding that changes nothing: group norms over each sound's own frames, and masks."""

from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn


class OwnNorm(nn.Module):
    """A group norm that takes each item's first `frames` alone, and leaves those behind as is."""

    def __init__(self, norm: nn.GroupNorm) -> None:
        super().__init__()
        self.norm = norm
        self.frames: list[int] = []

    def forward(
        self, states: Float[Tensor, "batch channels frames"]
    ) -> Float[Tensor, "batch channels frames"]:
        """`states` normalised, in place where they are padded."""
        if min(self.frames) == states.shape[2]:
            return self.norm(states)  # type: ignore[no-any-return]
        for item, frames in zip(states, self.frames, strict=True):
            item[:, :frames] = self.norm(item[None, :, :frames])[0]
        return states


class FrontNorm:
    """Tells the norm of a convolutional front end how long each sound of a batch is.

    Only a group norm need be told: it is taken over all frames, where a layer norm is over one.
    """

    def __init__(self, layer: Any) -> None:
        self.conv: nn.Conv1d = layer.conv
        self.norm: OwnNorm | None = None
        if isinstance(layer.layer_norm, nn.GroupNorm):
            self.norm = layer.layer_norm = OwnNorm(layer.layer_norm)

    def expect(self, lengths: list[int]) -> None:
        """Sounds of so many samples come next."""
        if self.norm is not None:
            kernel, stride = self.conv.kernel_size[0], self.conv.stride[0]
            self.norm.frames = [(samples - kernel) // stride + 1 for samples in lengths]


def mask_padding(lengths: list[int], device: torch.device) -> Int64[Tensor, "batch longest"] | None:
    """1 where a sound is and 0 behind it; None where all are of one length."""
    longest = max(lengths)
    if min(lengths) == longest:
        return None
    ends = torch.tensor(lengths, device=device)[:, None]
    return (torch.arange(longest, device=device) < ends).long()
