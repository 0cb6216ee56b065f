"""Hearing: the sound of a microphone, block after block as it comes."""

import av
import numpy as np
from jaxtyping import Float32, Int16

from pipeline.media import AUDIO_HZ
from pipeline.media.audio import PCM_SCALE, RESAMPLING, quantise

STRAY_SECONDS = 0.25
"""Blocks that come further from the end of those before have lost some, and silence is in between;
or they are ahead of their times, and lose as much."""


class Microphone:
    """The last `held_seconds` of sound that comes at `hz`, as stores have it: 16 bits at AUDIO_HZ.

    >>> microphone = Microphone(hz=16_000, held_seconds=1.0)
    >>> microphone.add(0.0, np.full(8000, 16384, np.int16))
    >>> microphone.end_seconds, float(microphone.take(0.25, 0.5).mean())
    (0.5, 0.5)
    """

    def __init__(self, hz: int, held_seconds: float) -> None:
        self._held = round(held_seconds * AUDIO_HZ)
        self._hz = hz
        self._samples = np.zeros(0, np.float32)
        self._last = 0  # sample of the stream that the held ones end before
        self._resampler = self._make_resampler()

    @property
    def end_seconds(self) -> float:
        """When the sound ends that has come."""
        return self._last / AUDIO_HZ

    def add(self, seconds: float, samples: Int16[np.ndarray, " samples"]) -> None:
        """Take in a block that begins at `seconds`."""
        lost = round((seconds - self.end_seconds) * AUDIO_HZ)
        if lost > STRAY_SECONDS * AUDIO_HZ:
            self._append(np.zeros(min(lost, self._held), np.float32), lost)
            self._resampler = self._make_resampler()
        elif lost < -STRAY_SECONDS * AUDIO_HZ:
            samples = samples[round(-lost * self._hz / AUDIO_HZ) :]
        if not len(samples):
            return
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[None]), "s16", "mono")
        frame.sample_rate = self._hz
        for made in self._resampler.resample(frame):
            found = quantise(made.to_ndarray()[0]).astype(np.float32) / PCM_SCALE
            self._append(found, len(found))

    def take(self, begin: float, end: float) -> Float32[np.ndarray, " samples"]:
        """The sound from `begin` to `end`, in seconds, as far as it has come and is held."""
        first = self._last - len(self._samples)
        places = [
            min(max(0, round(at * AUDIO_HZ) - first), len(self._samples)) for at in (begin, end)
        ]
        return self._samples[places[0] : places[1]]

    def _append(self, samples: Float32[np.ndarray, " samples"], count: int) -> None:
        self._samples = np.concatenate([self._samples, samples])[-self._held :]
        self._last += count

    def _make_resampler(self) -> av.AudioResampler:
        return av.AudioResampler("flt", "mono", AUDIO_HZ, options=RESAMPLING)
