"""Heads in which each modality asks every other: cross-attention in all ordered pairs.

After MAVEN's six directions between face, audio and text (Ahire et al., CVPR workshops 2025).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import permutations

from torch import Tensor, nn

from pipeline.heads import base
from pipeline.heads.params import AttentionParams
from pipeline.heads.reading import StreamRows
from pipeline.modalities import RowShape


class Head(base.Head):
    """Each modality's rows plus the messages of the others, normalised, concatenated and mixed.

    A lone modality goes without messages.
    """

    def __init__(
        self,
        params: AttentionParams,
        shapes: Mapping[str, RowShape],
        outputs: Sequence[base.Output],
    ) -> None:
        super().__init__(params, shapes, outputs)
        width, self.heads = params.width, params.heads
        self.projections = nn.ModuleDict(
            {name: nn.Linear(dim, width) for name, dim in self.dims.items()}
        )
        self.messages = nn.ModuleDict(
            {f"{asks}_{answers}": _message(params) for asks, answers in permutations(self.dims, 2)}
        )
        self.dropout = nn.Dropout(params.dropout)
        self.norms = nn.ModuleDict({name: nn.LayerNorm(width) for name in self.dims})
        self.concat = base.Concat(self.dims, width, params.dropout)
        self.readouts = base.read_out(outputs, width)

    def count_weights(self, times: Mapping[str, int]) -> int:
        """One for each row, each row of another stream and the zero key, and each head."""
        pairs = permutations(self.dims, 2)
        each = sum(times[asks] * (times[answers] + 1) for asks, answers in pairs)
        return each * self.heads

    def fuse(self, streams: Mapping[str, StreamRows]) -> dict[base.Per, Tensor]:
        """Vectors `(clips, width)` per clip, `(clips, time, width)` per frame."""
        projected = {
            name: replace(stream, rows=self.projections[name](stream.rows))
            for name, stream in streams.items()
        }
        told = {name: self._tell(name, projected) for name in self.dims}
        return {per: self.concat(told, per) for per in self.pers}

    def _tell(self, asks: str, streams: Mapping[str, StreamRows]) -> StreamRows:
        """Rows of `asks` with what the others answer; a norm makes their sum their average."""
        queries = streams[asks].rows
        told = queries
        for answers in (name for name in self.dims if name != asks):
            keys, ignored = streams[answers].rows, ~streams[answers].mask
            attention = self.messages[f"{asks}_{answers}"]
            told = told + attention(queries, keys, keys, ignored, need_weights=False)[0]
        return replace(streams[asks], rows=self.norms[asks](self.dropout(told)))


def _message(params: AttentionParams) -> nn.MultiheadAttention:
    # The zero key gives a query something to attend to where a modality is wholly absent; with
    # no biases, its message is then exactly zero rather than a softmax over nothing (NaN).
    return nn.MultiheadAttention(
        params.width,
        params.heads,
        dropout=params.dropout,
        bias=False,
        add_zero_attn=True,
        batch_first=True,
    )
