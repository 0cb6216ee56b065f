import hashlib

import pytest
from dvc.repo import Repo

from pipeline.store.shared_cache import find_shared_cache, put_in_cache


@pytest.fixture
def project(tmp_path, monkeypatch):
    for name in ("GLOBAL", "SYSTEM"):
        monkeypatch.setenv(f"DVC_{name}_CONFIG_DIR", str(tmp_path / name))
    project = tmp_path / "project"
    project.mkdir()
    Repo.init(str(project), no_scm=True).close()
    return project


def name_cache(config, cache):
    config.parent.mkdir(exist_ok=True)
    with config.open("a") as file:
        file.write(f"[cache]\n    dir = {cache}\n")


def test_a_clone_has_a_cache_of_its_own_unless_a_folder_is_named(project, tmp_path):
    assert find_shared_cache(project) is None
    name_cache(project / ".dvc" / "config.local", tmp_path / "shared")
    assert find_shared_cache(project) == tmp_path / "shared"


@pytest.mark.parametrize("level", ["GLOBAL", "SYSTEM"])
def test_a_folder_may_be_named_for_all_clones(project, tmp_path, level):
    name_cache(tmp_path / level / "config", tmp_path / "shared")
    assert find_shared_cache(project) == tmp_path / "shared"


@pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")  # DVC's own
def test_what_is_put_there_is_what_dvc_puts_there(project, tmp_path):
    out, cache = project / "out", tmp_path / "shared"
    (out / "deep").mkdir(parents=True)
    for name in ("a", "deep/b"):
        (out / name).write_text(f"this is {name}")
    name_cache(project / ".dvc" / "config.local", cache)
    put_in_cache([out], cache)
    put = {path: path.stat() for path in cache.rglob("*") if path.is_file()}
    names = {path.parent.name + path.name for path in put}
    texts = (b"this is a", b"this is deep/b")
    assert names == {hashlib.md5(text, usedforsecurity=False).hexdigest() for text in texts}
    assert {stat.st_mode & 0o777 for stat in put.values()} == {0o444}
    with Repo(str(project)) as repo:
        repo.add(str(out))
        assert repo.status() == {}
    for path, stat in put.items():
        assert path.stat().st_ino == stat.st_ino, "DVC put it there once more"
    assert (out / "a").stat().st_ino not in {stat.st_ino for stat in put.values()}
