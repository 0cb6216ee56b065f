"""Cells of a table: numbers, times and missing values as people write them."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from math import isnan
from typing import Any

NOTHING = frozenset({"nan", "na", "n/a", "#n/a", "#na", "<na>", "null", "-", "--", "–", "—"})
"""What programs and people write for no value, in lower case."""

_WITH_COMMA = re.compile(r"[+-]?\d*,\d+")
_CLOCK = re.compile(r"(?:(\d{1,6}):)?(\d{1,2}):(\d{1,2}(?:\.\d*)?)")


def is_nothing(cell: object) -> bool:
    """Whether a cell reads like no value."""
    return isinstance(cell, str) and cell.strip().casefold() in NOTHING


def count_nothing(cells: Iterable[object]) -> str:
    """Cells that read like no value, counted: `'NA' (3), '-' (1)`; empty where there is none."""
    counts = Counter(str(cell).strip() for cell in cells if is_nothing(cell))
    return ", ".join(f"{word!r} ({count})" for word, count in counts.most_common())


def read_numbers(cells: Sequence[Any]) -> list[Any]:
    """`cells` for `float` to read, None where one reads like no value.

    A comma is a decimal one, unless any cell has a point: 1,234 could then be a thousand.
    """
    texts = [_write_plain(cell) for cell in cells]
    pointed = any("." in text for text in texts if isinstance(text, str))
    return [
        text.replace(",", ".")
        if not pointed and isinstance(text, str) and _WITH_COMMA.fullmatch(text)
        else text
        for text in texts
    ]


def read_times(cells: Sequence[Any]) -> list[Any]:
    """`cells` as seconds: numbers, or times of a clock such as `00:00:03.5` and `1:30`."""
    return [_read_clock(text) for text in read_numbers(cells)]


def _write_plain(cell: Any) -> Any:
    """A cell without what stands round its number, None where it reads like no value."""
    if isinstance(cell, float) and isnan(cell):  # of a Parquet table
        return None
    if not isinstance(cell, str):
        return cell
    return None if is_nothing(cell) else cell.strip().replace("\N{MINUS SIGN}", "-")


def _read_clock(text: Any) -> Any:
    """Seconds of a time by a clock; whatever is none stays as it is."""
    found = _CLOCK.fullmatch(text.replace(",", ".")) if isinstance(text, str) else None
    if found is None:
        return text
    hours, minutes, seconds = int(found[1] or 0), int(found[2]), float(found[3])
    if seconds >= 60 or (found[1] is not None and minutes >= 60):
        return text
    return hours * 3600 + minutes * 60 + seconds
