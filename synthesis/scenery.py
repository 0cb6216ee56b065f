"""What is round a head: the room behind, the clothes below, and a book to hide behind."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float

from synthesis.face import SIDE_PIXELS
from synthesis.portrait import Colour

Picture = Float[np.ndarray, "side side 3"]
Cover = Float[np.ndarray, "side side"]

_BODY = np.array(
    [
        *[(-6, 175), (4, 152), (20, 144), (40, 139), (50, 136), (57, 139), (68, 141.5), (80, 142)],
        *[(90, 141), (100, 138), (105, 136), (118, 140), (140, 146), (156, 154), (166, 175)],
    ]
)
"""Outline of neckline and shoulders, in pixels of a frame."""

_PAPER = (0.93, 0.9, 0.84)


@dataclass(frozen=True)
class Room:
    """Where a person sits, and what they wear.

    `light_from` is where the light comes from, -1 (left) to 1; `seed` draws the lamps behind.
    """

    wall: Colour
    lights: Colour
    clothes: Colour
    light_from: float
    seed: int


def draw_room(room: Room) -> Picture:
    """A wall that darkens downwards, with blurred lamps."""
    fade = np.linspace(1.12, 0.78, SIDE_PIXELS, dtype=np.float32)[:, None, None]
    wall = fade * np.ones((1, SIDE_PIXELS, 1), np.float32) * _unit(room.wall)
    lamps = _draw_lamps(np.random.default_rng(room.seed))[..., None]
    return np.asarray(np.clip(wall + lamps * (_unit(room.lights) - wall), 0, 1))


def _draw_lamps(rng: np.random.Generator) -> Cover:
    lamps = np.zeros((SIDE_PIXELS, SIDE_PIXELS), np.float32)
    for _ in range(9):
        x, y, radius = rng.integers(0, SIDE_PIXELS), rng.integers(0, 110), rng.integers(7, 20)
        disc = np.zeros_like(lamps)
        cv2.circle(disc, (int(x), int(y)), int(radius), float(rng.uniform(0.12, 0.4)), -1)
        lamps = np.maximum(lamps, disc)
    return np.asarray(cv2.GaussianBlur(lamps, (0, 0), 2.5))


def draw_clothes(picture: Picture, room: Room) -> Picture:
    """`picture` with shoulders and a round collar in front of it."""
    collar, body = _shape(np.subtract(_BODY, (0, 2))), _shape(_BODY)
    shade = np.linspace(1.15, 0.6, SIDE_PIXELS, dtype=np.float32)[None, :, None]
    cloth = _unit(room.clothes) * shade
    trimmed = picture + collar[..., None] * (0.6 * cloth - picture)
    return np.asarray(trimmed + body[..., None] * (cloth - trimmed))


def light_picture(picture: Picture, light_from: float) -> Picture:
    """`picture` lit from the left (-1) to the right (+1)."""
    ramp = 1 + 0.22 * light_from * np.linspace(-1, 1, SIDE_PIXELS, dtype=np.float32)
    return np.asarray(np.clip(picture * ramp[None, :, None], 0, 1))


def draw_book(picture: Picture, raised: float, colour: Colour) -> Picture:
    """`picture` with a book held up before it: not at all at 0, over the whole face at 1."""
    top = round(SIDE_PIXELS - raised * 136)
    drawn = np.ascontiguousarray(picture, np.float32).copy()
    _draw_box(drawn, (27, top, 136, top + 140), _PAPER)
    _draw_box(drawn, (25, top + 4, 138, top + 140), _unit(colour))
    _draw_box(drawn, (76, top + 3, 87, top + 140), 0.6 * _unit(colour))
    _draw_box(drawn, (97, top + 24, 127, top + 38), _PAPER)
    return drawn


def _draw_box(
    picture: Picture,
    box: tuple[int, int, int, int],
    colour: tuple[float, float, float] | Float[np.ndarray, "3"],
) -> None:
    red, green, blue = (float(value) for value in colour)
    cv2.rectangle(picture, box[:2], box[2:], (red, green, blue), -1)


def _shape(outline: Float[np.ndarray, "points 2"]) -> Cover:
    mask = np.zeros((SIDE_PIXELS, SIDE_PIXELS), np.uint8)
    cv2.fillPoly(mask, [(outline * 16).astype(np.int32)], 255, cv2.LINE_AA, shift=4)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 0.8), np.float32) / 255


def _unit(colour: Colour) -> Float[np.ndarray, "3"]:
    return np.array(colour, np.float32) / 255
