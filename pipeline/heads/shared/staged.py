"""Heads of two convolutional stages to each stream, with fusion after or between them.

The audio-visual system on RAVDESS of Chumachenko, Iosifidis and Gabbouj, Self-attention fusion for
audiovisual emotion recognition with incomplete data, ICPR 2022, for any streams. Corrected: padding
and absent rows are neither convolved, attended to nor averaged, so a missing modality needs no
zeros in its place, and no length is fixed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise, permutations
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from pipeline.heads import base
from pipeline.heads.reading import StreamRows
from pipeline.heads.shared.params import MultiheadParams, Per
from pipeline.heads.shared.sequences import ConvBlock, keep_present
from pipeline.modalities import RowShape, modality_of

WIDTH = 128
"""Of the published head; its blocks have the shares of it that `AUDIO` and `OTHERS` say."""

AUDIO = ((64, 128), (256, 128))
OTHERS = ((64, 64), (128, 128))
"""Widths of the two blocks of each stage. Blocks of sound also pool each row with the next."""


class StagedHead(base.Head):
    """Conv stages of each stream, pooled by their mask, side by side.

    Streams are fused between the stages or, if `late`, after them: each ordered pair of them has
    a module that a member makes by `make_pair`, and rows are changed by `tell`.
    """

    late: ClassVar[bool] = False

    def __init__(
        self,
        params: MultiheadParams,
        shapes: Mapping[str, RowShape],
        outputs: Sequence[base.Output],
    ) -> None:
        super().__init__(params, shapes, outputs)
        self.heads = params.heads
        inner = {name: _scale(_widths(name)[0][-1], params.width) for name in self.dims}
        self.first = nn.ModuleDict(
            {name: _make_stage(name, 0, dim, params.width) for name, dim in self.dims.items()}
        )
        sizes = dict.fromkeys(self.dims, params.width) if self.late else inner
        self.pairs = nn.ModuleDict(
            {
                f"{asks}_{answers}": self.make_pair(sizes[asks], sizes[answers], params)
                for asks, answers in permutations(self.dims, 2)
            }
        )
        self.second = nn.ModuleDict(
            {name: _make_stage(name, 1, dim, params.width) for name, dim in inner.items()}
        )
        self.dropout = nn.Dropout(params.dropout)
        self.beside = base.SideBySide(self.dims, params.width, params.pooling)
        self.readouts = base.read_out(outputs, self.beside.width)

    def make_pair(self, asks: int, answers: int, params: MultiheadParams) -> nn.Module:
        """What a stream of rows of size `asks` is told by one of rows of size `answers`."""
        return Answer(asks, answers, params)

    def tell(self, streams: Mapping[str, StreamRows]) -> dict[str, StreamRows]:
        """Rows of each stream and what the others answer them, added."""
        told = {name: stream.rows for name, stream in streams.items()}
        for asks, answers in permutations(streams, 2):
            answer = self.pairs[f"{asks}_{answers}"](streams[asks], streams[answers])
            told[asks] = told[asks] + answer
        return {
            name: replace(stream, rows=keep_present(told[name], stream.mask))
            for name, stream in streams.items()
        }

    def fuse(self, streams: Mapping[str, StreamRows]) -> dict[Per, Tensor]:
        """Vectors `(clips, width)` per clip, `(clips, time, width)` per frame."""
        first = {name: self.first[name](streams[name]) for name in self.dims}
        between = first if self.late else self.tell(first)
        second = {name: self.second[name](between[name]) for name in self.dims}
        after = self.tell(second) if self.late else second
        return {per: self.dropout(self.beside(after, per)) for per in self.pers}

    def count_weights(self, times: Mapping[str, int]) -> int:
        """One for each row and each row of another stream, in each head."""
        pairs = permutations(self.dims, 2)
        return self.heads * sum(times[one] * (times[other] + 1) for one, other in pairs)


class Answer(nn.Module):
    """Attention whose queries are rows of one stream, and whose keys and values those of another.

    Pre-norm, without biases or positions; what an MLP makes of what was attended to is added to it.
    Rows that are all absent answer next to nothing: a key of zeros is there always.
    """

    def __init__(self, asks: int, answers: int, params: MultiheadParams) -> None:
        super().__init__()
        self.query_norm, self.key_norm = nn.LayerNorm(asks), nn.LayerNorm(answers)
        self.attention = nn.MultiheadAttention(
            asks,
            params.heads,
            kdim=answers,
            vdim=answers,
            dropout=params.dropout,
            bias=False,
            add_zero_attn=True,
            batch_first=True,
        )
        self.norm = nn.LayerNorm(asks)
        self.mlp = nn.Sequential(
            nn.Linear(asks, 2 * asks),
            nn.GELU(),
            nn.Dropout(params.dropout),
            nn.Linear(2 * asks, asks),
        )

    def forward(self, asks: StreamRows, answers: StreamRows) -> Float[Tensor, "clips time asks"]:
        """A row for each that asks."""
        keys = self.key_norm(answers.rows)
        queries = self.query_norm(asks.rows)
        told = self.attention(queries, keys, keys, ~answers.mask, need_weights=False)[0]
        mixed: Tensor = told + self.mlp(self.norm(told))
        return mixed


def _widths(stream: str) -> tuple[tuple[int, int], tuple[int, int]]:
    return AUDIO if modality_of(stream) == "audio" else OTHERS


def _scale(size: int, width: int) -> int:
    return max(1, size * width // WIDTH)


def _make_stage(stream: str, number: int, dim: int, width: int) -> nn.Module:
    pooled = modality_of(stream) == "audio"
    sizes = [dim, *(_scale(size, width) for size in _widths(stream)[number])]
    return nn.Sequential(*(ConvBlock(*pair, pooled=pooled) for pair in pairwise(sizes)))
