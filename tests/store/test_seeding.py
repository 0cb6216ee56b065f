"""Former stores, by real commits of dvc.lock: what of them still serves is not made again."""

import shutil
from pathlib import Path

import pytest

from pipeline.store.provenance import Provenance
from pipeline.store.writer import StoreWriter
from tests.projects import Project
from tests.stores import make_rows, write_features

STAGES = "stages: {toy: {cmd: nothing, outs: [features/toy]}}"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path / "project")
    (project.root / ".dvc").mkdir(parents=True)
    (project.root / ".dvc" / ".gitignore").write_text("/cache\n/tmp\n")
    remote = f"[core]\n    remote = team\n['remote \"team\"']\n    url = {tmp_path / 'remote'}\n"
    (project.root / ".dvc" / "config").write_text(remote)
    (project.root / ".gitignore").write_text("/features\n")
    (project.root / "dvc.yaml").write_text(STAGES)
    project.git("init", "-q", "-b", "main")
    return project


def publish(project: Project, encoder: str, *clip_ids: str) -> None:
    """Commit a set of these clips as the stage's out."""
    out = project.root / "features" / "toy"
    write_features(out, {clip_id: make_rows([[1.0, 2.0]]) for clip_id in clip_ids}, encoder)
    project.dvc("commit", "-q", "-f")
    project.git("add", "-A")
    project.git("commit", "-qm", "work")
    shutil.rmtree(project.root / "features")


def find_missing(project: Project, encoder: str, *clip_ids: str) -> list[str]:
    """Those that a writer with an empty work store would make."""
    settings = {"encoder": encoder, "row_shape": [2], "dtype": "float16"}
    keys = {clip_id: f"key {clip_id}" for clip_id in clip_ids}
    with StoreWriter(project.root / "work", Provenance("extract", settings), "zarr") as writer:
        return writer.missing(keys, project.root / "features" / "toy")


def forget(project: Project) -> None:
    shutil.rmtree(project.root / ".dvc" / "cache")


def test_a_store_of_a_former_commit_serves(project: Project) -> None:
    publish(project, "toy", "a", "b")
    publish(project, "other", "a")
    assert find_missing(project, "toy", "a", "b", "c") == ["c"]


def test_stores_of_several_branches_serve_together(project: Project) -> None:
    publish(project, "toy", "a")
    project.git("checkout", "-q", "-b", "theirs")
    publish(project, "toy", "b")
    project.git("checkout", "-q", "main")
    assert find_missing(project, "toy", "a", "b", "c") == ["c"]


def test_a_commit_that_was_never_pushed_is_passed_over(project: Project) -> None:
    publish(project, "toy", "a")
    project.dvc("push")
    publish(project, "toy", "a", "b")
    forget(project)
    assert find_missing(project, "toy", "a", "b") == ["b"]


def test_only_parts_that_serve_are_fetched(project: Project) -> None:
    publish(project, "toy", "a")
    project.dvc("push")
    forget(project)
    assert find_missing(project, "other", "a") == ["a"]
    fetched = [path.name for path in (project.root / ".dvc" / "cache").rglob("*") if path.is_file()]
    assert len(fetched) == 2, "the list of its files, and store.json"


def test_a_project_without_a_remote_has_nothing_to_fetch_and_nothing_to_say(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(project, "toy", "a")
    forget(project)
    (project.root / ".dvc" / "config").write_text("")
    assert find_missing(project, "toy", "a") == ["a"]
    assert capsys.readouterr().err == ""
