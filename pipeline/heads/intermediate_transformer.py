"""Heads in which streams attend to one another between their conv stages.

The `it` of Chumachenko, Iosifidis and Gabbouj, ICPR 2022 (`heads.shared.staged`).
"""

from collections.abc import Mapping
from itertools import permutations

from torch import nn

from pipeline.heads.params import MultiheadParams
from pipeline.heads.reading import StreamRows
from pipeline.heads.shared.staged import Answer, StagedHead, tell_all


class Head(StagedHead):
    """What other streams answer is added to each row between its two conv stages."""

    def make_fusion(self, params: MultiheadParams, inner: Mapping[str, int]) -> nn.ModuleDict:
        """Attention over rows as the first stages leave them."""
        return nn.ModuleDict(
            {
                f"{one}_{other}": Answer(inner[one], inner[other], params)
                for one, other in permutations(inner, 2)
            }
        )

    def between(self, streams: Mapping[str, StreamRows]) -> Mapping[str, StreamRows]:
        """Rows with what the others answer."""
        return tell_all(streams, self.fusion)
