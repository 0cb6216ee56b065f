"""Changing: pictures mirrored, turned, cropped, lit otherwise and partly hidden, window by window.

What views of `extract` fix once for each clip is drawn here in each pass, so that no picture comes
twice alike. Rectangles are hidden as in Zhong et al., Random erasing data augmentation, AAAI 2020,
by the mean and not by noise.
"""

from dataclasses import replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from pipeline.heads.reading import Reader, StreamRows
from pipeline.heads.training_params import PictureAugmentParams

ERASED = (0.1, 0.45)
"""Least and most of a side that a hidden rectangle takes: never over a fifth of the picture."""

Pictures = Float[Tensor, "rows channels height width"]


def change_pictures(stream: StreamRows, reader: Reader, params: PictureAugmentParams) -> StreamRows:
    """`stream` of rows `(channels, height, width)`, those of a window all changed alike.

    What comes in from beyond the edges of a picture mirrors what lies inside.
    """
    windows, times = stream.mask.shape
    height, width = stream.rows.shape[-2:]
    rows = stream.rows
    if params.moves and rows.numel():
        turns = draw_turns(windows, width / height, params).to(rows).repeat_interleave(times, dim=0)
        rows = _move(rows.flatten(end_dim=1), turns).reshape(rows.shape)
    mean, scale = reader.spread("mean"), reader.spread("scale")
    if params.light:
        contrast, shift = _draw_between(-params.light, params.light, 2, windows, 1, 1, 1, 1).to(
            rows
        )
        rows = rows + contrast * (rows - mean) + shift * scale
    if params.erase:
        hidden = draw_rectangles(windows, height, width, params.erase).to(rows.device)
        rows = torch.where(hidden[:, None, None], mean, rows)
    return replace(stream, rows=rows)


def draw_turns(
    windows: int, aspect: float, params: PictureAugmentParams
) -> Float[Tensor, "windows 2 3"]:
    """Where in a picture, as wide as `aspect` times its height, each place's content comes from.

    Places are (x, y, 1), from -1 to 1 across the picture, as `affine_grid` has them.
    """
    angles = _draw_between(-params.degrees, params.degrees, windows).deg2rad()
    kept = _draw_between(params.crop, 1.0, windows)
    mirrored = torch.rand(windows) < 0.5 * params.mirror
    across = torch.where(mirrored, -kept, kept)
    moved = (1 - kept) * _draw_between(-1.0, 1.0, 2, windows)
    right = (across * angles.cos(), -kept * angles.sin() / aspect, moved[0])
    down = (across * angles.sin() * aspect, kept * angles.cos(), moved[1])
    return torch.stack([torch.stack(right, dim=1), torch.stack(down, dim=1)], dim=1)


def draw_rectangles(
    windows: int, height: int, width: int, chance: float
) -> Bool[Tensor, "windows height width"]:
    """Which places lie in a rectangle of their window, where it has one."""
    rows, columns = (_draw_stretches(windows, size) for size in (height, width))
    chosen = torch.rand(windows) < chance
    return rows[:, :, None] & columns[:, None, :] & chosen[:, None, None]


def _draw_stretches(windows: int, size: int) -> Bool[Tensor, "windows places"]:
    lengths = size * _draw_between(*ERASED, windows, 1)
    starts = torch.rand(windows, 1) * (size - lengths)
    places = torch.arange(size) + 0.5
    return (places >= starts) & (places < starts + lengths)


def _move(pictures: Pictures, turns: Float[Tensor, "rows 2 3"]) -> Pictures:
    grid = F.affine_grid(turns, list(pictures.shape), align_corners=False)
    moved: Tensor = F.grid_sample(pictures, grid, padding_mode="reflection", align_corners=False)
    return moved


def _draw_between(least: float, most: float, *sizes: int) -> Tensor:
    return least + (most - least) * torch.rand(sizes)
