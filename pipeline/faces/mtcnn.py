"""Faces by MTCNN: three networks, each of which looks closer at what the one before let through.

Source: K. Zhang, Z. Zhang, Z. Li and Y. Qiao, "Joint face detection and alignment using multi-task
cascaded convolutional networks", IEEE Signal Processing Letters 23, 2016. Layers are named as in
the weights of facenet-pytorch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import batched_nms

from pipeline.errors import ParamsError
from pipeline.faces.contract import Faces, Search
from pipeline.networks.checkpoints import fill_network, read_state
from pipeline.networks.devices import move
from pipeline.networks.pretrained import DTYPES

FILES = ("pnet.pt", "rnet.pt", "onet.pt")
"""Weights of the three networks, in the order in which they are run."""

PACKAGE = "facenet_pytorch"
"""Has the weights in its folder `data`; it need not be importable."""

SMALLEST_PIXELS = 20
"""Side of the smallest face that is looked for, in a frame that was shrunk before."""

SHRINKAGE = 0.709
"""Side of a picture of the pyramid to that of the one before it: half the area."""

CELL, STRIDE = 12, 2
"""Pixels that the first network sees at once, and from one place that it looks at to the next."""

MIN_SCORES = (0.6, 0.7, 0.7)
"""Scores that a face must have of each network; the last one unless params.yaml says another."""

SAME_CELL, SAME_FACE = 0.5, 0.7
"""Of boxes whose overlap exceeds this the best is kept: in one picture of the pyramid; later on."""

CROPS_PER_RUN = 512
"""Crops that go through a network at once, so that memory does not grow with the frames."""


class Stage(nn.Module):
    """A trunk of layers in order, and heads that all see its end."""

    def __init__(self, trunk: dict[str, nn.Module], heads: dict[str, nn.Module]) -> None:
        super().__init__()
        self._trunk, self._heads = tuple(trunk), tuple(heads)
        for name, layer in (trunk | heads).items():
            self.add_module(name, layer)

    def forward(self, pixels: Tensor) -> Tensor:
        """What the heads tell, one after another, in float32: first the probability of a face."""
        state = pixels
        for name in self._trunk:
            state = self.get_submodule(name)(state)
        scores, *others = (self.get_submodule(name)(state).float() for name in self._heads)
        return torch.cat([scores.softmax(dim=1)[:, 1:], *others], dim=1)


class PNet(Stage):
    """Looks at each place of a picture; heads keep the places, in rows and columns."""

    def __init__(self) -> None:
        trunk = {
            **_convolve(1, 3, 10, 3),
            "pool1": nn.MaxPool2d(2, 2, ceil_mode=True),
            **_convolve(2, 10, 16, 3),
            **_convolve(3, 16, 32, 3),
        }
        super().__init__(trunk, {"conv4_1": nn.Conv2d(32, 2, 1), "conv4_2": nn.Conv2d(32, 4, 1)})


class RNet(Stage):
    """Looks at crops of `side` pixels."""

    side = 24

    def __init__(self) -> None:
        trunk = {
            **_convolve(1, 3, 28, 3),
            "pool1": nn.MaxPool2d(3, 2, ceil_mode=True),
            **_convolve(2, 28, 48, 3),
            "pool2": nn.MaxPool2d(3, 2, ceil_mode=True),
            **_convolve(3, 48, 64, 2),
            **_connect(4, 576, 128),
        }
        super().__init__(trunk, {"dense5_1": nn.Linear(128, 2), "dense5_2": nn.Linear(128, 4)})


class ONet(Stage):
    """Looks at crops of `side` pixels; the third head tells where the landmarks are."""

    side = 48

    def __init__(self) -> None:
        trunk = {
            **_convolve(1, 3, 32, 3),
            "pool1": nn.MaxPool2d(3, 2, ceil_mode=True),
            **_convolve(2, 32, 64, 3),
            "pool2": nn.MaxPool2d(3, 2, ceil_mode=True),
            **_convolve(3, 64, 64, 3),
            "pool3": nn.MaxPool2d(2, 2, ceil_mode=True),
            **_convolve(4, 64, 128, 2),
            **_connect(5, 1152, 256),
        }
        heads = {f"dense6_{n}": nn.Linear(256, made) for n, made in ((1, 2), (2, 4), (3, 10))}
        super().__init__(trunk, dict(heads))


class ColumnsFirst(nn.Module):
    """Flattens maps column by column, as the weights were made for."""

    def forward(self, maps: Tensor) -> Tensor:
        """One row of numbers for each map."""
        return maps.permute(0, 3, 2, 1).flatten(1)


def _convolve(number: int, given: int, made: int, kernel: int) -> dict[str, nn.Module]:
    return {f"conv{number}": nn.Conv2d(given, made, kernel), f"prelu{number}": nn.PReLU(made)}


def _connect(number: int, given: int, made: int) -> dict[str, nn.Module]:
    dense = {f"dense{number}": nn.Linear(given, made), f"prelu{number}": nn.PReLU(made)}
    return {"columns": ColumnsFirst(), **dense}


def place_weights(weights: str | None) -> list[Path]:
    """The three files: in the folder `weights`, or in what is installed of facenet-pytorch.

    Raises ParamsError where one is not there.
    """
    for folder in list_packaged() if weights is None else [Path(weights)]:
        if all((folder / name).is_file() for name in FILES):
            return [folder / name for name in FILES]
    place = "in an installed facenet-pytorch" if weights is None else f"in {weights!r}"
    raise ParamsError(
        f"faces.weights: expected {', '.join(FILES)} {place}, found not all of them; give the "
        f"folder that holds them, or run `pip install --no-deps facenet-pytorch`"
    )


def list_packaged() -> list[Path]:
    """Folders of weights in what is installed of facenet-pytorch."""
    spec = find_spec(PACKAGE)
    return [Path(place, "data") for place in (spec and spec.submodule_search_locations) or ()]


def find_licence(path: Path) -> str | None:
    """Licence of facenet-pytorch for the files that it came with; None of any other."""
    return "mit" if path.parent in list_packaged() else None


@dataclass(frozen=True)
class Boxes:
    """Boxes, the frames that they lie in, and what a network told of them.

    `edges` are left, top, right, bottom in pixels; `told` are the score, the shifts of the four
    edges and, of the last network, x of five landmarks and y of them, in shares of the sides.
    """

    edges: Float[Tensor, "boxes 4"]
    frames: Int[Tensor, " boxes"]
    told: Float[Tensor, "boxes told"]

    def select(self, chosen: Tensor) -> "Boxes":
        """Those at the places, or under the marks, of `chosen`."""
        return Boxes(self.edges[chosen], self.frames[chosen], self.told[chosen])

    def select_best(self, overlap: float) -> "Boxes":
        """Those that no better one of their frame overlaps by more, best first."""
        return self.select(batched_nms(self.edges, self.told[:, 0], self.frames, overlap))

    def measure(self) -> Float[Tensor, "boxes 2"]:
        """Widths and heights."""
        return self.edges[:, 2:] - self.edges[:, :2]

    def shift(self, sides: Float[Tensor, "boxes 2"]) -> "Boxes":
        """Edges moved by what the network told, in shares of `sides`."""
        edges = self.edges + self.told[:, 1:5] * sides.repeat(1, 2)
        return Boxes(edges, self.frames, self.told)

    def square(self) -> "Boxes":
        """Squares round the same centres, of the longer sides."""
        sides = self.measure()
        longer = sides.amax(dim=1, keepdim=True)
        low = self.edges[:, :2] + sides * 0.5 - longer * 0.5
        return Boxes(torch.cat([low, low + longer], dim=1), self.frames, self.told)


class Detector:
    """Finds faces from about SMALLEST_PIXELS on, as facenet-pytorch does with the same weights.

    A score is the last network's probability of a face, from 0 to 1. Of frames of 320 pixels, some
    of a crowd in 1080p showed one face alone; of 480, three to six.
    """

    version = 1
    search_pixels = 480
    margin_free = False
    gives_landmarks = True
    batched = True

    def __init__(self, search: Search) -> None:
        self._device, self._dtype = search.device, DTYPES[search.precision]
        self._min_score = MIN_SCORES[-1] if search.min_score is None else search.min_score
        self._proposer, self._refiner, self._finisher = PNet(), RNet(), ONet()
        stages = (self._proposer, self._refiner, self._finisher)
        for stage, path in zip(stages, place_weights(search.weights), strict=True):
            fill_network(stage, read_state(path), path)
            stage.to(self._device, self._dtype)

    @torch.inference_mode()
    def detect(self, frames: Sequence[UInt8[np.ndarray, "height width 3"]]) -> list[Faces]:
        """One `Faces` for each of `frames`, all of one size, in order; empty where none is."""
        if not frames:
            return []
        pictures = move(np.stack(frames), self._device)
        sums = sum_areas(pictures)
        boxes = self._propose(pictures.permute(0, 3, 1, 2).float())
        boxes = self._look(self._refiner, sums, boxes, MIN_SCORES[1]).select_best(SAME_FACE)
        boxes = boxes.shift(boxes.measure() + 1).square()
        boxes = self._look(self._finisher, sums, boxes, self._min_score)
        height, width = frames[0].shape[:2]
        tables = part_frames(boxes, len(frames))
        return [_name_faces(table, width, height) for table in tables]

    def _propose(self, pictures: Float[Tensor, "frames 3 height width"]) -> Boxes:
        """Squares round what may be faces, by the first network on a pyramid of `pictures`."""
        scales = list_scales(min(pictures.shape[2:]))
        found = [_hold_none(self._device), *(self._scan(pictures, scale) for scale in scales)]
        fields = ([getattr(boxes, name) for boxes in found] for name in ("edges", "frames", "told"))
        boxes = Boxes(*map(torch.cat, fields)).select_best(SAME_FACE)
        return boxes.shift(boxes.measure()).square()

    def _scan(self, pictures: Float[Tensor, "frames 3 height width"], scale: float) -> Boxes:
        """What may be faces of one size: the places where the first network sees one."""
        size = [int(side * scale + 1) for side in pictures.shape[2:]]
        told = self._run(self._proposer, F.interpolate(pictures, size, mode="area"))
        places = told.permute(0, 2, 3, 1)
        seen = (places[..., 0] >= MIN_SCORES[0]).nonzero()
        frames, rows, columns = seen.unbind(dim=1)
        low = STRIDE * torch.stack([columns, rows], dim=1).float()
        edges = torch.cat([(low + 1) / scale, (low + CELL) / scale], dim=1).floor()
        return Boxes(edges, frames, places[frames, rows, columns]).select_best(SAME_CELL)

    def _look(
        self, stage: RNet | ONet, sums: Int[Tensor, "frames _ _ 3"], boxes: Boxes, least: float
    ) -> Boxes:
        """Those of `boxes` that `stage` gives a score above `least`, with what it tells."""
        corners = clip_corners(boxes.edges, sums.shape[2] - 1, sums.shape[1] - 1)
        inside = (corners[:, :2] < corners[:, 2:]).all(dim=1)
        boxes = boxes.select(inside)
        places = torch.cat([boxes.frames[:, None], corners[inside]], dim=1)
        runs = torch.split(places, CROPS_PER_RUN)
        told = torch.cat([self._run(stage, cut_crops(sums, run, stage.side)) for run in runs])
        return Boxes(boxes.edges, boxes.frames, told).select(told[:, 0] > least)

    def _run(self, stage: Stage, pixels: Float[Tensor, "pictures 3 _ _"]) -> Tensor:
        """What `stage` tells of pictures whose colours go from 0 to 255."""
        told: Tensor = stage(((pixels - 127.5) / 128).to(self._dtype))
        return told


def list_scales(shorter: int) -> list[float]:
    """Scales of the pyramid over frames of this `shorter` side, the largest first.

    The first one shows faces of SMALLEST_PIXELS at the size of a cell, the last one those that
    fill the frame; none where the frame is smaller than such a face.
    """
    scales, scale = [], CELL / SMALLEST_PIXELS
    while shorter * scale >= CELL:
        scales.append(scale)
        scale *= SHRINKAGE
    return scales


def sum_areas(
    pictures: UInt8[Tensor, "frames height width 3"],
) -> Int[Tensor, "frames rows columns 3"]:
    """Sums of all that lies above and to the left of each corner of a pixel, by colour.

    They may wrap round in very large pictures; their differences do not.
    """
    sums = pictures.cumsum(dim=1, dtype=torch.int32).cumsum(dim=2, dtype=torch.int32)
    return F.pad(sums, (0, 0, 1, 0, 1, 0))


def clip_corners(
    edges: Float[Tensor, "boxes 4"], width: int, height: int
) -> Int[Tensor, "boxes 4"]:
    """Whole pixels of boxes that count from 1, half-open from 0, inside the frame."""
    corners = edges.trunc().long()
    low, high = corners[:, :2].clamp(min=1) - 1, corners[:, 2:]
    return torch.cat([low, high.minimum(high.new_tensor([width, height]))], dim=1)


def cut_crops(
    sums: Int[Tensor, "frames rows columns 3"], places: Int[Tensor, "boxes 5"], side: int
) -> Float[Tensor, "boxes 3 side side"]:
    """Boxes scaled to squares of `side` pixels, each the mean of the pixels that it lies over.

    `places` are frame, left, top, right, bottom.
    """
    frames, left, top, right, bottom = places.unbind(dim=1)
    lefts, rights = _divide(left, right, side)
    tops, bottoms = _divide(top, bottom, side)

    def sum_to(rows: Tensor, columns: Tensor) -> Tensor:
        return sums[frames[:, None, None], rows[:, :, None], columns[:, None, :]]

    lower = sum_to(bottoms, rights) - sum_to(bottoms, lefts)
    upper = sum_to(tops, rights) - sum_to(tops, lefts)
    areas = (bottoms - tops)[:, :, None] * (rights - lefts)[:, None, :]
    return ((lower - upper) / areas[..., None]).permute(0, 3, 1, 2)


def _divide(
    low: Int[Tensor, " boxes"], high: Int[Tensor, " boxes"], number: int
) -> tuple[Int[Tensor, "boxes number"], Int[Tensor, "boxes number"]]:
    """Begins and ends of `number` stretches over `[low, high)`; one pixel may lie in two."""
    steps = torch.arange(number + 1, device=low.device)
    reached = steps * (high - low)[:, None]
    begins = reached[:, :-1] // number
    ends = (reached[:, 1:] + number - 1) // number
    return low[:, None] + begins, low[:, None] + ends


def _hold_none(device: str) -> Boxes:
    nothing = torch.empty((0, 5), device=device)
    return Boxes(nothing[:, :4], nothing[:, 0].long(), nothing)


def part_frames(boxes: Boxes, number: int) -> list[Float[np.ndarray, "faces 15"]]:
    """Rows of four edges, score and landmarks (x, y of each), one table for each frame."""
    sides = boxes.measure() + 1
    shares = boxes.told[:, 5:].reshape(-1, 2, 5).transpose(1, 2)
    landmarks = boxes.edges[:, None, :2] - 1 + shares * sides[:, None]
    edges, scores = boxes.shift(sides).edges, boxes.told[:, :1]
    rows = torch.cat([edges, scores, landmarks.flatten(1)], dim=1).double().cpu().numpy()
    frames = boxes.frames.cpu().numpy()
    return [rows[frames == frame] for frame in range(number)]


def _name_faces(table: Float[np.ndarray, "faces 15"], width: int, height: int) -> Faces:
    """Faces of one frame, best first, none inside a better one, clipped to the frame."""
    rows = table[np.argsort(-table[:, 4], kind="stable")]
    rows = rows[list_apart(rows[:, :4])]
    boxes = rows[:, :4].clip(0, (width, height, width, height))
    kept = (boxes[:, :2] < boxes[:, 2:]).all(axis=1)
    return Faces(boxes[kept], rows[kept, 4], rows[kept, 5:].reshape(-1, 5, 2))


def list_apart(boxes: Float[np.ndarray, "faces 4"]) -> list[int]:
    """Places of boxes that share no more than SAME_FACE, of the smaller one, with one before."""
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    shared = np.clip(high - low + 1, 0, None).prod(axis=2)
    areas = shared.diagonal()
    same = shared > SAME_FACE * np.minimum(areas[:, None], areas)
    apart: list[int] = []
    for place in range(len(boxes)):
        if not same[place, apart].any():
            apart.append(place)
    return apart
