"""One photographed face given other people's features, and moved by their feelings.

Every face is scikit-image's `astronaut` (NASA, public domain). Its named points are moved, and the
picture follows by a thin-plate spline (Bookstein 1989, doi:10.1109/34.24792).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from scipy.interpolate import PchipInterpolator, RBFInterpolator

from synthesis.landmarks import MOVES, POINTS, REST, Offsets

SIDE_PIXELS = 160
CORNER = (125.0, 7.0)
SCALE = SIDE_PIXELS / 200.0
"""A frame shows the 200 x 200 pixels of the photograph that start at `CORNER`."""

NECK = (221.0, 185.0)
"""What the head turns about."""

CAVITY = (52, 20, 22)
TEETH = (226, 214, 200)

_STEP = 2
"""The spline is evaluated at every second pixel and filled in linearly."""

_POINTS_ARRAY = np.array(list(POINTS.values()), dtype=float)
_INDEX = {name: index for index, name in enumerate(POINTS)}
_UPPER = ["left_corner", "left_upper_edge", "middle_upper_edge", "right_upper_edge", "right_corner"]
_LOWER = ["left_corner", "left_lower_edge", "middle_lower_edge", "right_lower_edge", "right_corner"]
_LIDS_TOP = [_INDEX["left_eye_top"], _INDEX["right_eye_top"]]
_LIDS_BOTTOM = [_INDEX["left_eye_bottom"], _INDEX["right_eye_bottom"]]


@dataclass(frozen=True)
class Pose:
    """Where the head is: shift in pixels of the photograph, tilt in degrees."""

    shift: tuple[float, float] = (0.0, 0.0)
    tilt: float = 0.0


def move_points(moves: Mapping[str, float], pose: Pose) -> Float[np.ndarray, "points 2"]:
    """Where each of POINTS lies after `moves` (units of each of MOVES), with the head at `pose`."""
    points = _POINTS_ARRAY + offset_array(REST)
    for name, amount in moves.items():
        points = points + amount * offset_array(MOVES[name])
    # Lids that crossed would fold the picture over itself.
    points[_LIDS_TOP, 1] = np.minimum(points[_LIDS_TOP, 1], points[_LIDS_BOTTOM, 1] - 1.5)
    angle = np.deg2rad(pose.tilt)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved: Float[np.ndarray, "points 2"] = (points - NECK) @ turn.T + NECK + pose.shift
    return moved


def offset_array(offsets: Offsets) -> Float[np.ndarray, "points 2"]:
    """Offsets of all POINTS, in their order; zero for those not named."""
    return np.array([offsets.get(name, (0.0, 0.0)) for name in POINTS], dtype=float)


def draw_head(
    texture: UInt8[np.ndarray, "height width 4"], points: Float[np.ndarray, "points 2"]
) -> Float[np.ndarray, "side side 4"]:
    """The head of `texture` (RGBA, premultiplied) in a frame, its POINTS moved to `points`."""
    spline = RBFInterpolator(to_frame(points), _POINTS_ARRAY, kernel="thin_plate_spline")
    cells = SIDE_PIXELS // _STEP
    axis = _STEP * np.arange(cells) + (_STEP - 1) / 2
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    coarse = spline(grid).reshape(cells, cells, 2).astype(np.float32)
    sources = cv2.resize(coarse, (SIDE_PIXELS, SIDE_PIXELS), interpolation=cv2.INTER_LINEAR)
    across, down = cv2.split(sources)
    head = cv2.remap(texture, across, down, cv2.INTER_LINEAR)
    return draw_mouth(head.astype(np.float32) / 255, points)


def draw_mouth(
    head: Float[np.ndarray, "side side 4"], points: Float[np.ndarray, "points 2"]
) -> Float[np.ndarray, "side side 4"]:
    """`head` with the inside of the mouth painted between the lips: teeth above, dark below."""
    upper = to_frame(points[[_INDEX[name] for name in _UPPER]])
    lower = to_frame(points[[_INDEX[name] for name in _LOWER]])
    gap = np.maximum(lower[:, 1] - upper[:, 1], 0)
    parted = float(np.clip((gap.max() - 1.6) / 1.2, 0, 1))
    inside = _polygon(np.subtract(upper, (0, 0.2)), np.add(lower, (0, 0.2)))
    teeth = _polygon(upper, upper + np.stack([0 * gap, np.minimum(0.9 * gap, 3.5)], axis=1))
    painted = _blend(head, (0.6 + 0.4 * parted) * inside, CAVITY)
    return _blend(painted, 0.9 * parted * teeth * inside, TEETH)


def to_frame(points: Float[np.ndarray, "points 2"]) -> Float[np.ndarray, "points 2"]:
    """Pixels of a frame for pixels of the photograph."""
    return np.asarray((points - CORNER + 0.5) * SCALE - 0.5)


def _polygon(
    upper: Float[np.ndarray, "points 2"], lower: Float[np.ndarray, "points 2"]
) -> Float[np.ndarray, "side side"]:
    """Coverage in [0, 1] of the shape between two smooth edges that run from left to right."""
    outline = np.concatenate([_curve(upper), _curve(lower)[::-1]])
    mask = np.zeros((SIDE_PIXELS, SIDE_PIXELS), np.uint8)
    cv2.fillPoly(mask, [np.round(outline * 16).astype(np.int32)], 255, cv2.LINE_AA, shift=4)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 0.5), np.float32) / 255


def _curve(knots: Float[np.ndarray, "knots 2"]) -> Float[np.ndarray, "points 2"]:
    """Points of a curve through `knots` that never overshoots them (PCHIP)."""
    places = np.arange(len(knots))
    curve: Float[np.ndarray, "points 2"] = PchipInterpolator(places, knots)(
        np.linspace(0, len(knots) - 1, 25)
    )
    return curve


def _blend(
    head: Float[np.ndarray, "side side 4"],
    cover: Float[np.ndarray, "side side"],
    colour: tuple[int, int, int],
) -> Float[np.ndarray, "side side 4"]:
    over = np.array([*colour, 255], np.float32) / 255
    return np.asarray(head + cover[..., None] * (over - head))
