import os
import signal
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from skimage.data import astronaut

from pipeline.engines import LOCAL, run_clips
from pipeline.errors import MoodlineError
from pipeline.faces.cutting import cut_clip
from pipeline.faces.params import FacesParams
from pipeline.faces.searching import load_detector, resolve_detector
from pipeline.faces.serving import RemoteDetector, list_devices, serve_detector
from pipeline.faces.spool import take_rows
from tests.conftest import PROJECT
from tests.makers import make_clips

PARAMS = resolve_detector(FacesParams(rate_hz=2, pixels=40)).model_copy(update={"batch": 2})
SPEAKERS = ("speaker_01", "speaker_02", "speaker_03")
PATHS = {name: PROJECT / "data" / "demo" / name / "clip_01.mp4" for name in SPEAKERS}


@pytest.fixture(scope="module")
def server():
    with serve_detector(PARAMS, ["cpu"]) as (address,):
        yield address


def cut_all(folder, servers, workers=2):
    """Clip → its crops, by worker processes."""
    cut = partial(cut_clip, params=PARAMS, folder=folder, servers=servers)
    cuts = run_clips(LOCAL, cut, make_clips(PATHS), workers=workers, limit_seconds=None)
    rows = {clip.clip_id: take_rows(made.rows["face"]).to_pylist() for clip, made in cuts}
    return dict(sorted(rows.items()))


def test_a_server_finds_what_its_detector_finds(server):
    images = [astronaut(), np.zeros((512, 512, 3), np.uint8), astronaut()[:, ::-1].copy()]
    remote, here = RemoteDetector(server), load_detector(PARAMS)
    for frames in (images, images[:1], [image[:256] for image in images] * 3):
        for found, known in zip(remote.detect(frames), here.detect(frames), strict=True):
            np.testing.assert_array_equal(found.boxes, known.boxes)
            np.testing.assert_array_equal(found.scores, known.scores)


def test_crops_by_a_server_are_byte_for_byte_those_of_workers_alone(tmp_path, server):
    assert str(cut_all(tmp_path, [server])) == str(cut_all(tmp_path, []))


def die_once(marker, address):
    """Search a frame, and be killed the first time."""
    detector = RemoteDetector(address)
    found = detector.detect([astronaut()])
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return len(found[0])


def test_a_worker_that_is_killed_leaves_the_server_at_work(tmp_path, server):
    work = partial(die_once, tmp_path / "marker")
    ((_, found),) = run_clips(LOCAL, work, [server], workers=1, limit_seconds=None)
    assert found == 1


def test_nothing_stays_in_shared_memory():
    before = set(Path("/dev/shm").glob("psm_*"))
    with serve_detector(PARAMS, ["cpu", "cpu"]) as servers:
        for address in servers:
            remote = RemoteDetector(address)
            remote.detect([astronaut()])
            remote.detect([astronaut()] * 3)
    end = time.monotonic() + 10  # what others on this machine share goes in a moment
    while (left := set(Path("/dev/shm").glob("psm_*")) - before) and time.monotonic() < end:
        time.sleep(0.1)
    assert left == set()


def test_a_server_that_cannot_begin_is_told():
    lacking = PARAMS.model_copy(update={"detector": "yunet", "weights": "nowhere.onnx"})
    with (
        pytest.raises(MoodlineError, match="expected a process that searches frames on cpu"),
        serve_detector(lacking, ["cpu"]),
    ):
        pass


def test_a_server_that_is_gone_is_told():
    with serve_detector(PARAMS, ["cpu"]) as (address,):
        remote = RemoteDetector(address)
    with pytest.raises(MoodlineError, match="got no answer from the process"):
        remote.detect([astronaut()])


def test_only_networks_on_gpus_of_this_machine_are_served():
    assert list_devices(PARAMS, LOCAL) == []
    assert list_devices(PARAMS.model_copy(update={"device": "cuda"}), LOCAL) == []
