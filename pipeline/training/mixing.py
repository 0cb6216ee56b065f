"""Mixing: windows of a batch blended two by two, and their labels with them.

MixUp: Zhang et al., mixup: Beyond empirical risk minimization, ICLR 2018.
"""

from collections.abc import Mapping
from dataclasses import replace

import torch
from jaxtyping import Bool, Int
from torch import Tensor
from torch.distributions import Beta

from pipeline.heads.reading import StreamRows
from pipeline.heads.training_params import MixupParams


def draw_share(params: MixupParams) -> float:
    """Share of its own that each window of a batch keeps; 1 in batches that are not mixed."""
    if torch.rand(()) >= params.share:
        return 1.0
    return float(Beta(params.alpha, params.alpha).sample())


def pair_windows(streams: Mapping[str, StreamRows]) -> Int[Tensor, " windows"]:
    """Index of each window's partner, drawn from those that have rows in the same streams.

    With a partner of other streams, one of the two would be in the label and not in the rows. A
    window that has no such company is its own partner, which changes nothing.
    """
    present = torch.stack([stream.mask.any(dim=1) for stream in streams.values()], dim=1)
    _, kinds = torch.unique(present, dim=0, return_inverse=True)
    partners = torch.arange(len(present), device=present.device)
    for kind in range(int(kinds.max()) + 1):
        members = torch.nonzero(kinds == kind)[:, 0]
        partners[members] = members[torch.randperm(len(members), device=members.device)]
    return partners


def mix_windows(
    streams: Mapping[str, StreamRows], partners: Int[Tensor, " windows"], share: float
) -> dict[str, StreamRows]:
    """`streams` of which each row is `share` of itself and, for the rest, a row of its partner.

    Masks and times stay a window's own.
    """
    return {name: _mix(stream, partners, share) for name, stream in streams.items()}


def _mix(stream: StreamRows, partners: Int[Tensor, " windows"], share: float) -> StreamRows:
    places = match_rows(stream.mask, stream.mask[partners])
    others = stream.rows[partners[:, None], places]
    mixed = share * stream.rows + (1.0 - share) * others
    here = stream.mask.reshape(*stream.mask.shape, *[1] * (stream.rows.ndim - 2))
    return replace(stream, rows=torch.where(here, mixed, stream.rows))


def match_rows(
    own: Bool[Tensor, "windows time"], other: Bool[Tensor, "windows time"]
) -> Int[Tensor, "windows time"]:
    """Where in the partner's stream the row lies that a window's row is mixed with.

    Of rows that are there, the two lie at the same part of what their windows have: of as many,
    each with its like; of 3 and 7, the first with the second. Padding and gaps are no rows.
    """
    rank = own.cumsum(dim=1) - 1
    count, others = own.sum(dim=1, keepdim=True), other.sum(dim=1, keepdim=True)
    matched = (2 * rank + 1) * others // (2 * count).clamp(min=1)
    first = torch.argsort(~other, dim=1, stable=True)
    return first.gather(1, matched.clamp(0, max(0, own.shape[1] - 1)))
