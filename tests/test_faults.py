"""Extraction killed, stopped and starved of disk space: what is committed stays, and stays right.

A few cases run with the suite; `make faults` runs hundreds. Each run is a process forked from a
server that holds the imports, so that most of its time is extraction.
"""

import multiprocessing
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from pipeline.audits.verification import verify_paths
from pipeline.cleaning.sound import PROVENANCE as CLEAN
from pipeline.encoders.params import MfccParams
from pipeline.errors import StoreError
from pipeline.rows import Rows
from pipeline.store.header import digest_tree
from pipeline.store.reader import FeatureStore, open_features
from pipeline.store.work import WorkParts
from pipeline.store.writer import Made, StoreWriter
from tests.extraction.test_feature_sets import make_sound

CASES = int(os.environ.get("MOODLINE_FAULTS", "3"))
"""Kills of each part format."""

CLIPS = {f"clip-{number:02}": 0.2 + 0.01 * number for number in range(24)}
FORMATS = ("zarr", "hdf5")
ARRAYS = ("embedding", "start_seconds", "end_seconds", "valid")

FORK = multiprocessing.get_context("forkserver")


def extract(root: Path, work: Path, part_format: str, part_seconds: float) -> None:
    """The stage, in small parts; each clip is logged before it is added."""
    import torch

    from pipeline.extraction import feature_sets, source
    from pipeline.stage import run_stage
    from pipeline.store import writer

    os.setpgrp()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    torch.set_num_threads(1)
    writer.PART_SECONDS = part_seconds
    encode = source.encode_clips

    def log(*arguments: object) -> Iterator[tuple[str, Rows]]:
        with (root / "log").open("a", buffering=1) as file:
            for clip_id, rows in encode(*arguments):
                file.write(f"{clip_id}\n")
                yield clip_id, rows

    source.encode_clips = log
    sys.stderr = (root / "errors").open("w", buffering=1)
    params = MfccParams(encoder="mfcc", modality="audio", format=part_format, batch=1)
    run_stage(lambda: feature_sets.extract_features(params, root / "audio", root / "out", work), [])


class Extraction:
    """A folder with the audio of all clips, and runs of extraction in it."""

    part_seconds = 0.02  # a few clips to a part

    def __init__(self, root: Path, audio: Path, part_format: str, work: Path | None = None) -> None:
        self.root = root
        self.work = work or root / "work"
        self.part_format = part_format
        (root / "audio").symlink_to(audio)

    def start(self) -> multiprocessing.Process:
        (self.root / "log").unlink(missing_ok=True)
        arguments = (self.root, self.work, self.part_format, self.part_seconds)
        process = FORK.Process(target=extract, args=arguments)
        process.start()
        return process

    def run(self) -> int:
        process = self.start()
        process.join()
        assert is_gone(process.pid)
        return process.exitcode

    def stop(self, how: signal.Signals, after_clips: int = 1, after_seconds: float = 0.0) -> int:
        """Send `how` so long after so many clips were encoded; returns the exit code."""
        process = self.start()
        while process.is_alive() and len(self.encoded) < after_clips:
            time.sleep(0.001)
        time.sleep(after_seconds)
        with suppress(ProcessLookupError):
            os.kill(process.pid, how)
        process.join()
        assert is_gone(process.pid)
        return process.exitcode

    @property
    def encoded(self) -> list[str]:
        """Clips that the last run encoded."""
        log = self.root / "log"
        return log.read_text().split() if log.exists() else []

    @property
    def told(self) -> str:
        """What the last run said."""
        return (self.root / "errors").read_text()

    @property
    def parts(self) -> WorkParts:
        (folder,) = self.work.iterdir()
        return WorkParts(self.work, *folder.name.split("."))

    def check(self, truth: FeatureStore) -> set[str]:
        """Clips that are committed, none of which is wrong; nor is the store, if there is one."""
        parts, committed = self.parts, set()
        for name, part in parts.parts.items():
            path = parts.path_of(name)
            assert parts.digest_of(name) == digest_tree(path)
            opened = parts.format.open_part(path)
            for clip in part.clips:
                rows = parts.format.slice_part(opened, clip.start, clip.start + clip.rows)
                assert_equal(rows, truth[clip.clip_id])
                committed.add(clip.clip_id)
        if (self.root / "out" / "store.json").exists():
            assert_same(open_features(self.root / "out"), truth)
        else:
            with pytest.raises(StoreError):
                open_features(self.root / "out")
        return committed

    def finish(self, truth: FeatureStore) -> None:
        """Go on to the end: nothing committed is redone, all is as it would have been."""
        committed = self.check(truth)
        assert self.run() == 0, self.told
        assert set(self.encoded) == CLIPS.keys() - committed
        assert_same(open_features(self.root / "out"), truth)
        (verified,) = verify_paths([self.root / "out"])
        assert not verified.problems
        assert not list(self.root.rglob("*.partial"))


def assert_same(found: FeatureStore, truth: FeatureStore) -> None:
    assert found.index.clip_ids == truth.index.clip_ids
    assert found.index.keys == truth.index.keys
    for clip_id in truth.index.clip_ids:
        assert_equal(found[clip_id], truth[clip_id])


def assert_equal(found: Rows, truth: Rows) -> None:
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(found, name), getattr(truth, name))


def is_gone(group: int) -> bool:
    """Whether no process of a group is left, once those that read from the first saw its end."""
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


@pytest.fixture(scope="module")
def audio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Store of the clips' sound."""
    folder = tmp_path_factory.mktemp("audio")
    keys = {clip_id: f"{seconds}" for clip_id, seconds in CLIPS.items()}
    with StoreWriter(folder / "work", CLEAN, "parquet") as writer:
        for clip_id, seconds in CLIPS.items():
            writer.add(clip_id, keys[clip_id], Made(make_sound(clip_id, seconds)))
        writer.close_part()
        writer.publish(folder / "audio", writer.locate(keys), [])
    return folder / "audio"


@pytest.fixture(scope="module")
def undisturbed(
    audio: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[FeatureStore, float]]:
    """Part format → what an undisturbed run makes, and how long it encodes and writes."""
    made = {}
    for part_format in FORMATS:
        run = Extraction(tmp_path_factory.mktemp(part_format), audio, part_format)
        process = run.start()
        while not run.encoded:
            time.sleep(0.001)
        begun = time.monotonic()
        process.join()
        assert process.exitcode == 0
        made[part_format] = open_features(run.root / "out"), time.monotonic() - begun
    return made


@pytest.mark.parametrize("case", range(CASES))
@pytest.mark.parametrize("part_format", FORMATS)
def test_a_kill_at_any_moment_costs_only_what_was_not_committed(
    part_format, case, audio, undisturbed, tmp_path
):
    truth, seconds = undisturbed[part_format]
    run = Extraction(tmp_path, audio, part_format)
    moment = random.Random(f"{part_format} {case}").uniform(0, 1.1 * seconds)
    run.stop(signal.SIGKILL, after_seconds=moment)
    run.finish(truth)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("part_format", FORMATS)
def test_who_stops_it_keeps_every_clip_that_was_encoded(
    part_format, how, audio, undisturbed, tmp_path
):
    truth, _ = undisturbed[part_format]
    run = Extraction(tmp_path, audio, part_format)
    assert run.stop(how, after_clips=8) == 130
    assert "moodline: interrupted; what is done is kept, `dvc repro` goes on" in run.told
    assert set(run.encoded[:-1]) <= run.check(truth)
    run.finish(truth)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with room for a few parts of one clip."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if mount("-t", "tmpfs", "-o", "size=96k", "tmpfs", str(folder)):
        pytest.skip("no right to mount a small file system here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def mount(*arguments: str) -> int:
    return subprocess.run(["mount", *arguments], stderr=subprocess.DEVNULL, check=False).returncode


@pytest.mark.parametrize("part_format", FORMATS)
def test_a_full_disk_stops_it_with_a_sentence_and_room_lets_it_go_on(
    part_format, audio, undisturbed, small_disk, tmp_path
):
    truth, _ = undisturbed[part_format]
    run = Extraction(tmp_path, audio, part_format, small_disk / "work")
    run.part_seconds = 0.0  # one clip to a part
    assert run.run() == 1
    assert re.search(r"moodline: \[Errno 28\] .*; make room or give access, then", run.told)
    assert 0 < len(run.check(truth)) < len(CLIPS)
    assert mount("-o", "remount,size=64m", str(small_disk)) == 0
    run.finish(truth)
