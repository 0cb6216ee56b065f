"""openSMILE's expert features of the voice: eGeMAPS, 88 functionals, and ComParE, 6,373.

openSMILE is licensed for research and education alone; commercial use needs audEERING's licence.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float

from pipeline.encoders.params import OpensmileParams
from pipeline.encoders.shared.facts import Facts
from pipeline.errors import ParamsError
from pipeline.media import AUDIO_HZ
from pipeline.modalities import Modality
from pipeline.networks.sound import check_hz, make_no_rows, make_one_row
from pipeline.rows import Rows, Waveform

FACTS = Facts("audEERING research licence, no commercial use", extra="opensmile")

LEAST_SAMPLES = 960
"""Of the longest window, 60 ms: a shorter clip gives nothing."""

HOP, WINDOW = 160, 320
"""Samples from a low-level row to the next, and of the window that most of its values come from."""

LOUDEST = 1 - 2**-15
"""Of 16-bit samples, which openSMILE takes: full scale would wrap around to its opposite."""

LOGARITHMIC = {"ComParE_2016"}
"""Sets that hold values up to 1e13, which float16 cannot: x becomes sign(x) log(1 + |x|)."""

LEVELS = {"functionals": "Functionals", "low_level": "LowLevelDescriptors"}


class Encoder:
    """Rows of openSMILE, which hears a clip whole; each processor takes a clip at a time.

    A low-level row stands for the hop in the middle of its 20 ms window; pitch, harmonics and
    formants come from the 60 ms that begin with it, and so 20 ms later.
    """

    version: ClassVar[int] = 1
    modalities: ClassVar[frozenset[Modality]] = frozenset({"audio"})

    def __init__(self, params: OpensmileParams, device: str = "cpu") -> None:
        self.params = params
        self.package = load_opensmile()
        self.smile = self.package.Smile(
            self.package.FeatureSet[params.feature_set],
            self.package.FeatureLevel[LEVELS[params.level]],
        )
        self.row_shape = (self.smile.num_features,)

    @property
    def provenance(self) -> dict[str, Any]:
        """Version of the package; constants that shape the rows."""
        scale = "signed log" if self.params.feature_set in LOGARITHMIC else "as is"
        return {"opensmile": self.package.__version__, "hz": AUDIO_HZ, "scale": scale}

    def encode(self, clips: Sequence[Waveform]) -> list[Rows]:
        """Rows of each clip; raises StoreError for sound at another rate than AUDIO_HZ."""
        for clip in clips:
            check_hz(clip)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return list(pool.map(self._encode_clip, clips))

    def _encode_clip(self, clip: Waveform) -> Rows:
        if len(clip.samples) < LEAST_SAMPLES:
            return make_no_rows(self.row_shape)
        samples = np.clip(clip.samples, -1, LOUDEST, dtype=np.float32)
        _, _, values = self.smile.process(samples, AUDIO_HZ)
        if self.params.feature_set in LOGARITHMIC:
            values = compress(values)
        if self.params.level == "functionals":
            return make_one_row(values[0], len(samples))
        starts = (np.arange(len(values)) * HOP + (WINDOW - HOP) / 2) / AUDIO_HZ
        return Rows(values, starts, starts + HOP / AUDIO_HZ, np.ones(len(values), bool))


def compress(values: Float[np.ndarray, "rows dim"]) -> Float[np.ndarray, "rows dim"]:
    """sign(x) log(1 + |x|) of each value."""
    return np.asarray(np.copysign(np.log1p(np.abs(values)), values))


def load_opensmile() -> Any:
    """The package; raises ParamsError where it is not installed."""
    try:
        import opensmile
    except ImportError as error:
        raise ParamsError(
            "encoder opensmile: expected the package opensmile, found none; "
            "pip install 'moodline[opensmile]'"
        ) from error
    return opensmile
