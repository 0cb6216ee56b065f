"""Heads that convolve over the cells of each row: pixels of a picture, places of a map, or tokens.

A small residual network (He et al., Deep residual learning for image recognition, CVPR 2016) that
is trained from nothing, for faces of some 48 pixels a side on a processor: most of its channels are
those of maps of an eighth of the picture and less, which double as their sides halve.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from pipeline.errors import ParamsError
from pipeline.heads.base import Output
from pipeline.heads.params import CnnParams
from pipeline.heads.reading import CELLS, StreamRows, measure_grid
from pipeline.heads.shared.encoded import EncodedHead
from pipeline.heads.shared.sequences import spread_present
from pipeline.modalities import RowShape, is_picture

Maps = Float[Tensor, "rows _ _ _"]


class Head(EncodedHead):
    """Each row by its cells, rows pooled by their mask, streams side by side."""

    params: CnnParams
    reading = CELLS
    mixed = False

    def __init__(
        self, params: CnnParams, shapes: Mapping[str, RowShape], outputs: Sequence[Output]
    ) -> None:
        super().__init__(params, shapes, outputs)
        if params.mirror and not any(is_picture(*stream) for stream in shapes.items()):
            told = ", ".join(f"{name}: {shape}" for name, shape in shapes.items())
            raise ParamsError(
                f"mirror: expected maps of faces or scenes among the inputs, got {told}; read "
                f"pictures (encoder `pixels`), or leave `mirror` out"
            )

    def make_encoder(self, stream: str, dim: int, params: CnnParams) -> nn.Module:
        """Stages over the cells of each row."""
        shape = self.readers[stream].shape
        height, width = measure_grid(shape)
        mirror = params.mirror and is_picture(stream, shape)
        return CellCnn(height, width, dim // (height * width), params, mirror=mirror)


class CellCnn(nn.Module):
    """A stem and stages over rows that are present, and the mean over what is left of the cells.

    With `mirror` a row is, outside of training, the mean of what its cells and their mirror image,
    left to right, give (Krizhevsky et al., ImageNet classification with deep convolutional neural
    networks, NIPS 2012, section 4.1); readouts are linear, so logits of one row are such means.
    """

    def __init__(
        self, height: int, width: int, channels: int, params: CnnParams, *, mirror: bool = False
    ) -> None:
        super().__init__()
        self.cells, self.mirror = (height, width, channels), mirror
        sizes = [params.width // 2**halved for halved in range(params.layers, -1, -1)]
        self.stem = MapBlock(channels, sizes[0], kernel=5, stride=params.stride)
        self.stages = nn.Sequential(*(Stage(*pair) for pair in pairwise(sizes)))
        self.dropout = nn.Dropout(params.dropout)

    def forward(self, stream: StreamRows) -> StreamRows:
        """Rows of size `width`."""
        rows = stream.rows[stream.mask]
        maps = rows.reshape(len(rows), *self.cells).movedim(-1, 1)  # channels last in memory
        found = self.encode(maps)
        if self.mirror and not self.training:
            found = (found + self.encode(maps.flip(-1))) / 2
        return replace(stream, rows=spread_present(self.dropout(found), stream.mask))

    def encode(self, maps: Maps) -> Float[Tensor, "rows width"]:
        """Vector of each map."""
        vectors: Tensor = self.stages(self.stem(maps)).mean(dim=(2, 3))
        return vectors


class Stage(nn.Module):
    """The greatest of each four neighbours, a block to `width` channels, and a residual one."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.widening, self.residual = MapBlock(channels, width), MapBlock(width, width)

    def forward(self, maps: Maps) -> Maps:
        """Maps of half the sides, rounded up."""
        wide: Tensor = self.widening(F.max_pool2d(maps, 2, ceil_mode=True))
        deep: Tensor = self.residual(wide)
        return wide + deep


class MapBlock(nn.Module):
    """Convolution, batch norm and ReLU."""

    def __init__(self, channels: int, width: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            channels, width, kernel, stride=stride, padding=kernel // 2, bias=False
        )
        self.norm = MapNorm(width)

    def forward(self, maps: Maps) -> Maps:
        """As many maps of `width` channels."""
        normed: Tensor = self.norm(self.conv(maps))
        return normed.relu()


class MapNorm(nn.BatchNorm2d):
    """Batch norm, which goes by what it has seen before where a lone place has no variance."""

    def forward(self, input: Maps) -> Maps:
        """Maps normalised by channel."""
        return F.batch_norm(
            input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            training=self.training and input[:, 0].numel() > 1,
            momentum=self.momentum or 0.0,
            eps=self.eps,
        )
