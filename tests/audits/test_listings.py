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


def write_list(project: Path, folder: Path) -> str:
    """Digest of a list that climbs, which lies in `folder` as on a remote."""
    listed = json.dumps([{"relpath": "../../stages/extract.py", "md5": "0" * 32}]).encode()
    digest = hashlib.md5(listed).hexdigest()
    place = project / folder / "files" / "md5" / digest[:2]
    place.mkdir(parents=True)
    (place / f"{digest[2:]}.dir").write_bytes(listed)
    return f"{digest}.dir"


def test_an_out_of_the_cache_of_dvc_2_is_refused(project: Path) -> None:
    (project / "data" / "x.dvc").write_text(f"outs:\n- {{md5: {'0' * 32}.dir, path: x}}\n")
    with pytest.raises(StoreError, match=r"expected `hash: md5`, got 'md5-dos2unix'; do not fetch"):
        check_listings(project)


def test_a_digest_of_another_kind_is_refused(project: Path) -> None:
    text = f"outs:\n- {{hash: etag, etag: {'0' * 32}.dir, path: x}}\n"
    (project / "data" / "x.dvc").write_text(text)
    with pytest.raises(StoreError, match="expected `hash: md5`, got 'etag'"):
        check_listings(project)


def test_a_list_in_the_lock_file_itself_is_looked_at(project: Path) -> None:
    entry = f"{{relpath: ../../stages/extract.py, md5: '{'0' * 32}'}}"
    (project / "data" / "x.dvc").write_text(f"outs:\n- {{hash: md5, path: x, files: [{entry}]}}\n")
    with pytest.raises(StoreError, match=r"data/x\.dvc: a path that leads out of the store"):
        check_listings(project)


def test_a_list_on_the_own_remote_of_an_out_is_looked_at(project: Path, tmp_path: Path) -> None:
    digest = write_list(project, tmp_path / "remote")
    with (project / ".dvc" / "config").open("a") as config:
        config.write(f"['remote \"other\"']\n    url = {tmp_path / 'remote'}\n")
    text = f"outs:\n- {{hash: md5, md5: {digest}, path: x, remote: other}}\n"
    (project / "data" / "x.dvc").write_text(text)
    with pytest.raises(StoreError, match=r"data/x: .* leads out of the store: .*do not fetch"):
        check_listings(project)


def test_what_is_imported_from_another_project_is_refused(project: Path) -> None:
    text = (
        "deps:\n- {path: x, repo: {url: /nowhere, rev_lock: abc}}\nouts:\n- {hash: md5, path: x}\n"
    )
    (project / "data" / "x.dvc").write_text(text)
    with pytest.raises(StoreError, match=r"data/x\.dvc: expected outs of this project"):
        check_listings(project)


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
