"""Former stores, by real commits of dvc.lock: what of them still serves is not made again."""

from pathlib import Path

import pytest

from tests.projects import Project
from tests.store.seeds import find_missing, forget, make_project, publish


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path)


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


def test_a_lock_file_that_is_no_text_is_passed_over(project: Project) -> None:
    publish(project, "toy", "a")
    lock = project.root / "dvc.lock"
    lock.write_bytes(lock.read_bytes() + b"# \xff\n")
    project.git("commit", "-qam", "theirs")
    assert find_missing(project, "toy", "a", "b") == ["b"]
