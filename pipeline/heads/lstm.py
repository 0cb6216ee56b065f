"""Heads that run an LSTM over each stream.

The recurrent part of the MELD system CNN+LSTM (two layers of 128 over faces, scenes and sounds),
corrected: rows of padding are neither run over nor averaged. Hochreiter and Schmidhuber, Long
short-term memory, Neural Computation 9 (1997).
"""

from typing import cast

from torch import nn

from pipeline.heads.params import LstmParams, NetworkParams
from pipeline.heads.shared.encoded import EncodedHead
from pipeline.heads.shared.sequences import Lstm


class Head(EncodedHead):
    """Each stream by an LSTM of its own, in both directions unless windows are causal."""

    def make_encoder(self, params: NetworkParams) -> nn.Module:
        """LSTM layers; their two directions share the width."""
        chosen = cast(LstmParams, params)
        return Lstm(
            chosen.width,
            chosen.width,
            layers=chosen.layers,
            dropout=chosen.dropout,
            causal=chosen.windows.causal,
        )
