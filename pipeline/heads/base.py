"""What every head shares: outputs, inputs as vectors, masked pooling, the way to one vector.

Sizes: `(clips, time, dim)` for rows, `(clips, time)` for masks, True where a row stands for
something seen or heard.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pipeline.errors import ParamsError
from pipeline.heads.context import split_context
from pipeline.heads.normalisation import NO_STANDARDS, Standards
from pipeline.heads.pooling import pool_streams
from pipeline.heads.reading import TRAINED, Axes, LayerMixer, Reader, StreamRows, make_reader
from pipeline.heads.shared.params import PLANE, HeadParams, Per, PoolName
from pipeline.limits import MOST_STREAMS
from pipeline.modalities import RowShape

Tensors = Mapping[str, Tensor]

Measure = Callable[[Tensors, Tensors, Tensors], Tensor]
"""Outputs, labels by target, and where there are any → a loss."""

POLAR = "polar"
"""Name of the output that predicts valence and arousal together."""


@dataclass(frozen=True)
class Output:
    """One output of a head, named like the target that it predicts: its number, or a logit for
    each class. `polar` (cos, sin and the intensity's logit) is for valence and arousal together.
    """

    name: str
    size: int
    per: Per

    @property
    def targets(self) -> tuple[str, ...]:
        """Targets that it predicts."""
        return PLANE if self.name == POLAR else (self.name,)


@runtime_checkable
class LabelledBatch(Protocol):
    """A batch of clips with their labels."""

    @property
    def streams(self) -> Mapping[str, StreamRows]:
        """Stream → rows."""

    @property
    def targets(self) -> Mapping[str, Tensor]:
        """Target → labels, `(clips,)` or `(clips, time)`, with classes last where it has many."""

    @property
    def target_masks(self) -> Mapping[str, Tensor]:
        """Target → where there is a label, `(clips,)` or `(clips, time)`."""


class Head(nn.Module):
    """Network from modalities with masks to outputs.

    `shapes` gives the row shape of each stream the head reads, which is a modality's one feature
    set, one of its several, or turns around (`modalities.modality_of`); each is in `streams` of any
    call, with a mask all False (and a `time` of 0, if need be) where it is absent. A stream's
    `time` is its own rows, or the window's grid, shared by all, when any output is per frame. What
    lies where a mask is False never reaches an output, and every subset of streams gives finite
    outputs, none at all included.

    `reading` says which shapes a member takes, and what makes vectors of them; `dims` are the
    sizes of those vectors, by stream.

    A member fills in `fuse` and `readouts`, or, if `solved`, also `fit`: its weights are then
    computed from the training clips at once, not by gradient descent.
    """

    solved: ClassVar[bool] = False
    standards: Standards = NO_STANDARDS
    """What rows are standardised by, corpus by corpus, before it sees them, where they are."""
    started: Mapping[str, str] = MappingProxyType({})
    """Source → digest of the weights that its training started from (`recipes.name_source`)."""
    reading: ClassVar[dict[Axes, type[Reader]]] = TRAINED
    readers: Mapping[str, Reader]
    readouts: nn.ModuleDict

    def __init__(
        self, params: HeadParams, shapes: Mapping[str, RowShape], outputs: Sequence[Output]
    ) -> None:
        super().__init__()
        check_sizes(shapes, outputs)
        self.params = params
        # Sorted, for columns are concatenated in this order: a recipe may list them in another.
        readers = {n: make_reader(n, shape, self.reading) for n, shape in sorted(shapes.items())}
        self.dims = {name: reader.dim for name, reader in readers.items()}
        self.readers = nn.ModuleDict(readers)  # type: ignore[assignment]
        self.outputs = tuple(outputs)

    def refit(self, both: Iterable[LabelledBatch], chosen: "Head") -> None:
        """Solve the weights on `both`, by what `chosen` chose; of heads with `solved` only."""
        raise NotImplementedError

    @property
    def stacked(self) -> bool:
        """Whether part of it is fitted on what the rest answers of clips it was not trained on."""
        return False

    def set_moments(
        self, stream: str, mean: Float[Tensor, "*columns"], scale: Float[Tensor, "*columns"]
    ) -> None:
        """Standardise a stream by the moments of its training rows."""
        self.readers[stream].set_moments(mean, scale)

    def withhold(self, stream: str) -> None:
        """Go without a stream: training had no row to learn from."""
        self.readers[stream].withhold()

    def start(self) -> None:
        """Load the weights that training starts from; called once, by training alone."""

    def fit(self, train: Iterable[LabelledBatch], val: Iterable[LabelledBatch]) -> None:
        """Solve the weights on `train`, choosing on `val`; of heads with `solved` only."""
        raise NotImplementedError

    def stack(
        self,
        held_out: Iterable[tuple["Head", Iterable[LabelledBatch]]],
        measure: Measure,
    ) -> None:
        """Fit the part that is `stacked` to make `measure` least, of what heads made like this one
        answer of batches that they never saw.
        """
        raise NotImplementedError

    def count_weights(self, times: Mapping[str, int]) -> int:
        """Attention weights over a window whose streams have `times` rows; 0 where nothing attends.

        They grow with the product of rows, and training holds them all.
        """
        return 0

    def fuse(self, streams: Mapping[str, StreamRows]) -> dict[Per, Tensor]:
        """Vectors `(clips, width)` for `clip`, `(clips, time, width)` for `frame`, as needed.

        Rows of `streams` are vectors, standardised, and zero where their mask is False.
        """
        raise NotImplementedError

    def fused(self, streams: Mapping[str, StreamRows]) -> dict[Per, Tensor]:
        """What the last linear layers see: `fuse` of the rows as vectors."""
        known = self.know(streams)
        return self.fuse({name: self.readers[name](known[name]) for name in self.dims})

    def know(self, streams: Mapping[str, StreamRows]) -> dict[str, StreamRows]:
        """`streams`, of which those are withheld that training had no row of."""
        seen = {name: self.readers[name].get_buffer("seen") for name in self.dims}
        return {name: streams[name].keep(seen[name]) for name in self.dims}

    @property
    def unseen(self) -> list[str]:
        """Streams that training had no row of: whatever comes later of them, it is not read."""
        return [name for name in self.dims if not self.readers[name].get_buffer("seen")]

    def forward(self, streams: Mapping[str, StreamRows]) -> dict[str, Tensor]:
        """Output name → `(clips, size)`, or `(clips, time, size)` for outputs per frame."""
        fused = self.fused(streams)
        return {
            output.name: self.readouts[output.name](fused[output.per]) for output in self.outputs
        }

    def parts(self, streams: Mapping[str, StreamRows]) -> list[dict[str, Tensor]]:
        """Outputs that training measures, each by a loss of its own: those of `forward`."""
        return [self(streams)]

    @property
    def layer_shares(self) -> dict[str, list[float]]:
        """Stream → learned weight of each layer of its rows, of a clip's own that have several."""
        return {
            name: reader.shares.tolist()
            for name, reader in self.readers.items()
            if isinstance(reader, LayerMixer) and name == split_context(name)[0]
        }

    @property
    def per(self) -> dict[str, Per]:
        """Target → whether it is predicted per clip or per frame."""
        return {target: output.per for output in self.outputs for target in output.targets}

    @property
    def pers(self) -> tuple[Per, ...]:
        """`clip`, `frame` or both: what the outputs are asked per, in their order."""
        return tuple(dict.fromkeys(output.per for output in self.outputs))


def check_sizes(shapes: Mapping[str, RowShape], outputs: Sequence[Output]) -> None:
    """Raise ParamsError for a head that reads or predicts nothing, or reads too much."""
    if not shapes or not outputs:
        raise ParamsError(
            f"a head reads at least one modality and predicts at least one target, got "
            f"{len(shapes)} and {len(outputs)}; name a feature set in `inputs` and a target"
        )
    if len(shapes) > MOST_STREAMS:
        raise ParamsError(
            f"a head reads at most {MOST_STREAMS} feature sets, each relation of `context_turns` "
            f"counted as one more, got {len(shapes):,}; join fewer"
        )


def read_out(outputs: Iterable[Output], width: int) -> nn.ModuleDict:
    """One linear layer per output, from vectors of size `width`."""
    return nn.ModuleDict({output.name: nn.Linear(width, output.size) for output in outputs})


class SideBySide(nn.Module):
    """Streams side by side → one vector per clip or frame, of all their widths.

    Rows of a stream are of size `width`, and pooled as `pooling` says; a learned vector stands
    where it is absent. `width` is that of what it gives.
    """

    def __init__(self, names: Iterable[str], width: int, pooling: PoolName) -> None:
        super().__init__()
        self.pools, sizes = pool_streams(pooling, dict.fromkeys(names, width))
        self.absent = nn.ParameterDict(
            {name: nn.Parameter(0.02 * torch.randn(size)) for name, size in sizes.items()}
        )
        self.width = sum(sizes.values())

    def forward(
        self, streams: Mapping[str, StreamRows], per: Per
    ) -> Float[Tensor, "clips *time widths"]:
        """Vectors per clip, streams pooled by their masks, or per frame of the shared grid."""
        parts = []
        for name, absent in self.absent.items():
            vectors, present = self.pools[name](streams[name], per)
            parts.append(torch.where(present[..., None], vectors, absent))
        return torch.cat(parts, dim=-1)


class Concat(SideBySide):
    """Streams side by side, mixed → one vector per clip or frame, of one width."""

    def __init__(self, names: Iterable[str], width: int, pooling: PoolName, dropout: float) -> None:
        super().__init__(names, width, pooling)
        self.mix = nn.Sequential(nn.Linear(self.width, width), nn.GELU(), nn.Dropout(dropout))
        self.width = width

    def forward(
        self, streams: Mapping[str, StreamRows], per: Per
    ) -> Float[Tensor, "clips *time width"]:
        """Vectors as of `SideBySide`, mixed."""
        mixed: Tensor = self.mix(super().forward(streams, per))
        return mixed
