"""MobileFaceNet: a small network that tells faces apart → its embedding, 128 or 512 numbers.

Source: S. Chen, Y. Liu, X. Gao and Z. Han, "MobileFaceNets: efficient CNNs for accurate real-time
face verification on mobile devices", CCBR 2018. Layers are named as in published checkpoints.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from torch import Tensor, nn

from pipeline.encoders.params import MobilefacenetParams
from pipeline.encoders.shared.checkpoint_pictures import CheckpointEncoder, find_checkpoint
from pipeline.encoders.shared.pictures import Preparation
from pipeline.errors import ParamsError
from pipeline.networks.checkpoints import fill_network, read_state

STAGES = ((2, 64, 5, 2), (4, 128, 1, 2), (2, 128, 6, 1), (4, 128, 1, 2), (2, 128, 2, 1))
"""Expansion, channels, blocks and first stride of each."""

FIRST, LAST = 64, 512
"""Channels of the first maps, and of the last one."""

SHRUNK = 16
"""Pixels of a picture's side to one of the last map."""

Size = tuple[int, int]
Units = list[list[nn.Module]]
Named = OrderedDict[str, nn.Module]


class Encoder(CheckpointEncoder):
    """One row per frame."""

    version = 1

    def __init__(self, params: MobilefacenetParams, device: str = "cpu") -> None:
        path = find_checkpoint(params.weights)
        state = read_state(path)
        layout = find_layout(path, state)
        height, width = state[layout.whole].shape[2:]
        layers = layout.list_layers((height, width), len(state[layout.embedding]))
        model = MobileFaceNet(layers)
        fill_network(model, state, path)
        super().__init__(model, layout.prepare((height, width)), params, device)


def place_weights(params: MobilefacenetParams) -> Path:
    """File of the weights; raises ParamsError where it is not there."""
    return find_checkpoint(params.weights)


class MobileFaceNet(nn.Sequential):
    """Layers in order, under the names of a layout."""


class Residual(nn.Sequential):
    """Layers in order, and what went into them added to what comes out."""

    def forward(self, state: Tensor) -> Tensor:
        """Map of the same shape."""
        added: Tensor = state + super().forward(state)  # type: ignore[no-untyped-call]
        return added


class BlueFirst(nn.Module):
    """Turns red, green, blue into blue, green, red."""

    def forward(self, pixels: Tensor) -> Tensor:
        """Pictures with their colours in reverse."""
        return pixels.flip(1)


class UnitLength(nn.Module):
    """Makes rows of length 1."""

    def forward(self, rows: Tensor) -> Tensor:
        """Rows over their length."""
        return nn.functional.normalize(rows)


def convolve(
    given: int, made: int, kernel: int | Size = 1, stride: int = 1, groups: int = 1
) -> list[nn.Module]:
    """A convolution from `given` to `made` channels, its batch norm, and its PReLU."""
    padding = 1 if kernel == 3 else 0
    layer = nn.Conv2d(given, made, kernel, stride, padding, groups=groups, bias=False)
    return [layer, nn.BatchNorm2d(made), nn.PReLU(made)]


def list_blocks(name: Callable[[Units], Named]) -> list[nn.Sequential]:
    """All blocks: each widens, looks around, and narrows; `name` names these three units."""
    blocks: list[nn.Sequential] = []
    given = FIRST
    for expansion, made, number, stride in STAGES:
        for step in (stride, *[1] * (number - 1)):
            inner = given * expansion
            around = convolve(inner, inner, 3, step, inner)
            units = [convolve(given, inner), around, convolve(inner, made)[:2]]
            kind = Residual if step == 1 and given == made else nn.Sequential
            blocks.append(kind(name(units)))
            given = made
    return blocks


def name_unit(layers: list[nn.Module]) -> nn.Sequential:
    """A convolution and what follows it, under their usual names."""
    return nn.Sequential(OrderedDict(zip(("conv", "bn", "prelu"), layers, strict=False)))


def list_conv_6(kernel: Size, dim: int) -> Named:
    """Layers of InsightFace_Pytorch, whose training took blue for red; rows of length 1."""
    names = ("conv", "conv_dw", "project")
    blocks = list_blocks(lambda units: OrderedDict(zip(names, map(name_unit, units), strict=True)))

    def chain(first: int, last: int) -> nn.Sequential:
        return nn.Sequential(OrderedDict(model=nn.Sequential(*blocks[first:last])))

    return OrderedDict(
        colours=BlueFirst(),
        conv1=name_unit(convolve(3, FIRST, 3, 2)),
        conv2_dw=name_unit(convolve(FIRST, FIRST, 3, 1, FIRST)),
        conv_23=blocks[0],
        conv_3=chain(1, 5),
        conv_34=blocks[5],
        conv_4=chain(6, 12),
        conv_45=blocks[12],
        conv_5=chain(13, 15),
        conv_6_sep=name_unit(convolve(STAGES[-1][1], LAST)),
        conv_6_dw=name_unit(convolve(LAST, LAST, kernel, 1, LAST)[:2]),
        conv_6_flatten=nn.Flatten(),
        linear=nn.Linear(LAST, dim, bias=False),
        bn=nn.BatchNorm1d(dim),
        length=UnitLength(),
    )


def list_gdconv(kernel: Size, dim: int) -> Named:
    """Layers as `features` and `gdconv`, with a second unit in front of the blocks."""
    blocks = list_blocks(
        lambda units: OrderedDict(
            conv=nn.Sequential(nn.Sequential(*units[0]), nn.Sequential(*units[1]), *units[2])
        )
    )
    front = [*convolve(FIRST, FIRST, 3, 1, FIRST), *convolve(FIRST, FIRST)]
    names = ("depthwise", "bn1", "prelu1", "pointwise", "bn2", "prelu2")
    whole = zip(("depthwise", "bn"), convolve(LAST, LAST, kernel, 1, LAST), strict=False)
    return OrderedDict(
        conv1=nn.Sequential(*convolve(3, FIRST, 3, 2)),
        dw_conv=nn.Sequential(OrderedDict(zip(names, front, strict=True))),
        features=nn.Sequential(*blocks),
        conv2=nn.Sequential(*convolve(STAGES[-1][1], LAST)),
        gdconv=nn.Sequential(OrderedDict(whole)),
        conv3=nn.Conv2d(LAST, dim, 1),
        bn=nn.BatchNorm2d(dim),
        flat=nn.Flatten(),
    )


def list_rectified(kernel: Size, dim: int) -> Named:
    """Layers as `list_gdconv` has them, but units end in ReLU6, and the front in ReLU."""
    layers = list_gdconv(kernel, dim)
    for name, layer in layers.items():
        _end_in(nn.ReLU() if name == "dw_conv" else nn.ReLU6(), layer)
    return layers


def _end_in(rectifier: nn.Module, module: nn.Module) -> None:
    """Put `rectifier` in the place of each PReLU of a module."""
    for name, child in module.named_children():
        if isinstance(child, nn.PReLU):
            setattr(module, name, rectifier)
        else:
            _end_in(rectifier, child)


def list_linear7(kernel: Size, dim: int) -> Named:
    """Layers of MobileFaceNet_Pytorch, whose pictures are higher than wide."""
    blocks = list_blocks(
        lambda units: OrderedDict(conv=nn.Sequential(*units[0], *units[1], *units[2]))
    )
    return OrderedDict(
        conv1=name_unit(convolve(3, FIRST, 3, 2)),
        dw_conv1=name_unit(convolve(FIRST, FIRST, 3, 1, FIRST)),
        blocks=nn.Sequential(*blocks),
        conv2=name_unit(convolve(STAGES[-1][1], LAST)),
        linear7=name_unit(convolve(LAST, LAST, kernel, 1, LAST)[:2]),
        linear1=name_unit(convolve(LAST, dim)[:2]),
        flat=nn.Flatten(),
    )


@dataclass(frozen=True)
class Layout:
    """How a published implementation names its layers, and what pictures it was trained on.

    `whole` names the weights of the convolution over the whole last map, which tell the layout
    and the size of pictures; `embedding` those of the last layer, which tell the size of rows;
    `without` some that another layout has and this one has not.
    """

    whole: str
    embedding: str
    list_layers: Callable[[Size, int], Named]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    shape: Literal["kept", "lost"] = "lost"
    without: str | None = None

    def prepare(self, kernel: Size) -> Preparation:
        """What pictures go through before a network that ends in a map of size `kernel`."""
        size = (kernel[0] * SHRUNK, kernel[1] * SHRUNK)
        return Preparation(size, size, self.shape, "bilinear", self.mean, self.std)


HALF = (0.5,) * 3
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
LAYOUTS = (
    Layout("conv_6_dw.conv.weight", "linear.weight", list_conv_6, HALF, HALF),
    Layout(
        "gdconv.depthwise.weight",
        "conv3.weight",
        list_rectified,
        *IMAGENET,
        without="conv1.2.weight",
    ),
    Layout("gdconv.depthwise.weight", "conv3.weight", list_gdconv, *IMAGENET),
    Layout(
        "linear7.conv.weight", "linear1.conv.weight", list_linear7, HALF, (128 / 255,) * 3, "kept"
    ),
)


def find_layout(path: Path, state: dict[str, Tensor]) -> Layout:
    """Layout of a checkpoint; raises ParamsError for one of another network."""
    for layout in LAYOUTS:
        named = layout.whole in state and layout.embedding in state
        if named and layout.without not in state:
            return layout
    known = ", ".join(dict.fromkeys(layout.whole for layout in LAYOUTS))
    raise ParamsError(
        f"weights {path}: expected those of a MobileFaceNet, which hold one of {known}, got "
        f"{next(iter(state), 'none')!r} and {max(0, len(state) - 1)} others; choose a checkpoint "
        f"of this network"
    )
