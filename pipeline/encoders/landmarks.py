"""Geometry of the face: where eyes, nose and mouth corners lie in it, and how the head moves."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float

from pipeline.encoders.params import LandmarksParams
from pipeline.errors import StoreError
from pipeline.modalities import Modality
from pipeline.rows import FrameRun, Frames, Rows

POINTS = 5


class Encoder:
    """One row per frame: x and y of five points, and three numbers of motion if asked.

    Points are counted from their own centre, in units of their root mean square distance from
    it; so place and size of the face do not count, its tilt and turn do. Motion is that of the
    centre to the right and down, in the same units per second, and the growth of the logarithm
    of the distance per second, which is positive for a face that comes nearer.
    A frame without landmarks is not valid; neither is, with motion, the only frame of a clip that
    has some.
    """

    version: ClassVar[int] = 1
    modalities: ClassVar[frozenset[Modality]] = frozenset({"face"})

    def __init__(self, params: LandmarksParams, device: str = "cpu") -> None:
        self.motion = params.motion

    @property
    def row_shape(self) -> tuple[int]:
        """Numbers of a row."""
        return (2 * POINTS + (3 if self.motion else 0),)

    @property
    def run(self) -> FrameRun | None:
        """Single frames, unless what is around them counts."""
        return None if self.motion else FrameRun()

    @property
    def provenance(self) -> dict[str, Any]:
        """Nothing beyond the params shapes the rows."""
        return {}

    def encode(self, clips: Sequence[Frames]) -> list[Rows]:
        """Rows of each clip; raises StoreError for frames that come without landmarks."""
        return [self._encode_clip(clip) for clip in clips]

    def _encode_clip(self, clip: Frames) -> Rows:
        if clip.landmarks is None:
            raise StoreError(
                "landmarks: expected face crops with their landmarks, got frames without; make "
                "data/face again by `dvc repro --force faces`"
            )
        points = clip.landmarks.astype(np.float64)
        valid = measure_scale(points) > 0
        if self.motion and valid.sum() == 1:
            valid[:] = False
        rows = np.zeros((len(points), *self.row_shape), np.float32)
        if valid.any():
            rows[valid] = self._describe(points[valid], clip.start_seconds[valid])
        return Rows(rows, clip.start_seconds, clip.end_seconds, valid)

    def _describe(
        self, points: Float[np.ndarray, "frames 5 2"], seconds: Float[np.ndarray, " frames"]
    ) -> Float[np.ndarray, "frames dim"]:
        placed = place_points(points).reshape(len(points), -1)
        moved = [measure_motion(points, seconds)] if self.motion else []
        return np.concatenate([placed, *moved], axis=1)


def measure_scale(points: Float[np.ndarray, "frames 5 2"]) -> Float[np.ndarray, " frames"]:
    """Root mean square distance of a face's points from their centre; NaN where one is."""
    around = points - points.mean(1, keepdims=True)
    scale: Float[np.ndarray, " frames"] = np.sqrt(np.square(around).sum(2).mean(1))
    return scale


def place_points(points: Float[np.ndarray, "frames 5 2"]) -> Float[np.ndarray, "frames 5 2"]:
    """Points from their centre, in units of their scale."""
    around = points - points.mean(1, keepdims=True)
    placed: Float[np.ndarray, "frames 5 2"] = around / measure_scale(points)[:, None, None]
    return placed


def measure_motion(
    points: Float[np.ndarray, "frames 5 2"], seconds: Float[np.ndarray, " frames"]
) -> Float[np.ndarray, "frames 3"]:
    """Move of the centre in scales, and growth of the scale's logarithm, per second.

    Each is the slope through the frames before and after, whatever lies between them.
    """
    scale = measure_scale(points)
    centre_slopes = np.gradient(points.mean(1), seconds, axis=0) / scale[:, None]
    return np.column_stack([centre_slopes, np.gradient(np.log(scale), seconds)])
