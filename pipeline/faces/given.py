"""The face crops that a corpus ships: a picture for each frame that shows a face."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8

from pipeline.faces import whole
from pipeline.faces.contract import Faces

place_weights = whole.place_weights


class Detector(whole.Detector):
    """Gives one face to each picture, as `whole` does, and none to a frame without one."""

    def detect(self, frames: Sequence[UInt8[np.ndarray, "height width 3"]]) -> list[Faces]:
        """One `Faces` for each of `frames`, in order, empty for an image of no pixels."""
        return [faces.select(faces.boxes[:, 2] > 0) for faces in super().detect(frames)]
