"""Colour of a person's head: the photograph with other skin, other hair, perhaps glasses."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import skimage.data
from jaxtyping import Bool, Float, UInt8

Colour = tuple[int, int, int]
Outline = Sequence[tuple[int, int]]
Photo = Float[np.ndarray, "height width 3"]

HEAD: Outline = (
    (231, 16), (250, 20), (262, 25), (273, 31), (283, 40), (290, 50), (295, 62), (298, 75),
    (301, 88), (299, 98), (295, 110), (288, 120), (281, 127), (277, 132), (273, 135), (268, 137),
    (266, 137), (265, 144), (260, 155), (257, 162), (255, 172), (251, 184), (245, 188), (235, 189),
    (220, 187), (200, 184), (190, 180), (187, 170), (186, 155), (183, 140), (182, 131), (178, 131),
    (174, 127), (170, 120), (163, 111), (157, 103), (154, 92), (153, 80), (153, 68), (157, 58),
    (164, 51), (172, 44), (180, 38), (187, 32), (193, 27), (205, 22), (220, 18),
)  # fmt: skip
"""Outline of head and neck in the photograph."""

SKIN: Outline = (
    (187, 79), (196, 81), (206, 83), (215, 83), (225, 83), (235, 84), (245, 87), (255, 90),
    (265, 92), (267, 98), (268, 108), (269, 120), (269, 129), (277, 131), (273, 138), (268, 140),
    (266, 144), (258, 195), (183, 195), (181, 131), (172, 133), (168, 119), (178, 118), (181, 108),
    (183, 96), (185, 86),
)  # fmt: skip
"""Outline of the skin in it; the rest of the head is hair."""

EYES: tuple[Outline, Outline] = (
    ((192, 101), (198, 97), (204, 97), (210, 101), (207, 104), (200, 105)),
    ((237, 104), (243, 99), (250, 99), (258, 103), (254, 106), (244, 107)),
)
"""Outlines of the eyes, left first."""

LENSES = ((201.5, 102.0), (247.5, 104.0))
FRAME = (((216, 100), (233, 101)), ((187, 99), (182, 97)), ((262, 101), (269, 100)))
"""Centres of the lenses of glasses; the bridge and the two sides."""


@dataclass(frozen=True)
class Colours:
    """Colour of skin and hair; `glasses` None for those who wear none."""

    skin: Colour
    hair: Colour
    glasses: Colour | None


@cache
def recolour(colours: Colours) -> UInt8[np.ndarray, "height width 4"]:
    """The photograph as RGBA, premultiplied, in a person's colours; nothing but the head."""
    photo = _read_photo().astype(np.float32)
    hair = _tint_hair(photo, colours.hair)
    picture = hair + cover_shape(SKIN, 1.2)[..., None] * (_tint_skin(photo, colours.skin) - hair)
    if colours.glasses is not None:
        _draw_glasses(picture, colours.glasses)
    alpha = cover_shape(HEAD, 0.8)[..., None]
    rgba = np.concatenate([np.clip(picture, 0, 255), np.full_like(alpha, 255)], axis=2)
    return np.asarray((rgba * alpha).round(), np.uint8)


def _read_photo() -> UInt8[np.ndarray, "height width 3"]:
    return np.asarray(skimage.data.astronaut())  # type: ignore[no-untyped-call]


def cover_shape(outline: Outline, blur_pixels: float) -> Float[np.ndarray, "height width"]:
    """Share of each pixel of the photograph that `outline` covers, its edge blurred."""
    mask = np.zeros((512, 512), np.uint8)
    cv2.fillPoly(mask, [np.array(outline, np.int32)], 255, cv2.LINE_AA)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), blur_pixels), np.float32) / 255


def _tint_skin(photo: Photo, colour: Colour) -> Photo:
    """`photo` with skin of `colour`; the eyes keep nearly half of their own white."""
    mean = photo[_inside(SKIN) & _inside(HEAD)].mean(axis=0)
    tinted = _soften((photo / mean) ** 1.15 * np.array(colour, np.float32))
    for eye in EYES:
        tinted = tinted + 0.45 * cover_shape(eye, 0.8)[..., None] * (photo - tinted)
    return tinted


def _tint_hair(photo: Photo, colour: Colour) -> Photo:
    """`photo` in shades of `colour`."""
    grey = photo.mean(axis=2)
    middle = np.percentile(grey[_inside(HEAD) & ~_inside(SKIN)], 60)
    shades: Photo = (grey / middle)[..., None] ** 0.8 * np.array(colour, np.float32)
    return shades


def _soften(picture: Photo) -> Photo:
    """`picture` with what is brighter than 190 bent to stay below 250."""
    over = np.maximum(picture - 190, 0)
    softened: Photo = np.minimum(picture, 190) + 60 * (1 - np.exp(-over / 60))
    return softened


def _draw_glasses(picture: Photo, colour: Colour) -> None:
    """Draw thin glasses into `picture`; thick ones hide the eyes from the detector."""
    for x, y in LENSES:
        centre = (round(x * 16), round(y * 16))
        cv2.ellipse(picture, centre, (15 * 16, 12 * 16), 0, 0, 360, colour, 1, cv2.LINE_AA, 4)
    for start, end in FRAME:
        cv2.line(picture, start, end, colour, 1, cv2.LINE_AA)


def _inside(outline: Outline) -> Bool[np.ndarray, "height width"]:
    inside: Bool[np.ndarray, "height width"] = cover_shape(outline, 1.0) > 0.5
    return inside
