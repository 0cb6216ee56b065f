import errno
import fcntl
import os
import shutil
import time
from pathlib import Path

from pipeline.store.provenance import Provenance
from pipeline.store.pruning import Pruned, prune_parts
from pipeline.store.reader import open_features
from pipeline.store.work import hold
from pipeline.store.writer import Made, StoreWriter
from tests.stores import make_rows

PROVENANCE = Provenance("extract", {"encoder": "toy", "row_shape": [1], "dtype": "float16"})


def publish(work: Path, out: Path, *clips: str) -> None:
    keys = dict(zip(clips, clips, strict=True))
    with StoreWriter(work, PROVENANCE, "zarr") as writer:
        for clip in writer.missing(keys, out):
            writer.add(clip, clip, Made(make_rows([[1.0]])))
        writer.close_part()
        writer.publish(out, writer.locate(keys), [])


def prune(work: Path, *, dry: bool = False) -> Pruned:
    (pruned,) = prune_parts(work, dry=dry)
    return pruned


def test_what_a_store_names_stays(tmp_path):
    publish(tmp_path / "work", tmp_path / "out", "a", "b")
    pruned = prune(tmp_path / "work")
    assert (pruned.removed, pruned.needed, pruned.unfinished) == (0, 1, 0)


def test_what_every_store_has_left_behind_goes(tmp_path):
    publish(tmp_path / "work", tmp_path / "out", "a")
    publish(tmp_path / "work", tmp_path / "out", "b")
    assert prune(tmp_path / "work", dry=True).removed == 1
    pruned = prune(tmp_path / "work")
    assert pruned.removed == 1
    assert pruned.removed_bytes > 0
    assert prune(tmp_path / "work").removed == 0
    assert open_features(tmp_path / "out")["b"].embedding.tolist() == [[1.0]]


def test_what_a_second_clone_needs_stays_until_that_clone_is_gone(tmp_path):
    publish(tmp_path / "work", tmp_path / "one", "a")
    publish(tmp_path / "work", tmp_path / "two", "b")
    assert prune(tmp_path / "work").removed == 0
    shutil.rmtree(tmp_path / "one")
    assert prune(tmp_path / "work").removed == 1
    assert open_features(tmp_path / "two").has_rows("b")


def test_parts_of_a_run_that_was_stopped_wait_for_the_next(tmp_path):
    publish(tmp_path / "work", tmp_path / "out", "a")
    time.sleep(0.05)
    with StoreWriter(tmp_path / "work", PROVENANCE, "zarr") as writer:
        writer.add("b", "b", Made(make_rows([[1.0]])))
    pruned = prune(tmp_path / "work")
    assert (pruned.removed, pruned.unfinished) == (0, 1)


def test_a_folder_that_a_writer_holds_is_left_alone(tmp_path):
    publish(tmp_path / "work", tmp_path / "out", "a")
    publish(tmp_path / "work", tmp_path / "out", "b")
    folder = next((tmp_path / "work").iterdir())
    with hold(folder):
        assert prune(tmp_path / "work").busy
    assert prune(tmp_path / "work").removed == 1


def test_where_the_file_system_has_no_locks_nothing_goes_and_it_is_told(tmp_path, monkeypatch):
    def refuse(*arguments):
        raise OSError(errno.ENOLCK, "No locks available")

    publish(tmp_path / "work", tmp_path / "out", "a")
    assert not prune(tmp_path / "work").busy
    monkeypatch.setattr(fcntl, "flock", refuse)
    publish(tmp_path / "work", tmp_path / "out", "b")  # a writer goes on without
    pruned = prune(tmp_path / "work")
    assert (pruned.busy, pruned.locked, pruned.removed) == (True, False, 0)


def test_a_writer_leaves_what_another_is_writing(tmp_path):
    folder = tmp_path / "work" / f"{PROVENANCE.fingerprint}.zarr"
    aside = folder / f".abc.{os.getpid()}.partial"
    with hold(folder):
        aside.mkdir()
        with hold(folder):
            assert aside.exists()
    with hold(folder):
        assert not aside.exists()


def test_a_file_beside_the_folders_is_left_alone(tmp_path):
    publish(tmp_path / "work", tmp_path / "out", "a")
    (tmp_path / "work" / "notes.txt").touch()
    assert prune(tmp_path / "work").needed == 1
