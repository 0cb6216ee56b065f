"""What networks of sound share: rows on a grid, chunks of long sound, batches, hidden states.

Long sound goes through in chunks that overlap; rows near a seam are kept from the chunk that hears
more around them. On a processor sounds go one by one, as batches gain nothing there. On a GPU
those of like length share a batch, padded: only where padding changes no row.
"""

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from math import ceil
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from pipeline.encoders.params import SpeechParams
from pipeline.encoders.shared.activity import LOUD_QUANTILE, find_active
from pipeline.media import AUDIO_HZ
from pipeline.modalities import Modality
from pipeline.networks.batches import Batcher
from pipeline.networks.devices import measure_fill
from pipeline.networks.layers import shape_layers
from pipeline.networks.sound import check_hz, make_one_row
from pipeline.networks.states import HiddenStates
from pipeline.rows import Rows, Waveform

Samples = Float[np.ndarray, " _"]

VERSION = 1
"""Raised whenever chunks, stretches or pooling change: part of the key of every set they shape."""

CONTEXT_SECONDS = 1.0
"""What a chunk hears on each side of the rows that are kept of it; at most a quarter of it."""

BLOCK_SAMPLES = 1 << 20
"""Samples looked at together when a clip's level, or that of its rows, is measured."""


@dataclass(frozen=True)
class Grid:
    """Rows of a network: row `r` hears `field` samples from sample `r * stride` on."""

    stride: int
    field: int

    def count(self, samples: int) -> int:
        """Rows whose field lies inside the sound."""
        return max(0, (samples - self.field) // self.stride + 1)

    def stretch(
        self, rows: int, samples: int
    ) -> tuple[Float[np.ndarray, " rows"], Float[np.ndarray, " rows"]]:
        """Start and end of each row in seconds: one stride around the middle of its field."""
        starts = np.arange(rows) * self.stride + (self.field - self.stride) / 2
        ends = np.minimum(starts + self.stride, samples)
        return np.maximum(starts, 0) / AUDIO_HZ, ends / AUDIO_HZ


def trace_front(kernels: Sequence[int], strides: Sequence[int]) -> Grid:
    """Grid of a stack of convolutions over samples, the first one first."""
    stride, field = 1, 1
    for kernel, step in zip(kernels, strides, strict=True):
        field += (kernel - 1) * stride
        stride *= step
    return Grid(stride, field)


class Network(ABC):
    """A frozen network of sound, as `SpeechEncoder` runs it."""

    grid: Grid
    dim: int
    blocks: nn.ModuleList
    """What `layer` counts."""

    window: int | None = None
    """Samples that it hears whatever it is given; None where there is no such length."""

    pads = True
    """Whether rows stay the same where sounds of unlike length share a batch."""

    epsilon: float | None = None
    """Added to the variance by which sound is normalised; None where it goes in as it is."""

    constants: Mapping[str, Any] = {}
    """What else of the preprocessing shapes the rows."""

    @abstractmethod
    def run(
        self, sounds: Float[np.ndarray, "batch longest"], lengths: list[int]
    ) -> Float[Tensor, "batch _ dim"]:
        """Output of the last block, after the final norm; `sounds` have zeros behind `lengths`."""

    def arrange(self, states: Float[Tensor, "batch _ dim"]) -> Float[Tensor, "batch time dim"]:
        """Hidden states as rows of the grid, with what padding gives behind them."""
        return states


@dataclass(frozen=True)
class SoundPiece:
    """Samples `start` to `stop` of clip number `clip`, which give `rows` rows, after `skip`."""

    clip: int
    start: int
    stop: int
    first: int
    """Which row of the clip the first one is that is kept."""

    rows: int
    skip: int

    def __len__(self) -> int:
        return self.stop - self.start


def cut_sound(clip: int, samples: int, grid: Grid, most: int) -> list[SoundPiece]:
    """Pieces of at most `most` samples of a clip, shared evenly, on the grid of the whole."""
    rows = grid.count(samples)
    if samples <= most:
        return [SoundPiece(clip, 0, samples, 0, rows, 0)] if rows else []
    reach = max(grid.field, grid.stride)
    fitting = (most - reach) // grid.stride + 1
    around = min(ceil(CONTEXT_SECONDS * AUDIO_HZ / grid.stride), fitting // 4)
    pieces = ceil(rows / (fitting - 2 * around))
    edges = [rows * number // pieces for number in range(pieces + 1)]
    found = []
    for first, last in pairwise(edges):
        heard, beyond = max(0, first - around), min(rows, last + around)
        stop = min(samples, (beyond - 1) * grid.stride + reach)
        found.append(
            SoundPiece(clip, heard * grid.stride, stop, first, last - first, first - heard)
        )
    return found


def measure_level(samples: Samples, epsilon: float) -> tuple[float, float]:
    """Mean of a clip, and the root of its variance plus `epsilon`, without a copy of it."""
    mean = float(samples.mean(dtype=np.float64))
    blocks = (samples[at : at + BLOCK_SAMPLES] for at in range(0, len(samples), BLOCK_SAMPLES))
    squares = sum(float(np.square(block - mean, dtype=np.float64).sum()) for block in blocks)
    return mean, float(np.sqrt(squares / len(samples) + epsilon))


def measure_energy(samples: Samples, grid: Grid) -> Float[np.ndarray, " rows"]:
    """Mean square of the samples that each row of a clip stands for, without a copy of them."""
    rows = grid.count(len(samples))
    starts, ends = grid.stretch(rows, len(samples))
    edges = np.round(np.append(starts, ends[-1:]) * AUDIO_HZ).astype(np.int64)
    energy = np.zeros(rows)
    for first in range(0, rows, BLOCK_SAMPLES // grid.stride):
        some = edges[first : first + BLOCK_SAMPLES // grid.stride + 1]
        squares = np.square(samples[some[0] : some[-1]], dtype=np.float64)
        sums = np.add.reduceat(squares, some[:-1] - some[0])
        energy[first : first + len(sums)] = sums / np.diff(some)
    return energy


def find_rows(samples: Samples, grid: Grid, active_db: float | None) -> Bool[np.ndarray, " rows"]:
    """Rows of a clip that are no pause, as `find_active` has it; all of them by None."""
    if active_db is None:
        return np.ones(grid.count(len(samples)), bool)
    return find_active(measure_energy(samples, grid), active_db)


class Sounds:
    """A batch of clips on its way: their samples, and their rows as pieces give them.

    A mean is over the `active` rows of a clip, or over all where none is.
    """

    def __init__(
        self,
        clips: list[Samples],
        network: Network,
        params: SpeechParams,
        row_shape: tuple[int, ...],
    ) -> None:
        self.clips = clips
        self.grid = network.grid
        self.pooled = params.pooling == "mean"
        self.rows = [self.grid.count(len(samples)) for samples in clips]
        self.active = [find_rows(samples, self.grid, params.active_db) for samples in clips]
        self.levels = [
            measure_level(samples, network.epsilon)
            if rows and network.epsilon is not None
            else (0.0, 1.0)
            for samples, rows in zip(clips, self.rows, strict=True)
        ]
        self.embeddings = [
            np.zeros((min(1, rows) if self.pooled else rows, *row_shape), np.float32)
            for rows in self.rows
        ]

    def pad(self, pieces: Sequence[SoundPiece]) -> Float[np.ndarray, "batch longest"]:
        """Samples of each piece, normalised by its clip's level, with zeros behind."""
        padded = np.zeros((len(pieces), max(map(len, pieces))), np.float32)
        for row, piece in zip(padded, pieces, strict=True):
            mean, deviation = self.levels[piece.clip]
            samples = self.clips[piece.clip][piece.start : piece.stop]
            row[: len(piece)] = (samples - mean) / deviation
        return padded

    def put(self, pieces: Sequence[SoundPiece], states: Float[np.ndarray, "batch _ *row"]) -> None:
        """Keep what of `states` is rows of a piece."""
        for piece, some in zip(pieces, states, strict=True):
            kept = some[piece.skip : piece.skip + piece.rows]
            self.embeddings[piece.clip][piece.first : piece.first + piece.rows] = kept

    def find_counted(self, clip: int) -> Bool[np.ndarray, " rows"]:
        """Rows of a clip that its mean is over."""
        active = self.active[clip]
        return active if active.any() else ~active

    def sum_counted(
        self, piece: SoundPiece, some: Float[Tensor, "_ *row"]
    ) -> Float[Tensor, " *row"]:
        """Sum of the hidden states `some` of a piece over what of its rows counts."""
        counted = self.find_counted(piece.clip)[piece.first : piece.first + piece.rows]
        kept = some[piece.skip : piece.skip + piece.rows]
        if not counted.all():
            kept = kept[torch.from_numpy(counted).to(kept.device)]
        return kept.sum(0, dtype=torch.float32)

    def add(self, pieces: Sequence[SoundPiece], sums: Float[np.ndarray, "batch *row"]) -> None:
        """Add to a clip's mean the sum over a piece's rows."""
        for piece, some in zip(pieces, sums, strict=True):
            self.embeddings[piece.clip][0] += some / self.find_counted(piece.clip).sum()

    def collect(self, clip: int) -> Rows:
        """Rows of clip number `clip`, once all of its pieces came."""
        embedding, rows, samples = self.embeddings[clip], self.rows[clip], len(self.clips[clip])
        if self.pooled and rows:
            heard = np.array([self.active[clip].any()])
            return replace(make_one_row(embedding[0], samples), valid=heard)
        return Rows(embedding, *self.grid.stretch(rows, samples), self.active[clip])


class SpeechEncoder:
    """Rows of a network's hidden states, or their mean over a clip, for each clip of sound.

    At `fp16` and `bf16`, a batch equals its clips alone only to the rounding of that precision.
    """

    modalities: ClassVar[frozenset[Modality]] = frozenset({"audio"})

    def __init__(self, params: SpeechParams, device: str, network: Network) -> None:
        self.params = params
        self.network = network
        self.row_shape = shape_layers(params.layer, len(network.blocks), network.dim)
        self.states = HiddenStates(network.blocks, params.layer)
        chunk = round(params.chunk_seconds * AUDIO_HZ)
        self.most = min(chunk, network.window or chunk)
        budget = 0 if device == "cpu" else round(params.seconds * AUDIO_HZ)
        self.batcher = Batcher(budget, partial(measure_fill, device))

    @property
    def provenance(self) -> dict[str, Any]:
        """Constants that shape the rows."""
        return {
            "speech_version": VERSION,
            "hz": AUDIO_HZ,
            "context_seconds": CONTEXT_SECONDS,
            "normalised_epsilon": self.network.epsilon,
            **({} if self.params.active_db is None else {"loud_quantile": LOUD_QUANTILE}),
            **self.network.constants,
        }

    def encode(self, clips: Sequence[Waveform]) -> list[Rows]:
        """Rows of each clip; raises StoreError for sound at another rate than AUDIO_HZ."""
        for clip in clips:
            check_hz(clip)
        sounds = [clip.samples for clip in clips]
        batch = Sounds(sounds, self.network, self.params, self.row_shape)
        for pieces in self._group(sounds):
            units = [self.network.window or len(piece) for piece in pieces]
            self.batcher.run(pieces, units, partial(self._run, batch))
        return [batch.collect(number) for number in range(len(clips))]

    def _group(self, sounds: list[Samples]) -> Iterable[list[SoundPiece]]:
        """Pieces of all clips; those of a list may share a batch."""
        groups = defaultdict(list)
        for number, samples in enumerate(sounds):
            for piece in cut_sound(number, len(samples), self.network.grid, self.most):
                groups[0 if self.network.pads else len(piece)].append(piece)
        return groups.values()

    @torch.inference_mode()
    def _run(self, batch: Sounds, pieces: Sequence[SoundPiece]) -> Sequence[SoundPiece]:
        self.states.caught.clear()  # what is left of a batch that did not fit
        last = self.network.run(batch.pad(pieces), [len(piece) for piece in pieces])
        states = self.states.collect(self.network.arrange, last)
        if batch.pooled:
            sums = [batch.sum_counted(p, some) for p, some in zip(pieces, states, strict=True)]
            batch.add(pieces, torch.stack(sums).cpu().numpy())
        else:
            batch.put(pieces, states.float().cpu().numpy())
        return pieces
