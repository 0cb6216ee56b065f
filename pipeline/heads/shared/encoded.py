"""Heads that encode each stream by itself, and lay them side by side."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from torch import Tensor, nn

from pipeline.heads import base
from pipeline.heads.reading import StreamRows
from pipeline.heads.shared.params import Per
from pipeline.modalities import RowShape


class EncodedHead(base.Head):
    """Rows of each stream encoded, pooled, all concatenated and, if `mixed`, mixed.

    A member says by `make_encoder` what encodes a stream.
    """

    mixed: ClassVar[bool] = True

    def __init__(
        self, params: Any, shapes: Mapping[str, RowShape], outputs: Sequence[base.Output]
    ) -> None:
        super().__init__(params, shapes, outputs)
        self.encoders = nn.ModuleDict(
            {name: self.make_encoder(name, dim, params) for name, dim in self.dims.items()}
        )
        self.concat: base.SideBySide
        if self.mixed:
            self.concat = base.Concat(self.dims, params.width, params.pooling, params.dropout)
        else:
            self.concat = base.SideBySide(self.dims, params.width, params.pooling)
        self.readouts = base.read_out(outputs, self.concat.width)

    def make_encoder(self, stream: str, dim: int, params: Any) -> nn.Module:
        """What makes of a `StreamRows` of rows of size `dim` one of rows of size `params.width`."""
        raise NotImplementedError

    def fuse(self, streams: Mapping[str, StreamRows]) -> dict[Per, Tensor]:
        """Vectors `(clips, width)` per clip, `(clips, time, width)` per frame."""
        encoded = {name: self.encoders[name](streams[name]) for name in self.dims}
        return {per: self.concat(encoded, per) for per in self.pers}
