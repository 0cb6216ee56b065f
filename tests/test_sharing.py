"""A team: real git and DVC, a remote in a folder and one on an S3 server, clones of one project."""

import hashlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from pipeline.audits.verification import verify_paths
from pipeline.store.reader import open_features
from tests.projects import EDITED, FirstRun, Project

IN_A_FOLDER = pytest.mark.parametrize("team", ["folder"], indirect=True)
IN_A_BUCKET = pytest.mark.parametrize("team", ["bucket"], indirect=True)
PARTIAL = ("--pull", "--allow-missing")
SOUND = "reports/dvc.yaml:evaluate@sound"
LEDGERS = tuple(f"data/{name}/ledger.parquet" for name in ("audio", "face", "scene", "text"))
LOGMEL = {"logmel": {"modality": "audio", "encoder": "logmel"}}
COARSE = {"coarse": {"modality": "audio", "encoder": "mfcc", "coefficients": 13}}

Objects = dict[str, int]
"""Name of an object in a remote or a cache → its bytes."""


@dataclass(frozen=True)
class Remote:
    """A remote: what .dvc/config.local says of it, and what lies there."""

    config: str
    list_objects: Callable[[], Objects]

    def connect(self, project: Project) -> None:
        text = f"[core]\n    remote = team\n['remote \"team\"']\n{self.config}"
        (project.root / ".dvc" / "config.local").write_text(text)


@dataclass(frozen=True)
class Team:
    """A project that was reproduced, committed and pushed to `remote`; colleagues clone it."""

    origin: Project
    remote: Remote

    def join(self, root: Path, *, media: bool = False) -> Project:
        clone = self.origin.clone(root, media=media)
        self.remote.connect(clone)
        return clone


@dataclass(frozen=True)
class Grown:
    """A fresh clone with the media, which pulled nothing, after one clip more."""

    project: Project
    encoded: int
    fetched_bytes: int
    pushed_bytes: int


@pytest.fixture(scope="module")
def origin(first_run: FirstRun, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return first_run.copy(tmp_path_factory.mktemp("origin") / "project")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Remote:
    return make_folder_remote(tmp_path_factory.mktemp("remote"))


@pytest.fixture(scope="module")
def bucket() -> Iterator[Remote]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    endpoint = "http://{}:{}".format(*server.get_host_and_port())
    access = {"aws_access_key_id": "team", "aws_secret_access_key": "team"}
    s3 = boto3.resource("s3", endpoint_url=endpoint, region_name="us-east-1", **access)
    bucket = s3.create_bucket(Bucket="team")
    config = f"    url = s3://team\n    endpointurl = {endpoint}\n    region = us-east-1\n"
    config += "".join(f"    {name[4:]} = {value}\n" for name, value in access.items())
    yield Remote(config, lambda: {found.key: found.size for found in bucket.objects.all()})
    server.stop()


@pytest.fixture(scope="module")
def team(request: pytest.FixtureRequest, origin: Project) -> Team:
    remote: Remote = request.getfixturevalue(request.param)
    remote.connect(origin)
    origin.dvc("push")
    return Team(origin, remote)


@pytest.fixture(scope="module")
def grown(team: Team, tmp_path_factory: pytest.TempPathFactory) -> Grown:
    project = team.join(tmp_path_factory.mktemp("grown") / "clone", media=True)
    project.add_clip("speaker_01", 3)
    before = team.remote.list_objects()
    project.reproduce("extract@mfcc")
    encoded = project.count_encoded()
    here = list_folder(project.root / ".dvc" / "cache")
    project.dvc("push")
    after = team.remote.list_objects()
    commit(project)
    fetched = sum(size for name, size in here.items() if name in before)
    return Grown(project, encoded, fetched, sum(after.values()) - sum(before.values()))


@IN_A_BUCKET
def test_features_alone_are_enough_to_train_and_evaluate(team: Team, tmp_path: Path) -> None:
    clone = team.join(tmp_path / "clone")
    clone.dvc("pull", "extract@mfcc")
    clone.set_params(change_sound)
    assert clone.reproduce(*PARTIAL, SOUND) == EDITED | {"train@sound", "evaluate@sound"}


@IN_A_BUCKET
def test_former_params_encode_nothing_on_a_fresh_clone(team: Team, tmp_path: Path) -> None:
    other = team.join(tmp_path / "other")
    other.set_params(lambda p: p["features"]["mfcc"].update(coefficients=13))
    assert other.reproduce(*PARTIAL, "extract@mfcc") == EDITED | {"extract@mfcc"}
    assert other.count_encoded() == 8
    commit(other)
    clone = other.clone(tmp_path / "clone")
    team.remote.connect(clone)
    clone.set_params(lambda p: p["features"]["mfcc"].pop("coefficients"))
    assert clone.reproduce(*PARTIAL, "extract@mfcc") == EDITED | {"extract@mfcc"}
    assert clone.count_encoded() == 0


@IN_A_FOLDER
def test_heads_are_judged_anew_where_no_features_came(team: Team, tmp_path: Path) -> None:
    clone = team.join(tmp_path / "clone")
    clone.dvc("pull", "models/dvc.yaml")
    clone.set_params(lambda sections: sections["evaluate"].update(test=False))
    assert clone.reproduce(*PARTIAL, SOUND) == EDITED | {"evaluate@sound"}
    assert not (clone.root / "features" / "mfcc").exists()


@IN_A_FOLDER
def test_one_clip_on_a_clone_that_pulled_nothing_encodes_one(grown: Grown) -> None:
    assert grown.encoded == 1
    assert len(open_features(grown.project.root / "features" / "mfcc").index) == 9


@IN_A_FOLDER
def test_bytes_moved_are_those_of_the_clips_and_little_more(team: Team, grown: Grown) -> None:
    former, present = list_parts(team.origin), list_parts(grown.project)
    new = sum(size for name, size in present.items() if name not in former)
    assert grown.pushed_bytes <= 2 * new + 50_000
    assert grown.fetched_bytes <= sum(former.values()) + 100_000


def test_heads_are_changed_where_faces_and_voices_never_came(
    origin: Project, tmp_path: Path
) -> None:
    team = Team(origin, make_folder_remote(tmp_path / "remote"))
    team.remote.connect(origin)
    origin.dvc("push", "labels", "extract", "models/dvc.yaml", "reports/dvc.yaml", "report")
    origin.dvc("push", "data/clips", *LEDGERS)
    clone = team.join(tmp_path / "clone")
    clone.dvc("pull", "extract", "models/dvc.yaml", "reports/dvc.yaml")
    clone.set_params(change_sound)
    assert clone.reproduce(*PARTIAL) == EDITED | {"train@sound", "evaluate@sound", "report"}
    moved = team.remote.list_objects()
    for part in (origin.root / "data").glob("*/parts/*.parquet"):
        assert name_object(part) not in moved


@IN_A_FOLDER
def test_a_merge_encodes_only_what_neither_had(team: Team, grown: Grown, tmp_path: Path) -> None:
    ours, theirs = team.join(tmp_path / "ours"), grown.project.clone(tmp_path / "theirs")
    team.remote.connect(theirs)
    for clone, added in ((ours, LOGMEL), (theirs, COARSE)):
        clone.set_params(lambda p, added=added: p["features"].update(added))
        clone.reproduce(*PARTIAL, f"extract@{next(iter(added))}")
        clone.dvc("push")
        commit(clone)
    ours.git("config", "merge.moodline.driver", MERGE)
    ours.run("bash", "-c", f"! git pull -q --no-rebase {theirs.root} main")
    assert ours.git("diff", "--name-only", "--diff-filter=U") == "params.yaml\n"
    ours.git("checkout", "--theirs", "params.yaml")
    ours.set_params(lambda p: p["features"].update(LOGMEL))
    commit(ours)
    ours.dvc("checkout", "--allow-missing")
    ours.dvc("pull", "extract")
    sets = ("extract@mfcc", "extract@logmel", "extract@coarse")
    assert ours.reproduce(*PARTIAL, *sets) == EDITED | {"extract@logmel"}
    assert ours.count_encoded() == 1


def test_a_set_copied_as_a_plain_folder_stands_by_itself(origin: Project, tmp_path: Path) -> None:
    origin.run("cp", "-rL", "features/mfcc", str(tmp_path / "mfcc"))
    assert [found.problems for found in verify_paths([tmp_path / "mfcc"])] == [()]
    assert not any(path.is_symlink() for path in tmp_path.rglob("*"))
    assert len(open_features(tmp_path / "mfcc")["table/speaker_01/1"]) == 1


MERGE = f"{sys.executable} -c 'from pipeline.cli import main; main()' merge %O %A %B %P"
"""What git is to run for lock files, by the code of the clone."""


def make_folder_remote(root: Path) -> Remote:
    return Remote(f"    url = {root}\n", lambda: list_folder(root))


def change_sound(params: dict) -> None:
    params["heads"]["sound"]["strengths"] = [0.5, 5.0]


def commit(project: Project) -> None:
    project.git("add", "-A")
    project.git("commit", "-qm", "work")


def list_folder(root: Path) -> Objects:
    files = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.stat().st_size for path in files}


def list_parts(project: Project) -> Objects:
    """Files of the parts of the sound, of what is found beside it, and of what was extracted."""
    folders = ("data/audio", "data/findings", "features/mfcc")
    found = {name: list_folder(project.root / name / "parts") for name in folders}
    return {f"{name}/{file}": size for name in folders for file, size in found[name].items()}


def name_object(path: Path) -> str:
    """Name under which DVC keeps a file."""
    digest = hashlib.md5(path.read_bytes()).hexdigest()
    return f"files/md5/{digest[:2]}/{digest[2:]}"
