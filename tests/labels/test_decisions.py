"""What overrides and places of clips, both CSV files in git, are refused for alike."""

import csv
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import CorpusError
from pipeline.labels.overrides import read_overrides
from pipeline.labels.split_files import read_places

READERS = {
    read_overrides: ("clip_id,action,value,reason", "a,keep,,{}"),
    read_places: ("clip_id,split", "{},train"),
}


@pytest.fixture
def limit() -> Iterator[int]:
    """Characters of a cell, as csv limits them until a corpus's sheets are read."""
    former = csv.field_size_limit(2**17)
    yield 2**17
    csv.field_size_limit(former)


@pytest.mark.parametrize(("read", "said"), READERS.items())
class TestReaders:
    def test_marks_blank_lines_and_ends_of_windows_are_passed_over(
        self, read: Any, said: tuple[str, str], tmp_path: Path
    ) -> None:
        header, line = said
        text = f"{header}\r\n\r\n{line.format('ä')}\r\n"
        (tmp_path / "a.csv").write_text(text, "utf-8", newline="")
        (tmp_path / "b.csv").write_text(text, "utf-8-sig", newline="")
        found = [read(tmp_path / name) for name in ("a.csv", "b.csv")]
        assert "'ä'" in str(found[0])
        assert str(found[1]) == str(found[0]).replace("a.csv", "b.csv")

    def test_a_cell_beyond_the_limit_is_refused(
        self, read: Any, said: tuple[str, str], tmp_path: Path, limit: int
    ) -> None:
        path = tmp_path / "a.csv"
        path.write_text("\n".join(said).format("x" * (limit + 1)))
        with pytest.raises(CorpusError, match=r"a\.csv: not a readable CSV \(field larger than"):
            read(path)

    @pytest.mark.parametrize("cell", ['"a', '"a"b'])
    def test_a_quote_that_is_not_closed_is_refused(
        self, read: Any, said: tuple[str, str], tmp_path: Path, cell: str
    ) -> None:
        header, line = said
        path = tmp_path / "a.csv"
        path.write_text("\n".join([header, line.format(cell), line.format("c")]))
        with pytest.raises(CorpusError, match=r"a\.csv: not a readable CSV"):
            read(path)

    @pytest.mark.parametrize("encoding", ["utf-16", "cp1252"])
    def test_another_encoding_is_refused(
        self, read: Any, said: tuple[str, str], tmp_path: Path, encoding: str
    ) -> None:
        path = tmp_path / "a.csv"
        path.write_text("\n".join(said).format("ä"), encoding)
        with pytest.raises(CorpusError, match=r"a\.csv: expected UTF-8, got other bytes"):
            read(path)

    @pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
    def test_only_a_file_is_read(
        self, read: Any, said: tuple[str, str], tmp_path: Path, make: Any
    ) -> None:
        make(tmp_path / "a.csv")
        with pytest.raises(CorpusError, match=r"a\.csv: not a readable file \(Not a regular file"):
            read(tmp_path / "a.csv")

    def test_no_file_is_refused(self, read: Any, said: tuple[str, str], tmp_path: Path) -> None:
        with pytest.raises(CorpusError, match=r"a\.csv: no such file; .+"):
            read(tmp_path / "a.csv")
