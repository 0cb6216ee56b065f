"""Columns of a table: which are moodline's, and their cells as rows of it."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.errors import CorpusError, ParamsError
from pipeline.families import suggest
from pipeline.labels.corpora.cells import count_nothing, read_numbers, read_times
from pipeline.labels.corpora.params import TableParams
from pipeline.labels.corpora.rows import COLUMNS, NUMBERS, VECTORS, is_mark, is_of_class
from pipeline.labels.corpora.sheets import Mistake, Sheet
from pipeline.rows import TIMES
from pipeline.sections import MOST_LETTERS
from pipeline.targets import TARGETS

_FIELD = re.compile(r"\{([^{}:]+)(?::([^{}]*))?\}")
"""A column in `path`, with a format as Python has it: `{Utterance_ID:02d}`."""

NAMED = ("subject", "group", "dialogue", "transcript")
"""Columns of words, where `NA` may be one."""


@dataclass
class Taken:
    """Rows of a table under moodline's names; what is wrong with them, and what was assumed."""

    rows: list[dict[str, Any]]
    mistakes: list[Mistake] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def take_columns(sheet: Sheet, params: TableParams) -> Taken:
    """Rows of `sheet` with moodline's columns alone; raises where a column is not accounted for."""
    sources = find_sources(params)
    _check_columns(sheet, params, sources)
    taken = Taken([{} for _ in sheet.places])
    for column, source in sources.items():
        if source in sheet.columns and source not in params.ignore:
            _take(taken, column, read_cells(sheet.columns[source], params), sheet, params)
    own = {name: name for name in sheet.columns if is_of_class(name)}
    mapped = {name: source for name, source in params.columns.items() if is_of_class(name)}
    for column, source in (own | mapped).items():
        if source not in params.ignore:
            _take_class(taken, column, read_cells(sheet.columns[source], params), sheet)
    if params.path is not None:
        _make_paths(taken, params.path, sheet, params)
    return taken


def check_mapping(params: TableParams) -> None:
    """Raise ParamsError where `columns` and `path` are wrong whatever the table is."""
    for column in params.columns:
        if column not in COLUMNS and not is_of_class(column):
            raise ParamsError(f"columns: unknown column {column!r}; {_suggest(column)}")
    if params.path is not None and "path" in params.columns:
        raise ParamsError("path: `columns` has a path, too; keep one of the two")
    if params.path is not None and any(
        int(width) > MOST_LETTERS
        for found in _FIELD.finditer(params.path)
        for width in re.findall(r"\d+", found[2] or "")
    ):
        raise ParamsError(
            f"path: expected formats of at most {MOST_LETTERS} letters, got {params.path!r}"
        )
    if params.path is not None and not list_fields(params.path):
        raise ParamsError(
            f"path: expected columns in braces, such as dia{{Dialogue_ID}}.mp4, got {params.path!r}"
        )


def find_sources(params: TableParams) -> dict[str, str]:
    """Moodline's column → the table's, of all but those of single classes."""
    sources = {column: params.columns.get(column, column) for column in COLUMNS}
    if params.path is not None:
        del sources["path"]
    return sources


def list_fields(template: str) -> list[str]:
    """Columns that a path is made of."""
    return [found[1] for found in _FIELD.finditer(template)]


def read_cells(cells: Sequence[Any], params: TableParams) -> list[Any]:
    """`cells`, None where one means no value; a whole number is one, as pandas makes 1.0 of it."""
    plain = [int(cell) if _is_whole(cell) else cell for cell in cells]
    return [None if _is_blank(cell, params.blanks) else cell for cell in plain]


def _is_blank(cell: Any, blanks: Sequence[str]) -> bool:
    """Whether a cell means no value: a number counts as it is written."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return True
    return str(_strip(cell)) in blanks


def fill_path(template: str, row: Mapping[str, Any]) -> str:
    """Path made of a row's cells; raises ValueError where a cell is blank or not a number."""

    def fill(found: re.Match[str]) -> str:
        name, how = found[1], found[2] or ""
        cell = row[name]
        if cell is None:
            raise ValueError(f"expected a value of {name}, got none")
        text = str(cell).strip()
        try:
            return format(int(text) if how.endswith("d") else text, how)
        except ValueError as error:
            raise ValueError(f"{name}: expected what {{:{how}}} can write, got {text!r}") from error

    return _FIELD.sub(fill, template)


def _is_whole(cell: Any) -> bool:
    return isinstance(cell, float) and cell.is_integer()


def _strip(cell: Any) -> Any:
    return cell.strip() or None if isinstance(cell, str) else cell


def _take(taken: Taken, column: str, cells: list[Any], sheet: Sheet, params: TableParams) -> None:
    """Add a column to the rows, its numbers and times as they are to be read."""
    if column in (*NUMBERS, *TIMES):
        if counted := count_nothing(cells):
            taken.remarks.append(f"{column}: {counted} taken as no value")
        cells = read_times(cells) if column in TIMES else read_numbers(cells)
    elif column in NAMED and (counted := count_nothing(cells)):
        taken.remarks.append(
            f"{column}: {counted} taken as a word; list it in `blanks` if it is none"
        )
    if column in params.scale:
        cells = _rescale(taken, column, cells, sheet, params.scale[column])
    for row, cell in zip(taken.rows, cells, strict=True):
        row[column] = cell


def _rescale(
    taken: Taken, column: str, cells: Sequence[Any], sheet: Sheet, ends: Sequence[float]
) -> list[Any]:
    """Ratings from the scale of the table to moodline's; None where one is not on it."""
    target, (first, last) = TARGETS[column], ends
    low, high = min(ends), max(ends)
    scaled: list[Any] = []
    for place, cell in zip(sheet.places, cells, strict=True):
        number = _to_float(cell)
        marked = target.framed and is_mark(cell) and not low <= -5 <= high
        if cell is None or marked:
            scaled.append(None)
        elif number is None or not low <= number <= high:
            told = f"{column}: expected {first:g} to {last:g}, as `scale` has it, got {cell!r}"
            taken.mistakes.append(Mistake(place, told))
            scaled.append(None)
        else:
            share = (number - first) / (last - first)
            scaled.append(target.low + share * (target.high - target.low))
    return scaled


def _to_float(cell: Any) -> float | None:
    try:
        return float(cell)
    except (TypeError, ValueError):
        return None


def _take_class(taken: Taken, column: str, cells: list[Any], sheet: Sheet) -> None:
    """Add a class's numbers to the label that each row has of their target."""
    target, _, word = column.partition(".")
    if counted := count_nothing(cells):
        taken.remarks.append(f"{column}: {counted} taken as no value")
    for place, row, cell in zip(sheet.places, taken.rows, read_numbers(cells), strict=True):
        label = row.setdefault(target, {})
        if label and (cell is None) is not (None in label.values()):
            told = (
                f"{target}: expected a number for each class, or none at all, got some; write 0 "
                "where there is none of a class"
            )
            if taken.mistakes[-1:] != [Mistake(place, told)]:
                taken.mistakes.append(Mistake(place, told))
        label[word.strip()] = cell


def _make_paths(taken: Taken, template: str, sheet: Sheet, params: TableParams) -> None:
    """Add the path that `template` makes of each row."""
    names = list_fields(template)
    columns = {name: read_cells(sheet.columns[name], params) for name in names}
    for index, place in enumerate(sheet.places):
        cells = {name: columns[name][index] for name in names}
        try:
            taken.rows[index]["path"] = fill_path(template, cells)
        except ValueError as error:
            taken.rows[index]["path"] = template  # so that the row is told once
            taken.mistakes.append(Mistake(place, f"path: {error}"))


def _check_columns(sheet: Sheet, params: TableParams, sources: Mapping[str, str]) -> None:
    """Refuse columns that are missing or unknown."""
    found = list(sheet.columns)
    if params.path is None:
        instead = {sources[name] for name in ("transcript", "clip_id")} - {*params.ignore}
        told = not instead.isdisjoint(found)
        if (column := sources["path"]) not in found and (not told or "path" in params.columns):
            raise CorpusError(f"{sheet.path}: no column {column!r}; {suggest(column, found)}")
    for column in [*params.columns.values(), *list_fields(params.path or "")]:
        if column not in found:
            raise CorpusError(f"{sheet.path}: no column {column!r}; {suggest(column, found)}")
    known = {*sources.values(), *params.columns.values(), *params.ignore}
    known |= {name for name in found if is_of_class(name)}
    known |= set(list_fields(params.path or ""))
    unknown = [column for column in found if column not in known]
    if params.path is not None and "path" in unknown:
        raise CorpusError(
            f"{sheet.path}: `path` makes paths of other columns than 'path', which is there, "
            "too; list it in `ignore`, or use it"
        )
    if unknown:
        raise CorpusError(
            f"{sheet.path}: unknown columns {unknown}; map them in `columns` (moodline's "
            f"name: the table's) or list them in `ignore`; for {unknown[0]!r}: "
            f"{_suggest(unknown[0])}"
        )


def _suggest(column: str) -> str:
    return suggest(column, (*COLUMNS, *(f"{name}.<class>" for name in VECTORS)))
