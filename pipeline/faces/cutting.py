"""Cutting: one clip's video → one face crop per sampled frame that shows a face."""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from pipeline.errors import MediaError
from pipeline.faces import DETECTORS, Faces
from pipeline.faces.crops import choose_face, crop_face, encode_jpeg
from pipeline.media.video import Frame, read_frames

Box = tuple[float, float, float, float]


@dataclass(frozen=True, kw_only=True)
class CropSpec:
    """How faces are cut: `size` in pixels, `margin` a share of the face's longer side.

    `rate_hz` is None for every frame; `start_seconds` and `end_seconds` bound the stretch.
    """

    detector: str
    rate_hz: float | None
    size: int
    margin: float
    jpeg_quality: int
    start_seconds: float | None = None
    end_seconds: float | None = None


@dataclass(frozen=True)
class FaceRow:
    """One crop: the number and the time of its frame in the stretch, and where the face was.

    `box` and the ten of `landmarks` (x, y of five points, NaN without) are in pixels of the
    upright frame. `track` tells persons apart; `marks` are remarks parted by commas.
    """

    frame: int
    seconds: float
    jpeg: bytes
    box: Box
    score: float
    landmarks: tuple[float, ...]
    track: int
    marks: str


def cut_faces(path: Path, *, spec: CropSpec) -> list[FaceRow]:
    """Crops of the face that is followed through the clip, in order, one or none per frame.

    Where the video breaks off, the last row is marked `truncated` or `undecodable`. Raises
    MediaError as `read_frames` does, and for a broken video that gave no row.
    """
    detector = _detector(spec.detector)
    rows: list[FaceRow] = []
    try:
        for frame in read_frames(
            path,
            rate_hz=spec.rate_hz,
            start_seconds=spec.start_seconds,
            end_seconds=spec.end_seconds,
        ):
            (faces,) = detector.detect([frame.image])
            chosen = choose_face(faces, np.array(rows[-1].box) if rows else None)
            if chosen is not None:
                rows.append(_cut_row(frame, faces, chosen, spec))
    except MediaError as error:
        if not rows:
            raise
        rows[-1] = replace(rows[-1], marks=error.reason)
    return rows


@lru_cache(maxsize=1)
def _detector(name: str) -> Any:
    """Detector `name`, made once in each worker."""
    return DETECTORS.load(name).Detector()


def _cut_row(frame: Frame, faces: Faces, chosen: int, spec: CropSpec) -> FaceRow:
    box = faces.boxes[chosen]
    crop = crop_face(frame.image, box, size=spec.size, margin=spec.margin)
    return FaceRow(
        frame=frame.index,
        seconds=frame.seconds,
        jpeg=encode_jpeg(crop, spec.jpeg_quality),
        box=_as_box(box),
        score=float(faces.scores[chosen]),
        landmarks=tuple(faces.landmarks[chosen].ravel().tolist()),
        track=0,
        marks="",
    )


def _as_box(box: Float[np.ndarray, "4"]) -> Box:
    left, top, right, bottom = box.tolist()
    return left, top, right, bottom
