"""Series: what a file has under one id, rows in order, before it is known to be a clip's."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import StoreError
from pipeline.files import is_text, measure_tree
from pipeline.limits import limit_unpacked
from pipeline.modalities import Modality

PADDED_AXES = 3
"""Axes of an array that has rows of several clips, all of the same length: clips, rows, dim."""


@dataclass(frozen=True)
class Series:
    """Rows `(rows, *row shape)` under `name`, read at `place`, which messages name before it.

    `stretches (rows, 2)` are the seconds that each begins and ends at, None where the file does
    not tell. `padding` counts rows of nothing that were cut off.
    """

    place: str
    name: str
    rows: NDArray[Any]
    stretches: NDArray[Any] | None = None
    padding: int = 0

    def __post_init__(self) -> None:
        if not is_text(self.name):
            raise StoreError(f"{self.told}: expected an id in Unicode, got other bytes; rename it")
        times = self.stretches
        if times is None:
            return
        if not isinstance(times, np.ndarray) or times.shape != (len(self.rows), 2):
            got = times.shape if isinstance(times, np.ndarray) else "others"
            raise StoreError(
                f"{self.told}: expected when each of {len(self.rows):,} rows begins and ends, "
                f"({len(self.rows)}, 2), got {got}"
            )
        if times.dtype.kind not in "iuf":
            raise StoreError(f"{self.told}: expected seconds of each row, got {times.dtype}")

    @property
    def told(self) -> str:
        """What a message begins with."""
        return f"{self.place}: {self.name}"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is to be taken of a file.

    `key` names an array or a column, where there are several; `ids` are those of the entries of an
    array that has none beside it.
    """

    modality: Modality
    key: str | None = None
    ids: Sequence[str] | None = None


def limit_bytes(path: Path) -> int:
    """Most bytes that what lies at `path` may unpack to, by its own size."""
    return limit_unpacked(measure_tree(path))


def check_size(place: str, size: int, most: int) -> None:
    """Raise StoreError where something would unpack to more than `most` bytes."""
    if size > most:
        raise StoreError(
            f"{place}: expected what unpacks to at most {most / 2**30:.1f} GB, got "
            f"{size / 2**30:,.1f} GB; import it in several files"
        )


def split_array(
    place: str,
    ids: Sequence[str],
    values: NDArray[Any] | Sequence[NDArray[Any]],
    lengths: Sequence[int] | None = None,
) -> Iterator[Series]:
    """Series of an array whose first axis goes by `ids`, or of so many arrays.

    Of `(entries, dim)` entries in a row under one id are its rows. Of `(entries, rows, dim)`
    padding is cut off: what is beyond `lengths`, or rows of zeros at both ends. Raises StoreError
    where ids and entries do not go together.
    """
    if len(ids) != len(values):
        raise StoreError(
            f"{place}: expected {len(ids):,} entries, one for each id, got {len(values):,}; give "
            f"the ids of this array, in its order"
        )
    if lengths is not None and len(lengths) != len(values):
        raise StoreError(
            f"{place}: expected a length of each of {len(values):,} entries, got {len(lengths):,}"
        )
    if isinstance(values, np.ndarray) and values.ndim < PADDED_AXES:
        yield from _group_rows(place, ids, values)
        return
    for number, name in enumerate(ids):
        rows = as_rows(f"{place}: {name}", values[number])
        length = None if lengths is None else int(lengths[number])
        padded = isinstance(values, np.ndarray) or length is not None
        yield cut_padding(place, name, rows, length) if padded else Series(place, name, rows)


def _group_rows(place: str, ids: Sequence[str], values: NDArray[Any]) -> Iterator[Series]:
    if values.ndim != 2:
        raise StoreError(
            f"{place}: expected an array (entries, dim) or (entries, rows, dim), got "
            f"{values.shape}; name another one by --key"
        )
    for name, group in groupby(range(len(ids)), key=lambda number: ids[number]):
        numbers = list(group)
        yield Series(place, name, as_rows(place, values[numbers[0] : numbers[-1] + 1]))


def as_rows(place: str, values: Any) -> NDArray[Any]:
    """`values` with an axis of rows: a vector is one row.

    Raises StoreError for what is neither, and for rows of no numbers, of which any count takes no
    bytes.
    """
    if not isinstance(values, np.ndarray) or not values.ndim:
        raise StoreError(f"{place}: expected rows of numbers, got a number alone, or others")
    rows = values[None] if values.ndim == 1 else values
    if rows.dtype.kind not in "biuf" or not math.prod(rows.shape[1:]):
        raise StoreError(
            f"{place}: expected numbers in each row, got {rows.dtype} of shape {rows.shape[1:]}; "
            f"name others by --key"
        )
    return rows


def cut_padding(place: str, name: str, rows: NDArray[Any], length: int | None) -> Series:
    """Rows without padding: the first `length`, or all but rows of zeros at both ends.

    Raises StoreError where there are fewer rows, or where what would be cut off is not zero.
    """
    with np.errstate(invalid="ignore"):  # of what is no number, and refused where rows are made
        there: NDArray[Any] = np.asarray(rows.any(axis=tuple(range(1, rows.ndim))))
    if length is None:
        filled = np.flatnonzero(there)
        kept = rows[filled[0] : filled[-1] + 1] if len(filled) else rows[:0]
    else:
        if not 0 <= length <= len(rows) or there[length:].any():
            raise StoreError(
                f"{place}: {name}: expected {length:,} rows, as its lengths have it, and zeros "
                f"after them, got others in {len(rows):,} rows; mend the lengths"
            )
        kept = rows[:length]
    return Series(place, name, kept, padding=len(rows) - len(kept))
