"""Runs that meet another run, a kill or an edit at any moment; `make faults` has hundreds."""

import hashlib
import os
import random
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from voluptuous import Invalid

from pipeline.audits.verification import verify_paths
from pipeline.files import remove
from pipeline.heads.recipes import read_recipe
from tests.projects import FirstRun, Project

CASES = int(os.environ.get("MOODLINE_FAULTS", "0"))
"""Kills and edits, and twice as many pairs of runs; in the suite, none."""

SOUND = "extract@mfcc"
TRAIN = "models/dvc.yaml:train@sound"
MADE = (
    *("data/checked", "data/premises", "data/labels", "data/targets", "data/clips", "data/audio"),
    "features/mfcc",
)
RUN_SECONDS = 8.0
"""About what a run takes: within it come kills and edits."""


@pytest.fixture(scope="module")
def pair(first_run: FirstRun, tmp_path_factory: pytest.TempPathFactory) -> list[Project]:
    """Two clones that share a cache, and hence a work store."""
    root = tmp_path_factory.mktemp("pair")
    origin = first_run.copy(root / "origin")
    clones = [origin.clone(root / name, media=True) for name in ("one", "other")]
    for clone in clones:
        clone.dvc("cache", "dir", "--local", str(root / "shared" / "cache"))
    return clones


@pytest.fixture(scope="module")
def project(first_run: FirstRun, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return first_run.copy(tmp_path_factory.mktemp("alone") / "project")


@pytest.mark.parametrize("case", range(2 * CASES))
def test_two_clones_at_once_lose_no_byte(pair: list[Project], case: int) -> None:
    shared = pair[0].root.parent / "shared"
    remove(shared)
    for clone in pair:
        for name in MADE:
            remove(clone.root / name)
        clone.git("checkout", "--", "dvc.lock")
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda clone: clone.reproduce(SOUND), pair))
    for clone in pair:
        assert not [found for found in verify_paths(whole_stores(clone)) if found.problems]
    assert len({(clone.root / "features/mfcc/store.json").read_text() for clone in pair}) == 1
    for path in (shared / "cache" / "files" / "md5").glob("*/*"):
        found = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        assert found == (path.parent.name + path.name).removesuffix(".dir"), path


@pytest.mark.parametrize("case", range(CASES))
def test_a_run_ends_with_dvc_and_leaves_no_half(project: Project, case: int) -> None:
    forget(project)
    moment = random.Random(case).uniform(0, RUN_SECONDS)
    with started(project, SOUND) as dvc:
        with suppress(subprocess.TimeoutExpired):
            dvc.wait(moment)
        children = psutil.Process(dvc.pid).children(recursive=True) if dvc.poll() is None else []
        dvc.send_signal(signal.SIGTERM)
        dvc.wait()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive, f"outlived dvc, which was killed after {moment:.2f} s"
    mend_locks(project)
    project.reproduce(SOUND)
    assert not [found for found in verify_paths(whole_stores(project)) if found.problems]


@pytest.mark.parametrize("case", range(CASES))
def test_what_a_lock_says_was_made_of_is_what_it_was_made_of(project: Project, case: int) -> None:
    moment, before, after = random.Random(case).uniform(0, RUN_SECONDS), 2.0 + case, 1000.0 + case
    set_strength(project, before)
    with started(project, TRAIN) as dvc:
        with suppress(subprocess.TimeoutExpired):
            dvc.wait(moment)
        set_strength(project, after)
        if dvc.wait():  # an edit, or half of one, while it was read
            project.reproduce(TRAIN)
    checked = read_lock(project, "dvc.lock", "check", "deps")["params.yaml"]
    if checked == digest(project, "params.yaml"):
        assert digest(project, "data/checked/params.yaml") == checked, f"after {moment:.2f} s"
    trained = read_lock(project, "models/dvc.lock", "train@sound", "deps")
    assert trained["data/premises/train/sound.json"] == digest(
        project, "data/premises/train/sound.json"
    )
    project.reproduce(TRAIN)
    recipe = read_recipe(project.root / "models" / "sound")
    assert recipe.params["strengths"] == [after], f"edited after {moment:.2f} s"
    assert project.reproduce(TRAIN) == set()


def started(project: Project, target: str) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "DVC_NO_ANALYTICS": "1"}
    quiet = subprocess.DEVNULL
    return subprocess.Popen(
        ["dvc", "repro", target], cwd=project.root, env=environment, stdout=quiet, stderr=quiet
    )


def mend_locks(project: Project) -> None:
    """Do as docs/params.md says where the kill met DVC while it wrote: it writes in place."""
    running = project.root / ".dvc" / "tmp" / "rwlock"
    if running.is_file() and not running.stat().st_size:
        running.unlink()
    try:
        COMPILED_LOCKFILE_SCHEMA(YAML(typ="safe").load(project.root / "dvc.lock"))
    except (YAMLError, Invalid):
        project.git("checkout", "--", "dvc.lock")


def forget(project: Project) -> None:
    """Leave nothing of what was made."""
    for name in (*MADE, ".dvc/cache", ".dvc/moodline"):
        remove(project.root / name)
    project.git("checkout", "--", "dvc.lock")


def whole_stores(project: Project) -> list[Path]:
    return [project.root / "data" / "audio", project.root / "features" / "mfcc"]


def set_strength(project: Project, strength: float) -> None:
    project.set_params(lambda sections: sections["heads"]["sound"].update(strengths=[strength]))


def digest(project: Project, name: str) -> str:
    data = (project.root / name).read_bytes()
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def read_lock(project: Project, lock: str, stage: str, kind: str) -> dict[str, str]:
    """Path → digest that a lock file has of what a stage depends on, or gives."""
    entries = YAML(typ="safe").load(project.root / lock)["stages"][stage][kind]
    return {entry["path"].removeprefix("../"): entry["md5"] for entry in entries}
