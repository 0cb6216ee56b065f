"""Heads in which each stream has a gate that all streams open.

Arevalo et al., Gated multimodal units for information fusion, ICLR workshops 2017.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from pipeline.heads import base
from pipeline.heads.params import GatedParams
from pipeline.heads.pooling import pool_streams
from pipeline.heads.reading import StreamRows
from pipeline.heads.shared.params import Per
from pipeline.modalities import RowShape


class Head(base.Head):
    """Streams pooled, each by tanh of its own, and added as far as their gates are open.

    A gate sees all streams, zero where one is absent, whose own gate is shut.
    """

    def __init__(
        self, params: GatedParams, shapes: Mapping[str, RowShape], outputs: Sequence[base.Output]
    ) -> None:
        super().__init__(params, shapes, outputs)
        self.pools, sizes = pool_streams(params.pooling, self.dims)
        width, whole = params.width, sum(sizes.values())
        self.contents = nn.ModuleDict(
            {name: nn.Linear(size, width) for name, size in sizes.items()}
        )
        self.gates = nn.ModuleDict({name: nn.Linear(whole, width) for name in self.dims})
        self.dropout = nn.Dropout(params.dropout)
        self.readouts = base.read_out(outputs, width)

    def fuse(self, streams: Mapping[str, StreamRows]) -> dict[Per, Tensor]:
        """Vectors `(clips, width)` per clip, `(clips, time, width)` per frame."""
        return {per: self._add(streams, per) for per in self.pers}

    def _add(self, streams: Mapping[str, StreamRows], per: Per) -> Tensor:
        pooled = {name: pool(streams[name], per) for name, pool in self.pools.items()}
        seen = self.dropout(torch.cat([vectors for vectors, _ in pooled.values()], dim=-1))
        parts = []
        for name, (vectors, present) in pooled.items():
            opened = self.gates[name](seen).sigmoid() * present[..., None]
            parts.append(opened * self.contents[name](vectors).tanh())
        return torch.stack(parts).sum(dim=0)
