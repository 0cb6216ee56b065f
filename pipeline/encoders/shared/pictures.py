"""What encoders of single pictures share: preparation, batches across clips, a row per frame."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import groupby
from math import prod
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Float, Shaped, UInt8
from torch import Tensor, nn
from torch.nn.functional import interpolate

from pipeline.errors import ParamsError
from pipeline.limits import PREPARED_PIXELS
from pipeline.modalities import Modality
from pipeline.networks.batches import Batcher
from pipeline.networks.devices import measure_fill, move
from pipeline.networks.preparing import limit_running
from pipeline.networks.pretrained import first_line
from pipeline.rows import FrameRun, Frames, Rows

VERSION = 1
"""Raised whenever preparation changes: part of the key of every set it shapes."""

FREE_SHARE = 16
"""A picture as it came weighs more than one in the network only beyond so many times its pixels."""

CACHED_FRAMES = 8
"""Pictures at once on a processor: what more of them leave behind outgrows its caches, and Swin-T
takes one and a half times as long for each of 64.
"""

INTERPOLATIONS = ("bilinear", "bicubic")
"""Those of torch that smooth what they shrink."""

Picture = UInt8[np.ndarray, "_ _ 3"]
Network = Callable[[Float[Tensor, "frames 3 height width"]], Float[Tensor, "frames *row"]]


@dataclass(frozen=True)
class Preparation:
    """How a picture becomes a network's input: resized, cut around its middle, normalised.

    `size` and `crop` are height and width in pixels. A picture that keeps its `shape` is resized
    to cover `size`, one that does not to `size` exactly. A cut that falls on half a pixel is moved
    `up` or to the `even` one. `mean` and `std` are of colours in [0, 1].
    """

    size: tuple[int, int]
    crop: tuple[int, int]
    shape: Literal["kept", "lost"]
    interpolation: str
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    halves: Literal["up", "even"] = "up"

    def __post_init__(self) -> None:
        if self.interpolation not in INTERPOLATIONS:
            raise ParamsError(
                f"preprocessing: expected interpolation {' or '.join(INTERPOLATIONS)}, got "
                f"{self.interpolation}; choose another checkpoint"
            )
        if prod(self.size) > PREPARED_PIXELS:
            raise ParamsError(
                f"preprocessing: expected pictures resized to at most {PREPARED_PIXELS:,} pixels, "
                f"got {self.size}; mend the checkpoint's preprocessing"
            )
        if min(np.subtract(self.size, self.crop)) < 0:
            raise ParamsError(
                f"preprocessing: expected a crop within the resized picture, got {self.crop} of "
                f"{self.size}; mend the checkpoint's preprocessing"
            )

    @property
    def provenance(self) -> dict[str, Any]:
        """All constants, as JSON."""
        constants = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }
        return {"pictures_version": VERSION, "preparation": constants}

    def for_pixels(self, pixels: int | None) -> "Preparation":
        """The same for squares of `pixels`, the margin that is cut off in proportion."""
        if pixels is None:
            return self
        height, width = (
            round(pixels * size / crop) for size, crop in zip(self.size, self.crop, strict=True)
        )
        return replace(self, size=(height, width), crop=(pixels, pixels))

    def resize(
        self, images: UInt8[Tensor, "frames 3 _ _"]
    ) -> Float[Tensor, "frames 3 height width"]:
        """Pictures of the network's input size, in whole levels of colour."""
        size = self._measure(*images.shape[2:])
        top, left = (self._halve(have - want) for have, want in zip(size, self.crop, strict=True))
        resized = interpolate_levels(images, size, self.interpolation)
        return resized[:, :, top : top + self.crop[0], left : left + self.crop[1]].float()

    def _halve(self, pixels: int) -> int:
        return round(pixels / 2) if self.halves == "even" else pixels // 2

    def measure_levels(self, device: str) -> tuple[Float[Tensor, "3 1 1"], Float[Tensor, "3 1 1"]]:
        """`mean` and `std` in levels of colour, of which there are 255."""
        mean, std = torch.tensor([self.mean, self.std], device=device)[..., None, None] * 255
        return mean, std

    def _measure(self, height: int, width: int) -> tuple[int, int]:
        """Size that a picture is resized to."""
        rows, columns = self.size
        if self.shape == "lost":
            return self.size
        if rows * width >= columns * height:
            return rows, rows * width // height
        return columns * height // width, columns


def interpolate_levels(
    images: UInt8[Tensor, "frames 3 _ _"], size: tuple[int, int], mode: str
) -> Shaped[Tensor, "frames 3 height width"]:
    """Pictures of `size`.

    Bytes take a third of the time on a processor, give the same on every kind, and are what
    checkpoints were trained with; GPUs know floats alone.
    """
    if size == images.shape[2:]:
        return images
    if images.device.type == "cpu":
        return interpolate(images, size, mode=mode, antialias=True)
    return interpolate(images.float(), size, mode=mode, antialias=True).round().clamp(0, 255)


class PictureEncoder:
    """One row per frame, with the frame's stretch; frames of all clips share batches."""

    version: ClassVar[int]
    modalities: ClassVar[frozenset[Modality]] = frozenset({"face", "scene"})
    run = FrameRun()

    def __init__(
        self,
        network: Network,
        preparation: Preparation,
        provenance: dict[str, Any],
        device: str,
        frames: int,
    ) -> None:
        self.network = network
        self.preparation = preparation
        self.device = device
        self.shift, self.scale = preparation.measure_levels(device)
        budget = min(frames, CACHED_FRAMES) if device == "cpu" else frames
        self.batcher = Batcher(budget, partial(measure_fill, device))
        self._provenance = {**provenance, **preparation.provenance}
        self._row_shape = self._try()

    @property
    def row_shape(self) -> tuple[int, ...]:
        """What the network makes of one picture."""
        return self._row_shape

    @property
    def provenance(self) -> dict[str, Any]:
        """Digest of the weights, if any, and the constants of preparation."""
        return self._provenance

    @torch.inference_mode()
    def encode(self, clips: Sequence[Frames]) -> list[Rows]:
        """Rows of each clip, one per frame; none for a clip without frames."""
        images = [image for clip in clips for image in clip.images]
        rows = np.empty((len(images), *self.row_shape), np.float32)

        def fill(places: Sequence[int]) -> Sequence[int]:
            rows[places] = self._run([images[place] for place in places])
            return places

        most = FREE_SHARE * prod(self.preparation.crop)
        units = [max(1, prod(image.shape[:2]) // most) for image in images]
        self.batcher.run(range(len(images)), units, fill)
        ends = np.cumsum([len(clip.images) for clip in clips], dtype=int)
        return [
            arrange_rows(clip, rows[end - len(clip.images) : end])
            for clip, end in zip(clips, ends, strict=True)
        ]

    def _run(self, images: list[Picture]) -> Float[np.ndarray, "frames *row"]:
        """Rows of one batch; pictures of one size, commonly all, are copied and resized at once."""
        stacks = [np.stack(list(run)) for _, run in groupby(images, lambda image: image.shape)]
        resized = [self._resize(stack) for stack in stacks]
        pixels = torch.cat(resized) if len(resized) > 1 else resized[0]
        output = self.network(pixels.sub_(self.shift).div_(self.scale))
        return output.float().cpu().numpy()

    def _resize(
        self, images: UInt8[np.ndarray, "frames _ _ 3"]
    ) -> Float[Tensor, "frames 3 height width"]:
        return self.preparation.resize(move(images, self.device).permute(0, 3, 1, 2))

    @torch.inference_mode()
    def _try(self) -> tuple[int, ...]:
        """Shape of a row, by one picture of noise shown twice.

        Raises ParamsError for a network that refuses the size, or that draws at random.
        """
        height, width = self.preparation.crop
        noise = torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(0))
        try:
            with limit_running():
                first, second = self.network(noise.repeat(2, 1, 1, 1).to(self.device)).float()
        except torch.OutOfMemoryError as error:
            raise ParamsError(
                f"weights: expected a network for which there is memory, got one that asks for "
                f"more for two pictures of {height} x {width} ({first_line(error)}); give it more, "
                f"or choose another checkpoint"
            ) from error
        except (AssertionError, RuntimeError, ValueError) as error:
            raise ParamsError(
                f"pixels: expected a size that the network takes, got {height} x {width} "
                f"({first_line(error)}); leave pixels out, or choose another checkpoint"
            ) from error
        if (first - second).abs().max() > 0.01 * first.abs().max():
            raise ParamsError(
                "weights: expected a network that gives the same for the same picture, got one "
                "that masks or drops at random; choose another checkpoint"
            )
        return tuple(first.shape)


def choose_layout(model: nn.Module) -> torch.memory_format:
    """Layout of pictures in memory that a network is fastest with.

    Colours last, as they come, make convolutions 1.3 to 1.6 times as fast on a processor, and
    transformers a little slower.
    """
    convolved = sum(
        layer.weight.numel() for layer in model.modules() if isinstance(layer, nn.Conv2d)
    )
    whole = sum(weight.numel() for weight in model.parameters())
    return torch.channels_last if 2 * convolved > whole else torch.contiguous_format


def arrange_rows(clip: Frames, rows: Float[np.ndarray, "frames *row"]) -> Rows:
    """One clip's rows, each with the stretch of its frame."""
    return Rows(rows, clip.start_seconds, clip.end_seconds, np.ones(len(rows), bool))
