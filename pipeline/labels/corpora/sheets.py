"""Sheets: a table's file → its columns as they stand, and where in the file each row is.

CSV as spreadsheets and people write it: cells between commas, semicolons, tabs or bars, told by the
header; in UTF-8, UTF-16 with its mark, or Windows-1252. Parquet is read as it is.
"""

import codecs
import csv
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import CorpusError, StoreError
from pipeline.files import open_regular
from pipeline.labels.texts import count_ends, open_text
from pipeline.limits import MOST_CLIPS, MOST_IDS
from pipeline.store.tables import read_objects

csv.field_size_limit(2**31 - 1)  # a transcript may be long

DELIMITERS = ("\t", ";", "|", ",")
"""What parts cells, the comma last: it also stands in numbers and sentences."""
SAMPLE = 100
"""Lines by which delimiters are told apart."""
TOLD = 5
"""Most mistakes that one message tells."""
MOST = 100
"""Quotes that are not closed after which a file is not read on."""

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_ANNOUNCED = re.compile(r"sep=([,;\t|])\r?\n?")
"""First line by which Excel is told the delimiter."""


@dataclass(frozen=True)
class Sheet:
    """A table: `columns` by name, None for a blank cell, and each row's place in the file.

    `places` are such as `line 3`; `remarks` say what was taken for granted.
    """

    path: Path
    columns: Mapping[str, Sequence[Any]]
    places: Sequence[str]
    remarks: Sequence[str] = ()


@dataclass(frozen=True)
class Mistake:
    """What is wrong in a table, and where."""

    place: str
    told: str


def refuse(path: Path, mistakes: Sequence[Mistake], cure: str) -> CorpusError:
    """Error of the first few `mistakes` in the table at `path`, with what to do."""
    told = "; ".join(f"{mistake.place}: {mistake.told}" for mistake in mistakes[:TOLD])
    more = f"; and {len(mistakes) - TOLD} more" if len(mistakes) > TOLD else ""
    return CorpusError(f"{path}: {told}{more}; {cure}")


def read_sheet(path: Path) -> Sheet:
    """Table at `path`; raises CorpusError that names the lines where it is none."""
    if not path.is_file():
        raise CorpusError(f"{path}: no such table; mend `root` or `table`")
    suffix = path.suffix.lower()
    if suffix not in READERS:
        raise CorpusError(
            f"{path}: expected {' or '.join(READERS)}, got {path.suffix!r}; save it as one of them"
        )
    return READERS[suffix](path)


def read_rows(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Rows of a CSV that a corpus ships, cells as they stand; raises CorpusError where it is none.

    It may have other columns than `columns`.
    """
    try:
        with open_text(path) as file:
            text = file.read()
        if count_ends(text) > MOST_CLIPS:
            raise CorpusError(f"{path}: expected at most {MOST_CLIPS:,} rows, got more")
        # Not `DictReader`, which fills short rows up to any width.
        reader = csv.reader(StringIO(text, newline=""), strict=True)
        names = next(reader, [])
        if absent := [name for name in columns if name not in names]:
            raise CorpusError(
                f"{path}: expected a column {absent[0]!r}, got {', '.join(names) or 'none'}; "
                f"restore it as its authors ship it"
            )
        lines = list(filter(None, reader))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CorpusError(
            f"{path}: not a readable table ({error}); restore it as its authors ship it"
        ) from error
    for number, cells in enumerate(lines, start=1):
        if len(cells) != len(names):
            raise CorpusError(
                f"{path}: row {number}: expected {len(names)} cells, got {len(cells)}; "
                f"restore it as its authors ship it"
            )
    return [dict(zip(names, cells, strict=True)) for cells in lines]


def _read_parquet(path: Path) -> Sheet:
    try:
        # pq.read_table would import pyarrow.dataset, and with it pandas.
        with open_regular(path), pq.ParquetFile(path) as file:
            table = read_objects(file, path)
        if len(table) > MOST_IDS:
            raise ValueError(f"expected at most {MOST_IDS:,} rows, got {len(table):,}")
        columns = {
            name: column.to_pylist()
            for name, column in zip(table.column_names, table.columns, strict=True)
        }
    except (pa.ArrowException, OSError, OverflowError, ValueError, StoreError) as error:
        raise CorpusError(f"{path}: not a readable table ({error}); mend it") from error
    _check_names(path, table.column_names)
    return Sheet(path, columns, [f"row {number}" for number in range(1, len(table) + 1)])


def _read_csv(path: Path) -> Sheet:
    """Table of strings: guessing types would turn subject 01 into 1."""
    text, remarks = _read_text(path)
    if count_ends(text) > MOST_IDS:
        raise CorpusError(f"{path}: expected at most {MOST_IDS:,} lines, got more")
    rows = _open_rows(path, list(StringIO(text, newline="")))
    found = {line: cells for line, cells in rows.read(rows.line) if any(map(str.strip, cells))}
    if rows.mistakes:
        raise refuse(path, rows.mistakes, _QUOTES)
    width = len(rows.names)
    uneven = [
        Mistake(f"line {line}", f"expected {width} cells, as the header has, got {len(cells)}")
        for line, cells in found.items()
        if len(cells) < width or any(map(str.strip, cells[width:]))
    ]
    if uneven:
        mend = f"mend the table, whose cells are told apart by {rows.delimiter!r}"
        raise refuse(path, uneven, mend)
    columns = _name_columns(path, rows.names, [cells[:width] for cells in found.values()])
    return Sheet(path, columns, [f"line {line}" for line in found], remarks)


def _open_rows(path: Path, lines: Sequence[str]) -> "_Rows":
    """Rows of the CSV file of these `lines`, read up to its header, whose names they have."""
    announced = _ANNOUNCED.fullmatch(lines[0]) if lines else None
    first = 1 if announced else 0
    while first < len(lines) and not lines[first].strip():
        first += 1
    if first == len(lines):
        raise CorpusError(f"{path}: not a readable table (it is empty); expected a line of names")
    delimiter = announced[1] if announced else find_delimiter(lines[first : first + SAMPLE])
    rows = _Rows(lines, delimiter)
    _, header = next(rows.read(first), (0, None))
    if header is None or rows.mistakes:
        raise refuse(path, rows.mistakes, _QUOTES)
    rows.names = [name.strip() for name in header]
    return rows


READERS: Mapping[str, Callable[[Path], Sheet]] = {
    ".csv": _read_csv,
    ".tsv": _read_csv,
    ".txt": _read_csv,
    ".parquet": _read_parquet,
}
"""How a table is read, by the end of its name."""


def find_delimiter(lines: Sequence[str]) -> str:
    """What parts the cells of `lines`, the first being the header.

    Of those that part the header, the one that parts most lines alike, then the one that makes
    most cells, then the first.

    >>> find_delimiter(["path;valence", "a.mp4;0,5"])
    ';'
    """

    def judge(delimiter: str) -> tuple[bool, int, int]:
        widths = [len(cells) for cells in csv.reader(lines, delimiter=delimiter)]
        return widths[0] > 1, sum(width == widths[0] for width in widths), widths[0]

    return max(DELIMITERS, key=judge)


def _read_text(path: Path) -> tuple[str, list[str]]:
    """What the file says, and a remark where it is not in a Unicode encoding."""
    try:
        with open_regular(path) as file:
            data = file.read()
    except OSError as error:
        raise CorpusError(f"{path}: not a readable table ({error}); mend it") from error
    encoding = next((name for mark, name in _MARKS.items() if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        text = _decode_windows(data, f"{path}: line {line}")
        return text, [f"{path}: read as Windows-1252, for it is no UTF-8; save it as UTF-8"]
    if "\0" in text:
        raise CorpusError(f"{path}: not a readable table (it holds zero bytes); save it as UTF-8")
    return text, []


def _decode_windows(data: bytes, place: str) -> str:
    """Text of bytes that are no UTF-8, of which the first stands at `place`."""
    mixed = any(ord(sign) > 127 for sign in data.decode("utf-8", errors="ignore"))
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        mixed = True
    if mixed or "\0" in text:
        raise CorpusError(
            f"{place}: expected text in UTF-8 or Windows-1252, got bytes of neither; "
            "save the table as UTF-8"
        )
    return text


_QUOTES = 'close each quote that opens a cell, and write "" for one within quotes'


class _Rows:
    """Rows of a CSV file, with the line on which each begins; `mistakes` are quotes not closed.

    `line` counts the lines that are read, `names` are the header's, where it is known.
    """

    def __init__(self, lines: Sequence[str], delimiter: str) -> None:
        self.lines = lines
        self.delimiter = delimiter
        self.line = 0
        self.names: Sequence[str] = ()
        self.mistakes: list[Mistake] = []

    def read(self, line: int) -> Iterator[tuple[int, list[str]]]:
        """Each row from `line`, counted from 0, on; after a mistake, from the next line on."""
        self.line = line
        while self.line < len(self.lines) and len(self.mistakes) < MOST:
            rest = islice(self.lines, self.line, None)
            reader = csv.reader(rest, delimiter=self.delimiter, strict=True)
            yield from self._read_on(reader, self.line)

    def _read_on(self, reader: Any, begin: int) -> Iterator[tuple[int, list[str]]]:
        """Rows of `reader`, which began at line `begin`, up to its end or a mistake."""
        while True:
            first = begin + reader.line_num
            try:
                cells = next(reader)
            except StopIteration:
                self.line = len(self.lines)
                return
            except csv.Error:
                self._note(first)
                return
            if any(map(self._is_row, cells)):
                self._note(first)
                return
            self.line = begin + reader.line_num
            yield first + 1, cells

    def _note(self, line: int) -> None:
        """Note a mistake in the row that begins on `line`, and go on with the next line."""
        self.line = line + 1
        opened = self._count_cells(self.lines[line])
        name = self.names[opened - 1] if opened <= len(self.names) else f"column {opened}"
        told = f"{name}: expected the quote to be closed within the cell, got none"
        self.mistakes.append(Mistake(f"line {line + 1}", told))

    def _count_cells(self, line: str) -> int:
        """Cells of a line up to the one whose quote is wrong: text follows it, or it stays open."""
        end = bisect_left(range(len(line)), True, key=lambda end: self._is_broken(line[:end]))
        return len(next(csv.reader([line[:end]], delimiter=self.delimiter)))

    def _is_broken(self, line: str) -> bool:
        """Whether text follows a quote within a line, as it then does however the line goes on."""
        try:
            next(csv.reader([line], delimiter=self.delimiter, strict=True), None)
        except csv.Error as error:
            return "expected after" in str(error)
        return False

    def _is_row(self, cell: str) -> bool:
        """Whether `cell` holds a line that looks like a row: quotes swallowed it.

        People write a space after the comma in their sentences. A line of two cells may be a verse
        with a comma at its middle; so of two columns, the first has to hold no space.
        """
        for line in cell.split("\n")[1:-1]:
            cells = line.split(self.delimiter)
            spaced = any(one.startswith(" ") for one in cells)
            alike = len(cells) == len(self.names) > 1 and not spaced
            if alike and (len(cells) > 2 or " " not in cells[0].strip()):
                return True
        return False


def _name_columns(
    path: Path, names: Sequence[str], rows: Sequence[Sequence[str]]
) -> dict[str, list[str | None]]:
    """Columns of `rows` by name, without those that have neither a name nor a meaning."""
    cells = [
        [row[index] if row[index].strip() else None for row in rows] for index in range(len(names))
    ]
    named = [(name, column) for name, column in zip(names, cells, strict=True) if name]
    for number, (name, column) in enumerate(zip(names, cells, strict=True), start=1):
        if not name and not _is_numbering(column):
            raise CorpusError(f"{path}: column {number} has no name; give it one")
    _check_names(path, [name for name, _ in named])
    return dict(named)


def _is_numbering(column: Sequence[str | None]) -> bool:
    """Whether a column counts rows, as pandas leaves one, or is blank."""
    return all(cell is None or cell.strip().isdigit() for cell in column)


def _check_names(path: Path, names: Sequence[str]) -> None:
    doubled = [name for name, count in Counter(names).items() if count > 1]
    if doubled:
        raise CorpusError(f"{path}: column {doubled[0]!r} occurs twice; rename one")
