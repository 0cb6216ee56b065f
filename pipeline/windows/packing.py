"""Packing: windows one after another, so that a batch is picked without a step for each window."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float32, Float64, Int64, Shaped
from numpy.typing import NDArray
from torch import Tensor

from pipeline.heads.reading import StreamRows
from pipeline.heads.shared.params import Per
from pipeline.targets import Target
from pipeline.windows.alignment import Alignment, expand_ranges
from pipeline.windows.windowing import RowSource, Window

NO_CLASS = -1
"""Index that stands for a clip or frame without a class; its mask is False."""

FEW = 8
"""Rows of a point that are added one after another."""

BLOCK = 4096
"""Points that are read at once where all are held."""

FLOAT_BYTES = 4


@dataclass(frozen=True)
class Places:
    """Where the points of windows lie, one window after another.

    `begins` are those of windows, and the end of all: there lies one point more, which is nobody's.
    """

    begins: Int64[np.ndarray, " windows_and_end"]

    @classmethod
    def of(cls, lengths: Iterable[int]) -> "Places":
        """Those of windows of so many points."""
        return cls(np.cumsum([0, *lengths]))

    def pad(self, windows: Int64[np.ndarray, " windows"]) -> Int64[np.ndarray, "windows time"]:
        """Places of the points of the windows of these numbers; behind the shorter, nobody's."""
        begins = self.begins[windows]
        lengths = self.begins[windows + 1] - begins
        across = np.arange(max(1, lengths.max(initial=0)))
        inside = across < lengths[:, None]
        places: NDArray[np.int64] = np.where(inside, begins[:, None] + across, self.begins[-1])
        return places


@runtime_checkable
class Points(Protocol):
    """Rows at the points of windows."""

    def read(self, places: Int64[np.ndarray, " points"]) -> Float32[Tensor, "points *row"]:
        """Those of these places: the mean of the rows that reach one, zero where none does."""


@dataclass(frozen=True)
class HeldPoints:
    """Points in memory, nobody's among them."""

    values: Float32[Tensor, "points *row"]

    def read(self, places: Int64[np.ndarray, " points"]) -> Float32[Tensor, "points *row"]:
        """Those of these places, by one copy."""
        return self.values.index_select(0, torch.from_numpy(places))


@dataclass(frozen=True)
class StoredPoints:
    """Points that are read from a source; of each, the `counts` of `rows` from `firsts` on."""

    source: RowSource
    rows: Int64[np.ndarray, " taken"]
    firsts: Int64[np.ndarray, " points"]
    counts: Int64[np.ndarray, " points"]

    @classmethod
    def of(cls, source: RowSource, alignments: Sequence[Alignment]) -> "StoredPoints":
        """Those of windows, one after another, and nobody's."""
        rows = np.concatenate([*(aligned.rows for aligned in alignments), np.empty(0, np.int64)])
        counts = np.concatenate([*(aligned.counts for aligned in alignments), [0]])
        # A point without rows has the next one's first: what pads is near what is read.
        firsts = np.minimum(np.cumsum(counts) - counts, max(0, len(rows) - 1))
        return cls(source, rows, firsts, counts)

    @property
    def row_shape(self) -> tuple[int, ...]:
        """Shape of a row."""
        return self.source.take_rows(np.empty(0, np.int64)).shape[1:]

    @property
    def held_bytes(self) -> int:
        """What they take in memory."""
        return FLOAT_BYTES * len(self.counts) * math.prod(self.row_shape)

    def read(self, places: Int64[np.ndarray, " points"]) -> Float32[Tensor, "points *row"]:
        """Those of these places."""
        counts = self.counts[places]
        if not counts.any():
            return torch.zeros(len(places), *self.row_shape)
        if counts.max() > 1:
            return self._average(places[counts > 0], counts)
        taken = self.source.take_rows(self.rows[self.firsts[places]])
        taken[counts == 0] = 0
        return _widen(taken)

    def _average(
        self, reached: Int64[np.ndarray, " reached"], counts: Int64[np.ndarray, " points"]
    ) -> Float32[Tensor, "points *row"]:
        """Points of so many rows each; `reached` are the places of those that have any.

        Most have one or two: first rows are taken together, then second ones, and so on. By NumPy's
        sums of stretches that takes several times as long, and of many rows far less.
        """
        filled, firsts = counts[counts > 0], self.firsts[reached]
        if filled.max() <= FEW:
            means = _widen(self.source.take_rows(self.rows[firsts]))
            for passed in range(1, filled.max()):
                more = np.flatnonzero(filled > passed)
                rows = _widen(self.source.take_rows(self.rows[firsts[more] + passed]))
                means.index_add_(0, torch.from_numpy(more), rows)
        else:
            rows = _widen(self.source.take_rows(self.rows[expand_ranges(firsts, filled)]))
            begins = np.cumsum(filled) - filled
            means = torch.from_numpy(np.add.reduceat(rows.numpy(), begins, axis=0))
        means /= torch.from_numpy(filled).float().view(-1, *[1] * (means.ndim - 1))
        points = torch.zeros(len(counts), *means.shape[1:])
        points[torch.from_numpy(np.flatnonzero(counts))] = means
        return points

    def hold(self) -> HeldPoints:
        """The same in memory."""
        values = torch.empty(len(self.counts), *self.row_shape)
        for begin in range(0, len(values), BLOCK):
            block = values[begin : begin + BLOCK]
            block.copy_(self.read(np.arange(begin, begin + len(block))))
        return HeldPoints(values)


def _widen(taken: Shaped[np.ndarray, "rows *row"]) -> Float32[Tensor, "rows *row"]:
    """Rows as float32; NumPy takes several times as long for halves."""
    return torch.from_numpy(taken).float()


@dataclass(frozen=True)
class PackedStream:
    """Points of windows over one stream, which of them any row reaches, and their times."""

    places: Places
    points: Points
    mask: Bool[np.ndarray, " points"]
    seconds: Float32[np.ndarray, " points"]

    @classmethod
    def of(cls, alignments: Sequence[Alignment], points: Points) -> "PackedStream":
        """That of windows, whose points these are."""
        mask = np.concatenate([*(aligned.counts > 0 for aligned in alignments), [False]])
        seconds = np.concatenate([*(aligned.seconds for aligned in alignments), [0.0]])
        places = Places.of(len(aligned.counts) for aligned in alignments)
        return cls(places, points, mask, np.where(mask, seconds, 0.0).astype(np.float32))

    def gather(self, windows: Int64[np.ndarray, " windows"]) -> StreamRows:
        """Rows of the windows of these numbers, padded to the longest."""
        places = self.places.pad(windows)
        rows = self.points.read(places.ravel())
        mask, seconds = self.mask[places], self.seconds[places]
        return StreamRows(
            rows.view(*places.shape, *rows.shape[1:]),
            torch.from_numpy(mask),
            torch.from_numpy(seconds),
        )


@dataclass(frozen=True)
class PackedLabels:
    """Labels of one target, and where there are any; the last is nobody's.

    `places` are those of the labels of frames; None where each window has one of its clip.
    """

    places: Places | None
    values: Shaped[Tensor, "labels *classes"]
    known: Bool[Tensor, " labels"]

    @classmethod
    def of(
        cls, target: Target, labels: Sequence[Float64[np.ndarray, "..."]], per: Per
    ) -> "PackedLabels":
        """Those of windows, in their order."""
        blank = np.full(labels[0].shape if per == "clip" else 1, np.nan)
        joined = np.stack([*labels, blank]) if per == "clip" else np.concatenate([*labels, blank])
        values = torch.from_numpy(joined).float()
        known, filled = ~torch.isnan(values), values.nan_to_num(NO_CLASS)
        return cls(
            Places.of(map(len, labels)) if per == "frame" else None,
            filled.long() if target.kind == "class" else filled,
            known.all(dim=-1) if target.behaviour.vector else known,
        )

    def pick(self, windows: Int64[np.ndarray, " windows"]) -> tuple[Tensor, Tensor]:
        """Labels of `windows`, and where there are any, padded to the longest."""
        places = torch.from_numpy(windows if self.places is None else self.places.pad(windows))
        return self.values[places], self.known[places]


def gather_rows(
    features: Mapping[str, RowSource], windows: Sequence[Window]
) -> dict[str, StreamRows]:
    """Rows of `windows` by stream, float32, padded to the longest."""
    packed = pack_streams(features, windows, held_bytes=0)
    return {name: stream.gather(np.arange(len(windows))) for name, stream in packed.items()}


def pack_streams(
    features: Mapping[str, RowSource], windows: Sequence[Window], *, held_bytes: int
) -> dict[str, PackedStream]:
    """Streams of `windows`, whose points are in memory where all take no more than that."""
    aligned = {name: [window.alignments[name] for window in windows] for name in features}
    stored = {name: StoredPoints.of(source, aligned[name]) for name, source in features.items()}
    held = sum(points.held_bytes for points in stored.values()) <= held_bytes
    return {
        name: PackedStream.of(aligned[name], points.hold() if held else points)
        for name, points in stored.items()
    }
