"""How far the rows of two feature sets lie apart.

The relative difference of a row is |a - b| / max(|a|, |b|), Euclidean norms over all values of
the row: 0 for equal rows, at most 2, whatever their scale. NaN equals NaN; a value that is NaN or
infinite in one store alone makes the difference infinite.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

import numpy as np
from jaxtyping import Float64, Shaped

from pipeline.rows import Rows
from pipeline.store.reader import FeatureStore
from pipeline.windows.alignment import EPSILON_SECONDS

BLOCK_VALUES = 2**20
"""Values that are compared at a time: a long clip is never held whole."""


@dataclass(frozen=True)
class Largest:
    """Largest of all differences, and the clip and row (counted from 0) that has it."""

    amount: float
    clip_id: str
    row: int


@dataclass(frozen=True)
class ClipGap:
    """How far a clip's rows lie apart: `equal` bit for bit or not, the largest differences, and
    whether the rows stand for other times or are valid elsewhere.
    """

    equal: bool
    absolute: Largest
    relative: Largest
    other_times: bool
    other_valid: bool


@dataclass(frozen=True)
class ValueDifferences:
    """Gap of each clip with as many rows in A as in B; `other_rows` have another number."""

    tolerance: float
    gaps: dict[str, ClipGap]
    other_rows: tuple[str, ...]

    @property
    def equal(self) -> list[str]:
        """Clips whose embeddings are equal bit for bit, so of one dtype."""
        return [clip_id for clip_id, gap in self.gaps.items() if gap.equal]

    @property
    def beyond(self) -> list[str]:
        """Clips with a row whose relative difference is above the tolerance."""
        return [
            clip_id for clip_id, gap in self.gaps.items() if gap.relative.amount > self.tolerance
        ]

    @property
    def other_times(self) -> list[str]:
        """Clips whose rows stand for other stretches of time."""
        return [clip_id for clip_id, gap in self.gaps.items() if gap.other_times]

    @property
    def other_valid(self) -> list[str]:
        """Clips whose rows are valid in one store and not in the other."""
        return [clip_id for clip_id, gap in self.gaps.items() if gap.other_valid]

    def find_largest(self) -> tuple[Largest, Largest]:
        """Largest absolute and largest relative difference; raises ValueError without clips."""
        gaps = self.gaps.values()
        return (
            max((gap.absolute for gap in gaps), key=attrgetter("amount")),
            max((gap.relative for gap in gaps), key=attrgetter("amount")),
        )

    @property
    def same(self) -> bool:
        """Whether all clips have the same rows within the tolerance."""
        return not (self.beyond or self.other_rows or self.other_times or self.other_valid)


def compare_values(
    first: FeatureStore, second: FeatureStore, clip_ids: Sequence[str], tolerance: float
) -> ValueDifferences:
    """Differences in the rows that A (`first`) and B (`second`) hold of `clip_ids`."""
    gaps, other_rows = {}, []
    for clip_id in clip_ids:
        a, b = first[clip_id], second[clip_id]
        if len(a) == len(b):
            gaps[clip_id] = _compare_rows(clip_id, a, b)
        else:
            other_rows.append(clip_id)
    return ValueDifferences(tolerance, gaps, tuple(other_rows))


def _compare_rows(clip_id: str, first: Rows, second: Rows) -> ClipGap:
    equal, absolute, relative = True, np.zeros(len(first)), np.zeros(len(first))
    step = max(1, BLOCK_VALUES * len(first) // max(1, first.embedding.size))
    for start in range(0, len(first), step):
        block = slice(start, start + step)
        a, b = first.embedding[block], second.embedding[block]
        if a.dtype != b.dtype or a.tobytes() != b.tobytes():
            equal = False
            absolute[block], relative[block] = measure_row_differences(a, b)
    return ClipGap(
        equal,
        _find_largest(clip_id, absolute),
        _find_largest(clip_id, relative),
        other_times=not _has_same_times(first, second),
        other_valid=not np.array_equal(first.valid, second.valid),
    )


def measure_row_differences(
    first: Shaped[np.ndarray, "rows *row_shape"], second: Shaped[np.ndarray, "rows *row_shape"]
) -> tuple[Float64[np.ndarray, " rows"], Float64[np.ndarray, " rows"]]:
    """Largest absolute difference of a value in each row, and each row's relative difference."""
    a, b = (np.asarray(part, np.float64).reshape(len(part), -1) for part in (first, second))
    unequal = (a != b) & ~(np.isnan(a) & np.isnan(b))
    gaps = np.abs(np.subtract(a, b, where=unequal, out=np.zeros_like(a)))
    gaps[np.isnan(gaps)] = np.inf
    scale = np.maximum(*(_measure_norms(np.where(np.isfinite(part), part, 0)) for part in (a, b)))
    norms = _measure_norms(gaps)
    relative = np.divide(norms, scale, where=scale > 0, out=norms.copy())
    return gaps.max(axis=1, initial=0), relative


def _measure_norms(rows: Float64[np.ndarray, "rows values"]) -> Float64[np.ndarray, " rows"]:
    norms: Float64[np.ndarray, " rows"] = np.linalg.norm(rows, axis=1)
    return norms


def _find_largest(clip_id: str, differences: Float64[np.ndarray, " rows"]) -> Largest:
    row = int(differences.argmax())
    return Largest(float(differences[row]), clip_id, row)


def _has_same_times(first: Rows, second: Rows) -> bool:
    pairs = (
        (first.start_seconds, second.start_seconds),
        (first.end_seconds, second.end_seconds),
    )
    return all(np.allclose(a, b, rtol=0, atol=EPSILON_SECONDS, equal_nan=True) for a, b in pairs)
