"""Cutting: one clip's video → a face crop, and a whole frame if asked for, per sampled frame."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Float

from pipeline.clips import Clip
from pipeline.errors import MediaError
from pipeline.faces import DETECTORS, Detector, Faces
from pipeline.faces.crops import choose_face, crop_face, encode_jpeg, scale_frame
from pipeline.media.video import Frame, read_frames

Box = tuple[float, float, float, float]


@dataclass(frozen=True, kw_only=True)
class CropSpec:
    """How frames are sampled and cut: `FacesParams` without what shapes no image."""

    detector: str
    rate_hz: float | None
    size: int
    margin: float
    jpeg_quality: int
    scene_pixels: int | None = None


@dataclass(frozen=True)
class FaceRow:
    """One crop: the number and the time of its frame in the clip, and where the face was.

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


@dataclass(frozen=True)
class SceneRow:
    """One whole frame, scaled: its number and its time in the clip."""

    frame: int
    seconds: float
    jpeg: bytes


@dataclass(frozen=True)
class Cut:
    """What one clip gave: `frames` were looked at, and at most one face was cut from each.

    `broken` is reason and detail where the video could not be read, or not to its end.
    """

    faces: list[FaceRow]
    scenes: list[SceneRow]
    frames: int
    broken: tuple[str, str] | None


def cut_clip(clip: Clip, *, spec: CropSpec) -> Cut:
    """Crops of the face that is followed through `clip`, and its scenes, in order of time."""
    detector = _load_detector(spec.detector)
    faces: list[FaceRow] = []
    scenes: list[SceneRow] = []
    frames, broken = 0, None
    try:
        for frame in read_frames(
            Path(clip.path),
            rate_hz=spec.rate_hz,
            start_seconds=clip.start_seconds,
            end_seconds=clip.end_seconds,
        ):
            frames += 1
            (found,) = detector.detect([frame.image])
            chosen = choose_face(found, np.array(faces[-1].box) if faces else None)
            if chosen is not None:
                faces.append(_cut_face(frame, found, chosen, spec))
            if spec.scene_pixels is not None:
                scenes.append(_cut_scene(frame, spec.scene_pixels, spec.jpeg_quality))
    except MediaError as error:
        broken = (error.reason, error.detail)
    return Cut(faces, scenes, frames, broken)


@lru_cache(maxsize=1)
def _load_detector(name: str) -> Detector:
    """Detector `name`, made once in each worker."""
    detector: Detector = DETECTORS.load(name).Detector()
    return detector


def _cut_face(frame: Frame, faces: Faces, chosen: int, spec: CropSpec) -> FaceRow:
    box = faces.boxes[chosen]
    crop = crop_face(frame.image, box, size=spec.size, margin=spec.margin)
    return FaceRow(
        frame=frame.index,
        seconds=frame.seconds,
        jpeg=encode_jpeg(crop, spec.jpeg_quality),
        box=_as_tuple(box),
        score=float(faces.scores[chosen]),
        landmarks=tuple(faces.landmarks[chosen].ravel().tolist()),
        track=0,
        marks="",
    )


def _cut_scene(frame: Frame, pixels: int, jpeg_quality: int) -> SceneRow:
    scaled = scale_frame(frame.image, pixels)
    return SceneRow(frame.index, frame.seconds, encode_jpeg(scaled, jpeg_quality))


def _as_tuple(box: Float[np.ndarray, "4"]) -> Box:
    left, top, right, bottom = box.tolist()
    return left, top, right, bottom
