"""The frame is the face: for corpora of face crops, or to encode whole frames as faces."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from pipeline.faces.contract import Faces, Search


def place_weights(_: str | None) -> list[Path]:
    """None: nothing is searched for."""
    return []


class Detector:
    """Gives one face to each frame: all of it, score 1, without landmarks."""

    version = 1
    search_pixels = None
    margin_free = True
    gives_landmarks = False
    batched = False

    def __init__(self, search: Search) -> None: ...

    def detect(self, frames: Sequence[UInt8[np.ndarray, "height width 3"]]) -> list[Faces]:
        """One `Faces` for each of `frames`, in order, of one box over the whole frame."""
        return [_cover(frame) for frame in frames]


def _cover(frame: UInt8[np.ndarray, "height width 3"]) -> Faces:
    height, width = frame.shape[:2]
    box = np.array([[0, 0, width, height]], dtype=np.float64)
    return Faces(box, np.ones(1), np.full((1, 5, 2), np.nan))
