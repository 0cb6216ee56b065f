"""What commands print: tables on standard output, plain where it is piped."""

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.errors import show_line

PLAIN_WIDTH = 132
"""Columns where there is no terminal to ask."""


def open_console() -> Console:
    """Standard output: as wide as the terminal, and without colours where it is piped."""
    # Names from a corpus may hold brackets, which are no markup.
    console = Console(highlight=False, markup=False)
    if console.is_terminal:
        return console
    return Console(highlight=False, markup=False, width=PLAIN_WIDTH)


def tabulate(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Table of `rows`, as they stand."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(write, row))
    return table


def write(text: str) -> Text:
    """`text` as it stands, for rich, with what a terminal would obey as escapes."""
    return Text(show_line(text))


def write_bytes(size: int) -> str:
    """Size for people, in units of 1000: `64.0 MB`."""
    amount, unit = float(size), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if amount < 1000 or unit == "TB":
            break
        amount /= 1000
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
