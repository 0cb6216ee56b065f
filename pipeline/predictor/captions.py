"""Captions: a face in a frame of a film, framed, and what a head says of it written beside it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from jaxtyping import Float64, UInt8
from matplotlib.font_manager import findfont
from PIL import Image, ImageDraw, ImageFont

from pipeline.errors import show_line
from pipeline.predictor.answering import Answer
from pipeline.predictor.boxes import FacePath
from pipeline.predictor.curves import Curves, list_ratings, list_shares, name_people
from pipeline.predictor.predictor import Told
from pipeline.report.formats import shorten, write_number
from pipeline.report.theme import PALETTE

PLATE = (18, 24, 33, 200)
"""What letters stand upon: dark, and the picture shines through."""

LETTERS = (255, 255, 255, 255)

LINES = 30
"""Lines of letters that would fill a film's height."""

LEAST_PIXELS = 12
"""Of a line of letters: smaller ones cannot be read."""


@dataclass(frozen=True)
class Line:
    """A line of a plate: a name and a number, with a bar so long below it, from 0 to 1, if any."""

    name: str
    number: str = ""
    bar: float | None = None


class Caption:
    """What stands beside the face of one person over the whole of a film."""

    def __init__(self, told: Told, answer: Answer, emotions: Sequence[str], place: int) -> None:
        self._answer = answer
        self._shares = _list_classes(answer, emotions)
        self._ratings = list_ratings(answer)
        self._who = name_people(answer)
        self._path = None if told.faces is None else FacePath.of(told.faces)
        self.colour = PALETTE[place % len(PALETTE)]

    @cached_property
    def _middles(self) -> Float64[np.ndarray, " middles"]:
        """Times from which each answer but the first is the nearest."""
        seconds = self._answer.timing.seconds
        middles: Float64[np.ndarray, " middles"] = (seconds[1:] + seconds[:-1]) / 2
        return middles

    def find(self, seconds: float) -> tuple[Float64[np.ndarray, "4"] | None, list[Line]]:
        """Box at a time, in pixels of the film, and lines; no lines where there is nothing to say.

        The box is None where no face of the whole film is known.
        """
        place = int(np.searchsorted(self._middles, seconds))
        lines = list(self._list_lines(place))
        if self._path is None or not lines:
            return None, lines
        (box,) = self._path.follow(np.array([seconds]))
        if np.isnan(box).any():
            return None, []
        return box, [Line(self._who[place] or ""), *lines]

    def _list_lines(self, place: int) -> Iterator[Line]:
        classes = {name: float(values[place]) for name, values in self._shares.items()}
        if classes and not any(map(np.isnan, classes.values())):
            best = max(classes, key=classes.__getitem__)
            yield Line(show_line(shorten(best)), write_number(classes[best], 2), classes[best])
        for name, values in self._ratings.items():
            if not np.isnan(values[place]):
                yield Line(name, write_number(float(values[place]), 2))


def _list_classes(answer: Answer, emotions: Sequence[str]) -> Curves:
    """Curves of the classes; of presences where there are no classes."""
    shares = list_shares(answer, emotions)
    return {name: shares[name] for name in emotions if name in shares} or shares


def draw_captions(
    image: UInt8[np.ndarray, "height width 3"],
    captions: Sequence[Caption],
    seconds: float,
    scale: Float64[np.ndarray, "2"],
) -> UInt8[np.ndarray, "height width 3"]:
    """`image`, the frame of a film at a time, with what `captions` say then.

    `scale` is its width and its height over those of the film's own frames, which boxes are of.
    """
    drawn = Image.fromarray(image)
    pen = ImageDraw.Draw(drawn, "RGBA")
    for caption in captions:
        box, lines = caption.find(seconds)
        framed = None if box is None else box * np.tile(scale, 2)
        if lines:
            _draw(pen, framed, lines, caption.colour)
    return np.asarray(drawn)


def _draw(
    pen: ImageDraw.ImageDraw,
    box: Float64[np.ndarray, "4"] | None,
    lines: Sequence[Line],
    colour: str,
) -> None:
    high = max(LEAST_PIXELS, round(pen.im.size[1] / LINES))
    if box is not None:
        pen.rectangle(box.tolist(), outline=colour, width=max(2, high // 6))
    font = _load_font(round(high * 0.82))
    widths = [pen.textlength(f"{line.name}  {line.number}", font) for line in lines]
    pad = high // 3
    size = (round(max(widths)) + 2 * pad, len(lines) * high + 2 * pad + _count_bars(lines) * pad)
    left, top = _place_plate(size, box, pen.im.size)
    pen.rectangle((left, top, left + size[0], top + size[1]), fill=PLATE)
    pen.rectangle((left, top, left + size[0], top + max(1, high // 8)), fill=colour)
    top, right = top + pad, left + size[0] - pad
    for line in lines:
        pen.text((left + pad, top + high / 2), line.name, LETTERS, font, anchor="lm")
        pen.text((right, top + high / 2), line.number, LETTERS, font, anchor="rm")
        top += high
        if line.bar is not None:
            end = left + pad + line.bar * (right - left - pad)
            pen.rectangle((left + pad, top, right, top + pad // 2), fill=(255, 255, 255, 60))
            pen.rectangle((left + pad, top, end, top + pad // 2), fill=LETTERS)
            top += pad


def _count_bars(lines: Sequence[Line]) -> int:
    return sum(line.bar is not None for line in lines)


def _place_plate(
    size: tuple[int, int], box: Float64[np.ndarray, "4"] | None, frame: tuple[int, int]
) -> tuple[int, int]:
    """Left and top of a plate: above its box, or below it, or as near as the frame allows.

    >>> _place_plate((40, 30), np.array([10.0, 50.0, 60.0, 90.0]), (200, 100))
    (10, 20)
    >>> _place_plate((40, 30), np.array([180.0, 10.0, 199.0, 40.0]), (200, 100))
    (160, 40)
    """
    if box is None:
        return 0, 0
    left, top, _, bottom = (round(float(edge)) for edge in box)
    above = top - size[1]
    wanted = left, above if above >= 0 else bottom
    return (
        int(np.clip(wanted[0], 0, max(0, frame[0] - size[0]))),
        int(np.clip(wanted[1], 0, max(0, frame[1] - size[1]))),
    )


@lru_cache(maxsize=4)
def _load_font(pixels: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(findfont("DejaVu Sans"), pixels)
