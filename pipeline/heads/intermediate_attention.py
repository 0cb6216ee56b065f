"""Heads in which streams weigh one another's rows between their conv stages, and do not mix.

The `ia` of Chumachenko, Iosifidis and Gabbouj, ICPR 2022 (`heads.shared.staged`), their best on
RAVDESS. Corrected: there are no values and no way out of the attention, which got no gradient; and
weights are 1 on average, where they grew with the number of rows that ask.
"""

from collections.abc import Mapping
from dataclasses import replace
from itertools import permutations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pipeline.heads.reading import StreamRows
from pipeline.heads.shared.params import MultiheadParams
from pipeline.heads.shared.staged import StagedHead


class Head(StagedHead):
    """Each row is multiplied by how much the rows of the other streams attend to it."""

    def make_pair(self, asks: int, answers: int, params: MultiheadParams) -> nn.Module:
        """What notice rows of size `asks` take of rows of size `answers`."""
        return Notice(asks, answers, params)

    def tell(self, streams: Mapping[str, StreamRows]) -> dict[str, StreamRows]:
        """Rows by the notice that the others take of them."""
        weighed = {name: stream.rows for name, stream in streams.items()}
        for asks, answers in permutations(streams, 2):
            notice = self.pairs[f"{asks}_{answers}"](streams[asks], streams[answers])
            weighed[answers] = weighed[answers] * notice[..., None]
        return {name: replace(stream, rows=weighed[name]) for name, stream in streams.items()}


class Notice(nn.Module):
    """How much the rows of one stream attend to each row of another."""

    def __init__(self, asks: int, answers: int, params: MultiheadParams) -> None:
        super().__init__()
        self.heads = params.heads
        self.query_norm = nn.LayerNorm(asks)
        self.key_norm = nn.LayerNorm(answers, bias=False)  # all keys alike change no softmax
        self.queries = nn.Linear(asks, params.width, bias=False)
        self.keys = nn.Linear(answers, params.width, bias=False)

    def forward(self, asks: StreamRows, answers: StreamRows) -> Float[Tensor, "clips keys"]:
        """Mean over heads and rows that ask, times the number of keys; 1 where nobody asks."""
        queries = self._part(self.queries(self.query_norm(asks.rows)))
        keys = self._part(self.keys(self.key_norm(answers.rows)))
        scores = queries @ keys.mT / queries.shape[-1] ** 0.5
        lowest = torch.finfo(scores.dtype).min
        shares = scores.masked_fill(~answers.mask[:, None, None], lowest).softmax(dim=-1)
        asking, counts = asks.mask[:, None, :, None], asks.mask.sum(dim=1, keepdim=True)
        noticed = (shares.mean(dim=1, keepdim=True) * asking).sum(dim=(1, 2))
        notice = noticed / counts.clamp(min=1) * answers.mask.sum(dim=1, keepdim=True)
        return torch.where(counts > 0, notice, 1.0)

    def _part(
        self, rows: Float[Tensor, "clips time width"]
    ) -> Float[Tensor, "clips heads time part"]:
        clips, time, width = rows.shape
        return rows.reshape(clips, time, self.heads, width // self.heads).transpose(1, 2)
