"""Boxes: where a face is between the frames in which it was found."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from jaxtyping import Float64, Int64

Times = Float64[np.ndarray, " times"]

STEP_SECONDS = 0.2
"""From one frame that is searched to the next, where only one of a film has the face."""

MOST_SECONDS = 1.0
"""Of such a step: faces that are found less often were not there in between."""


@dataclass(frozen=True)
class FacePath:
    """Where a face was found: the number of its track and its box, in pixels, at `seconds`.

    `step` are the seconds from one frame that was searched to the next.
    """

    seconds: Float64[np.ndarray, " found"]
    tracks: Int64[np.ndarray, " found"]
    boxes: Float64[np.ndarray, "found 4"]
    step: float

    @classmethod
    def of(cls, faces: pa.Table) -> "FacePath":
        """That of rows of `data/face`, in order of time."""
        seconds, tracks = (faces[name].to_numpy() for name in ("seconds", "track"))
        boxes = np.array(faces["box"].to_pylist(), np.float64).reshape(-1, 4)
        apart = np.diff(np.unique(seconds))  # the least, for faces are lost in between
        step = min(float(apart.min()), MOST_SECONDS) if len(apart) else STEP_SECONDS
        return cls(seconds, tracks, boxes, step)

    def follow(self, seconds: Times) -> Float64[np.ndarray, "times 4"]:
        """Box at each of `seconds`; NaN where the face was not found around there.

        From one frame that was searched to the next a box moves in a line; before the first and
        after the last of some in a row it stands for half of such a step.
        """
        found, last = self.seconds, len(self.seconds) - 1
        after = np.clip(np.searchsorted(found, seconds), 0, last)
        before = np.maximum(after - 1, 0)
        share = self._measure_share(before, after, seconds)
        boxes: Float64[np.ndarray, "times 4"] = self.boxes[before] + share[:, None] * (
            self.boxes[after] - self.boxes[before]
        )
        near = np.where(share < 0.5, before, after)
        linked = (found[after] - found[before] <= 1.5 * self.step) & (
            self.tracks[before] == self.tracks[after]
        )
        apart = ~linked | (seconds < found[0]) | (seconds > found[last])
        boxes[apart] = self.boxes[near[apart]]
        boxes[apart & (np.abs(found[near] - seconds) > self.step / 2)] = np.nan
        return boxes

    def _measure_share(
        self,
        before: Int64[np.ndarray, " times"],
        after: Int64[np.ndarray, " times"],
        seconds: Times,
    ) -> Times:
        """How far each of `seconds` is on the way from one place to the next, from 0 to 1."""
        length = self.seconds[after] - self.seconds[before]
        gone = seconds - self.seconds[before]
        share: Times = np.clip(gone / np.where(length > 0, length, 1.0), 0.0, 1.0)
        return share
