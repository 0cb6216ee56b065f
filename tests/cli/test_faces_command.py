from contextlib import chdir
from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.cli.faces import name_page
from tests.report.faces_made import FRAMES, MadeFaces, make_faces
from tests.report.made_up import Page


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> MadeFaces:
    return make_faces(tmp_path_factory.mktemp("project"))


def run(root: Path, *arguments: str) -> int | str | None:
    """What `moodline faces` ends with in the project `root`: a status, or the last line."""
    with chdir(root), pytest.raises(SystemExit) as ended:
        main(("faces", *arguments))
    return ended.value.code


def test_the_page_of_a_clip_is_written_and_named(
    made: MadeFaces, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(made.root, "--clip", "toy/gap") == 0
    assert capsys.readouterr().out == "reports/faces/toy_gap.html\n"
    assert "<h1>toy/gap</h1>" in (made.root / "reports/faces/toy_gap.html").read_text()


def test_without_a_clip_the_page_is_of_all(
    made: MadeFaces, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(made.root, "--clips", "2") == 0
    assert capsys.readouterr().out == "reports/faces/index.html\n"
    assert "Faces of 3 clips" in (made.root / "reports/faces/index.html").read_text()


def test_only_a_project_that_says_where_its_media_are_shows_frames(made: MadeFaces) -> None:
    page = made.root / "reports/faces/toy_gap.html"
    assert run(made.root, "--clip", "toy/gap") == 0
    assert "The video is not here" in Page(page).text
    params = made.root / "params.yaml"
    corpus = f"{{kind: demo, root: {made.root}, depends_on: {made.root}}}"
    params.write_text(f"corpora: {{demo: {corpus}}}\nfeatures: {{}}\nheads: {{}}\n")
    try:
        assert run(made.root, "--clip", "toy/gap") == 0
    finally:
        params.unlink()
    assert f"All {FRAMES} frames that were looked at, from the video." in Page(page).text


def test_the_page_goes_where_it_is_asked_to(made: MadeFaces, tmp_path: Path) -> None:
    assert run(made.root, "--clip", "toy/face", "--out", str(tmp_path / "here.html")) == 0
    assert (tmp_path / "here.html").is_file()


def test_an_unknown_clip_ends_with_one_sentence(made: MadeFaces) -> None:
    told = run(made.root, "--clip", "gap")
    assert told == "moodline: data/face: no clip 'gap' among 3; did you mean 'toy/gap'?"


def test_a_project_without_faces_ends_with_one_sentence(tmp_path: Path) -> None:
    told = "data/face/store.json: expected a store, found no file; run `dvc repro` or `dvc pull`"
    assert run(tmp_path) == f"moodline: {told}"


@pytest.mark.parametrize(
    ("clip_id", "name"),
    [("demo/a b/1", "demo_a_b_1"), ("été-1.x", "été-1.x"), ("a" * 300, "a" * 120)],
)
def test_a_page_is_named_after_its_clip(clip_id: str, name: str) -> None:
    assert name_page(clip_id) == name
