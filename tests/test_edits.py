"""Edits while `dvc repro` runs: what is made is what the lock files say it was made of."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.heads.recipes import read_recipe
from tests.projects import FirstRun, Project

HOOK = """
import sys
from pathlib import Path

if sys.orig_argv[1:3] == ["-m", {program!r}]:
    path = Path({path!r})
    path.write_text(path.read_text().replace({old!r}, {new!r}, 1))
"""

TRAIN = "models/dvc.yaml:train@sound"

Edit = Callable[[str, str, str, str], None]


@pytest.fixture
def project(first_run: FirstRun, tmp_path: Path) -> Project:
    """A project in which one head is to be trained anew."""
    project = first_run.copy(tmp_path / "project")
    project.set_params(lambda sections: sections["heads"]["sound"].update(strengths=[3.0]))
    return project


@pytest.fixture
def edit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Edit:
    """Has a file edited when a program has just begun."""

    def plan(program: str, path: str, old: str, new: str) -> None:
        hook = HOOK.format(program=program, path=path, old=old, new=new)
        (tmp_path / "sitecustomize.py").write_text(hook)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    return plan


def read_strengths(project: Project) -> list[float]:
    recipe = read_recipe(project.root / "models" / "sound")
    return list(recipe.params["strengths"])


def test_params_edited_during_a_run_are_those_of_the_next(project: Project, edit: Edit) -> None:
    edit("stages.train", "params.yaml", "[3.0]", "[4.0]")
    assert project.reproduce(TRAIN) == {"check", "train@sound"}
    assert read_strengths(project) == [3.0]
    assert project.reproduce(TRAIN) == {"check", "train@sound"}
    assert read_strengths(project) == [4.0]


def test_params_edited_while_they_are_checked_are_checked_again(
    project: Project, edit: Edit
) -> None:
    edit("stages.check", "params.yaml", "[3.0]", "[4.0]")
    project.reproduce(TRAIN)
    assert read_strengths(project) == [4.0]
    assert project.reproduce(TRAIN) == set()


def test_code_edited_during_a_run_fails_the_stage_that_runs_it(
    project: Project, edit: Edit
) -> None:
    edit("stages.train", "pipeline/heads/linear.py", "MOST_STEPS = 500", "MOST_STEPS = 400")
    command = ["dvc", "repro", TRAIN]
    done = subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False)
    assert done.returncode
    assert "train: expected the code that `check` had seen, got code that was" in done.stderr
    assert not (project.root / "models" / "sound").exists()
    assert project.reproduce(TRAIN) == {"check", "train@sound"}
