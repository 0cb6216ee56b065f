"""Heads that run a transformer over each stream, for windows of hundreds of frames.

As the challenges on Aff-Wild2 are won: frozen features of each frame, a transformer over a window
of them, and the mean of overlapping windows (Zhou et al., Continuous emotion recognition based on
TCN and transformer, CVPR workshops 2023). Vaswani et al., Attention is all you need, 2017.
"""

from collections.abc import Mapping

from torch import nn

from pipeline.heads.params import TemporalTransformerParams
from pipeline.heads.shared.encoded import EncodedHead
from pipeline.heads.shared.sequences import Project, Transformer


class Head(EncodedHead):
    """Each stream by transformer layers of its own, which know when its rows are."""

    params: TemporalTransformerParams

    def make_encoder(self, stream: str, dim: int, params: TemporalTransformerParams) -> nn.Module:
        """Transformer layers of this width."""
        return nn.Sequential(Project(dim, params.width, params.dropout), Transformer(params))

    def count_weights(self, times: Mapping[str, int]) -> int:
        """One for each pair of rows of a stream, in each head of each layer."""
        pairs = sum(time**2 for time in times.values())
        return pairs * self.params.heads * self.params.layers
