import io
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from pipeline.audits.catalogue import ListedSet, Member
from pipeline.audits.weights import Named
from pipeline.cli.listings import list_fetched, tabulate_members, tabulate_sets
from pipeline.errors import ParamsError


def show(table: Table) -> list[str]:
    file = io.StringIO()
    Console(file=file, width=132).print(table)
    return [" ".join(line.split()) for line in file.getvalue().splitlines()][3:]


def test_an_encoder_is_a_line() -> None:
    lines = show(tabulate_members([Member("hog", ("face", "scene"), "MIT", (), "likeness")]))
    assert lines[0] == "hog face, scene MIT nothing more likeness"


def test_an_encoder_that_cannot_be_imported_says_why() -> None:
    lines = show(tabulate_members([Member("far", (), "", ("No module named 'far'",), None)]))
    assert lines[0] == "far – – No module named 'far' –"


def test_a_set_is_a_line() -> None:
    weights = "acme/speech (Hub cache)"
    full = ListedSet("speech", "any", (13, 1024), "50 Hz", weights, ("msp_podcast", "iemocap"))
    bare = ListedSet("mfcc", "mfcc", None, None, "none needed", ())
    lines = show(tabulate_sets([full, bare]))
    assert lines[0] == "speech any 13 × 1,024 50 Hz acme/speech (Hub cache) msp_podcast, iemocap"
    assert lines[1] == "mfcc mfcc – – none needed –"


def test_weights_that_are_here_are_named_with_their_place(tmp_path: Path) -> None:
    lines = list_fetched({"transcribe": Named(str(tmp_path), None)})
    assert list(lines) == [f"transcribe  present  folder {tmp_path}"]


def test_one_absent_set_keeps_none_of_the_others_from_being_fetched(tmp_path: Path) -> None:
    named = {"features.far": Named("no/where", None), "transcribe": Named(str(tmp_path), None)}
    lines: list[str] = []
    with pytest.raises(ParamsError, match=r"^params\.yaml: features\.far: weights 'no/where': "):
        lines.extend(list_fetched(named))
    assert lines == ["features.far  absent   no/where", f"transcribe    present  folder {tmp_path}"]


def test_several_absent_sets_are_counted(tmp_path: Path) -> None:
    named = dict.fromkeys(("features.far", "features.near"), Named("no/where", None))
    told = r"^2 of 2 weights are absent, first params\.yaml: features\.far: "
    with pytest.raises(ParamsError, match=told):
        list(list_fetched(named))


def test_a_project_without_weights_is_told_so() -> None:
    assert list(list_fetched({})) == ["nothing in params.yaml needs weights"]
