"""The face crops that a corpus ships: a picture for each frame that shows a face."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from pipeline.faces import Faces, Search, whole


def place_weights(_: str | None) -> list[Path]:
    """None: the corpus has found the faces."""
    return []


class Detector:
    """Gives one face to each picture, as `whole` does, and none to a frame without one."""

    version = 1
    search_pixels = None
    margin_free = True
    gives_landmarks = False
    batched = False

    def __init__(self, search: Search) -> None:
        self._whole = whole.Detector(search)

    def detect(self, frames: Sequence[UInt8[np.ndarray, "height width 3"]]) -> list[Faces]:
        """One `Faces` for each of `frames`, in order, empty for an image of no pixels."""
        return [faces.select(faces.boxes[:, 2] > 0) for faces in self._whole.detect(frames)]
