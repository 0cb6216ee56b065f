"""Heads that pool each modality and mix them in one hidden layer."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from torch import Tensor, nn

from pipeline.heads import base
from pipeline.heads.params import MlpParams
from pipeline.heads.reading import StreamRows
from pipeline.modalities import RowShape


class Head(base.Head):
    """Each modality projected row by row, pooled by its mask, all concatenated and mixed."""

    def __init__(
        self, params: MlpParams, shapes: Mapping[str, RowShape], outputs: Sequence[base.Output]
    ) -> None:
        super().__init__(params, shapes, outputs)
        width, dropout = params.width, params.dropout
        self.projections = nn.ModuleDict(
            {
                name: nn.Sequential(nn.Linear(dim, width), nn.GELU(), nn.Dropout(dropout))
                for name, dim in self.dims.items()
            }
        )
        self.concat = base.Concat(self.dims, width, dropout)
        self.readouts = base.read_out(outputs, width)

    def fuse(self, streams: Mapping[str, StreamRows]) -> dict[base.Per, Tensor]:
        """Vectors `(clips, width)` per clip, `(clips, time, width)` per frame."""
        projected = {
            name: replace(stream, rows=self.projections[name](stream.rows))
            for name, stream in streams.items()
        }
        return {per: self.concat(projected, per) for per in self.pers}
