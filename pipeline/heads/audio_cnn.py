"""Heads that convolve along the columns of each row, then pool rows.

The RAVDESS system on sound alone: convolutions of 512, 512, 256, 256 and 128 along one vector of
MFCC, crossing rates and loudness to a clip. Each block halves the columns.
"""

from itertools import pairwise

from torch import nn

from pipeline.heads.params import AudioCnnParams
from pipeline.heads.shared.encoded import EncodedHead
from pipeline.heads.shared.sequences import ColumnBlock, ColumnCnn


class Head(EncodedHead):
    """Conv blocks along the columns of each row of each stream."""

    def make_encoder(self, stream: str, dim: int, params: AudioCnnParams) -> nn.Module:
        """Blocks of 4, 4, 2, 2 and 1 times the width: 128 as published."""
        width = params.width
        sizes = (1, 4 * width, 4 * width, 2 * width, 2 * width, width)
        return ColumnCnn(nn.Sequential(*(ColumnBlock(*pair) for pair in pairwise(sizes))))
