"""Hugging Face preprocessors, read as preparations, which take whole batches on any device."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import transformers

from pipeline.encoders.shared.pictures import Preparation
from pipeline.errors import ParamsError
from pipeline.networks.preparing import limit_preparing
from pipeline.networks.pretrained import load_pretrained

Size = tuple[int, int]

RESAMPLINGS = {2: "bilinear", 3: "bicubic"}
"""Pillow's numbers."""

UNCUT_PIXELS = 384
"""From this size on, preprocessors with `crop_pct` cut nothing off (ConvNeXt's)."""


def load_preparation(folder: Path) -> Preparation:
    """What the preprocessor in `folder` does; raises ParamsError where it does anything else."""
    processor = load_pretrained(transformers.AutoImageProcessor, folder)
    return find_preparation(folder, processor, processor, lambda: [read_preparation(processor)])


def find_preparation(
    folder: Path,
    processor: Any,
    prepare: Callable[..., Any],
    read: Callable[[], Iterable[Preparation]],
) -> Preparation:
    """First of those which `read` gives that does with pictures what `prepare` does.

    Raises ParamsError, for the `processor` in `folder`, where none of them does.
    """
    try:
        for preparation in read():
            if all(_compare(preparation, prepare, size) for size in ((47, 61), (61, 47))):
                return preparation
    except ParamsError as error:
        raise ParamsError(f"weights {folder}: {error}") from error
    except Exception:  # settings of another kind raise almost anything
        pass
    raise ParamsError(
        f"weights {folder}: expected a preprocessor that resizes, cuts around the middle and "
        f"normalises, got {type(processor).__name__}; choose another checkpoint"
    )


def read_preparation(processor: Any) -> Preparation:
    """What the settings of a preprocessor say."""
    size, crop, shape = read_sizes(processor)
    factor = 255 * (processor.rescale_factor if processor.do_rescale else 1)
    mean = processor.image_mean if processor.do_normalize else (0, 0, 0)
    std = processor.image_std if processor.do_normalize else (1, 1, 1)
    resampling = int(processor.resample)
    return Preparation(
        size,
        crop,
        shape,
        RESAMPLINGS.get(resampling, f"number {resampling}"),
        tuple(value / factor for value in mean),
        tuple(value / factor for value in std),
    )


def read_sizes(processor: Any) -> tuple[Size, Size, Literal["kept", "lost"]]:
    """Size that pictures are resized to, what is cut out, and whether they keep their shape."""
    edge = processor.size.shortest_edge
    kept = edge is not None
    size = (edge, edge) if kept else (processor.size.height, processor.size.width)
    crop = size
    if processor.do_center_crop:
        crop = (processor.crop_size.height, processor.crop_size.width)
    share = getattr(processor, "crop_pct", None)
    if kept and share is not None:
        kept = edge < UNCUT_PIXELS
        size = (int(edge / share), int(edge / share)) if kept else size
    return size, crop, "kept" if kept else "lost"


def _compare(preparation: Preparation, prepare: Callable[..., Any], size: Size) -> bool:
    """Whether both make the same of noise, within two levels of colour.

    Some preprocessors round to whole levels after resizing, as here, some do not.
    """
    noise = np.random.default_rng(0).integers(80, 160, (3, *size)).astype(np.uint8)
    with limit_preparing():
        expected = prepare(images=[noise], return_tensors="pt", input_data_format="channels_first")
    shift, scale = preparation.measure_levels("cpu")
    found = (preparation.resize(torch.from_numpy(noise)[None]) - shift) / scale
    other = expected["pixel_values"]
    return found.shape == other.shape and bool(((found - other) * scale).abs().max() <= 2)
