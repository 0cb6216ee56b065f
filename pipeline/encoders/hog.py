"""Histograms of oriented gradients: which way the edges of a picture run, cell by cell.

Source: N. Dalal and B. Triggs, "Histograms of oriented gradients for human detection", CVPR 2005.
OpenCV's takes 0.1 ms for 64 x 64 pixels, scikit-image's 1.4 ms.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from pipeline.encoders.params import HogParams
from pipeline.modalities import Modality
from pipeline.rows import FrameRun, Frames, Rows


class Encoder:
    """One row per frame with the frame's stretch, or one per clip with `statistics`."""

    version: ClassVar[int] = 1
    modalities: ClassVar[frozenset[Modality]] = frozenset({"face", "scene"})

    def __init__(self, params: HogParams, device: str = "cpu") -> None:
        self.params = params
        image, block, cell = (
            (side, side) for side in (params.pixels, params.block * params.cell, params.cell)
        )
        self.descriptor = cv2.HOGDescriptor(image, block, cell, cell, params.orientations)

    @property
    def row_shape(self) -> tuple[int]:
        """Length of the descriptor, three times over with `statistics`."""
        return (self.descriptor.getDescriptorSize() * (3 if self.params.statistics else 1),)

    @property
    def run(self) -> FrameRun | None:
        """Single frames, unless the whole clip is summed up."""
        return None if self.params.statistics else FrameRun()

    @property
    def provenance(self) -> dict[str, Any]:
        """Nothing beyond the params shapes the rows."""
        return {}

    def encode(self, clips: Sequence[Frames]) -> list[Rows]:
        """Rows of each clip; none for a clip without frames."""
        return [self._encode_clip(clip) for clip in clips]

    def _encode_clip(self, clip: Frames) -> Rows:
        starts, ends = clip.start_seconds, clip.end_seconds
        if not len(clip.images):
            return Rows(np.zeros((0, *self.row_shape), np.float32), starts, ends, starts > 0)
        rows = np.stack([self._describe(image) for image in clip.images])
        if self.params.statistics:
            rows, starts, ends = summarise(rows)[None], starts[:1], ends[-1:]
        return Rows(rows, starts, ends, np.ones(len(rows), bool))

    def _describe(self, image: UInt8[np.ndarray, "height width 3"]) -> Float[np.ndarray, " dim"]:
        side = self.params.pixels
        resized = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
        return np.asarray(self.descriptor.compute(resized)).reshape(-1)


def summarise(rows: Float[np.ndarray, "frames dim"]) -> Float[np.ndarray, " dim3"]:
    """Mean, standard deviation and mean absolute change; a single frame does not change."""
    changes = np.abs(np.diff(rows, axis=0, prepend=rows[:1]))[1:] if len(rows) > 1 else rows * 0
    return np.concatenate([rows.mean(0), rows.std(0), changes.mean(0)])
