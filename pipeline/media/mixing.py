"""Mixing: frames of sound that FFmpeg can turn into mono, and how loud their channels are."""

import re
from collections.abc import Iterable

import av
import numpy as np
from jaxtyping import Float, Float32, Float64, Shaped

FULL_SCALES = {"u1": 1 << 7, "i2": 1 << 15, "i4": 1 << 31, "f4": 1, "f8": 1}
"""What stands for 1 in samples of each of numpy's kinds."""

CLIPPED_STEPS = {"u1": 1 / (1 << 7)}
"""Samples less than this below full scale are clipped: a step of 8 bits, else of 16."""

UNNAMED_LAYOUT = re.compile(r"\d+ channels")
"""FFmpeg's name for a layout that it has no weights for."""

LOUDEST = 1e6
"""Floating-point samples beyond this are damage, and would overflow in a filter."""


class Mixer:
    """Makes frames of sound fit for FFmpeg's resampler, and keeps count of what is wrong with them.

    Samples that are no finite numbers become silence. Of a layout without weights the mean of all
    channels is taken; with a `channel`, that one alone.
    """

    def __init__(self, channel: int | None = None) -> None:
        self._channel = channel
        self._samples = 0
        self._clipped = 0
        self.mended = 0

    @property
    def clipped_share(self) -> float:
        """Share of the samples that are as loud as can be, 0 without any."""
        return self._clipped / max(self._samples, 1)

    def mix(self, frame: av.AudioFrame) -> av.AudioFrame:
        """`frame`, or one of a single channel in its place."""
        stored = frame.to_ndarray()
        self._samples += stored.size
        self._clipped += _count_clipped(stored)
        if stored.dtype.kind == "f" and not _measure_peak(stored) <= LOUDEST:  # as NaN never is
            self.mended += int((~(np.abs(stored) <= LOUDEST)).sum())
            return self._make_mono(frame, _mend(stored))
        if self._channel is None and not UNNAMED_LAYOUT.fullmatch(frame.layout.name):
            return frame
        return self._make_mono(frame, stored)

    def _make_mono(self, frame: av.AudioFrame, stored: Shaped[np.ndarray, "_ _"]) -> av.AudioFrame:
        """A frame of the mean of the channels, or of the one asked for."""
        planes = split_channels(frame, stored)
        one = planes.mean(0) if self._channel is None else planes[self._channel % len(planes)]
        samples = np.ascontiguousarray(one[None].astype(np.float32))
        mono = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        mono.sample_rate = frame.sample_rate
        return mono


def measure_channels(frames: Iterable[av.AudioFrame]) -> Float64[np.ndarray, " channels"]:
    """Mean power of each channel of `frames`, as of the first of them; empty without any."""
    energy, samples = np.zeros(0), 0
    for frame in frames:
        planes = split_channels(frame, _mend(frame.to_ndarray()))
        energy = energy if len(energy) else np.zeros(len(planes))
        if len(planes) == len(energy):
            energy += np.square(planes, dtype=np.float64).sum(1)
            samples += frame.samples
    return energy / max(samples, 1)


def split_channels(
    frame: av.AudioFrame, stored: Shaped[np.ndarray, "_ _"]
) -> Float[np.ndarray, "channels samples"]:
    """What is `stored` of a `frame`, in [-1, 1] if it is not too loud."""
    planes = stored if frame.format.is_planar else stored.reshape(frame.samples, -1).T
    kind = planes.dtype.str[1:]
    silence = FULL_SCALES["u1"] if kind == "u1" else 0
    scaled: Float[np.ndarray, "channels samples"] = (
        planes.astype(np.float64) - silence
    ) / FULL_SCALES[kind]
    return scaled


def _measure_peak(stored: Shaped[np.ndarray, "_ _"]) -> float:
    """The sample furthest from 0, NaN where one is; 0 without any."""
    return float(np.abs(stored).max(initial=0))


def _mend(stored: Shaped[np.ndarray, "_ _"]) -> Shaped[np.ndarray, "_ _"]:
    """What is `stored`, with silence in place of what is no finite number."""
    if stored.dtype.kind != "f":
        return stored
    mended: Float32[np.ndarray, "_ _"] = np.where(np.abs(stored) <= LOUDEST, stored, 0)
    return mended


def _count_clipped(stored: Shaped[np.ndarray, "_ _"]) -> int:
    """Samples at either end of their range, or beyond it."""
    kind = stored.dtype.str[1:]
    middle = FULL_SCALES["u1"] if kind == "u1" else 0
    bound = FULL_SCALES[kind] * (1 - CLIPPED_STEPS.get(kind, 1 / (1 << 15)))
    if stored.max(initial=middle) < middle + bound and stored.min(initial=middle) > middle - bound:
        return 0
    return int(((stored >= middle + bound) | (stored <= middle - bound)).sum())
