"""Windowing: from one clip's rows to the windows that a head sees, with or without labels."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float64, Int64, Shaped

from pipeline.heads.window_params import WindowParams
from pipeline.rows import Rows
from pipeline.windows.alignment import (
    EPSILON_SECONDS,
    Alignment,
    Stretches,
    align_rows,
    plan_windows,
    regular_grid,
    take_own_rows,
)


@runtime_checkable
class RowSource(Protocol):
    """Rows of clips, numbered through; a feature set is one."""

    def has_rows(self, clip_id: str) -> bool:
        """Whether there is a row of the clip."""

    def __getitem__(self, clip_id: str) -> Rows:
        """The clip's rows in order of time, none for a clip without."""

    def first_row(self, clip_id: str) -> int:
        """Number of the clip's first row; the others follow."""

    def take_rows(self, numbers: Int64[np.ndarray, " rows"]) -> Shaped[np.ndarray, "rows *row"]:
        """Embeddings of the rows of these numbers."""


@dataclass(frozen=True)
class Numbered:
    """Stretches of a clip's rows, and the number of the first one in its source."""

    stretches: Stretches
    first_row: int


NO_ROWS = Numbered(Stretches(np.empty(0), np.empty(0), np.empty(0, bool)), 0)
"""Of a feature set that has none of a clip."""


@dataclass(frozen=True)
class Window:
    """One window of a clip: the rows of each modality that reach the points of its grid.

    `points` are the numbers of the times that the grid was asked for, and `seconds` those times;
    both are empty where it was asked for none.
    """

    clip_id: str
    alignments: Mapping[str, Alignment]
    seconds: Float64[np.ndarray, " points"]
    points: Int64[np.ndarray, " points"]

    @property
    def empty(self) -> bool:
        """Whether no row reaches it: there is nothing to see."""
        return not any(len(aligned.rows) for aligned in self.alignments.values())


def locate_rows(features: Mapping[str, RowSource], clip_id: str) -> dict[str, Numbered]:
    """Modality → rows of a clip, or of a view of one, in the feature sets that have some."""
    return {
        modality: _number_rows(source, clip_id)
        for modality, source in features.items()
        if source.has_rows(clip_id)
    }


def _number_rows(source: RowSource, clip_id: str) -> Numbered:
    rows = source[clip_id]
    held = Stretches(*(np.array(x) for x in (rows.start_seconds, rows.end_seconds, rows.valid)))
    return Numbered(held, source.first_row(clip_id))


def shift_rows(numbered: Numbered, seconds: float) -> Numbered:
    """The same rows, so many `seconds` later."""
    held = numbered.stretches
    later = held.start_seconds + seconds, held.end_seconds + seconds
    return Numbered(Stretches(*later, held.valid), numbered.first_row)


def narrow_rows(
    numbered: Numbered, reaches: Float64[np.ndarray, " rows"], start: float, end: float
) -> Numbered:
    """Those of the rows that may reach from `start` to `end`, in seconds, in two steps of a search.

    `reaches` are the greatest end of each row and all before it.
    """
    held = numbered.stretches
    first = int(np.searchsorted(reaches, start))
    some = slice(first, max(first, int(np.searchsorted(held.start_seconds, end, side="right"))))
    kept = Stretches(held.start_seconds[some], held.end_seconds[some], held.valid[some])
    return Numbered(kept, numbered.first_row + first)


def measure_end(rows: Mapping[str, Numbered]) -> float:
    """Second at which the last valid row of any modality ends; 0 for none."""
    held = [numbered.stretches for numbered in rows.values()]
    return max((float(s.end_seconds.max()) for s in held if s.valid.any()), default=0.0)


@dataclass(frozen=True)
class Cutting:
    """What windows are cut for: these modalities, by these params, up to `end_seconds`.

    `seconds` are the times that answers are wanted at; None where one is wanted of each window.
    """

    modalities: Sequence[str]
    params: WindowParams
    end_seconds: float
    seconds: Float64[np.ndarray, " times"] | None = None

    @cached_property
    def step_seconds(self) -> float:
        """From one point of the grid to the next; infinite where the clip has only one."""
        if self.seconds is None:
            return 1 / self.params.rate_hz if self.params.rate_hz else np.inf
        return float(np.median(np.diff(self.seconds))) if len(self.seconds) > 1 else np.inf

    @property
    def slack_seconds(self) -> float:
        """How far outside of a window a row may lie that reaches a point of it."""
        if self.seconds is None and not self.params.rate_hz:
            return EPSILON_SECONDS
        return self.params.tolerance_seconds + self.step_seconds + EPSILON_SECONDS


def cut_windows(clip_id: str, rows: Mapping[str, Numbered], cutting: Cutting) -> Iterator[Window]:
    """Windows over `rows` of a clip; none of a clip of no length, or without a wanted time."""
    if not cutting.end_seconds:
        return
    windows = plan_windows(cutting.end_seconds, cutting.params)
    windows[-1, 1] += EPSILON_SECONDS  # the clip's last instant is in it
    yield from cut_stretches(clip_id, rows, cutting, windows)


def cut_stretches(
    clip_id: str,
    rows: Mapping[str, Numbered],
    cutting: Cutting,
    stretches: Float64[np.ndarray, "windows 2"],
) -> Iterator[Window]:
    """A window for each of `stretches` of a clip, in seconds; none without a wanted time."""
    for start, end in stretches:
        grid, points = _lay_grid(cutting, (start, end))
        if cutting.seconds is not None and not len(points):
            continue
        alignments = {
            modality: _align(rows.get(modality, NO_ROWS), (start, end), grid, cutting)
            for modality in cutting.modalities
        }
        seconds = np.empty(0) if cutting.seconds is None else cutting.seconds[points]
        yield Window(clip_id, alignments, seconds, points)


def _lay_grid(
    cutting: Cutting, window: tuple[float, float]
) -> tuple[Float64[np.ndarray, " time"] | None, Int64[np.ndarray, " points"]]:
    """Grid of a window (None: each modality's own rows), and the numbers of its wanted times."""
    (start, end), params = window, cutting.params
    if cutting.seconds is not None:
        felt = cutting.seconds - params.label_delay_seconds
        points = np.flatnonzero((felt >= start) & (felt < end))
        return felt[points], points
    if params.rate_hz is None:
        return None, np.empty(0, np.int64)
    return regular_grid(start, end, params.rate_hz), np.empty(0, np.int64)


def _align(
    numbered: Numbered,
    window: tuple[float, float],
    grid: Float64[np.ndarray, " time"] | None,
    cutting: Cutting,
) -> Alignment:
    """Alignment by the source's row numbers, its times since the window's start."""
    held = numbered.stretches
    if grid is None:
        aligned = take_own_rows(held, *window)
    else:
        aligned = align_rows(held, grid, cutting.step_seconds, cutting.params)
    rows, seconds = aligned.rows + numbered.first_row, aligned.seconds - window[0]
    return replace(aligned, rows=rows, seconds=seconds)
