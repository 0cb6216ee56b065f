"""Face crops: a face cut out of its frame, square or aligned, and JPEG to keep it in.

OpenCV's blue-green-red order never leaves this file.
"""

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from pipeline.errors import MediaError
from pipeline.limits import MOST_PIXELS, MOST_SIDE

ALIGNED_POINTS = np.array(
    [
        [38.2946, 51.6963],
        [73.5318, 51.5014],
        [56.0252, 71.7366],
        [41.5493, 92.3655],
        [70.7299, 92.2041],
    ]
)
"""Where eyes, nose tip and mouth corners lie in an aligned crop of ALIGNED_PIXELS.

Those that ArcFace was trained on (Deng et al., CVPR 2019), and face networks after it.
"""

ALIGNED_PIXELS = 112


def crop_face(
    image: UInt8[np.ndarray, "height width 3"],
    box: Float[np.ndarray, "4"],
    *,
    size: int,
    margin: float,
) -> UInt8[np.ndarray, "size size 3"]:
    """Square round the centre of `box`, scaled to `size`.

    Its side is the longer one of the box, and `margin` of that more on each side.
    Beyond the image its edge pixels are repeated, so a crop is never empty or black. Raises
    MediaError `undecodable` beyond MOST_SIDE: a line of pixels would become a square of them.
    """
    height, width = image.shape[:2]
    side = max(1, round(float(max(box[2] - box[0], box[3] - box[1])) * (1 + 2 * margin)))
    if side > MOST_SIDE:
        told = f"expected a face of at most {MOST_SIDE:,} pixels a side, got {side:,}"
        raise MediaError("undecodable", f"{told}; replace the file")
    left, right, before, after = _span(round(float(box[0] + box[2] - side) / 2), side, width)
    top, bottom, above, below = _span(round(float(box[1] + box[3] - side) / 2), side, height)
    inside = image[top:bottom, left:right]
    square = cv2.copyMakeBorder(inside, above, below, before, after, cv2.BORDER_REPLICATE)
    # Area averaging is the only one that keeps a small crop of a large face free of aliasing.
    how = cv2.INTER_AREA if side > size else cv2.INTER_CUBIC
    crop: UInt8[np.ndarray, "size size 3"] = cv2.resize(square, (size, size), interpolation=how)
    return crop


def align_face(
    image: UInt8[np.ndarray, "height width 3"], landmarks: Float[np.ndarray, "5 2"], *, size: int
) -> UInt8[np.ndarray, "size size 3"]:
    """Crop of side `size` whose five points lie as near to ALIGNED_POINTS as turning lets them.

    Turned, scaled and moved, never sheared or mirrored: the similarity of least squares.
    Beyond the image its edge pixels are repeated.
    """
    places = ALIGNED_POINTS * size / ALIGNED_PIXELS
    scale = float(np.hypot(*fit_similarity(landmarks, places)[0, :2]))
    image, points = _cut_round(image, landmarks, reach=size / scale)
    if scale < 1:  # warping samples points: only shrinking first is free of aliasing
        height, width = image.shape[:2]
        shrunk = (max(1, round(width * scale)), max(1, round(height * scale)))
        image = cv2.resize(image, shrunk, interpolation=cv2.INTER_AREA)
        points = (points + 0.5) * shrunk / (width, height) - 0.5
    moved = fit_similarity(points, places)
    crop: UInt8[np.ndarray, "size size 3"] = cv2.warpAffine(
        image, moved, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return crop


def _cut_round(
    image: UInt8[np.ndarray, "height width 3"], points: Float[np.ndarray, "points 2"], reach: float
) -> tuple[UInt8[np.ndarray, "_ _ 3"], Float[np.ndarray, "points 2"]]:
    """Part of `image` within `reach` of the middle of `points`, and `points` in it."""
    height, width = image.shape[:2]
    middle = points.mean(axis=0)
    left, top = (np.clip(np.floor(middle - reach), 0, (width - 1, height - 1))).astype(int)
    right, bottom = (np.ceil(middle + reach)).astype(int) + 1
    part = image[top : max(bottom, top + 1), left : max(right, left + 1)]
    return part, points - (left, top)


def fit_similarity(
    points: Float[np.ndarray, "points 2"], places: Float[np.ndarray, "points 2"]
) -> Float[np.ndarray, "2 3"]:
    """Matrix that turns, scales and moves `points` as near to `places` as squares measure.

    As numbers of the complex plane, places = turn * points + shift.
    """
    before, after = points @ (1, 1j), places @ (1, 1j)
    from_middle = before - before.mean()
    turn = np.vdot(from_middle, after) / np.vdot(from_middle, from_middle)
    shift = after.mean() - turn * before.mean()
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def scale_frame(
    image: UInt8[np.ndarray, "height width 3"], pixels: int
) -> UInt8[np.ndarray, "pixels _ 3"]:
    """Whole `image` at a height of `pixels`, its shape kept.

    Raises MediaError `undecodable` beyond MOST_PIXELS, to which a line of pixels may grow.
    """
    height, width = image.shape[:2]
    size = (max(1, round(width * pixels / height)), pixels)
    if size[0] * size[1] > MOST_PIXELS:
        told = f"expected a frame of at most {MOST_PIXELS:,} pixels, got {size[0]:,} x {size[1]:,}"
        raise MediaError("undecodable", f"{told}; replace the file")
    how = cv2.INTER_AREA if height > pixels else cv2.INTER_CUBIC
    scaled: UInt8[np.ndarray, "pixels _ 3"] = cv2.resize(image, size, interpolation=how)
    return scaled


def _span(start: int, side: int, length: int) -> tuple[int, int, int, int]:
    """What of `[start, start + side)` lies in `[0, length)`, and how much to add on both ends.

    Outside altogether, the nearest pixel stands for all.
    """
    low = min(max(start, 0), length - 1)
    high = min(max(start + side, low + 1), length)
    missing = side - (high - low)
    before = min(max(-start, 0), missing)
    return low, high, before, missing - before
