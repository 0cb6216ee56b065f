"""Columns: tables with a row, or several, for each clip, whatever file holds them.

A column of ids, one of `trees.IDS`, names the clips; one of lists holds a vector, or vectors, or
else all columns of numbers are one vector. `start_seconds` and `end_seconds` are those of a row.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.errors import StoreError
from pipeline.imports.series import Series, Wanted, as_rows, check_size
from pipeline.imports.trees import IDS, choose_key, read_names
from pipeline.rows import TIMES
from pipeline.store.objects import measure_values
from pipeline.targets import TARGETS

NO_FEATURES = frozenset({*TARGETS, "label", "labels", "split", "fold", "__index_level_0__"})
"""Columns of numbers that are labels, places, or the numbering of pandas."""

ID_TYPES: Sequence[Callable[[pa.DataType], bool]] = (
    *(pa.types.is_string, pa.types.is_large_string, pa.types.is_integer),
    *(pa.types.is_binary, pa.types.is_large_binary),
)

Columns = dict[str, pa.Array]
"""Name → column of a batch."""

Take = Callable[[str, int, int], NDArray[Any]]
"""Of a batch, the vectors in the rows from the first number to before the last; first, what an
error tells of them."""

NUMBER_BYTES = 8
"""Of a number at most, in memory."""

LISTS = (pa.ListType, pa.LargeListType, pa.FixedSizeListType)


def read_batches(
    place: str, batches: Iterable[pa.RecordBatch], wanted: Wanted, most: int
) -> Iterator[Series]:
    """Series of the ids in `batches`, whose rows must follow one another.

    Raises StoreError where a column is missing, a cell is blank or no number, or numbers take more
    than `most` bytes.
    """
    tables = _limit(place, (_name_columns(place, batch) for batch in batches), most)
    runs = (run for columns in tables for run in _read_columns(place, columns, wanted))
    for name, group in groupby(runs, key=lambda run: run.name):
        held = list(group)
        if len(held) == 1:
            yield held[0]
            continue
        try:
            rows = np.concatenate([one.rows for one in held])
        except ValueError as error:
            raise StoreError(f"{place}: {name}: expected rows of one shape ({error})") from error
        stretches = [one.stretches for one in held if one.stretches is not None]
        yield Series(place, name, rows, np.concatenate(stretches) if stretches else None)


def _name_columns(place: str, batch: pa.RecordBatch) -> Columns:
    try:
        names = batch.schema.names
    except UnicodeDecodeError as error:
        raise StoreError(f"{place}: expected names of columns in UTF-8 ({error})") from error
    columns = dict(zip(names, map(_strip, batch.columns), strict=True))
    if len(columns) < batch.num_columns:
        raise StoreError(f"{place}: expected each column once, got a name again; rename one")
    return columns


def _limit(place: str, tables: Iterable[Columns], most: int) -> Iterator[Columns]:
    """`tables` as long as their numbers, of eight bytes each, and ids take at most `most` bytes.

    Columns may lie in the same bytes of a file, and a truth takes one bit there.
    """
    size = 0
    for columns in tables:
        size += NUMBER_BYTES * sum(map(_count_numbers, columns.values()))
        ids = (columns[name] for name in IDS if name in columns)
        size += sum(measure_values(column) for column in ids if _is_id(column.type))
        check_size(place, size, most)
        yield columns


def _is_id(kind: pa.DataType) -> bool:
    kind = kind.value_type if isinstance(kind, pa.DictionaryType) else kind
    return any(is_of(kind) for is_of in ID_TYPES)


def _count_numbers(column: pa.Array) -> int:
    """Numbers in a column, or in its lists."""
    column = _strip(column)
    if isinstance(column.type, LISTS):
        return _count_numbers(column.flatten())
    return len(column) if _is_numeric(column.type) else 0


def _read_columns(place: str, columns: Columns, wanted: Wanted) -> Iterator[Series]:
    """What rows of one id that follow one another in a table hold."""
    key = next((name for name in IDS if name in columns), None)
    if key is None:
        raise StoreError(
            f"{place}: expected a column of ids ({', '.join(IDS)}), got {', '.join(columns)}; "
            f"rename one"
        )
    ids = _read_ids(f"{place}: {key}", columns.pop(key))
    times = _read_times(place, [columns.pop(name, None) for name in TIMES])
    take = _read_values(place, columns, wanted)
    starts = [number for number, name in enumerate(ids) if not number or name != ids[number - 1]]
    for first, last in pairwise([*starts, len(ids)]):
        told = f"{place}: {ids[first]}"
        rows = as_rows(told, take(told, first, last))
        stretches = None if times is None else times[first:last]
        if stretches is not None and len(rows) != len(stretches):
            raise StoreError(f"{told}: expected one row for its seconds, got others")
        yield Series(place, ids[first], rows, stretches)


def _read_ids(place: str, column: pa.Array) -> list[str]:
    """Id of each row. Types whose rows may take no bytes of their own are refused."""
    if isinstance(column, pa.DictionaryArray) and not column.indices.null_count:
        known = _read_ids(place, column.dictionary)
        return [known[index] for index in column.indices.to_pylist()]
    if not _is_id(column.type):
        raise StoreError(f"{place}: expected ids as text or whole numbers, got {column.type}")
    return read_names(place, column.to_pylist())


def _read_times(place: str, columns: Sequence[pa.Array | None]) -> NDArray[Any] | None:
    """Seconds `(rows, 2)`, None where a table has none."""
    there = [column for column in columns if column is not None]
    if not there:
        return None
    if len(there) != len(columns):
        raise StoreError(f"{place}: expected {' and '.join(TIMES)}, got one of them; add the other")
    return np.column_stack([_read_numbers(place, column) for column in there])


def _read_values(place: str, columns: Columns, wanted: Wanted) -> Take:
    """What takes the vectors of some rows of a table."""
    lists = [name for name, column in columns.items() if isinstance(column.type, LISTS)]
    if lists or wanted.key is not None:
        key = choose_key(place, lists, wanted)
        return _read_lists(f"{place}: {key}", columns[key])
    numeric = {name: column for name, column in columns.items() if _is_numeric(column.type)}
    if not numeric:
        raise StoreError(f"{place}: expected a column of lists, or columns of numbers, got neither")
    if told := [name for name in numeric if name.casefold() in NO_FEATURES]:
        raise StoreError(
            f"{place}: expected columns of features alone, got {', '.join(told)}, of which a head "
            f"would read its labels; drop them, or keep features in one column of lists"
        )
    matrix = np.column_stack([_read_numbers(place, column) for column in numeric.values()])
    return lambda _, first, last: matrix[first:last]


def _read_lists(place: str, column: pa.Array) -> Take:
    """What takes the cells of a column of vectors, or of lists of such, each level of one length.

    It raises StoreError where vectors under one id are of several lengths.
    """
    if column.null_count:
        raise StoreError(f"{place}: expected a list in each row, got blanks")
    lengths = pc.list_value_length(column).to_numpy(zero_copy_only=False).astype(np.int64)
    values = _read_inner(place, _strip(column.flatten()))
    ends = np.cumsum([0, *lengths])

    def take(told: str, first: int, last: int) -> NDArray[Any]:
        rows = values[ends[first] : ends[last]]
        if values.ndim > 1:
            return rows
        if len(found := np.unique(lengths[first:last])) > 1:
            raise StoreError(f"{told}: expected vectors of one length, got {found.tolist()}")
        return rows.reshape(last - first, found[0])

    return take


def _read_inner(place: str, column: pa.Array) -> NDArray[Any]:
    if not isinstance(column.type, LISTS):
        return _read_numbers(place, column)
    if column.null_count:
        raise StoreError(f"{place}: expected a list in each row, got blanks")
    lengths = set(pc.unique(pc.list_value_length(column)).to_pylist())
    values = _read_inner(place, _strip(column.flatten()))
    if len(lengths) > 1:
        raise StoreError(f"{place}: expected vectors of one length, got {sorted(lengths)}")
    return values.reshape(len(column), *lengths, *values.shape[1:])


def _read_numbers(place: str, column: pa.Array) -> NDArray[Any]:
    if not _is_numeric(column.type) or column.null_count:
        raise StoreError(
            f"{place}: expected numbers, got {column.type} with {column.null_count:,} blanks"
        )
    values: NDArray[Any] = column.to_numpy(zero_copy_only=False)
    return values


def _is_numeric(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)
    )


def _strip(column: pa.Array) -> pa.Array:
    """What a column is stored as, where it is of a type that somebody added."""
    return column.storage if isinstance(column, pa.ExtensionArray) else column
