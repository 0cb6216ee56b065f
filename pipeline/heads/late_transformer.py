"""Heads in which streams attend to one another after their conv stages.

The `lt` of Chumachenko, Iosifidis and Gabbouj, ICPR 2022 (`heads.shared.staged`). Corrected: each
row keeps itself beside what it is told, or a missing stream would leave the other with nothing.
"""

from collections.abc import Mapping
from itertools import permutations

from torch import nn

from pipeline.heads.params import MultiheadParams
from pipeline.heads.reading import StreamRows
from pipeline.heads.shared.staged import Answer, StagedHead, tell_all


class Head(StagedHead):
    """Two conv stages of each stream, then attention between all ordered pairs."""

    def make_fusion(self, params: MultiheadParams, inner: Mapping[str, int]) -> nn.ModuleDict:
        """Attention over rows of the full width."""
        return nn.ModuleDict(
            {
                f"{one}_{other}": Answer(params.width, params.width, params)
                for one, other in permutations(inner, 2)
            }
        )

    def after(self, streams: Mapping[str, StreamRows]) -> Mapping[str, StreamRows]:
        """Rows with what the others answer."""
        return tell_all(streams, self.fusion)
