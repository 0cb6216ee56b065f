"""Links within a file system and from one to another, on real ones.

A second file system is shared memory, or a mount made here; what no file system here does not
offer is skipped, by name.
"""

import ctypes
import errno
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from dvc.repo import Repo

from pipeline.audits.verification import verify_paths
from pipeline.files import remove
from pipeline.store.linking import copy_tree, link_tree
from pipeline.store.provenance import Provenance
from pipeline.store.pruning import prune_parts
from pipeline.store.reader import open_features
from pipeline.store.writer import Made, StoreWriter
from tests.conftest import PROJECT
from tests.stores import make_rows

PROVENANCE = Provenance("extract", {"encoder": "toy", "row_shape": [2], "dtype": "float16"})
SHARED_MEMORY = Path("/dev/shm")
NOBODY = 65534


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A folder on another file system than `tmp_path`."""
    if not SHARED_MEMORY.is_dir() or SHARED_MEMORY.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system: /dev/shm is absent, or the one of the tests")
    with tempfile.TemporaryDirectory(dir=SHARED_MEMORY) as folder:
        yield Path(folder)


@contextmanager
def mounted(folder: Path, *arguments: str) -> Iterator[Path]:
    """`folder` as a file system of its own."""
    folder.mkdir()
    if run("mount", *arguments, str(folder)):
        pytest.skip(f"no right to mount a file system here ({' '.join(arguments)})")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def run(*command: str) -> int:
    return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode


def write_tree(folder: Path) -> Path:
    """A folder with a file in it and one below it."""
    (folder / "below").mkdir(parents=True)
    (folder / "file").write_bytes(b"0123")
    (folder / "below" / "deep").write_bytes(b"4567")
    return folder


def read_tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_on_one_file_system_a_file_is_in_two_places(tmp_path):
    source, target = write_tree(tmp_path / "source"), tmp_path / "new" / "target"
    link_tree(source, target)
    for name in ("file", "below/deep"):
        assert (target / name).samefile(source / name)
        assert not (target / name).is_symlink()


@pytest.mark.parametrize("place", [link_tree, copy_tree])
def test_from_one_file_system_to_another_it_is_a_copy(place, tmp_path, elsewhere):
    source, target = write_tree(elsewhere / "source"), tmp_path / "target"
    place(source, target)
    assert read_tree(target) == {"file": b"0123", "below/deep": b"4567"}
    assert not (target / "below" / "deep").is_symlink()


def test_of_a_symbolic_link_it_is_the_file(tmp_path):
    source = write_tree(tmp_path / "source")
    (tmp_path / "link").symlink_to(source / "file")
    link_tree(tmp_path / "link", tmp_path / "second")
    assert (tmp_path / "second").samefile(source / "file")
    assert not (tmp_path / "second").is_symlink()


def test_a_relative_path_is_linked_from_anywhere(tmp_path, elsewhere, monkeypatch):
    write_tree(elsewhere / "source")
    monkeypatch.chdir(elsewhere)
    link_tree(Path("source"), tmp_path / "target")
    monkeypatch.chdir(tmp_path)
    assert (tmp_path / "target" / "file").read_bytes() == b"0123"


def test_where_only_extents_can_be_shared_they_are(tmp_path):
    if shutil.which("mkfs.btrfs") is None:
        pytest.skip("no mkfs.btrfs: no file system here that clones files")
    image = tmp_path / "image"
    with image.open("wb") as file:
        file.truncate(128 * 2**20)
    subprocess.run(["mkfs.btrfs", "-q", image], check=True)
    with mounted(tmp_path / "disk", "-o", "loop", str(image)) as disk:
        for volume in ("one", "two"):  # no hard link leads from one to the other
            subprocess.run(["btrfs", "-q", "subvolume", "create", disk / volume], check=True)
        source, target = disk / "one" / "source", disk / "two" / "target"
        source.write_bytes(os.urandom(2**23))
        before = measure_used(disk)
        link_tree(source, target)
        assert target.read_bytes() == source.read_bytes()
        assert not target.samefile(source)
        assert not target.is_symlink()
        assert measure_used(disk) - before < 2**20


def measure_used(disk: Path) -> int:
    """Bytes in use on a file system."""
    os.sync()
    return shutil.disk_usage(disk).used


REFUSE = """
import ctypes, ctypes.util, errno, sys
from pathlib import Path
from pipeline.store.linking import link_tree

kernel = ctypes.CDLL("libseccomp.so.2")
kernel.seccomp_init.restype = ctypes.c_void_p
rules = ctypes.c_void_p(kernel.seccomp_init(0x7FFF0000))  # all else is allowed
for call in (b"link", b"linkat"):
    number = kernel.seccomp_syscall_resolve_name(call)
    assert kernel.seccomp_rule_add(rules, 0x00050000 | errno.EPERM, number, 0) == 0
assert kernel.seccomp_load(rules) == 0
link_tree(*map(Path, sys.argv[1:]))
"""
"""A process whose links the kernel refuses in the words of file systems that have none (FAT)."""


def test_where_no_link_is_to_be_had_it_is_a_copy(tmp_path):
    try:
        ctypes.CDLL("libseccomp.so.2")
    except OSError:
        pytest.skip("no libseccomp: nothing here refuses every kind of link")
    source, target = write_tree(tmp_path / "source"), tmp_path / "target"
    command = [sys.executable, "-c", REFUSE, source, target]
    subprocess.run(command, check=True, cwd=PROJECT)
    assert read_tree(target) == read_tree(source)
    for name in ("file", "below/deep"):
        assert not (target / name).is_symlink()
        assert not (target / name).samefile(source / name)


def test_a_disk_that_is_full_is_told(tmp_path):
    source = write_tree(tmp_path / "source")
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "nr_inodes=2", "tmpfs") as disk:
        (disk / "last").touch()
        with pytest.raises(OSError, match="No space left") as told:
            link_tree(source / "file", disk / "target")
        assert told.value.errno == errno.ENOSPC
        assert not (disk / "target").exists()


def test_a_disk_that_cannot_be_written_is_told(tmp_path):
    source = write_tree(tmp_path / "source")
    with (
        mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "ro", "tmpfs") as disk,
        pytest.raises(OSError, match="Read-only file system"),
    ):
        link_tree(source / "file", disk / "target")


@contextmanager
def as_nobody() -> Iterator[None]:
    """As a user without rights over the files of others; root is not asked for any."""
    if os.geteuid():
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_that_is_closed_is_told(elsewhere):
    elsewhere.chmod(0o755)
    source, closed = write_tree(elsewhere / "source"), elsewhere / "closed"
    closed.mkdir(mode=0o555)
    with as_nobody(), pytest.raises(PermissionError) as told:
        link_tree(source / "file", closed / "target")
    assert told.value.errno == errno.EACCES


def test_a_target_that_is_there_stays_as_it_is(tmp_path, elsewhere):
    source = write_tree(elsewhere / "source")
    (tmp_path / "file").write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        link_tree(source / "file", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"mine"


def test_a_source_that_is_gone_is_told(tmp_path):
    with pytest.raises(FileNotFoundError):
        link_tree(tmp_path / "gone", tmp_path / "target")
    assert not (tmp_path / "target").exists()


def publish(work: Path, out: Path, clips: str = "ab", part_format: str = "zarr") -> Path:
    """Store at `out` of `clips`, each in a part of its own."""
    for clip_id in clips:
        with StoreWriter(work, PROVENANCE, part_format) as writer:
            if writer.missing({clip_id: clip_id}, out):
                writer.add(clip_id, clip_id, Made(make_rows([[ord(clip_id), 0.5]])))
    with StoreWriter(work, PROVENANCE, part_format) as writer:
        writer.publish(out, writer.locate({clip_id: clip_id for clip_id in clips}), [])
    return out


def read_clips(store: Path) -> dict[str, list[list[float]]]:
    opened = open_features(store)
    return {clip_id: opened[clip_id].embedding.tolist() for clip_id in opened.index.clip_ids}


def is_whole(store: Path) -> bool:
    (found,) = verify_paths([store])
    return not found.problems


def prune(work: Path) -> tuple[int, int]:
    """How many parts were removed, and how many are needed."""
    (pruned,) = prune_parts(work, dry=False)
    return pruned.removed, pruned.needed


@pytest.mark.parametrize("part_format", ["zarr", "hdf5"])
def test_what_empties_a_file_of_an_out_empties_no_other(part_format, tmp_path):
    """As DVC's reflink does, which opens its destination with O_TRUNC."""
    work = tmp_path / "work"
    outs = [publish(work, tmp_path / name, part_format=part_format) for name in ("one", "two")]
    before = read_tree(work)
    for path in (outs[0] / "parts").rglob("*"):
        if path.is_file():
            os.close(os.open(path, os.O_WRONLY | os.O_TRUNC))
    assert read_tree(work) == before
    assert is_whole(outs[1])


@pytest.mark.parametrize("part_format", ["zarr", "hdf5"])
def test_a_store_is_the_same_wherever_its_work_store_is(part_format, tmp_path, elsewhere):
    near = publish(tmp_path / "work", tmp_path / "near", part_format=part_format)
    far = publish(elsewhere / "work", tmp_path / "far", part_format=part_format)
    assert read_tree(far) == read_tree(near)
    assert read_clips(far) == read_clips(near)
    assert is_whole(far)


def test_parts_of_which_a_store_was_made_are_not_pruned(tmp_path, elsewhere):
    work, out = elsewhere / "work", tmp_path / "out"
    publish(work, out, "abc")
    publish(work, out, "ab")
    assert prune(work) == (1, 2)
    assert is_whole(out)
    assert read_clips(out).keys() == {"a", "b"}


def test_a_store_that_was_moved_keeps_its_parts(tmp_path):
    publish(tmp_path / "work", tmp_path / "out").rename(tmp_path / "moved")
    assert prune(tmp_path / "work") == (2, 0)
    assert is_whole(tmp_path / "moved")


@pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")  # DVC's own
def test_dvc_keeps_the_bytes_wherever_its_cache_is(tmp_path, elsewhere):
    with Repo.init(str(tmp_path), no_scm=True) as repo, repo.config.edit("repo") as config:
        links = ["hardlink", "symlink", "copy"]
        config["cache"] |= {"dir": str(elsewhere / "cache"), "type": links}
    out = publish(elsewhere / "moodline", tmp_path / "out")
    before = read_clips(out)
    with Repo(str(tmp_path)) as repo:
        repo.add(str(out))
        assert repo.status() == {}
        remove(elsewhere / "moodline")
        remove(out)
        repo.checkout()
    assert is_whole(out)
    assert read_clips(out) == before
