"""Decisions that people write down in a CSV and keep in git: overrides, and places of clips."""

import csv
from io import StringIO
from pathlib import Path

from pipeline.errors import CorpusError
from pipeline.labels.texts import read_text

Line = tuple[str, list[str]]
"""Where a line stands, such as `data/splits.csv: line 3`, and its cells."""


def read_decisions(path: Path, absent: str) -> tuple[list[str], list[Line]]:
    """Cells of the first line of the CSV at `path`, and the lines below it that are not blank.

    Raises CorpusError where it is not readable, and where it is not there, which says to do what
    `absent` says.
    """
    # By default, a quote that nobody closes takes in the lines below it.
    lines = csv.reader(StringIO(read_text(path, absent), newline=""), strict=True)
    try:
        header = next(lines, [])
        return header, [(f"{path}: line {lines.line_num}", cells) for cells in lines if cells]
    except csv.Error as error:
        raise CorpusError(f"{path}: not a readable CSV ({error}); mend it") from error
