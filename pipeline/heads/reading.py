"""Reading: rows of one feature set, of whatever shape, as any head takes them: one vector each."""

import math
from dataclasses import dataclass, replace
from typing import Literal

import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor, nn

from pipeline.errors import ParamsError
from pipeline.modalities import RowShape

FLAT_COLUMN = 1e-6
"""A column whose scale is below this part of its mean is constant but for float32 rounding."""


@dataclass(frozen=True)
class StreamRows:
    """Rows of one stream in a batch of windows, padded to the longest.

    `mask` is True where a row stands for something seen or heard; `seconds` are the times of the
    rows since their window's start.
    """

    rows: Float[Tensor, "windows time *row"]
    mask: Bool[Tensor, "windows time"]
    seconds: Float[Tensor, "windows time"]

    def to(self, device: torch.device | str) -> "StreamRows":
        """The same on `device`."""
        return StreamRows(self.rows.to(device), self.mask.to(device), self.seconds.to(device))

    def keep(self, kept: Bool[Tensor, "*windows"] | bool) -> "StreamRows":
        """The same, with those windows withheld that are not `kept`."""
        chosen = torch.as_tensor(kept, device=self.mask.device)
        return replace(self, mask=self.mask & chosen[..., None])


class Reader(nn.Module):
    """Rows of shape `(dim,)`: shifted and scaled by moments of the training rows.

    `dim` is the size of the vectors it gives, `columns` the shape of what has a mean and a scale
    of its own: each cell of `(dim,)` and of `(layers, dim)`; of tokens and of maps, what all
    places share.
    """

    def __init__(self, shape: RowShape) -> None:
        super().__init__()
        self.shape = shape
        self.dim = self.measure_dim(shape.sizes)
        self.columns = self.measure_columns(shape.sizes)
        self.register_buffer("mean", torch.zeros(self.columns))
        self.register_buffer("scale", torch.ones(self.columns))
        self.register_buffer("seen", torch.tensor(True))

    @staticmethod
    def measure_dim(sizes: tuple[int, ...]) -> int:
        """Size of the vector that a row of these sizes gives."""
        return sizes[-1]

    @staticmethod
    def measure_columns(sizes: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of the columns of a row of these sizes."""
        return sizes

    def list_columns(self, rows: Shaped[Tensor, "rows *row"]) -> Shaped[Tensor, "values *columns"]:
        """All values of each column in `rows`."""
        return rows

    def withhold(self) -> None:
        """Have the head go without: training had no row to learn from."""
        self.get_buffer("seen").fill_(False)

    def set_moments(
        self, mean: Float[Tensor, "*columns"], scale: Float[Tensor, "*columns"]
    ) -> None:
        """Keep `mean` and `scale`; columns that do not vary are shifted and left unscaled."""
        varies = scale > FLAT_COLUMN * mean.abs()
        self.get_buffer("mean").copy_(mean)
        self.get_buffer("scale").copy_(torch.where(varies, scale, 1.0))

    def forward(self, stream: StreamRows) -> StreamRows:
        """Standardised rows as vectors, zero where the mask is False."""
        absent = ~stream.mask.reshape(*stream.mask.shape, *[1] * len(self.shape.sizes))
        standardised = (stream.rows - self.spread("mean")) / self.spread("scale")
        return replace(stream, rows=self.join(standardised.masked_fill(absent, 0.0)))

    def spread(self, name: Literal["mean", "scale"]) -> Tensor:
        """Moments in a shape that meets the rows."""
        return self.get_buffer(name)

    def join(self, rows: Float[Tensor, "clips time *row"]) -> Float[Tensor, "clips time dim"]:
        """Standardised rows as vectors; those that are zero stay zero."""
        return rows


class LayerMixer(Reader):
    """Rows of shape `(layers, dim)` → their sum by learned weights, which are shares.

    The scalar mix of ELMo (Peters et al., Deep contextualized word representations, NAACL 2018),
    as SUPERB reads speech networks (Yang et al., Interspeech 2021). It begins with their mean.
    """

    def __init__(self, shape: RowShape) -> None:
        super().__init__(shape)
        self.weights = nn.Parameter(torch.zeros(shape.sizes[0]))

    @property
    def shares(self) -> Float[Tensor, " layers"]:
        """Weight of each layer; their sum is 1."""
        return self.weights.softmax(dim=0)

    def join(self, rows: Float[Tensor, "clips time layers dim"]) -> Float[Tensor, "clips time dim"]:
        """Layers weighed and added."""
        return torch.einsum("ctld,l->ctd", rows, self.shares)


class Stacker(Reader):
    """Rows of any shape → all their numbers, one after another."""

    @staticmethod
    def measure_dim(sizes: tuple[int, ...]) -> int:
        """Numbers of a row."""
        return math.prod(sizes)

    def join(self, rows: Float[Tensor, "clips time *row"]) -> Float[Tensor, "clips time dim"]:
        """Numbers side by side."""
        return rows.flatten(start_dim=2)


class TokenPooler(Reader):
    """Rows of shape `(tokens, dim)` → their mean."""

    @staticmethod
    def measure_columns(sizes: tuple[int, ...]) -> tuple[int, ...]:
        """One for each number of a token."""
        return (sizes[-1],)

    def list_columns(self, rows: Shaped[Tensor, "rows tokens dim"]) -> Shaped[Tensor, "values dim"]:
        """Tokens of all rows."""
        return rows.flatten(end_dim=1)

    def join(self, rows: Float[Tensor, "clips time tokens dim"]) -> Float[Tensor, "clips time dim"]:
        """Mean over the tokens."""
        return rows.mean(dim=2)


class TokenAttender(TokenPooler):
    """Rows of shape `(tokens, dim)` → their sum by shares that are learned from what they hold.

    Attention pooling with one learned query (Yang et al., Hierarchical attention networks, NAACL
    2016); it begins with their mean.
    """

    def __init__(self, shape: RowShape) -> None:
        super().__init__(shape)
        self.query = nn.Parameter(torch.zeros(self.dim))

    def join(self, rows: Float[Tensor, "clips time tokens dim"]) -> Float[Tensor, "clips time dim"]:
        """Tokens weighed and added."""
        shares = (rows @ self.query / self.dim**0.5).softmax(dim=2)
        pooled: Tensor = (rows * shares[..., None]).sum(dim=2)
        return pooled


class MapPooler(Reader):
    """Rows of shape `(channels, height, width)` → the mean of each channel over all places."""

    @staticmethod
    def measure_dim(sizes: tuple[int, ...]) -> int:
        """One number for each channel."""
        return sizes[0]

    @staticmethod
    def measure_columns(sizes: tuple[int, ...]) -> tuple[int, ...]:
        """One for each channel."""
        return sizes[:1]

    def list_columns(
        self, rows: Shaped[Tensor, "rows channels height width"]
    ) -> Shaped[Tensor, "values channels"]:
        """Channels of all places of all rows."""
        return rows.movedim(1, -1).flatten(end_dim=2)

    def spread(self, name: Literal["mean", "scale"]) -> Tensor:
        """Moments of channels, the same at all places."""
        return self.get_buffer(name)[:, None, None]

    def join(
        self, rows: Float[Tensor, "clips time channels height width"]
    ) -> Float[Tensor, "clips time dim"]:
        """Mean over the places."""
        return rows.mean(dim=(3, 4))


class TokenStacker(Stacker, TokenPooler):
    """Rows of shape `(tokens, dim)` → all their tokens, one after another."""


class PlaceStacker(Stacker, MapPooler):
    """Rows of shape `(channels, height, width)` → the channels of all places, one after another."""

    def join(
        self, rows: Float[Tensor, "clips time channels height width"]
    ) -> Float[Tensor, "clips time dim"]:
        """Places side by side."""
        return super().join(rows.movedim(2, -1))


Axes = tuple[str, ...]

TRAINED: dict[Axes, type[Reader]] = {
    ("dim",): Reader,
    ("layers", "dim"): LayerMixer,
    ("tokens", "dim"): TokenAttender,
    ("channels", "height", "width"): MapPooler,
}
"""Axes of a row → what reads it for a head that is trained."""

CELLS: dict[Axes, type[Reader]] = {
    **TRAINED,
    ("tokens", "dim"): TokenStacker,
    ("channels", "height", "width"): PlaceStacker,
}
"""The same for a head that looks at tokens and places one by one."""

SOLVED: dict[Axes, type[Reader]] = {
    **TRAINED,
    ("layers", "dim"): Stacker,
    ("tokens", "dim"): TokenPooler,
}
"""The same for a head that is solved, whose reader has nothing to learn."""


def measure_grid(shape: RowShape) -> tuple[int, int]:
    """Height and width of the cells of a row that `CELLS` read: places of a map, tokens, or one."""
    grids = {"channels": shape.sizes[1:], "tokens": (shape.sizes[0], 1)}
    height, width = grids.get(shape.axes[0], (1, 1))
    return height, width


def make_reader(name: str, shape: RowShape, readers: dict[Axes, type[Reader]]) -> Reader:
    """What reads rows of input `name`; raises ParamsError for a shape that `readers` lack.

    And for rows of no numbers, which nothing can be divided by.
    """
    if shape.axes not in readers or 0 in shape.sizes:
        known = ", ".join(" x ".join(axes) for axes in readers)
        raise ParamsError(
            f"inputs: {name}: expected rows of {known}, got {shape}; extract one layer, or pooled "
            f"rows"
        )
    return readers[shape.axes](shape)
