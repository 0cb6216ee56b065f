"""Heads that encode each stream by itself, and lay them side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from pipeline.heads import base
from pipeline.heads.params import NetworkParams
from pipeline.heads.reading import StreamRows
from pipeline.heads.shared.sequences import keep_present
from pipeline.modalities import RowShape


class EncodedHead(base.Head):
    """Rows of each stream projected, encoded over time, pooled by their mask, and mixed.

    A member says by `make_encoder` what encodes a stream.
    """

    def __init__(
        self, params: Any, shapes: Mapping[str, RowShape], outputs: Sequence[base.Output]
    ) -> None:
        super().__init__(params, shapes, outputs)
        self.projections = nn.ModuleDict(
            {
                name: nn.Sequential(
                    nn.Linear(dim, params.width), nn.GELU(), nn.Dropout(params.dropout)
                )
                for name, dim in self.dims.items()
            }
        )
        self.encoders = nn.ModuleDict({name: self.make_encoder(params) for name in self.dims})
        self.concat = base.Concat(self.dims, params.width, params.dropout)
        self.readouts = base.read_out(outputs, params.width)

    def make_encoder(self, params: NetworkParams) -> nn.Module:
        """What takes and gives a `StreamRows` of rows of size `params.width`."""
        raise NotImplementedError

    def fuse(self, streams: Mapping[str, StreamRows]) -> dict[base.Per, Tensor]:
        """Vectors `(clips, width)` per clip, `(clips, time, width)` per frame."""
        encoded = {
            name: self.encoders[name](self._project(name, streams[name])) for name in self.dims
        }
        return {per: self.concat(encoded, per) for per in self.pers}

    def _project(self, name: str, stream: StreamRows) -> StreamRows:
        rows = keep_present(self.projections[name](stream.rows), stream.mask)
        return replace(stream, rows=rows)
