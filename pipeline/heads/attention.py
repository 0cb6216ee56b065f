"""Heads in which each stream asks every other: cross-attention in all ordered pairs.

The MLP head of MoodX (`heads.shared.asking`). Corrected: sounds and sentences are rows over time
and not one vector, whose attention was a constant; nothing is done to rows at test that is for
training; and the direction of an emotion is a pair (cos, sin), with `coordinates: polar`.
"""

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from pipeline.heads import base
from pipeline.heads.params import AttentionParams
from pipeline.heads.reading import StreamRows
from pipeline.heads.shared.asking import Asking
from pipeline.heads.shared.params import Per
from pipeline.heads.shared.sequences import project_each
from pipeline.modalities import RowShape


class Head(base.Head):
    """Streams projected and told what the others answer, pooled, concatenated and mixed."""

    def __init__(
        self,
        params: AttentionParams,
        shapes: Mapping[str, RowShape],
        outputs: Sequence[base.Output],
    ) -> None:
        super().__init__(params, shapes, outputs)
        self.projections = nn.ModuleDict(
            {name: nn.Linear(dim, params.width) for name, dim in self.dims.items()}
        )
        self.asking = Asking(self.dims, params)
        self.concat = base.Concat(self.dims, params.width, params.pooling, params.dropout)
        self.readouts = base.read_out(outputs, params.width)

    def count_weights(self, times: Mapping[str, int]) -> int:
        """Those of the messages."""
        return self.asking.count_weights(times)

    def fuse(self, streams: Mapping[str, StreamRows]) -> dict[Per, Tensor]:
        """Vectors `(clips, width)` per clip, `(clips, time, width)` per frame."""
        told = self.asking(project_each(self.projections, streams))
        return {per: self.concat(told, per) for per in self.pers}
