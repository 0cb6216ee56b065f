import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ray.cluster_utils import Cluster

from pipeline.engines import EngineParams, run_clips
from pipeline.errors import MediaError, ParamsError
from pipeline.extraction.feature_sets import extract_features
from pipeline.faces.params import FacesParams
from pipeline.faces.stores import pack_faces
from pipeline.files import digest_file
from pipeline.store.reader import open_features, open_media
from tests.makers import make_clips
from tests.tones import make_mfcc, pack_tones

pytestmark = pytest.mark.runs

PROJECT = Path(__file__).parents[2]
"""Not from tests.conftest: on a worker's path that may be the file of another package."""

PATIENCE_SECONDS = 180
"""A node starts in a few, where nothing else is at work."""


@pytest.fixture(scope="module")
def head():
    options = {"num_cpus": 1, "include_dashboard": False, "wait": False}
    cluster = Cluster(initialize_head=True, head_node_args=options)
    yield cluster
    cluster.shutdown()


@pytest.fixture
def cluster(head):
    """Two nodes of one processor each."""
    while len(head.list_all_nodes()) < 2:
        head.add_node(num_cpus=1, wait=False)
    head.wait_for_nodes(timeout=PATIENCE_SECONDS)
    return head


def lose_node(cluster, condition):
    """Kill the second node as soon as `condition` holds."""

    def wait():
        while not condition():
            time.sleep(0.05)
        cluster.remove_node(cluster.list_all_nodes()[1], allow_graceful=False)

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def misbehave(how):
    if how == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "refuse":
        raise MediaError("no_audio", "expected sound")
    if how == "hang":
        time.sleep(3600)
    if how == "mistake":
        raise ZeroDivisionError("a bug of ours")
    return how, os.getcwd()


def take_its_time(number):
    time.sleep(3.0)
    return number


def work_on(item):
    log, number = item
    with log.open("a") as file:
        file.write(f"{number}\n")
    time.sleep(0.3)
    return number


def test_one_bad_clip_fails_alone(cluster, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    engine = EngineParams(kind="ray", address=cluster.address)
    items = ["fine", "die", "well", "refuse", "mistake"]
    results = dict(run_clips(engine, misbehave, items, workers=2, limit_seconds=lambda _: 60.0))
    reasons = {how: results.pop(how).reason for how in ("die", "refuse", "mistake")}
    assert reasons == {"die": "crashed", "refuse": "no_audio", "mistake": "crashed"}
    assert results == {how: (how, str(tmp_path)) for how in ("fine", "well")}


def test_an_item_that_takes_too_long_is_stopped(cluster):
    engine = EngineParams(kind="ray", address=cluster.address)
    ((_, error),) = run_clips(engine, misbehave, ["hang"], workers=1, limit_seconds=lambda _: 3.0)
    assert error.reason == "timeout"


def test_items_that_wait_for_a_processor_are_not_late(cluster):
    engine = EngineParams(kind="ray", address=cluster.address)
    limit = 12.0  # two at a time, the last wait longer; by itself none comes near it
    results = run_clips(engine, take_its_time, range(10), workers=10, limit_seconds=lambda _: limit)
    assert sorted(result for _, result in results) == list(range(10))


def test_a_cluster_without_gpus_is_told(cluster):
    engine = EngineParams(kind="ray", address=cluster.address)
    with pytest.raises(ParamsError, match=r"expected GPUs in the Ray cluster"):
        list(run_clips(engine, misbehave, ["fine"], workers=1, limit_seconds=None, gpus=True))


def test_a_lost_node_costs_what_it_was_at(cluster, tmp_path):
    engine = EngineParams(kind="ray", address=cluster.address)
    log = tmp_path / "log"
    items = [(log, number) for number in range(24)]
    losing = lose_node(cluster, lambda: log.is_file() and len(log.read_text().split()) > 6)
    results = run_clips(engine, work_on, items, workers=2, limit_seconds=lambda _: 60.0)
    assert sorted(number for _, number in results) == list(range(24))
    losing.join()
    assert len(log.read_text().split()) <= 24 + 1


def test_extraction_survives_a_lost_node_and_equals_the_local_one(cluster, tmp_path):
    audio = pack_tones(tmp_path / "audio", {f"clip-{n:02}": 0.3 + n / 100 for n in range(40)})
    engine = EngineParams(kind="ray", address=cluster.address)
    params, work = make_mfcc(batch=1, workers=2), tmp_path / "work"
    losing = lose_node(cluster, lambda: len(list(work.glob("*/[!.]*"))) > 3)
    extract_features(params, audio, tmp_path / "far", work, engine=engine)
    losing.join()
    extract_features(make_mfcc(), audio, tmp_path / "near", tmp_path / "other")
    far, near = open_features(tmp_path / "far"), open_features(tmp_path / "near")
    assert far.index.clip_ids == near.index.clip_ids
    for clip_id in near.index.clip_ids:
        np.testing.assert_array_equal(far[clip_id].embedding, near[clip_id].embedding)


def test_crops_of_a_cluster_equal_the_local_ones(cluster, tmp_path):
    speakers = [f"speaker_0{number}" for number in range(1, 5)]
    paths = {name: PROJECT / "data" / "demo" / name / "clip_01.mp4" for name in speakers}
    clips = [
        replace(clip, fps=15.0, media_digest=digest_file(Path(clip.path)))
        for clip in make_clips(paths)
    ]
    engine = EngineParams(kind="ray", address=cluster.address)
    params = FacesParams(rate_hz=2, pixels=40)
    pack_faces(clips, params, tmp_path / "far", tmp_path / "work", engine=engine)
    pack_faces(clips, params, tmp_path / "near", tmp_path / "other")
    far, near = (open_media(tmp_path / side / "face") for side in ("far", "near"))
    assert sum(near.has_rows(name) for name in speakers) == 4
    for name in speakers:
        assert str(far[name].to_pylist()) == str(near[name].to_pylist())


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nowhere"])
def test_a_cluster_that_is_not_there_is_told(address):
    engine = EngineParams(kind="ray", address=address)
    with pytest.raises(ParamsError, match=r"engine\.address: expected a Ray cluster at"):
        list(run_clips(engine, misbehave, ["fine"], workers=1, limit_seconds=lambda _: 60.0))
