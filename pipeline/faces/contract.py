"""What every detector is: frames in, the faces of each out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, UInt8


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

    def select(self, chosen: Bool[np.ndarray, " faces"]) -> "Faces":
        """Those that are `chosen`."""
        return Faces(self.boxes[chosen], self.scores[chosen], self.landmarks[chosen])


@dataclass(frozen=True)
class Search:
    """What a detector is told: `min_score` None is its own, `weights` as in `place_weights`."""

    weights: str | None = None
    min_score: float | None = None
    device: str = "cpu"
    precision: Literal["fp32", "fp16", "bf16"] = "fp32"


@runtime_checkable
class Detector(Protocol):
    """Finds faces in RGB frames; each frame gives what it gives alone."""

    version: ClassVar[int]
    """Raised whenever the output changes; part of every key."""

    search_pixels: ClassVar[int | None]
    """Longer side to which frames are shrunk before `detect`, unless params.yaml says another."""

    margin_free: ClassVar[bool]
    """Whether it looks for nothing: frames are not shrunk, and its boxes are cut as they are."""

    gives_landmarks: ClassVar[bool]
    """Whether faces have landmarks."""

    batched: ClassVar[bool]
    """Whether it is a network on a device, which gains by many frames at once."""

    def __init__(self, search: Search) -> None: ...

    def detect(self, frames: Sequence[UInt8[np.ndarray, "height width 3"]]) -> list[Faces]:
        """One `Faces` for each of `frames`, in order, empty where none is found.

        Frames are of one size where the detector is `batched`.
        """
