"""Objects: what the columns of a table take in memory once they are Python's values."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

ROWS = 2**10
"""That are made objects at once."""

POINTER = 8
"""Bytes of a value, whatever it is, in a list."""
LISTS = (
    *(pa.ListArray, pa.LargeListArray, pa.FixedSizeListArray),
    *(pa.ListViewArray, pa.LargeListViewArray),
)
"""Arrays of lists, but for maps."""

_CELL = 64
"""Of a name and a value in a dictionary, beside the value."""
_LIST = 72
_TEXT = 64
WIDEST = 4
"""Bytes of each letter of a text at most, where one of them is none of ASCII."""
_NUMBERS: Sequence[tuple[Callable[[pa.DataType], bool], int]] = (
    (pa.types.is_null, 0),
    (pa.types.is_boolean, 0),
    (pa.types.is_floating, 24),
    (pa.types.is_integer, 32),
)
_TEXTS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
_BYTES = (
    *(pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view),
    pa.types.is_fixed_size_binary,
)
_OTHER = 128
"""Of a date, a time or a decimal."""


def measure_objects(table: pa.Table) -> int:
    """Bytes of all values of `table`, column by column, as Python's, at least nearly."""
    chunks = (chunk for column in table.columns for chunk in column.chunks)
    return sum(map(measure_values, chunks))


def measure_words(table: pa.Table) -> int:
    """Bytes of the different texts in each column of `table`, as Python's."""
    texts = [column for column in table.columns if _is_word(column.type)]
    found = [pc.unique(column) for column in texts]
    return sum(measure_values(getattr(words, "dictionary", words)) for words in found)


def list_rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    """Each row of `table`, a few of them in memory at once."""
    for start in range(0, len(table), ROWS):
        yield from table.slice(start, ROWS).to_pylist()


def measure_values(array: pa.Array) -> int:
    """Bytes of the values of `array`, as `measure_objects` tells them."""
    if isinstance(array, pa.ExtensionArray):
        return measure_values(array.storage)
    return POINTER * len(array) + _measure_own(array) + sum(map(measure_values, _list_inner(array)))


def _list_inner(array: pa.Array) -> list[pa.Array]:
    """Arrays of what the values of `array` hold."""
    if isinstance(array, pa.StructArray):
        return array.flatten()  # type: ignore[no-any-return]
    if isinstance(array, pa.MapArray):
        return [array.keys, array.items]
    if isinstance(array, LISTS):
        return [array.flatten()]
    return []


def _is_word(kind: pa.DataType) -> bool:
    kind = kind.value_type if isinstance(kind, pa.DictionaryType) else kind
    return any(is_of(kind) for is_of in _TEXTS)


def _measure_own(array: pa.Array) -> int:
    """Bytes of the values of `array`, without what they hold."""
    words, kind = isinstance(array, pa.DictionaryArray), array.type
    count = int(len(array) - array.null_count)  # there is one blank for all
    told = array.dictionary if words else array
    if any(is_of(told.type) for is_of in (*_TEXTS, *_BYTES)):
        sizes = _measure_texts(told)
        return int(pc.sum(sizes.take(array.indices) if words else sizes).as_py() or 0)
    if isinstance(array, pa.StructArray):
        return _CELL * count * (1 + int(kind.num_fields))
    if isinstance(array, pa.MapArray):
        return _LIST * (count + len(array.keys))  # of pairs
    if isinstance(array, LISTS):
        return _LIST * count
    return count * next((size for is_of, size in _NUMBERS if is_of(kind)), _OTHER)


def _measure_texts(array: pa.Array) -> pa.Array:
    """Bytes of each text, or bytes."""
    text = _is_word(array.type)
    array = array.cast(pa.large_string() if text else pa.large_binary())
    lengths = pc.binary_length(array)
    if text:
        lengths = pc.multiply(lengths, pc.if_else(pc.string_is_ascii(array), 1, WIDEST))
    return pc.add(lengths, _TEXT)
