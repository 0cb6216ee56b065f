"""Heads that convolve points of a face over time and run an LSTM over them.

The RAVDESS system on tracked landmarks: convolutions of 64 and 128, a bidirectional LSTM of 128
and a dense layer of 64, over 68 points, centred and scaled. Its label smoothing, which it told of
and did not have, is `training.label_smoothing`.
"""

from torch import nn

from pipeline.heads.params import LandmarkLstmParams
from pipeline.heads.shared.encoded import EncodedHead
from pipeline.heads.shared.sequences import ConvBlock, Lstm, Project


class Head(EncodedHead):
    """Two conv blocks, an LSTM and a dense layer over each stream."""

    def make_encoder(self, stream: str, dim: int, params: LandmarkLstmParams) -> nn.Module:
        """Layers of 1, 2, 2 and 1 times the width: 64 as published."""
        width, causal = params.width, params.windows.causal
        return nn.Sequential(
            ConvBlock(dim, width, causal=causal),
            ConvBlock(width, 2 * width, causal=causal),
            Lstm(2 * width, 2 * width, params),
            Project(2 * width, width, params.dropout),
        )
