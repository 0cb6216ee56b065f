"""Quality of crops: how sharp, how bright, how large a face is, and where it looks."""

from dataclasses import dataclass

import cv2
import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float, UInt8

from pipeline.faces.params import Thresholds

COMPARED_PIXELS = 112
"""Sharpness is measured at this side, so that it does not depend on the size of the crops."""

FACE_MILLIMETRES = np.array(
    [[-32, -34, 27], [32, -34, 27], [0, 0, 0], [-26, 31, 24], [26, 31, 24]], float
)
"""Eyes, nose tip and mouth corners of a usual face: right, down, and away from the camera."""


@dataclass(frozen=True)
class Quality:
    """Marks of one crop.

    `sharpness` is the variance of the Laplacian of the grey crop at COMPARED_PIXELS (Pech-Pacheco
    et al., "Diatom autofocusing in brightfield microscopy", ICPR 2000), `brightness` its mean,
    from 0 to 1. `yaw`, `pitch` and `roll` are degrees: to the right of the image, down, and
    clockwise; NaN without landmarks. `size` is the shorter side of the box in pixels.
    """

    sharpness: float
    brightness: float
    yaw: float
    pitch: float
    roll: float
    size: float


def measure_quality(
    crop: UInt8[np.ndarray, "size size 3"],
    box: Float[np.ndarray, "4"],
    landmarks: Float[np.ndarray, "5 2"],
) -> Quality:
    """Quality of a crop; `box` and `landmarks` are those of the face in its frame."""
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    compared = cv2.resize(grey, (COMPARED_PIXELS,) * 2, interpolation=cv2.INTER_AREA)
    yaw, pitch, roll = estimate_pose(landmarks)
    return Quality(
        sharpness=float(cv2.Laplacian(compared, cv2.CV_32F).var()),
        brightness=float(grey.mean()) / 255,
        yaw=yaw,
        pitch=pitch,
        roll=roll,
        size=float((box[2:] - box[:2]).min()),
    )


def estimate_pose(landmarks: Float[np.ndarray, "5 2"]) -> tuple[float, float, float]:
    """Yaw, pitch and roll in degrees, as in `Quality`; NaN where a point is.

    The scaled orthographic projection of a usual face that fits best (DeMenthon and Davis,
    "Model-based object pose in 25 lines of code", IJCV 1995, without perspective): good to some
    five degrees, a mark rather than a measurement.
    """
    if np.isnan(landmarks).any():
        return np.nan, np.nan, np.nan
    solid = FACE_MILLIMETRES - FACE_MILLIMETRES.mean(axis=0)
    flat = landmarks - landmarks.mean(axis=0)
    fitted = np.linalg.lstsq(solid, flat, rcond=None)[0].T  # two rows of a scaled rotation
    across, _, along = np.linalg.svd(fitted, full_matrices=False)
    right, down = across @ along
    toward = np.cross(right, down)
    angles = (
        np.arctan2(-right[2], toward[2]),
        np.arcsin(np.clip(-down[2], -1.0, 1.0)),
        np.arctan2(-right[1], right[0]),
    )
    yaw, pitch, roll = np.degrees(angles).tolist()
    return yaw, pitch, roll


def judge_crops(
    crops: pa.RecordBatch, thresholds: Thresholds
) -> dict[str, Bool[np.ndarray, " rows"]]:
    """What may be wrong with a crop, such as `blurred` → which of `crops` that are."""
    size, sharpness, brightness, yaw, pitch = (
        crops[name].to_numpy() for name in ("size", "sharpness", "brightness", "yaw", "pitch")
    )
    return {
        "small": size < thresholds.min_size,
        "dark": brightness < thresholds.min_brightness,
        "bright": brightness > thresholds.max_brightness,
        "blurred": sharpness < thresholds.min_sharpness,
        "turned": np.abs(yaw) > thresholds.max_yaw,
        "tilted": np.abs(pitch) > thresholds.max_pitch,
    }
