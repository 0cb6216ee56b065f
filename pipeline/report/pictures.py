"""Pictures inside pages: small JPEG files as text, and which of many are shown."""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import cv2
import numpy as np
from jaxtyping import UInt8

from pipeline.errors import MediaError, StoreError
from pipeline.faces.searching import shrink_image
from pipeline.media.jpeg import decode_jpeg, encode_jpeg
from pipeline.store.reader import MediaStore

QUALITY = 80
"""JPEG quality of what is shown small."""

ItemT = TypeVar("ItemT")


def embed_image(image: UInt8[np.ndarray, "height width 3"], longer_side: int) -> str:
    """Address that holds `image`, its longer side at most so many pixels, as JPEG."""
    return _address(encode_jpeg(shrink_image(image, longer_side), QUALITY))


def embed_crop(data: bytes, pixels: int) -> str:
    """Address that holds the crop of a JPEG file at a side of `pixels` at most."""
    crop = decode_jpeg(data)
    side = min(pixels, len(crop))
    shrunk = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
    return _address(encode_jpeg(shrunk, QUALITY))


def pick_evenly(items: Sequence[ItemT], most: int) -> list[ItemT]:
    """At most so many of `items`, evenly spread, with the first and the last."""
    if len(items) <= most:
        return list(items)
    places = np.linspace(0, len(items) - 1, most).round().astype(int)
    return [items[place] for place in places.tolist()]


def _address(data: bytes) -> str:
    return f"data:image/jpeg;base64,{b64encode(data).decode()}"


@contextmanager
def name_clip(store: MediaStore, clip_id: str) -> Iterator[None]:
    """Within this, a picture that cannot be read is a StoreError that tells whose it is."""
    try:
        yield
    except MediaError as error:
        raise StoreError(f"{store.path}: {clip_id}: {error.detail}") from error
