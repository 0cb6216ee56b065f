"""Pages of a Parquet file: what they would take in memory, told before anything is unpacked.

A page says in a few bytes that it holds 2**31 equal values, and a list of all of them is one row,
which Arrow unpacks at once; or it is a text of gigabytes, packed a thousandfold. Arrow goes by what
pages say, not by what columns do; so does this. Headers are structs of Thrift's compact protocol,
by the numbers of fields in parquet.thrift.
"""

import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from pipeline.files import open_regular

FOOTER_BYTES = 2**24
"""Of the description of a table with lists, at the end of its file: a thousand columns in a hundred
groups of rows take ten million."""

HEADER_BYTES = 2**16
"""Of a page: its statistics may hold a value."""

USUAL_BYTES = 2**8
"""Of nearly all, which are read first."""

_MAGIC = b"PAR1"
_DEPTH = 16
_STOP, _TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 0, 1, 2, 3, 7, 8, 9, 10, 12
_WHOLE = frozenset({4, 5, 6})
_NUMBERS = range(2**15)
_NIBBLE, _LONG = 15, 15

_GROUPS, _CHUNKS, _COLUMN = 4, 1, 3
_PATH, _VALUES, _SIZE, _DATA, _DICTIONARY = 3, 5, 7, 9, 11
"""Fields of a file's description, its groups of rows, their chunks of columns, and these."""

_UNPACKED, _PACKED, _PLAIN_PAGE, _PAGE_2, _PAGE_VALUES = 2, 3, 5, 8, 1
"""Fields of a page's header, and of what it says of data."""


@dataclass(frozen=True)
class Pages:
    """What the pages of a file say: how many values its lists hold, and bytes of pages unpacked.

    These are of the largest page of each column and the page before all others, its dictionary, in
    that group of rows where they are most: Arrow holds so many at once.
    """

    listed: int
    held: int


def measure_pages(path: Path, lists: Collection[str]) -> Pages:
    """What the pages of the file at `path` say, of which columns of these paths are `lists`.

    Raises ValueError where its description, or a page, is none that Arrow would read.
    """
    listed, held = 0, 0
    with open_regular(path) as file:
        for group in _list_groups(file):
            measured = [(_name_column(column), *_measure_chunk(file, column)) for column in group]
            listed += sum(values for name, values, _ in measured if name in lists)
            held = max(held, sum(size for _, _, size in measured))
    return Pages(listed, held)


def _list_groups(file: BinaryIO) -> Iterator[list[dict[int, Any]]]:
    """What is said of the columns of each group of rows."""
    size = file.seek(0, 2)
    file.seek(max(size - 8, 0))
    length, magic = struct.unpack("<I4s", file.read(8).rjust(8, b"\0"))
    if magic != _MAGIC or length > min(size - 8, FOOTER_BYTES):
        raise ValueError(f"expected a description of at most {FOOTER_BYTES:,} bytes, got another")
    file.seek(size - 8 - length)
    try:
        for group in _read_struct(BytesIO(file.read(length)))[_GROUPS]:
            yield [chunk[_COLUMN] for chunk in group[_CHUNKS]]
    except (LookupError, TypeError) as error:
        raise ValueError("expected a description of each column, got another") from error


def _name_column(column: dict[int, Any]) -> str:
    try:
        return b".".join(column[_PATH]).decode()
    except (LookupError, TypeError) as error:
        raise ValueError("expected a path of each column, got another") from error


def _measure_chunk(file: BinaryIO, column: dict[int, Any]) -> tuple[int, int]:
    """Values of the pages of a column that Arrow reads, until they are as many as it says.

    And bytes of its first page and its largest.
    """
    try:
        place, told = column[_DATA], column[_VALUES]
        first = column.get(_DICTIONARY, 0)
        place = first if 0 < first < place else place
        end, counted, sizes = place + column[_SIZE], 0, [0]
        while counted < told and place < end:
            header, length = _read_header(file, place)
            counts = [header.get(kind, {}).get(_PAGE_VALUES, 0) for kind in (_PLAIN_PAGE, _PAGE_2)]
            numbers = (header[_PACKED], header[_UNPACKED], *counts)
            if not all(0 <= number < 2**31 for number in numbers):
                raise ValueError("expected numbers of 32 bits in the header of a page, got others")
            counted += max(counts)
            sizes.append(header[_UNPACKED])
            place += length + header[_PACKED]
        return counted, sum(sizes[:2]) + max(sizes[2:], default=0)
    except (AttributeError, LookupError, OverflowError, TypeError) as error:
        raise ValueError("expected pages of a column, got others") from error


def _read_header(file: BinaryIO, place: int) -> tuple[dict[int, Any], int]:
    """Header of the page at `place`, and its bytes."""
    try:
        return _parse_header(file, place, USUAL_BYTES)
    except ValueError:
        return _parse_header(file, place, HEADER_BYTES)


def _parse_header(file: BinaryIO, place: int, most: int) -> tuple[dict[int, Any], int]:
    file.seek(place)
    begin = BytesIO(file.read(most))
    return _read_struct(begin), begin.tell()


def _read_struct(data: BytesIO, depth: int = 0) -> dict[int, Any]:
    """Values of a struct by the numbers of their fields; raises ValueError where it is none."""
    if depth > _DEPTH:
        raise ValueError(f"expected at most {_DEPTH} structs within one another")
    found: dict[int, Any] = {}
    number = 0
    while (head := _read_byte(data)) != _STOP:
        kind, step = head & _NIBBLE, head >> 4
        number = number + step if step else _read_whole(data)
        if number in found or number not in _NUMBERS:  # of which Arrow might take another
            raise ValueError(f"expected each field once, got {number}")
        found[number] = kind == _TRUE if kind in (_TRUE, _FALSE) else _read_value(data, kind, depth)
    return found


def _read_value(data: BytesIO, kind: int, depth: int) -> Any:
    if kind in _WHOLE:
        return _read_whole(data)
    if kind in (_TRUE, _FALSE, _BYTE):  # a list of truths has a byte for each
        return _read_byte(data)
    if kind == _DOUBLE:
        return _read_bytes(data, 8)
    if kind == _BINARY:
        return _read_bytes(data, _read_count(data))
    if kind in (_LIST, _SET):
        head = _read_byte(data)
        count = _read_count(data) if head >> 4 == _LONG else head >> 4
        return [_read_value(data, head & _NIBBLE, depth + 1) for _ in range(count)]
    if kind == _STRUCT:
        return _read_struct(data, depth + 1)
    raise ValueError(f"expected a value, got one of kind {kind}")


def _read_byte(data: BytesIO) -> int:
    read = data.read(1)
    if not read:
        raise ValueError("expected more bytes, got an end")
    return read[0]


def _read_bytes(data: BytesIO, count: int) -> bytes:
    read = data.read(count)
    if len(read) < count:
        raise ValueError("expected more bytes, got an end")
    return read


def _read_count(data: BytesIO) -> int:
    """A whole number without a sign, seven bits to a byte, the lowest first."""
    value = 0
    for shift in range(0, 70, 7):
        byte = _read_byte(data)
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value
    raise ValueError("expected a whole number of 64 bits, got a longer one")


def _read_whole(data: BytesIO) -> int:
    """A whole number, whose lowest bit is its sign."""
    value = _read_count(data)
    return value >> 1 ^ -(value & 1)
