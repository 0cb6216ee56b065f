"""The stage in parallel, killed, and gone on with: the same crops to the byte."""

import multiprocessing
import os
import signal
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.faces.params import FacesParams
from pipeline.faces.stores import pack_faces
from pipeline.files import digest_file
from pipeline.store import writer
from pipeline.store.ledger import read_ledger
from pipeline.store.reader import open_media
from tests.conftest import PROJECT
from tests.makers import list_parts, make_clips

PARAMS = FacesParams(rate_hz=3, pixels=40, workers=1, allowed_share=1.0)
NAMES = [f"speaker_0{number}" for number in range(1, 7)]
PATHS = {name: PROJECT / "data" / "demo" / name / "clip_01.mp4" for name in NAMES}


def find_clips(paths=PATHS):
    return [
        replace(clip, fps=15.0, duration_seconds=2.0, media_digest=digest_file(Path(clip.path)))
        for clip in make_clips(paths)
    ]


def pack(root, params=PARAMS, clips=None):
    """Clip → its crops and what was seen, each as bytes that any difference changes."""
    pack_faces(find_clips() if clips is None else clips, params, root / "out", root / "work")
    return read_rows(root / "out")


def read_rows(out):
    stores = [open_media(out / name) for name in ("face", "tracks")]
    return {
        (store.path.name, clip_id): repr(store[clip_id].to_pylist())
        for store in stores
        for clip_id in store.index.clip_ids
        if store.has_rows(clip_id)
    }


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    known = pack(tmp_path_factory.mktemp("known"))
    assert len(known) == 2 * len(NAMES)
    return known


@contextmanager
def meanwhile(act):
    """Let `act` run, again and again, while the block does."""
    ended = threading.Event()

    def run():
        while not ended.wait(0.01):
            act()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def find_readers(path):
    """Processes of this one that have the file at `path` open."""
    for worker in multiprocessing.active_children():
        with suppress(OSError):
            opened = [os.readlink(link) for link in Path(f"/proc/{worker.pid}/fd").iterdir()]
            if str(path) in opened:
                yield worker.pid


def test_two_workers_make_what_one_does(tmp_path, known):
    assert pack(tmp_path, PARAMS.model_copy(update={"workers": 2})) == known


def test_workers_killed_at_work_cost_only_a_retry(tmp_path, known):
    to_kill = list(PATHS.values())[1:3]

    def kill():
        for path in [*to_kill]:
            for pid in find_readers(path):
                os.kill(pid, signal.SIGKILL)
                to_kill.remove(path)

    with meanwhile(kill):
        found = pack(tmp_path, PARAMS.model_copy(update={"workers": 2}))
    assert not to_kill
    assert found == known


def test_a_clip_that_ends_its_worker_each_time_goes_to_the_ledger(tmp_path):
    victim, killed = PATHS["speaker_04"], set()

    def kill():
        for pid in set(find_readers(victim)) - killed:
            os.kill(pid, signal.SIGKILL)
            killed.add(pid)

    with meanwhile(kill):  # which takes a moment to see a file opened: every frame is searched
        found = pack(tmp_path, PARAMS.model_copy(update={"rate_hz": None}))
    assert len(killed) == 3
    (entry,) = read_ledger(tmp_path / "out" / "face" / "ledger.parquet")
    assert (entry.clip_id, entry.status, entry.reason) == ("speaker_04", "left_out", "crashed")
    assert {clip_id for _, clip_id in found} == set(NAMES) - {"speaker_04"}


def run_stage(root):
    os.setpgrp()
    writer.PART_SECONDS = 0.0  # a part for each clip
    pack(root)


def test_a_run_that_was_killed_goes_on_where_it_was(tmp_path, known):
    stage = multiprocessing.get_context("spawn").Process(target=run_stage, args=(tmp_path,))
    stage.start()
    while len(list_parts(tmp_path / "work")) < 4:
        assert stage.is_alive()
        time.sleep(0.01)
    os.killpg(stage.pid, signal.SIGKILL)
    stage.join()
    before = list_parts(tmp_path / "work")
    assert not (tmp_path / "out" / "face").exists()
    assert pack(tmp_path) == known
    (done, *_) = before.values()
    after = list_parts(tmp_path / "work")
    again = [part for part, clips in after.items() if clips == done and part not in before]
    assert len(again) <= 1  # its tracks, where the kill came between
    assert not list(tmp_path.rglob("*.arrow"))
