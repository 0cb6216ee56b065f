"""Faces by a cascade of local binary patterns: frontal ones, without a network or a download.

Liao et al. 2007, "Learning Multi-scale Block Local Binary Patterns for Face Recognition", with
the cascade that scikit-image ships.
"""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8
from skimage.data import lbp_frontal_face_cascade_filename
from skimage.feature import Cascade

from pipeline.faces.boxes import intersect_boxes, measure_areas, measure_overlap
from pipeline.faces.contract import Faces, Search

SHORT_SIDE_PIXELS = 144
"""Frames are searched at this size: on real talkers 120 missed more faces, and 192 saw more that
were none."""

SCALE_STEP = 1.15
"""Growth of the search window from one pass to the next."""

NEIGHBOURS = 2.0
"""Windows that must agree on a face: with 3, a quarter of the frames of a face a third of the
frame wide were missed; with 1, textures are faces."""

LARGE_SHARE = 0.3
"""Faces this large, as a share of the shorter side, are looked for first: a third of the work."""

SMALL_SHARE = 0.2
"""Smaller ones are not looked for: textures of that size are faces, too."""

SAME_FACE = 0.4
"""Windows whose intersection over union exceeds this see the same face."""

COVERED = 0.5
"""A window of which this share lies in a better face, or the reverse, is no face of its own."""


def place_weights(_: str | None) -> list[Path]:
    """None: the cascade comes with scikit-image."""
    return []


class Detector:
    """Finds upright, frontal faces at least SMALL_SHARE of the frame's shorter side wide.

    Those under LARGE_SHARE are looked for where there is no larger one. A score is the number of
    search windows that agree on the face; there are no landmarks.
    """

    version = 1
    search_pixels = None
    margin_free = False
    gives_landmarks = False
    batched = False

    def __init__(self, search: Search) -> None:
        self._neighbours = NEIGHBOURS if search.min_score is None else search.min_score
        path = lbp_frontal_face_cascade_filename()  # type: ignore[no-untyped-call]
        self._cascade = Cascade(path)

    def detect(self, frames: Sequence[UInt8[np.ndarray, "height width 3"]]) -> list[Faces]:
        """One `Faces` for each of `frames`, in order, empty where none is found."""
        return [self._detect_one(frame) for frame in frames]

    def _detect_one(self, frame: UInt8[np.ndarray, "height width 3"]) -> Faces:
        height, width = frame.shape[:2]
        scale = SHORT_SIDE_PIXELS / min(height, width)
        size = (round(width * scale), round(height * scale))
        shrunk = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
        grey = cv2.cvtColor(shrunk, cv2.COLOR_RGB2GRAY)
        windows = self._search(grey, LARGE_SHARE, 1.0)
        boxes, scores = _agree(windows, self._neighbours)
        if len(boxes) == 0:
            smaller = self._search(grey, SMALL_SHARE, LARGE_SHARE)
            boxes, scores = _agree(np.concatenate([windows, smaller]), self._neighbours)
        return Faces(boxes / scale, scores, np.full((len(boxes), 5, 2), np.nan))

    def _search(
        self, grey: UInt8[np.ndarray, "height width"], low: float, high: float
    ) -> Float[np.ndarray, "windows 4"]:
        """Windows that pass every stage of the cascade, ungrouped, in a fixed order.

        `low` and `high` bound their side as shares of the shorter side.
        """
        low_pixels, high_pixels = round(low * SHORT_SIDE_PIXELS), round(high * SHORT_SIDE_PIXELS)
        found = self._cascade.detect_multi_scale(
            grey,
            scale_factor=SCALE_STEP,
            step_ratio=1,
            min_size=(low_pixels, low_pixels),
            max_size=(high_pixels, high_pixels),
            min_neighbor_number=1,
            intersection_score_threshold=2.0,  # a share above 1 keeps it from grouping them
        )
        corners = sorted((w["c"], w["r"], w["c"] + w["width"], w["r"] + w["height"]) for w in found)
        return np.array(corners, dtype=np.float64).reshape(-1, 4)


def _agree(
    windows: Float[np.ndarray, "windows 4"], neighbours: float
) -> tuple[Float[np.ndarray, "faces 4"], Float[np.ndarray, " faces"]]:
    """Mean boxes of windows that agree, and how many did: most first, none inside a better one."""
    boxes, scores = [], []
    while len(windows):
        same = measure_overlap(windows, windows) > SAME_FACE
        best = same.sum(axis=1).argmax()
        if same[best].sum() < neighbours:
            break
        boxes.append(windows[same[best]].mean(axis=0))
        scores.append(float(same[best].sum()))
        windows = windows[~(same[best] | _covered(windows, boxes[-1]))]
    return np.array(boxes).reshape(-1, 4), np.array(scores)


def _covered(
    windows: Float[np.ndarray, "windows 4"], box: Float[np.ndarray, "4"]
) -> Bool[np.ndarray, " windows"]:
    """Which of `windows` lie in `box`, or it in them."""
    smaller = np.minimum(measure_areas(windows), measure_areas(box[None]))
    covered: Bool[np.ndarray, " windows"] = (
        intersect_boxes(windows, box[None])[:, 0] > COVERED * smaller
    )
    return covered
