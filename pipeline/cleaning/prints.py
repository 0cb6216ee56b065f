"""Prints: bits by which the content of a clip is known again, however loud, large or coded it is.

A print is a row of units, each of some moment of the clip, and says of each whether anything was
there to tell it by. Prints of one kind are compared unit by unit.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

from pipeline.media import AUDIO_HZ

Kind = Literal["sound", "pictures"]
"""What a print is taken from."""

SOUND_UNITS = 128
"""Of sound: one for each of the first so many steps, 12.8 s."""

STEP = AUDIO_HZ // 10
WINDOW = 6144
"""Samples from one unit to the next, and of what each is told by: 0.384 s; the paper has 0.37."""

BANDS = 33
LOW_HZ, HIGH_HZ = 300.0, 2000.0
"""Haitsma and Kalker, A Highly Robust Audio Fingerprinting System, ISMIR 2002, §4.2."""

QUIET_DB = 40.0
"""What is so much less loud than the loudest moment tells of the codec more than of the sound."""

FAINT_POWER = 10 ** (-80 / 10)
"""Mean power, over full scale, of what 16 bits hardly tell from silence."""

PICTURE_UNITS = 8
"""Of pictures: one for each of the first so many seconds."""

FINE_PIXELS = 64
COSINES = 127
"""A picture of so many pixels either way is told by so many of its slowest cosines. The 63 that
pHash has tell faces cut alike too little apart; more are noise in a smooth picture."""

FLAT = 2.0
"""Deviation, in levels of grey, of a picture that shows nothing."""


MOST_UNITS = max(SOUND_UNITS, PICTURE_UNITS)

SIZES = {"sound": (BANDS - 1) // 8, "pictures": (COSINES + 1) // 8}
"""Kind → bytes of a unit."""


@dataclass(frozen=True)
class Print:
    """Bits of a clip, and which of its units say anything."""

    kind: Kind
    bits: UInt8[np.ndarray, "units bytes"]
    valid: Bool[np.ndarray, " units"]


def print_sound(samples: Float32[np.ndarray, " samples"]) -> Print | None:
    """Print of mono sound at AUDIO_HZ; None where nothing is heard in it.

    A bit is whether the energy falls more from one band to the next than it did a step before
    (Haitsma and Kalker, §4.2): no gain changes it.
    """
    from scipy import fft  # a sixth of a second, which only printing needs to wait

    units = min(SOUND_UNITS, max(1, len(samples) // STEP))
    padded = np.zeros(units * STEP + WINDOW, np.float32)
    heard = samples[: len(padded)]
    padded[: len(heard)] = heard
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::STEP]
    spectrum = fft.rfft(windows * _HANN, axis=1)[:, _EDGES[0] : _EDGES[-1]]
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    energy = np.add.reduceat(power, _EDGES[:-1] - _EDGES[0], axis=1)
    falls = energy[:, :-1] - energy[:, 1:]
    total = energy.sum(axis=1)
    least = max(float(total.max()) * 10 ** (-QUIET_DB / 10), FAINT_POWER * _FULL_SCALE)
    valid = np.minimum(total[1:], total[:-1]) > least
    if not valid.any():
        return None
    return Print("sound", np.packbits(falls[1:] > falls[:-1], axis=1), valid)


def print_pictures(images: Iterable[UInt8[np.ndarray, "height width 3"]]) -> Print | None:
    """Print of RGB pictures, a unit for each; None where they show nothing.

    A bit is whether one of the lowest cosines of a picture's grey is more than their median
    (Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions, 2010, §3.2.1).
    """
    told = [_hash_picture(image) for image in images]
    if not any(valid for _, valid in told):
        return None
    bits, valid = zip(*told, strict=True)
    return Print("pictures", np.stack(bits), np.array(valid))


def _hash_picture(image: UInt8[np.ndarray, "height width 3"]) -> tuple[np.ndarray, bool]:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (FINE_PIXELS, FINE_PIXELS), interpolation=cv2.INTER_AREA)
    waves = cv2.dct(small.astype(np.float32)).ravel()[_SLOWEST]
    return np.packbits(waves > np.median(waves)), float(small.std()) > FLAT


_HANN = np.hanning(WINDOW).astype(np.float32)
_EDGES = np.rint(np.geomspace(LOW_HZ, HIGH_HZ, BANDS + 1) * WINDOW / AUDIO_HZ).astype(np.int64)
_SLOWEST = np.argsort(np.hypot(*np.indices((FINE_PIXELS, FINE_PIXELS))).ravel(), kind="stable")[
    1 : COSINES + 1
]
_FULL_SCALE = WINDOW * float(np.square(_HANN, dtype=np.float64).sum()) / 2
"""What the lines of a spectrum come to, by Parseval, of a sound whose mean power is 1."""
