"""EfficientFace: a small network for facial expressions → what its classifier sees, or says.

Source: Z. Zhao, Q. Liu and F. Zhou, "Robust lightweight facial expression recognition network with
label distribution training", AAAI 2021. Layers are named as in the authors' checkpoints.
"""

from collections import OrderedDict
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pipeline.encoders.params import EfficientfaceParams
from pipeline.encoders.shared.checkpoint_pictures import CheckpointEncoder, find_checkpoint
from pipeline.encoders.shared.facts import Facts
from pipeline.encoders.shared.pictures import Preparation
from pipeline.networks.checkpoints import fill_network, read_state

FACTS = Facts("MIT; published weights: MIT, trained on data for research only")

STEM, STAGES, DIM = 29, ((116, 4), (232, 8), (464, 4)), 1024
"""Channels of the first map; channels and blocks of each stage; channels of the last map."""

REDUCED = STAGES[0][0] // 16
"""Channels inside the gates."""

SIZE = (224, 224)

COLOURS = {
    "affectnet": ((0.55391484, 0.43522123, 0.3821877), (0.24837189, 0.21625527, 0.20221159)),
    "raf_db": ((0.57535914, 0.44928582, 0.40079932), (0.20735591, 0.18981615, 0.18132027)),
    "caer_s": ((0.35964426, 0.22359873, 0.19040863), (0.15188067, 0.11678473, 0.1103445)),
    "none": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
}
"""Mean and deviation of the colours that the authors normalise by, for each of their data sets."""


class Encoder(CheckpointEncoder):
    """One row per frame, each picture resized to 224 by 224."""

    version = 1

    def __init__(self, params: EfficientfaceParams, device: str = "cpu") -> None:
        mean, std = COLOURS[params.colours]
        preparation = Preparation(SIZE, SIZE, "lost", "bilinear", mean, std)
        super().__init__(load_model(params), preparation, params, device)


def place_weights(params: EfficientfaceParams) -> Path:
    """File of the weights; raises ParamsError where it is not there."""
    return find_checkpoint(params.weights)


def load_model(params: EfficientfaceParams) -> "EfficientFace":
    """Frozen network, with as many classes as the checkpoint, or without a classifier."""
    path = find_checkpoint(params.weights)
    state = read_state(path)
    if params.output == "pooled":
        state = {name: weight for name, weight in state.items() if not name.startswith("fc.")}
    model = EfficientFace(0 if params.output == "pooled" else len(state.get("fc.bias", [None])))
    fill_network(model, state, path)
    return model


class EfficientFace(nn.Module):
    """Pictures → logits of `classes`, or the mean of the last map where there are 0 of them."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(*convolve(3, STEM, 3, 2), nn.ReLU(inplace=True))
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.stage2, self.stage3, self.stage4 = list_stages()
        self.local, self.modulator = Quarters(), Modulator()
        self.conv5 = nn.Sequential(*convolve(STAGES[-1][0], DIM), nn.ReLU(inplace=True))
        self.fc = nn.Linear(DIM, classes) if classes else nn.Identity()

    def forward(self, pixels: Float[Tensor, "frames 3 224 224"]) -> Float[Tensor, "frames dim"]:
        """One row per picture."""
        stem = self.maxpool(self.conv1(pixels))
        seen = self.modulator(self.stage2(stem)) + self.local(stem)
        rows: Tensor = self.fc(self.conv5(self.stage4(self.stage3(seen))).mean((2, 3)))
        return rows


def convolve(
    given: int, made: int, kernel: int = 1, stride: int = 1, *, groups: int = 1
) -> list[nn.Module]:
    """A convolution from `given` to `made` channels that keeps the rim, and its batch norm."""
    padding = kernel // 2
    layer = nn.Conv2d(given, made, kernel, stride, padding, groups=groups, bias=False)
    return [layer, nn.BatchNorm2d(made)]


def list_stages() -> list[nn.Sequential]:
    """Stages of blocks, of which the first halves the map."""
    widths = [STEM, *(made for made, _ in STAGES)]
    return [
        nn.Sequential(Block(given, made, 2), *(Block(made, made, 1) for _ in range(blocks - 1)))
        for given, (made, blocks) in zip(widths, STAGES, strict=False)
    ]


class Block(nn.Module):
    """ShuffleNet's block: two branches whose channels are mixed; at stride 1 one stays as it is."""

    def __init__(self, given: int, made: int, stride: int) -> None:
        super().__init__()
        half = made // 2
        taken = given if stride > 1 else half
        self.branch1 = nn.Sequential()
        if stride > 1:
            down = convolve(given, given, 3, stride, groups=given)
            self.branch1 = nn.Sequential(*down, *convolve(given, half), nn.ReLU(inplace=True))
        self.branch2 = nn.Sequential(
            *convolve(taken, half),
            nn.ReLU(inplace=True),
            *convolve(half, half, 3, stride, groups=half),
            *convolve(half, half),
            nn.ReLU(inplace=True),
        )
        self.stride = stride

    def forward(self, state: Tensor) -> Tensor:
        """Map of `made` channels."""
        first, second = state.chunk(2, dim=1) if self.stride == 1 else (state, state)
        joined = torch.cat([self.branch1(first), self.branch2(second)], dim=1)
        mixed: Tensor = nn.functional.channel_shuffle(joined, 2)
        return mixed


class Quarters(nn.Module):
    """Each quarter of the map through convolutions of its own: what eyes and mouth show."""

    def __init__(self) -> None:
        super().__init__()
        made = STAGES[0][0]
        for quarter in range(1, 5):
            for step, (given, stride) in enumerate([(STEM, 2), (made, 1)], 1):
                layers = convolve(given, made, 3, stride, groups=given)
                for kind, layer in zip(("conv", "bn"), layers, strict=True):
                    self.add_module(f"{kind}{quarter}_{step}", layer)

    def forward(self, stem: Tensor) -> Tensor:
        """Map of half the size; quarters count down the left half, then down the right one."""
        places = [place for half in stem.chunk(2, dim=3) for place in half.chunk(2, dim=2)]
        made = [self._see(number, place) for number, place in enumerate(places, 1)]
        return torch.cat([torch.cat(made[:2], dim=2), torch.cat(made[2:], dim=2)], dim=3)

    def _see(self, quarter: int, state: Tensor) -> Tensor:
        for step in (1, 2):
            convolved = self.get_submodule(f"conv{quarter}_{step}")(state)
            state = self.get_submodule(f"bn{quarter}_{step}")(convolved).relu()
        return state


class Modulator(nn.Module):
    """Weighs a map by channel and by place."""

    def __init__(self) -> None:
        super().__init__()
        width = STAGES[0][0]
        self.channel_att = gate(
            "gate_c",
            flatten=nn.Flatten(),
            gate_c_fc_0=nn.Linear(width, REDUCED),
            gate_c_bn_1=nn.BatchNorm1d(REDUCED),
            gate_c_relu_1=nn.ReLU(),
            gate_c_fc_final=nn.Linear(REDUCED, width),
        )
        self.spatial_att = gate(
            "gate_s",
            gate_s_conv_reduce0=nn.Conv2d(width, REDUCED, 1),
            gate_s_bn_reduce0=nn.BatchNorm2d(REDUCED),
            gate_s_relu_reduce0=nn.ReLU(),
            gate_s_conv_di_0=nn.Conv2d(REDUCED, REDUCED, 3, padding=4, dilation=4),
            gate_s_bn_di_0=nn.BatchNorm2d(REDUCED),
            gate_s_relu_di_0=nn.ReLU(),
            gate_s_conv_di_1=nn.Conv2d(REDUCED, REDUCED, 3, padding=4, dilation=4),
            gate_s_bn_di_1=nn.BatchNorm2d(REDUCED),
            gate_s_relu_di_1=nn.ReLU(),
            gate_s_conv_final=nn.Conv2d(REDUCED, 1, 1),
        )

    def forward(self, state: Tensor) -> Tensor:
        """The map, each value times a weight in [0, 1]."""
        channels = self.channel_att(state.mean((2, 3)))[:, :, None, None]
        weights: Tensor = torch.sigmoid(channels * self.spatial_att(state))
        return weights * state


def gate(name: str, **layers: nn.Module) -> nn.Sequential:
    """Layers in order, under the two names that lead to them."""
    return nn.Sequential(OrderedDict({name: nn.Sequential(OrderedDict(layers))}))
