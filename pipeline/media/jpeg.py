"""JPEG: pictures as the stores keep them.

OpenCV's blue-green-red order never leaves this file.
"""

import cv2
import numpy as np
from jaxtyping import UInt8

from pipeline.errors import StoreError


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
