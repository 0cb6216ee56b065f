"""Heads that run an LSTM over each stream.

Hochreiter and Schmidhuber, Long short-term memory, Neural Computation 9 (1997).
"""

from torch import nn

from pipeline.heads.params import LstmParams
from pipeline.heads.shared.encoded import EncodedHead
from pipeline.heads.shared.sequences import Lstm, Project


class Head(EncodedHead):
    """Each stream by an LSTM of its own, in both directions unless windows are causal."""

    def make_encoder(self, stream: str, dim: int, params: LstmParams) -> nn.Module:
        """LSTM layers; their two directions share the width."""
        return nn.Sequential(
            Project(dim, params.width, params.dropout), Lstm(params.width, params.width, params)
        )
