import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from pipeline.errors import StoreError
from pipeline.merging import join_entries, merge_locks
from tests.conftest import PROJECT

LOCKS = ("dvc.lock", "models/dvc.lock", "reports/dvc.lock")


def write_lock(path: Path, **stages: int) -> Path:
    entries = {name: {"cmd": name, "outs": [{"md5": f"{n:032}"}]} for name, n in stages.items()}
    path.parent.mkdir(exist_ok=True)
    YAML().dump({"schema": "2.0", "stages": entries}, path)
    return path


def read_lock(path: Path) -> dict[str, int]:
    stages = YAML(typ="safe").load(path)["stages"]
    return {name: int(entry["outs"][0]["md5"]) for name, entry in stages.items()}


entries = st.dictionaries(st.sampled_from("abcde"), st.integers(0, 2))


@given(entries, entries, entries)
def test_every_entry_is_one_sides_and_theirs_where_they_changed_it(base, ours, theirs):
    joined = join_entries(base, ours, theirs)
    for stage in {*base, *ours, *theirs}:
        known, own, other = (found.get(stage) for found in (base, ours, theirs))
        expected = own if other in (known, None) and (own != known or other == known) else other
        assert joined.get(stage) == expected


@given(entries, entries)
def test_a_side_that_changed_nothing_changes_nothing(base, other):
    assert join_entries(base, base, other) == other
    assert join_entries(base, other, base) == other


def test_lock_files_are_merged_and_the_stages_of_both_named(tmp_path):
    base = write_lock(tmp_path / "base", labels=1, clean=1, faces=1)
    ours = write_lock(tmp_path / "ours", labels=2, clean=1, faces=1, mfcc=5)
    theirs = write_lock(tmp_path / "theirs", labels=3, clean=4, faces=1, hog=6)
    assert merge_locks(base, ours, theirs) == ["labels"]
    assert read_lock(ours) == {"labels": 3, "clean": 4, "faces": 1, "mfcc": 5, "hog": 6}


def test_an_empty_base_is_one_without_stages(tmp_path):
    (tmp_path / "base").touch()
    ours, theirs = write_lock(tmp_path / "ours", a=1), write_lock(tmp_path / "theirs", b=2)
    assert merge_locks(tmp_path / "base", ours, theirs) == []
    assert read_lock(ours) == {"a": 1, "b": 2}


LAUGHS = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
NESTED = "stages: {a: " + 60 * "[" + 60 * "]" + "}\n"
CALLING = "stages: !!python/name:os.system {}\n"
NUMBERS = ["stages: {a: 0x_}\n", "%YAML 1.1\n---\nstages: {a: 1" + 3000 * ":59" + "}\n"]
FOREIGN = [LAUGHS, NESTED, CALLING, "stages: &s {<<: *s}\n", 10**5 * "[", *NUMBERS]


@pytest.mark.parametrize(
    "text", ["<<<<<<< ours\n", "[1, 2]\n", "schema: '2.0'\n", "stages: 7\n", *FOREIGN]
)
def test_what_is_no_lock_file_is_refused_and_ours_stays(tmp_path, text):
    ours = write_lock(tmp_path / "ours", a=1)
    (tmp_path / "theirs").write_text(text)
    with pytest.raises(StoreError, match="theirs: expected a lock file of DVC"):
        merge_locks(ours, ours, tmp_path / "theirs")
    assert read_lock(ours) == {"a": 1}


def test_git_merges_all_lock_files_by_the_drivers_of_the_project(tmp_path):
    def git(*arguments: str) -> None:
        named = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        subprocess.run(["git", *named, *arguments], cwd=tmp_path, check=True, capture_output=True)

    def commit(**stages: int) -> None:
        for lock in LOCKS:
            write_lock(tmp_path / lock, **stages)
        git("add", "-A")
        git("commit", "-qm", "work")

    driver = "from pipeline.cli import main; main()"
    (tmp_path / ".gitattributes").write_bytes((PROJECT / ".gitattributes").read_bytes())
    git("init", "-q", "-b", "main")
    run = f"PYTHONPATH={PROJECT} {sys.executable} -c '{driver}' merge %O %A %B %P"
    git("config", "merge.moodline.driver", run)
    commit(a=1, b=1)
    git("checkout", "-qb", "theirs")
    commit(a=1, b=2)
    git("checkout", "-q", "main")
    commit(a=3, b=1)
    git("merge", "-q", "--no-edit", "theirs")
    assert [read_lock(tmp_path / lock) for lock in LOCKS] == [{"a": 3, "b": 2}] * 3


def test_make_install_tells_git_of_the_driver():
    text = (PROJECT / "Makefile").read_text()
    assert 'git config merge.moodline.driver "$(VENV)/bin/moodline merge %O %A %B %P"' in text
    assert "dvc.lock merge=moodline" in (PROJECT / ".gitattributes").read_text()


def test_a_text_that_yaml_reads_otherwise_is_merged_as_it_was(tmp_path):
    base, theirs = write_lock(tmp_path / "base"), write_lock(tmp_path / "theirs", b=2)
    ours = tmp_path / "ours"
    ours.write_text('schema: "2.0"\nstages:\n  a:\n    cmd: "x\\Ny"\n')  # U+0085
    merge_locks(base, ours, theirs)
    assert YAML(typ="safe").load(ours)["stages"]["a"] == {"cmd": "x\x85y"}
