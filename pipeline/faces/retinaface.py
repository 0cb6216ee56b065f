"""Faces by RetinaFace with a ResNet-50: the network of the package `retina-face`, in batches.

J. Deng, J. Guo, E. Ververas, I. Kotsia and S. Zafeiriou, "RetinaFace: single-shot multi-level face
localisation in the wild", CVPR 2020.
"""

import os
from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn
from torchvision.ops import batched_nms

from pipeline.errors import ParamsError
from pipeline.faces.contract import Faces, Search
from pipeline.networks.checkpoints import fill_network, read_state
from pipeline.networks.devices import move
from pipeline.networks.pretrained import DTYPES

SIDES = {32: (512.0, 256.0), 16: (128.0, 64.0), 8: (32.0, 16.0)}
"""Pixels from a place to the next → sides of the square anchors there; in the network's order."""

FIRST_CENTRE = 7.5
"""Of the anchors in the first place, in pixels from the frame's left and top, whatever the side."""

MIN_SCORE = 0.9
"""The package's own."""

SAME_FACE = 0.4
"""Of boxes whose intersection over union exceeds this, only the best is a face."""

NETWORK = "retinaface.model.retinaface_pth_model"
"""The one module of the package that is used: with it come gdown and requests alone."""


def place_weights(weights: str | None) -> list[Path]:
    """`retinaface.pth`, or another file of its weights; if None, where the package keeps it.

    Raises ParamsError where it is not there.
    """
    home = os.environ.get("DEEPFACE_HOME", Path.home())
    path = Path(weights) if weights else Path(home, ".deepface", "weights", "retinaface.pth")
    if not path.is_file():
        raise ParamsError(
            f"faces.weights: expected RetinaFace's in {path}, found none; give the path of "
            f"retinaface.pth as weights, or none at all once the package retina-face has fetched "
            f"it by `python -c 'import {NETWORK} as network; network.build_model()'`"
        )
    return [path]


class Detector:
    """Finds faces of any size, with landmarks; a score is the probability of a face.

    Boxes and landmarks are those of the package for a frame that it does not scale. Its own cuts
    take right and bottom as half-open, too.
    """

    version = 1
    search_pixels = 640
    margin_free = False
    gives_landmarks = True
    batched = True

    def __init__(self, search: Search) -> None:
        network = make_network()
        (path,) = place_weights(search.weights)
        fill_network(network, read_state(path), path)
        self._device, self._dtype = torch.device(search.device), DTYPES[search.precision]
        # Frames come with their colours last.
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._network = network.to(self._device, self._dtype)
        self._min_score = MIN_SCORE if search.min_score is None else search.min_score

    @torch.inference_mode()
    def detect(self, frames: Sequence[UInt8[np.ndarray, "height width 3"]]) -> list[Faces]:
        """One `Faces` for each of `frames`, which are of one size, in order; empty for none."""
        if len(frames) == 0:
            return []
        pixels = move(np.stack(frames), self._device).to(self._dtype)
        outputs = self._network(pixels)
        height, width = frames[0].shape[:2]
        found, owners = find_faces(outputs, height, width, self._min_score)
        return split_faces(found.cpu().numpy(), owners.cpu().numpy(), len(frames))


def make_network() -> nn.Module:
    """The package's network, unfilled; raises ParamsError where the package is not installed."""
    try:
        network: nn.Module = import_module(NETWORK).RetinaFace()
    except ImportError as error:
        raise ParamsError(
            f"faces.detector retinaface: expected the package retina-face with what it needs, got "
            f"{str(error)!r}; `uv pip install retina-face`"
        ) from error
    return network


def find_faces(
    outputs: Sequence[Float[Tensor, "frames _ _ _"]], height: int, width: int, min_score: float
) -> tuple[Float[Tensor, "faces 15"], Int[Tensor, " faces"]]:
    """Boxes, scores and landmarks of a batch side by side in float32, and the frame of each."""
    scores = torch.cat([level[..., 2:].flatten(1) for level in outputs[0::3]], 1).float()
    sizes = torch.cat([level.reshape(len(level), -1, 4) for level in outputs[1::3]], 1)
    points = torch.cat([level.reshape(len(level), -1, 5, 2) for level in outputs[2::3]], 1)
    owners, places = (scores >= min_score).nonzero(as_tuple=True)
    anchors = place_anchors(height, width, scores.device)[places]
    boxes = decode_boxes(sizes[owners, places].float(), anchors, height, width)
    landmarks = decode_landmarks(points[owners, places].float(), anchors)
    candidates = scores[owners, places]
    whole_pixels = boxes + boxes.new_tensor([0, 0, 1, 1])
    kept = batched_nms(whole_pixels, candidates, owners, SAME_FACE)
    faces = torch.cat([boxes, candidates[:, None], landmarks.flatten(1)], 1)
    return faces[kept], owners[kept]


@lru_cache(maxsize=64)
def place_anchors(height: int, width: int, device: torch.device) -> Float[Tensor, "anchors 3"]:
    """Centre (x, y) and side in pixels of each box that the network starts from."""
    levels = []
    for stride, sides in SIDES.items():
        rows, columns = -(-height // stride), -(-width // stride)  # a started place is a whole one
        grid = torch.meshgrid(
            torch.arange(rows, device=device) * stride + FIRST_CENTRE,
            torch.arange(columns, device=device) * stride + FIRST_CENTRE,
            torch.tensor(sides, device=device),
            indexing="ij",
        )
        y, x, side = (part.flatten() for part in grid)
        levels.append(torch.stack([x, y, side], 1))
    return torch.cat(levels)


def decode_boxes(
    sizes: Float[Tensor, "boxes 4"], anchors: Float[Tensor, "boxes 3"], height: int, width: int
) -> Float[Tensor, "boxes 4"]:
    """Left, top, right and bottom in pixels, cut off at the frame's last ones."""
    side = anchors[:, 2:]
    centre = anchors[:, :2] + sizes[:, :2] * side
    half = (sizes[:, 2:].exp() * side - 1) / 2
    border = centre.new_tensor([width - 1, height - 1]).repeat(2)
    return torch.cat([centre - half, centre + half], 1).clamp(min=0).minimum(border)


def decode_landmarks(
    points: Float[Tensor, "boxes 5 2"], anchors: Float[Tensor, "boxes 3"]
) -> Float[Tensor, "boxes 5 2"]:
    """In pixels, not cut off; the person's right, first here, is the left of the image."""
    return anchors[:, None, :2] + points * anchors[:, None, 2:]


def split_faces(
    faces: Float[np.ndarray, "faces 15"], owners: Int[np.ndarray, " faces"], frames: int
) -> list[Faces]:
    """Faces of each frame, best first, but for those that lie out of the frame."""
    inside = (faces[:, :2] < faces[:, 2:4]).all(axis=1)
    faces, owners = faces[inside], owners[inside]
    order = np.lexsort([-faces[:, 4], owners])
    ends = np.searchsorted(owners[order], np.arange(1, frames))
    return [
        Faces(own[:, :4], own[:, 4], own[:, 5:].reshape(-1, 5, 2))
        for own in np.split(faces[order], ends)
    ]
