"""Cross-attention between all ordered pairs of streams: each asks every other.

After MAVEN's six directions between face, audio and text (Ahire et al., CVPR workshops 2025), which
system MoodX is; each stream has a norm of its own here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import permutations

from torch import nn

from pipeline.heads.reading import StreamRows
from pipeline.heads.shared.params import MultiheadParams


class Asking(nn.Module):
    """Rows of each stream plus the messages of the others, normalised: a norm makes their sum
    their average. A lone stream goes without messages.
    """

    def __init__(self, names: Iterable[str], params: MultiheadParams) -> None:
        super().__init__()
        self.names, self.heads = tuple(names), params.heads
        self.messages = nn.ModuleDict(
            {f"{asks}_{answers}": _message(params) for asks, answers in self.pairs}
        )
        self.dropout = nn.Dropout(params.dropout)
        self.norms = nn.ModuleDict({name: nn.LayerNorm(params.width) for name in self.names})

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Ordered pairs of streams: who asks, and who answers."""
        return list(permutations(self.names, 2))

    def count_weights(self, times: Mapping[str, int]) -> int:
        """One for each row, each row of another stream and the zero key, and each head."""
        each = sum(times[asks] * (times[answers] + 1) for asks, answers in self.pairs)
        return each * self.heads

    def forward(self, streams: Mapping[str, StreamRows]) -> dict[str, StreamRows]:
        """Rows of the same size."""
        told = {name: stream.rows for name, stream in streams.items()}
        for asks, answers in self.pairs:
            queries, keys = streams[asks].rows, streams[answers].rows
            ignored, message = ~streams[answers].mask, self.messages[f"{asks}_{answers}"]
            told[asks] = told[asks] + message(queries, keys, keys, ignored, need_weights=False)[0]
        return {
            name: replace(streams[name], rows=self.norms[name](self.dropout(told[name])))
            for name in self.names
        }


def _message(params: MultiheadParams) -> nn.MultiheadAttention:
    # The zero key gives a query something to attend to where a modality is wholly absent; with
    # no biases, its message is then exactly zero rather than a softmax over nothing (NaN).
    return nn.MultiheadAttention(
        params.width,
        params.heads,
        dropout=params.dropout,
        bias=False,
        add_zero_attn=True,
        batch_first=True,
    )
