"""JPEG: pictures as the stores keep them.

OpenCV's blue-green-red order never leaves this file.
"""

import struct

import cv2
import numpy as np
from jaxtyping import UInt8

from pipeline.errors import MediaError
from pipeline.limits import JPEG_PIXELS, MOST_PIXELS, MOST_RATIO

_SKIPPED = frozenset({0xC4, 0xDB, 0xDD, *range(0xE0, 0xF0), 0xFE})
"""Second bytes of what may stand before the size: tables, an interval, whatever programs say, a
comment. Of others, decoders may not skip what is skipped here, and find another size in it."""
_BASELINE = b"\xff\xc0"
_SCAN = b"\xff\xda"


def encode_jpeg(image: UInt8[np.ndarray, "height width 3"], quality: int) -> bytes:
    """JPEG file of an RGB image, `quality` from 1 to 100."""
    _, data = cv2.imencode(
        ".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    return bytes(data)


def decode_jpeg(data: bytes) -> UInt8[np.ndarray, "height width 3"]:
    """RGB image of a JPEG file; raises MediaError `unreadable` where `data` is none.

    Or none as `encode_jpeg` makes them, of more pixels than its bytes can hold; or a line. OpenCV
    would read other formats too, and first take as much memory as a picture says it needs.
    """
    pixels = count_pixels(data)
    if pixels > MOST_PIXELS:
        told = f"expected a picture of at most {MOST_PIXELS:,} pixels, got {pixels:,}"
        raise MediaError("unreadable", told)
    if pixels > JPEG_PIXELS * len(data):
        told = f"expected a picture, got {len(data):,} bytes for {pixels:,} pixels"
        raise MediaError("unreadable", told)
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if pixels else None
    if image is None:
        raise MediaError(
            "unreadable",
            f"expected a JPEG file, got {len(data)} bytes that begin {data[:8]!r}; "
            "delete the part and run `dvc repro` again",
        )
    height, width = image.shape[:2]
    if max(height, width) > MOST_RATIO * min(height, width):
        raise MediaError("unreadable", f"expected a picture, got a line of {width:,} x {height:,}")
    rgb: UInt8[np.ndarray, "height width 3"] = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    return rgb


def count_pixels(data: bytes) -> int:
    """Pixels that the header of a JPEG file tells of; 0 where it is no such header (ITU-T T.81, B).

    Nor one of a picture that comes in several scans, or may: each goes over all pixels again, in
    ten bytes.

    >>> count_pixels(encode_jpeg(np.zeros((3, 5, 3), np.uint8), 90)), count_pixels(b"GIF89a")
    (15, 0)
    """
    place = 2 if data.startswith(b"\xff\xd8") else len(data)
    while place + 9 <= len(data) and data[place] == 0xFF and data[place + 1] in _SKIPPED:
        place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    if data[place : place + 2] != _BASELINE or data.count(_SCAN, place) != 1:
        return 0
    height, width = struct.unpack_from(">HH", data.ljust(place + 9, b"\0"), place + 5)
    return int(height) * int(width)
