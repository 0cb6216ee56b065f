"""Where DVC would write what it fetches: lists that climb, and outs elsewhere."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from pipeline.audits.holdings import list_held
from pipeline.audits.listings import check_listings
from pipeline.errors import StoreError
from pipeline.params import load_params
from pipeline.paths import PREMISES
from pipeline.premises.due import find_due
from tests.projects import DVC_WARNS, FirstRun

pytestmark = DVC_WARNS


@pytest.fixture
def project(first_run: FirstRun, tmp_path: Path) -> Path:
    return first_run.copy(tmp_path / "project").root


def forge(project: Path, relpath: str) -> None:
    """Have the lock file name a list by which a file of data/targets lies at `relpath`."""
    lock, cache = project / "dvc.lock", project / ".dvc" / "cache" / "files" / "md5"
    found = re.search(r"path: data/targets\n +hash: md5\n +md5: (\w+)\.dir", lock.read_text())
    assert found is not None
    former = found[1]
    entries = json.loads((cache / former[:2] / f"{former[2:]}.dir").read_bytes())
    forged = json.dumps([{**entries[0], "relpath": relpath}, *entries[1:]]).encode()
    digest = hashlib.md5(forged).hexdigest()
    (cache / digest[:2]).mkdir(exist_ok=True)
    (cache / digest[:2] / f"{digest[2:]}.dir").write_bytes(forged)
    lock.write_text(lock.read_text().replace(former, digest))


def test_lists_that_stay_inside_are_counted(project: Path) -> None:
    assert check_listings(project) > 10


@pytest.mark.parametrize("relpath", ["../../stages/extract.py", "/etc/x", "a/../../../b", "..\\x"])
def test_a_list_that_leads_out_is_refused(project: Path, relpath: str) -> None:
    forge(project, relpath)
    with pytest.raises(
        StoreError, match=r"data/targets: .* leads out of the store: .*do not fetch"
    ):
        check_listings(project)


def test_an_out_elsewhere_is_refused_and_told(project: Path) -> None:
    text = f"outs:\n- {{md5: '{'0' * 32}', hash: md5, path: ../../elsewhere}}\n"
    (project / "data" / "x.dvc").write_text(text)
    with pytest.raises(StoreError, match=r"data/x\.dvc: expected an out inside the project, got /"):
        check_listings(project)
    held = list_held(project, load_params(project / "params.yaml").features, [])
    assert [one.kinds for one in held if one.out == "../elsewhere"] == [
        ("faces", "voices", "words", "names", "labels", "paths")
    ]


def test_a_digest_that_is_a_path_is_refused(project: Path) -> None:
    lock = project / "dvc.lock"
    forged = re.sub(
        r"(path: data/targets\n +hash: md5\n +md5: )\w+", r"\1ab/etc/x", lock.read_text()
    )
    lock.write_text(forged)
    with pytest.raises(StoreError, match=r"labels: data/targets: expected an MD5 digest, got 'ab/"):
        check_listings(project)


@pytest.mark.parametrize(
    "text", ["stages: [", "[1, 2]", "schema: '2.0'\nstages: {clean: {outs: 5}}"]
)
def test_lock_files_that_are_none_are_told_in_a_sentence(project: Path, text: str) -> None:
    params = load_params(project / "params.yaml")
    (project / "dvc.lock").write_text(text)
    told = pytest.raises(
        StoreError, match=r"expected a project that DVC can read, got: .*dvc\.lock"
    )
    with told:
        list_held(project, params.features, [])
    with told:
        find_due(project, params, project / PREMISES)
