"""Masking: stretches of time and of frequency at which training hears nothing but the mean.

Park et al., SpecAugment: A simple data augmentation method for automatic speech recognition,
Interspeech 2019, without its warping of time.
"""

from dataclasses import replace

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from pipeline.heads.reading import Reader, StreamRows
from pipeline.heads.training_params import SpecAugmentParams


def mask_stretches(stream: StreamRows, reader: Reader, params: SpecAugmentParams) -> StreamRows:
    """`stream` with stretches of rows, and of the last axis of all rows, at the training mean.

    Each window has its own. Rows stay present: what is masked is a sound that tells nothing.
    """
    rank = stream.mask.cumsum(dim=1) - 1
    counts = stream.mask.sum(dim=1)
    times = draw_stretches(rank, counts, params.time_share, params.time_masks) & stream.mask
    columns = torch.arange(stream.rows.shape[-1], device=rank.device).expand(len(rank), -1)
    widths = torch.full_like(counts, columns.shape[1])
    bands = draw_stretches(columns, widths, params.frequency_share, params.frequency_masks)
    inner = [1] * (stream.rows.ndim - 3)
    hidden = times.reshape(*times.shape, *inner, 1) | bands.reshape(len(bands), 1, *inner, -1)
    return replace(stream, rows=torch.where(hidden, reader.spread("mean"), stream.rows))


def draw_stretches(
    places: Int[Tensor, "windows places"],
    counts: Int[Tensor, " windows"],
    share: float,
    stretches: int,
) -> Bool[Tensor, "windows places"]:
    """Which of `places` lie in one of so many stretches, each drawn among 0 to `counts` - 1.

    A stretch is of any length, none included, up to the `share` of the count, and lies anywhere.
    """
    hidden = torch.zeros_like(places, dtype=torch.bool)
    for _ in range(stretches):
        longest = (share * counts).long()
        length = _draw_up_to(longest)
        first = _draw_up_to(counts - length)[:, None]
        hidden |= (places >= first) & (places < first + length[:, None])
    return hidden


def _draw_up_to(most: Int[Tensor, " windows"]) -> Int[Tensor, " windows"]:
    """A whole number from 0 to `most` for each window, each as likely."""
    drawn = torch.rand(most.shape, device=most.device, dtype=torch.float64)
    return (drawn * (most + 1)).long()
