"""Face crops: which face of a frame is followed, its square cut out, and JPEG to keep it in.

OpenCV's blue-green-red order never leaves this file.
"""

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from pipeline.errors import StoreError
from pipeline.faces import Faces


def choose_face(faces: Faces, previous_box: Float[np.ndarray, "4"] | None) -> int | None:
    """Index of the face that overlaps `previous_box` most, else of the largest; None without any.

    Overlap is intersection over union, so a passer-by who comes nearer does not take over.
    """
    if len(faces) == 0:
        return None
    sizes = faces.boxes[:, 2:] - faces.boxes[:, :2]
    areas = sizes.prod(axis=1)
    if previous_box is not None:
        overlaps = _overlap(faces.boxes, previous_box)
        if overlaps.max() > 0:
            return int(overlaps.argmax())
    return int(areas.argmax())


def crop_face(
    image: UInt8[np.ndarray, "height width 3"],
    box: Float[np.ndarray, "4"],
    *,
    size: int,
    margin: float,
) -> UInt8[np.ndarray, "size size 3"]:
    """Square round the centre of `box`, scaled to `size`.

    Its side is the longer one of the box, and `margin` of that more on each side.
    Beyond the image its edge pixels are repeated, so a crop is never empty or black.
    """
    height, width = image.shape[:2]
    side = max(1, round(float(max(box[2] - box[0], box[3] - box[1])) * (1 + 2 * margin)))
    left, right, before, after = _span(round(float(box[0] + box[2] - side) / 2), side, width)
    top, bottom, above, below = _span(round(float(box[1] + box[3] - side) / 2), side, height)
    inside = image[top:bottom, left:right]
    square = cv2.copyMakeBorder(inside, above, below, before, after, cv2.BORDER_REPLICATE)
    # Area averaging is the only one that keeps a small crop of a large face free of aliasing.
    how = cv2.INTER_AREA if side > size else cv2.INTER_CUBIC
    crop: UInt8[np.ndarray, "size size 3"] = cv2.resize(square, (size, size), interpolation=how)
    return crop


def scale_frame(
    image: UInt8[np.ndarray, "height width 3"], pixels: int
) -> UInt8[np.ndarray, "pixels _ 3"]:
    """Whole `image` at a height of `pixels`, its shape kept."""
    height, width = image.shape[:2]
    size = (max(1, round(width * pixels / height)), pixels)
    how = cv2.INTER_AREA if height > pixels else cv2.INTER_CUBIC
    scaled: UInt8[np.ndarray, "pixels _ 3"] = cv2.resize(image, size, interpolation=how)
    return scaled


def encode_jpeg(image: UInt8[np.ndarray, "height width 3"], quality: int) -> bytes:
    """JPEG file of an RGB image, `quality` from 1 to 100."""
    _, data = cv2.imencode(
        ".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    return bytes(data)


def decode_jpeg(data: bytes) -> UInt8[np.ndarray, "height width 3"]:
    """RGB image of a JPEG file; raises StoreError where `data` is none."""
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if image is None:
        raise StoreError(
            f"expected a JPEG file, got {len(data)} bytes that begin {data[:8]!r}; "
            "delete the part and run `dvc repro` again"
        )
    rgb: UInt8[np.ndarray, "height width 3"] = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    return rgb


def _span(start: int, side: int, length: int) -> tuple[int, int, int, int]:
    """What of `[start, start + side)` lies in `[0, length)`, and how much to add on both ends.

    Outside altogether, the nearest pixel stands for all.
    """
    low = min(max(start, 0), length - 1)
    high = min(max(start + side, low + 1), length)
    missing = side - (high - low)
    before = min(max(-start, 0), missing)
    return low, high, before, missing - before


def _overlap(
    boxes: Float[np.ndarray, "faces 4"], box: Float[np.ndarray, "4"]
) -> Float[np.ndarray, " faces"]:
    """Intersection over union of each of `boxes` with `box`."""
    low = np.maximum(boxes[:, :2], box[:2])
    high = np.minimum(boxes[:, 2:], box[2:])
    shared = np.clip(high - low, 0, None).prod(axis=1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    overlap: Float[np.ndarray, " faces"] = shared / (areas + (box[2:] - box[:2]).prod() - shared)
    return overlap
