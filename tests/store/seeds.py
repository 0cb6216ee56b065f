"""A project whose commits name feature sets, for what a fresh clone takes of them."""

import shutil
from collections.abc import Callable
from pathlib import Path

from pipeline.store.provenance import Provenance
from pipeline.store.writer import StoreWriter
from tests.projects import Project
from tests.stores import make_rows, write_features

STAGES = "stages: {toy: {cmd: nothing, outs: [features/toy]}}"


def make_project(folder: Path) -> Project:
    """A project in git, with a remote beside it."""
    project = Project(folder / "project")
    (project.root / ".dvc").mkdir(parents=True)
    (project.root / ".dvc" / ".gitignore").write_text("/cache\n/tmp\n")
    remote = f"[core]\n    remote = team\n['remote \"team\"']\n    url = {folder / 'remote'}\n"
    (project.root / ".dvc" / "config").write_text(remote)
    (project.root / ".gitignore").write_text("/features\n")
    (project.root / "dvc.yaml").write_text(STAGES)
    project.git("init", "-q", "-b", "main")
    return project


def publish(
    project: Project,
    encoder: str,
    *clip_ids: str,
    change: Callable[[Path], object] = lambda _: None,
) -> None:
    """Commit a set of these clips as the stage's out, after a `change` of it."""
    out = project.root / "features" / "toy"
    write_features(out, {clip_id: make_rows([[1.0, 2.0]]) for clip_id in clip_ids}, encoder)
    change(out)
    commit(project, out)


def commit(project: Project, out: Path) -> None:
    """Commit the stage's `out`, and remove it."""
    project.dvc("commit", "-q", "-f")
    project.git("add", "-A")
    project.git("commit", "-qm", "work")
    shutil.rmtree(out)


def find_missing(project: Project, encoder: str, *clip_ids: str) -> list[str]:
    """Those that a writer with an empty work store would make."""
    settings = {"encoder": encoder, "row_shape": [2], "dtype": "float16"}
    keys = {clip_id: f"key {clip_id}" for clip_id in clip_ids}
    with StoreWriter(project.root / "work", Provenance("extract", settings), "zarr") as writer:
        return writer.missing(keys, project.root / "features" / "toy")


def forget(project: Project) -> None:
    shutil.rmtree(project.root / ".dvc" / "cache")
