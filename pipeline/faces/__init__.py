"""Faces: detectors find them in frames, crops cut them out.

A detector is a module with one name, `Detector`, of the form below.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, UInt8

from pipeline.families import Family

DETECTORS = Family("detector", {"cascade": "pipeline.faces.cascade"})


@dataclass(frozen=True)
class Faces:
    """Faces of one frame, best first.

    `boxes` are left, top, right, bottom in pixels, half-open; `scores` rise with certainty,
    their unit is the detector's own; `landmarks` are the eyes, nose tip and mouth corners
    (x, y in pixels; the left of the image first), NaN where a detector gives none.
    """

    boxes: Float[np.ndarray, "faces 4"]
    scores: Float[np.ndarray, " faces"]
    landmarks: Float[np.ndarray, "faces 5 2"]

    def __len__(self) -> int:
        return len(self.boxes)


@runtime_checkable
class Detector(Protocol):
    """Finds faces in RGB frames of one size."""

    version: ClassVar[int]
    """Raised whenever the output changes; part of every key."""

    def detect(self, frames: Sequence[UInt8[np.ndarray, "height width 3"]]) -> list[Faces]:
        """One `Faces` for each of `frames`, in order, empty where none is found."""
