"""What spectral encoders share: mel frames of sound, their deltas, and statistics over a clip.

Frames are cut without padding, so every one lies whole inside its clip. Clips go through one by
one: nothing is padded, and a batch gives exactly what its clips give alone.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torchaudio.functional import compute_deltas, melscale_fbanks

from pipeline.encoders.params import SpectraParams, Statistic
from pipeline.encoders.shared.activity import LOUD_QUANTILE, find_active
from pipeline.errors import StoreError
from pipeline.media import AUDIO_HZ
from pipeline.modalities import Modality
from pipeline.rows import Rows, Waveform
from pipeline.threads import on_one_thread

FFT_SIZE = 1024
"""Points of the zero-padded spectrum: even of 128 bands, none is left without a bin."""

VERSION = 1
"""Raised whenever frames, deltas or statistics change: part of the key of every set they shape."""

BLOCK_FRAMES = 2048
"""Frames transformed at once, which bounds the memory of a long clip."""


class SpectralEncoder:
    """Log-mel frames times a `basis (mels, bands)`, with deltas, as frames or as statistics."""

    version: ClassVar[int]
    modalities: ClassVar[frozenset[Modality]] = frozenset({"audio"})

    def __init__(
        self, params: SpectraParams, device: str, basis: Float[Tensor, "mels bands"]
    ) -> None:
        self.params = params
        self.window = round(params.window_seconds * AUDIO_HZ)
        self.hop = round(params.hop_seconds * AUDIO_HZ)
        self.taper = torch.hann_window(self.window, device=device)
        self.points = max(FFT_SIZE, self.window)
        self.filters = melscale_fbanks(
            self.points // 2 + 1, 0.0, AUDIO_HZ / 2, params.mels, AUDIO_HZ
        ).to(device)
        self.basis = basis.to(device)

    @property
    def row_shape(self) -> tuple[int]:
        """Length of a row: bands, their deltas, and each of these once per statistic."""
        series = self.basis.shape[1] * (1 + self.params.deltas)
        return (series * max(1, len(self.params.statistics)),)

    @property
    def provenance(self) -> dict[str, Any]:
        """Constants that shape the rows."""
        return {
            "spectra_version": VERSION,
            "hz": AUDIO_HZ,
            "fft_size": self.points,
            "loud_quantile": LOUD_QUANTILE,
        }

    @on_one_thread()
    def encode(self, clips: Sequence[Waveform]) -> list[Rows]:
        """Rows of each clip; raises StoreError for sound at another rate than AUDIO_HZ."""
        return [self._encode_clip(clip) for clip in clips]

    def _encode_clip(self, clip: Waveform) -> Rows:
        if clip.hz != AUDIO_HZ:
            raise StoreError(
                f"audio: expected {AUDIO_HZ} Hz, got {clip.hz} Hz; run `dvc repro clean`"
            )
        if len(clip.samples) < self.window:
            nowhen = np.zeros(0)
            return Rows(np.zeros((0, *self.row_shape), np.float32), nowhen, nowhen, nowhen > 0)
        power = self._measure_power(torch.tensor(clip.samples, dtype=torch.float32))
        active = find_active(power.sum(1).cpu().numpy(), self.params.active_db)
        bands = torch.log(power + self.params.floor) @ self.basis
        series = [part.cpu().numpy() for part in derive_deltas(bands, self.params.deltas)]
        if not self.params.statistics:
            return Rows(np.concatenate(series, 1), *self._stretch_frames(len(power)), active)
        chosen = active if active.any() else np.ones_like(active)
        row = np.concatenate([summarise(part[chosen], self.params.statistics) for part in series])
        seconds = np.array([0.0, len(clip.samples) / clip.hz])
        return Rows(row[None], seconds[:1], seconds[1:], np.array([active.any()]))

    def _measure_power(self, samples: Float[Tensor, " samples"]) -> Float[Tensor, "frames mels"]:
        windows = samples.to(self.taper.device).unfold(0, self.window, self.hop)
        return torch.cat([self._filter(block) for block in torch.split(windows, BLOCK_FRAMES)])

    def _filter(self, windows: Float[Tensor, "frames window"]) -> Float[Tensor, "frames mels"]:
        spectrum = torch.fft.rfft(windows * self.taper, n=self.points)
        power: Tensor = spectrum.abs().square() @ self.filters
        return power

    def _stretch_frames(
        self, frames: int
    ) -> tuple[Float[np.ndarray, " frames"], Float[np.ndarray, " frames"]]:
        """A frame stands for one hop, centred on its window."""
        starts = (np.arange(frames) * self.hop + (self.window - self.hop) / 2) / AUDIO_HZ
        return starts, starts + self.hop / AUDIO_HZ


def derive_deltas(bands: Float[Tensor, "frames bands"], orders: int) -> list[Tensor]:
    """Bands, then their deltas of each order up to `orders`, each `(frames, bands)`."""
    series = [bands.T]
    for _ in range(orders):
        series.append(compute_deltas(series[-1]))
    return [part.T for part in series]


def summarise(
    frames: Float[np.ndarray, "frames bands"], statistics: Sequence[Statistic]
) -> Float[np.ndarray, " dim"]:
    """Each statistic of every band, one statistic after the other."""
    ordered = np.sort(frames, axis=0)
    moments = {"mean": frames.mean(0), "std": frames.std(0)}
    return np.concatenate(
        [
            moments[name] if name in moments else interpolate(ordered, int(name[1:]) / 100)
            for name in statistics
        ]
    )


def interpolate(
    ordered: Float[np.ndarray, "frames bands"], share: float
) -> Float[np.ndarray, " bands"]:
    """Quantile of each sorted band, as `numpy.quantile` gives it in seven times the time."""
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return np.asarray(ordered[low] + (ordered[high] - ordered[low]) * np.float32(place - low))
