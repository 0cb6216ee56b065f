"""Edits while `dvc repro` runs: what is made is what the lock files say it was made of."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.store.reader import open_features
from tests.projects import EDITED, FirstRun, Project

HOOK = """
import atexit
import sys
from pathlib import Path

def edit():
    path = Path({path!r})
    path.write_text(path.read_text().replace({old!r}, {new!r}, 1))

if sys.orig_argv[1:3] == ["-m", {program!r}]:
    atexit.register(edit) if {at_end} else edit()
"""

CODE = ("pipeline/encoders/hog.py", "(3 if", "(3  if")
EXTRACT = "extract@hog"

Edit = Callable[..., None]


@pytest.fixture
def project(first_run: FirstRun, tmp_path: Path) -> Project:
    """A project in which one set is to be extracted anew."""
    project = first_run.copy(tmp_path / "project")
    project.set_params(lambda sections: sections["features"]["hog"].update(orientations=5))
    return project


@pytest.fixture
def edit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Edit:
    """Has a file edited when a program has just begun, or when it is through."""

    def plan(program: str, path: str, old: str, new: str, *, at_end: bool = False) -> None:
        hook = HOOK.format(program=program, path=path, old=old, new=new, at_end=at_end)
        (tmp_path / "sitecustomize.py").write_text(hook)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    return plan


def run_dvc(project: Project) -> str:
    """What `dvc repro` of the set, which fails, says of it."""
    command = ["dvc", "repro", EXTRACT]
    done = subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False)
    assert done.returncode
    return done.stderr


def read_orientations(project: Project) -> int:
    features = open_features(project.root / "features" / "hog")
    return int(features.provenance["settings"]["orientations"])


def test_params_edited_during_a_run_are_those_of_the_next(project: Project, edit: Edit) -> None:
    edit("stages.extract", "params.yaml", "orientations: 5", "orientations: 4")
    assert project.reproduce(EXTRACT) == EDITED | {"extract@hog"}
    assert read_orientations(project) == 5
    assert project.reproduce(EXTRACT) == EDITED | {"extract@hog"}
    assert read_orientations(project) == 4


def test_params_edited_as_dvc_takes_note_of_them_are_not_taken_for_those_before(
    project: Project, edit: Edit
) -> None:
    """DVC digests what a stage depends on after the stage has looked for the last time."""
    edit("stages.check", "params.yaml", "orientations: 5", "orientations: 4", at_end=True)
    assert "expected params.yaml and the code as `check` had read them" in run_dvc(project)
    edit("none", "params.yaml", "", "")
    project.reproduce(EXTRACT)
    assert read_orientations(project) == 4
    assert project.reproduce(EXTRACT) == set()


def test_code_edited_as_dvc_takes_note_of_it_is_not_taken_for_that_before(
    project: Project, edit: Edit
) -> None:
    edit("stages.check", *CODE, at_end=True)
    assert "expected params.yaml and the code as `check` had read them" in run_dvc(project)
    edit("none", "params.yaml", "", "")
    project.reproduce(EXTRACT)
    assert project.reproduce(EXTRACT) == set()


def test_code_edited_during_a_run_fails_the_stage_that_runs_it(
    project: Project, edit: Edit
) -> None:
    edit("stages.extract", *CODE)
    assert "extract: expected the code that `check` had seen" in run_dvc(project)
    assert not (project.root / "features" / "hog").exists()
    assert project.reproduce(EXTRACT) == EDITED | {"extract@hog"}
