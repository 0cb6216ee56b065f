"""Heads that run a temporal convolutional network over each stream.

Bai, Kolter and Koltun, An empirical evaluation of generic convolutional and recurrent networks for
sequence modeling, 2018: blocks of dilated convolutions with a way past each, every block seeing
twice as far. It looks ahead, too, unless windows are causal.
"""

from dataclasses import replace

from torch import nn

from pipeline.heads.params import TcnParams
from pipeline.heads.reading import StreamRows
from pipeline.heads.shared.encoded import EncodedHead
from pipeline.heads.shared.sequences import ConvBlock, Project, keep_present


class Head(EncodedHead):
    """Each stream by dilated convolutions of its own."""

    def make_encoder(self, stream: str, dim: int, params: TcnParams) -> nn.Module:
        """Blocks that see 1, 2, 4, … rows apart."""
        blocks = (_Block(params, 2**number) for number in range(params.layers))
        return nn.Sequential(Project(dim, params.width, params.dropout), *blocks)


class _Block(nn.Module):
    """Two convolutions, and what came in added to what they make of it."""

    def __init__(self, params: TcnParams, dilation: int) -> None:
        super().__init__()
        self.convs = nn.Sequential(
            *(
                ConvBlock(
                    params.width,
                    params.width,
                    kernel=params.kernel,
                    dilation=dilation,
                    causal=params.windows.causal,
                )
                for _ in range(2)
            )
        )
        self.dropout = nn.Dropout(params.dropout)

    def forward(self, stream: StreamRows) -> StreamRows:
        """Rows of the same size."""
        mixed = self.dropout(self.convs(stream).rows)
        return replace(stream, rows=keep_present(stream.rows + mixed, stream.mask))
