"""Text of strangers on a terminal, and in pages: nothing of it is obeyed."""

from pathlib import Path
from xml.etree import ElementTree

import pyarrow as pa
import pytest

from pipeline.cli import main
from pipeline.errors import StoreError
from pipeline.store.tables import write_table

TITLE = "a\x1b]0;owned\x07b\x9b2J\u202egpj.exe\udce9"
SHOWN = r"a\x1b]0;owned\x07b\x9b2J\u202egpj.exe\udce9"


def test_errors_show_what_terminals_would_obey() -> None:
    assert str(StoreError(f"{TITLE}: gone")) == f"{SHOWN}: gone"


def test_cells_and_names_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    word = TITLE.removesuffix("\udce9")
    write_table(tmp_path / "t.parquet", pa.table({word: [word], "more": [1]}))
    with pytest.raises(SystemExit):
        main(["inspect", "t.parquet"])
    told = capsys.readouterr().out
    assert SHOWN.removesuffix(r"\udce9") in told
    assert not set(told) & set("\x1b\x07\x9b\u202e")


def test_a_path_that_is_told_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_table(tmp_path / "a" / "t.parquet", pa.table({"one": [1]}))
    (tmp_path / "a").rename(tmp_path / TITLE)
    with pytest.raises(SystemExit):
        main(["verify", "."])
    assert SHOWN in capsys.readouterr().out


def test_a_name_on_two_lines_makes_no_line_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    forged = "a\nok      store data"
    write_table(tmp_path / forged / "t.parquet", pa.table({"one": [1]}))
    with pytest.raises(SystemExit):
        main(["verify", "."])
    (told,) = capsys.readouterr().out.splitlines()
    assert told.endswith("a\\nok      store data/t.parquet")
    assert str(StoreError(f"{forged}: gone", "b: gone")) == "a\\nok      store data: gone\nb: gone"


def test_a_picture_with_such_a_name_is_well_formed() -> None:
    from pipeline.report.pages import _environment

    drawn = _environment().from_string("<svg>{{ name }}</svg>").render(name=f"{TITLE}<b>")
    assert ElementTree.fromstring(drawn).text == f"{SHOWN}<b>"
