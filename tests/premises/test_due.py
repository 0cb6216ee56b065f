"""Which stages a run would take, told on a project that ran."""

from pathlib import Path

import pytest

from pipeline.params import load_params
from pipeline.premises.due import find_due
from tests.projects import EDITED, FirstRun, Project

HEAD = {"train@sound", "evaluate@sound", "report"}


@pytest.fixture
def project(first_run: FirstRun, tmp_path: Path) -> Project:
    return first_run.copy(tmp_path / "project")


def find(project: Project) -> frozenset[str]:
    params = load_params(project.root / "params.yaml")
    return find_due(project.root, params, project.root / "data" / "premises")


@pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")  # DVC's own
def test_what_is_due_is_what_dvc_runs(project: Project) -> None:
    project.append("params.yaml", "# Another\n")
    assert find(project) == {"report"}
    project.set_params(lambda sections: sections["heads"]["sound"].update(strengths=[3.0]))
    assert find(project) == HEAD
    assert project.reproduce() == EDITED | {*HEAD}
    assert find(project) == frozenset()
    (project.root / "features" / "mfcc" / "store.json").unlink()
    assert {"extract@mfcc", *HEAD} <= find(project)
    assert "extract@hog" not in find(project)
