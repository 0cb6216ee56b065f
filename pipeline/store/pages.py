"""Pages of a Parquet file: what they would take in memory, told before anything is unpacked.

A page says in a few bytes that it holds 2**31 equal values, and a list of all of them is one row,
which Arrow unpacks at once; or it is a text of gigabytes, packed a thousandfold. Arrow goes by what
pages say, not by what columns do; so does this. Headers are structs of Thrift's compact protocol,
by the numbers of fields in parquet.thrift.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from pipeline.files import open_regular

FOOTER_BYTES = 2**24
"""Of the description at the end of a file, without its texts, of which a part has one of all its
clips: a thousand columns in a hundred groups of rows take ten million."""

HEADER_BYTES = 2**16
"""Of a page: its statistics may hold a value."""

USUAL_BYTES = 2**8
"""Of nearly all, which are read first."""

FIXED, TEXT = "FIXED_LEN_BYTE_ARRAY", "BYTE_ARRAY"
"""Types of values of one length, and of texts or bytes, of which dictionaries hold each once."""

PAD_BYTES = 100
"""Behind a column, which Arrow reads of files by old writers, whatever they say is its length."""

_MAGIC = b"PAR1"
_DEPTH = 16
_STOP, _TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _STRUCT = 0, 1, 2, 3, 7, 8, 9, 12
_INT, _LONG = 5, 6
_WHOLE = {4: 2**15, _INT: 2**31, _LONG: 2**63}
"""Kinds of whole numbers, and where they end: of a longer one Arrow takes the lower bits."""

_NUMBERS = range(2**15)
_NIBBLE, _MANY = 15, 15

Field = tuple[int, int]
"""Number of a field, and the kind that it is: Thrift passes over one of another kind."""

_GROUPS, _CHUNKS, _COLUMN = (4, _LIST), (1, _LIST), (3, _STRUCT)
_VALUES, _SIZE, _DATA, _DICTIONARY = (5, _LONG), (7, _LONG), (9, _LONG), (11, _LONG)
"""Fields of a file's description, its groups of rows, their chunks of columns, and these."""

_PAGE, _UNPACKED, _PACKED = (1, _INT), (2, _INT), (3, _INT)
_OF_VALUES = {0: ((5, _STRUCT), (2, _INT)), 3: ((8, _STRUCT), (4, _INT))}
_PAGE_VALUES = (1, _INT)
"""Fields of a page's header; what it says of values and their encoding by the kind of the page; how
many there are."""

_OF_DICTIONARY, _CHAINED = 2, 7
"""Kind of a dictionary, and the encoding of texts that each begin as the one before."""

_LISTS: Mapping[tuple[int, ...], int] = {
    **dict.fromkeys([(2,), (4,), (5,), (7,), (4, 1), (4, 4), (4, 1, 3, 8), (4, 1, 3, 13)], _STRUCT),
    **dict.fromkeys([(4, 1, 3, 3), (4, 1, 8, 2, 1)], _BINARY),
    **dict.fromkeys([(4, 1, 3, 2), (4, 1, 3, 17, 2)], _INT),
    **dict.fromkeys([(4, 1, 3, 16, 2), (4, 1, 3, 16, 3)], _LONG),
}
"""Numbers of the fields that lead to each list, and the kind of what is in it. Arrow takes that for
granted, whatever the list says, and would go on elsewhere than who believes it."""


@dataclass(frozen=True)
class Pages:
    """What a file comes to in memory, by its pages: bytes, but for counts.

    `values` are those of all columns, blanks too, `listed` those in lists, `rows` as many rows as
    there can be. `held` are those of the largest page of each column and the page before all
    others, its dictionary, in that group of rows where they are most: Arrow holds so many at once.
    `unpacked` are those of all pages, and of values of one length in full; `texts` are what texts
    come to at most, if each takes all that texts repeat.
    """

    values: int
    listed: int
    rows: int
    held: int
    unpacked: int
    texts: int


class Kind(Protocol):
    """A column, as pyarrow tells of it; `length` is of its values, where they have one."""

    max_repetition_level: int
    physical_type: str
    length: int | None


@dataclass(frozen=True)
class _Chunk:
    """Values of a column in a group of rows, and bytes: all, those at once, those of each text."""

    values: int
    unpacked: int
    held: int
    repeated: int

    @property
    def most(self) -> int:
        """Bytes, if each value takes all that values repeat."""
        return self.unpacked + self.values * self.repeated


def measure_pages(path: Path, kinds: Sequence[Kind]) -> Pages:
    """What the pages of the file at `path` come to, of which these are the columns.

    Raises ValueError where its description, or a page, is none that Arrow would read.
    """
    if not kinds:
        raise ValueError("expected columns, got none")
    with open_regular(path) as file:
        groups = [[_measure_chunk(file, told) for told in group] for group in _list_groups(file)]
    for group in groups:
        if len(group) != len(kinds):
            raise ValueError(f"expected {len(kinds)} columns in each group, got {len(group)}")
    told = [(kind, chunk) for group in groups for kind, chunk in zip(kinds, group, strict=True)]
    return Pages(
        values=sum(chunk.values for _, chunk in told),
        listed=sum(chunk.values for kind, chunk in told if kind.max_repetition_level),
        rows=sum(min(chunk.values for chunk in group) for group in groups),
        held=max((sum(chunk.held for chunk in group) for group in groups), default=0),
        unpacked=sum(chunk.unpacked + chunk.values * _find_length(kind) for kind, chunk in told),
        texts=sum(chunk.most for kind, chunk in told if kind.physical_type == TEXT),
    )


def _find_length(kind: Kind) -> int:
    """Bytes of each value, of a type that gives all of them the same; 0 of others."""
    return kind.length or 0 if kind.physical_type == FIXED else 0


class _Packed(BytesIO):
    """Bytes of structs; `texts` are those of texts that were read."""

    texts = 0


def _list_groups(file: BinaryIO) -> Iterator[list[dict[Field, Any]]]:
    """What is said of the columns of each group of rows."""
    size = file.seek(0, 2)
    file.seek(max(size - 8, 0))
    length, magic = struct.unpack("<I4s", file.read(8).rjust(8, b"\0"))
    if magic != _MAGIC or length > size - 8:
        raise ValueError("expected a description at the end of the file, got none")
    file.seek(size - 8 - length)
    try:
        for group in _read_struct(_Packed(file.read(length)))[_GROUPS]:
            yield [chunk[_COLUMN] for chunk in group[_CHUNKS]]
    except (LookupError, TypeError) as error:
        raise ValueError("expected a description of each column, got another") from error


def _measure_chunk(file: BinaryIO, column: dict[Field, Any]) -> _Chunk:
    """What the pages of a column come to that Arrow reads, until they are as many as it says."""
    try:
        place, told = column[_DATA], column[_VALUES]
        first = column.get(_DICTIONARY, 0)
        place = first if 0 < first < place else place
        end, values, repeated, sizes = place + column[_SIZE] + PAD_BYTES, 0, 0, [0]
        while values < told and place < end:
            header, length = _read_header(file, place)
            counted, repeats = _read_page(header)
            numbers = (header[_PACKED], header[_UNPACKED], counted)
            if not all(0 <= number < 2**31 for number in numbers):
                raise ValueError("expected numbers of 32 bits in the header of a page, got others")
            values += counted
            sizes.append(max(numbers[:2]))
            repeated += sizes[-1] if repeats else 0
            place += length + header[_PACKED]
    except (AttributeError, LookupError, OverflowError, TypeError) as error:
        raise ValueError("expected pages of a column, got others") from error
    held = sum(sizes[:2]) + max(sizes[2:], default=0)
    return _Chunk(values, sum(sizes), held, repeated)


def _read_page(header: dict[Field, Any]) -> tuple[int, bool]:
    """Values of a page, and whether values may be longer than what stands there for each."""
    if header[_PAGE] not in _OF_VALUES:
        return 0, header[_PAGE] == _OF_DICTIONARY
    field, encoding = _OF_VALUES[header[_PAGE]]
    told = header.get(field, {})
    return told.get(_PAGE_VALUES, 0), told.get(encoding) == _CHAINED


def _read_header(file: BinaryIO, place: int) -> tuple[dict[Field, Any], int]:
    """Header of the page at `place`, and its bytes."""
    try:
        return _parse_header(file, place, USUAL_BYTES)
    except ValueError:
        return _parse_header(file, place, HEADER_BYTES)


def _parse_header(file: BinaryIO, place: int, most: int) -> tuple[dict[Field, Any], int]:
    file.seek(place)
    begin = _Packed(file.read(most))
    return _read_struct(begin), begin.tell()


def _read_struct(data: _Packed, path: tuple[int, ...] = ()) -> dict[Field, Any]:
    """Values of a struct, to which the fields of the numbers in `path` lead.

    Raises ValueError where it is none.
    """
    if len(path) > _DEPTH:
        raise ValueError(f"expected at most {_DEPTH} structs within one another")
    found: dict[Field, Any] = {}
    seen: set[int] = set()
    number = 0
    while (head := _read_byte(data)) != _STOP:
        kind, step = head & _NIBBLE, head >> 4
        number = number + step if step else _read_whole(data)
        if number in seen or number not in _NUMBERS:  # of which Arrow might take another
            raise ValueError(f"expected each field once, got {number}")
        _check_length(data.tell() - data.texts)
        seen.add(number)
        truth = kind in (_TRUE, _FALSE)  # which is no byte more
        found[number, kind] = kind == _TRUE if truth else _read_value(data, kind, (*path, number))
    return found


def _check_length(count: int) -> None:
    if count > FOOTER_BYTES:
        raise ValueError(f"expected a description of at most {FOOTER_BYTES:,} bytes, got more")


def _read_value(data: _Packed, kind: int, path: tuple[int, ...]) -> Any:
    if kind in _WHOLE:
        number = _read_whole(data)
        if not -_WHOLE[kind] <= number < _WHOLE[kind]:
            raise ValueError(f"expected a whole number of its kind, got {number}")
        return number
    if kind == _BYTE:
        return _read_byte(data)
    if kind == _DOUBLE:
        return _read_bytes(data, 8)
    if kind == _BINARY:
        return _read_bytes(data, _read_count(data))
    if kind == _LIST:
        return _read_list(data, path)
    if kind == _STRUCT:
        return _read_struct(data, path)
    raise ValueError(f"expected a value, got one of kind {kind}")


def _read_list(data: _Packed, path: tuple[int, ...]) -> list[Any]:
    head = _read_byte(data)
    count, kind = head >> 4, head & _NIBBLE
    count = _read_count(data) if count == _MANY else count
    _check_length(count)
    if count and kind != _LISTS.get(path):
        raise ValueError(f"expected a list as Parquet has it, got one of kind {kind}")
    return [_read_value(data, kind, path) for _ in range(count)]


def _read_byte(data: _Packed) -> int:
    read = data.read(1)
    if not read:
        raise ValueError("expected more bytes, got an end")
    return read[0]


def _read_bytes(data: _Packed, count: int) -> bytes:
    read = data.read(count)
    data.texts += count
    if len(read) < count:
        raise ValueError("expected more bytes, got an end")
    return read


def _read_count(data: _Packed) -> int:
    """A whole number without a sign, seven bits to a byte, the lowest first."""
    value = 0
    for shift in range(0, 70, 7):
        byte = _read_byte(data)
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value
    raise ValueError("expected a whole number of 64 bits, got a longer one")


def _read_whole(data: _Packed) -> int:
    """A whole number, whose lowest bit is its sign."""
    value = _read_count(data)
    return value >> 1 ^ -(value & 1)
