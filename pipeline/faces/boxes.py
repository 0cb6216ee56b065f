"""Boxes: their areas, and what they share; left, top, right, bottom in pixels, half-open."""

import numpy as np
from jaxtyping import Float


def measure_areas(boxes: Float[np.ndarray, "boxes 4"]) -> Float[np.ndarray, " boxes"]:
    """Area of each of `boxes`."""
    areas: Float[np.ndarray, " boxes"] = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    return areas


def intersect_boxes(
    first: Float[np.ndarray, "first 4"], second: Float[np.ndarray, "second 4"]
) -> Float[np.ndarray, "first second"]:
    """Area that each box of `first` shares with each of `second`."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared: Float[np.ndarray, "first second"] = np.prod(np.clip(high - low, 0, None), axis=2)
    return shared


def measure_overlap(
    first: Float[np.ndarray, "first 4"], second: Float[np.ndarray, "second 4"]
) -> Float[np.ndarray, "first second"]:
    """Intersection over union of each box of `first` with each of `second`, none of them empty."""
    shared = intersect_boxes(first, second)
    union = measure_areas(first)[:, None] + measure_areas(second) - shared
    overlap: Float[np.ndarray, "first second"] = shared / union
    return overlap
