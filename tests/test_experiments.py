"""Experiments on a project whose media lie elsewhere: in the workspace, in a copy, in a queue.

The experiments follow one another; each begins from the first commit.
"""

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from pipeline.audits.verification import verify_paths
from tests.projects import EDITED, FirstRun, Project, find_run

PATIENCE_SECONDS = 300
"""Workers end by themselves ten seconds or two after the last task."""


pytestmark = pytest.mark.runs


@pytest.fixture(scope="module")
def project(first_run: FirstRun, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A first run, committed; what git ignores, the link to the media included, is not in it."""
    root = tmp_path_factory.mktemp("experiments")
    project = first_run.copy(root / "project")
    project.corpus.rename(root / "media")
    project.corpus.symlink_to(root / "media")
    yield project
    for process in find_processes(project):
        process.kill()


@pytest.fixture(autouse=True)
def first_commit(request: pytest.FixtureRequest) -> None:
    """Undo what the experiment before left in the workspace."""
    if "project" in request.fixturenames:
        project = request.getfixturevalue("project")
        project.git("checkout", "-q", ".")
        project.dvc("checkout", "-q")


def find_processes(project: Project) -> list[psutil.Process]:
    """Workers, and what they run: whatever works inside the project's folder."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if Path(process.cwd()).is_relative_to(project.root):
                found.append(process)
    return found


def run_experiment(project: Project, *arguments: str) -> set[str]:
    """Stages that `dvc exp run` ran."""
    return find_run(project.dvc("exp", "run", *arguments))


def list_parts(project: Project) -> set[Path]:
    """Every part of the work store."""
    return set((project.root / ".dvc" / "moodline").glob("*/[!.]*"))


def test_a_setting_of_a_head_runs_that_head_alone(project: Project) -> None:
    ran = run_experiment(project, "-S", "+heads.sound.strengths=[0.5,5.0]")
    assert ran == EDITED | {"train@sound", "evaluate@sound", "report"}


def test_a_temporary_copy_extracts_the_set_that_changed_for_the_workspace_too(
    project: Project,
) -> None:
    changed = ("-n", "edges", "-S", "+features.hog.orientations=6")
    ran = run_experiment(
        project, "--temp", "--allow-missing", *changed, "reports/dvc.yaml:evaluate@both"
    )
    assert ran == EDITED | {"extract@hog", "train@both", "evaluate@both"}
    assert project.count_encoded() > 0
    project.dvc("exp", "apply", "edges")
    assert project.reproduce("reports/dvc.yaml:evaluate@both") == set()
    assert project.reproduce("--single-item", "--force", "extract@hog") == {"extract@hog"}
    assert project.count_encoded() == 0


def test_two_workers_extract_with_two_encoders_and_go_away(project: Project) -> None:
    parts = list_parts(project)
    changed = ("-n", "turns", "-S", "+features.hog.orientations=5,7")
    run_experiment(project, "--queue", "--allow-missing", *changed, "extract@hog")
    assert "Started '2'" in project.dvc("queue", "start", "--jobs", "2")
    wait_for_workers(project)
    assert project.dvc("queue", "status").count("Success") == 2
    assert len(list_parts(project) - parts) == 2
    assert not list((project.root / ".dvc" / "moodline").rglob("*.partial"))
    for name in ("turns-1", "turns-2"):
        project.dvc("exp", "apply", name)
        assert project.reproduce("extract@hog") == set()
        (verified,) = verify_paths([project.root / "features" / "hog"])
        assert not verified.problems


def wait_for_workers(project: Project) -> None:
    given_up = time.monotonic() + PATIENCE_SECONDS
    while processes := find_processes(project):
        assert time.monotonic() < given_up, processes
        time.sleep(0.5)
