import errno
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from itertools import count

import numpy as np
import pyarrow as pa
import pytest

from pipeline.engines import LOCAL, run_clips
from pipeline.engines.local import FORKS
from pipeline.errors import MediaError, MoodlineError

KILLS = 2 * int(os.environ.get("MOODLINE_FAULTS", "3"))
"""Of workers, in each of the tests that kill them at random; `make faults` has more."""


def square(number):
    return number * number


def misbehave(how):
    if how == "hang":
        time.sleep(3600)
    if how == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "refuse":
        raise MediaError("no_audio", "expected sound")
    if how == "mistake":
        raise ZeroDivisionError("a bug of ours")
    if how == "full":
        raise OSError(errno.ENOSPC, "No space left on device")
    return how


def die_noted(log):
    with log.open("a") as file:
        file.write("died")
    os.kill(os.getpid(), signal.SIGKILL)


def tell_process(_):
    return os.getpid(), os.environ["OMP_NUM_THREADS"], sorted(sys.modules)


def is_gone(pid, send=os.kill):
    """Whether the process (the group, with `os.killpg`) has ended, within a few seconds."""
    for _ in range(100):
        try:
            send(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_every_item_comes_back_with_its_result():
    results = run_clips(LOCAL, square, range(97), workers=2, limit_seconds=lambda _: 60.0)
    assert dict(results) == {number: number * number for number in range(97)}


def has_pandas(_):
    pa.array([])
    return "pandas" in sys.modules


def test_workers_make_arrays_without_pandas():
    results = run_clips(LOCAL, has_pandas, "ab", workers=2, limit_seconds=lambda _: 60.0)
    assert dict(results) == {"a": False, "b": False}


def test_nothing_to_do_starts_nothing():
    assert list(run_clips(LOCAL, square, [], workers=2, limit_seconds=lambda _: 60.0)) == []


def test_one_bad_clip_fails_alone():
    items = ["fine", "die", "well", "hang", "good", "refuse", "nice"]
    results = dict(run_clips(LOCAL, misbehave, items, workers=1, limit_seconds=lambda _: 1.0))
    reasons = {how: results.pop(how).reason for how in ("die", "hang", "refuse")}
    assert reasons == {"die": "crashed", "hang": "timeout", "refuse": "no_audio"}
    assert results == {how: how for how in ("fine", "well", "good", "nice")}


def test_a_clip_that_kills_its_worker_is_tried_three_times(tmp_path):
    log = tmp_path / "log"
    ((_, error),) = run_clips(LOCAL, die_noted, [log], workers=1, limit_seconds=lambda _: 60.0)
    assert error.reason == "crashed"
    assert log.read_text() == "died" * 3


def meet(place):
    """GPU of this worker, once another has come to the folder `place` with another GPU."""
    misbehave(place)
    gpu = os.environ["CUDA_VISIBLE_DEVICES"]
    place.mkdir(exist_ok=True)
    (place / gpu).touch()
    while len(list(place.iterdir())) < 2:
        time.sleep(0.01)
    return gpu


def test_each_worker_has_a_gpu_of_its_own_and_who_replaces_it_too(monkeypatch, tmp_path):
    monkeypatch.setattr("pipeline.engines.local.list_gpus", lambda _: ["5", "7"])
    first, second = tmp_path / "first", tmp_path / "second"
    items = [first, first, "die", second, second]
    found = list(run_clips(LOCAL, meet, items, workers=2, limit_seconds=lambda _: 60.0, gpus=True))
    gpus = sorted(result for item, result in found if item != "die")
    assert gpus == ["5", "5", "7", "7"]
    assert dict(found)["die"].reason == "crashed"
    assert "CUDA_VISIBLE_DEVICES" not in os.environ


def fill(how):
    held = []
    while how == "fill":
        held.append(np.ones(10**6))
        time.sleep(0.01)
    return how


def test_a_clip_that_takes_more_memory_than_any_fails_alone(monkeypatch):
    monkeypatch.setattr("pipeline.engines.crew.MOST_MEMORY", 2**30)
    items = ["fine", "fill", "well"]
    results = dict(run_clips(LOCAL, fill, items, workers=1, limit_seconds=lambda _: 60.0))
    error = results.pop("fill")
    assert error.reason == "crashed"
    assert error.detail == "its worker took more than 1 GB of memory; replace the file"
    assert results == {"fine": "fine", "well": "well"}


def test_the_errors_say_what_happened():
    results = dict(
        run_clips(LOCAL, misbehave, ["die", "hang"], workers=2, limit_seconds=lambda _: 1.0)
    )
    assert "exit code -9" in results["die"].detail
    assert "expected to end within 1 seconds" in results["hang"].detail


def test_an_error_that_nobody_foresaw_is_the_clips_own_and_says_where():
    items = ["fine", "mistake", "well"]
    results = dict(run_clips(LOCAL, misbehave, items, workers=1, limit_seconds=lambda _: 60.0))
    error = results.pop("mistake")
    assert error.reason == "crashed"
    assert error.detail.startswith("ZeroDivisionError: a bug of ours (guard.py, line ")
    assert results == {"fine": "fine", "well": "well"}


def test_a_full_disk_stops_the_run_with_its_traceback():
    with pytest.raises(OSError, match="No space left") as caught:
        list(run_clips(LOCAL, misbehave, ["full"], workers=1, limit_seconds=lambda _: 60.0))
    assert "in misbehave" in str(caught.value.__cause__)


def test_items_are_taken_as_they_are_needed():
    items = count()
    results = run_clips(LOCAL, square, items, workers=1, limit_seconds=lambda _: 60.0)
    next(results)
    results.close()
    assert next(items) == 2


def test_leaving_early_leaves_no_process():
    results = run_clips(LOCAL, tell_process, count(), workers=2, limit_seconds=lambda _: 60.0)
    pids = {next(results)[1][0] for _ in range(7)}
    results.close()
    assert all(is_gone(pid) for pid in pids)


STAGE = """
import os
import pipeline.media.probe
from pipeline.engines import LOCAL, run_clips
from tests.engines.test_local import tell_process

((_, (pid, threads, modules)),) = run_clips(
    LOCAL, tell_process, [0], workers=1, limit_seconds=lambda _: 60.0
)
print(pid != os.getpid(), threads, "pipeline.media.probe" in modules, os.environ["OMP_NUM_THREADS"])
"""


def test_workers_have_one_thread_and_what_the_stage_has_loaded():
    told = subprocess.run(
        [sys.executable, "-c", STAGE],
        env=os.environ | {"OMP_NUM_THREADS": "3", "PYTHONPATH": os.getcwd()},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split() == ["True", "1", str(FORKS), "3"]


def test_a_script_is_run_once_though_it_guards_nothing(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent("""
            from math import sqrt
            from pipeline.engines import LOCAL, run_clips

            print(dict(run_clips(LOCAL, sqrt, [49], workers=1, limit_seconds=lambda _: 60.0)))
        """)
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    told = subprocess.run(
        [sys.executable, script], env=environment, capture_output=True, text=True, check=True
    )
    assert told.stdout == "{49: 7.0}\n"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_their_parent(how, tmp_path):
    script = tmp_path / "run.py"
    script.write_text(
        textwrap.dedent("""
            import os, time
            from pipeline.engines import LOCAL, run_clips

            def work(number):
                time.sleep(0 if number else 3600)
                return os.getpid()

            if __name__ == "__main__":
                for _, pid in run_clips(LOCAL, work, range(2), workers=2, limit_seconds=None):
                    print(pid, flush=True)
        """)
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, script],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as parent:
        pid = int(parent.stdout.readline())
        os.kill(parent.pid, how)
        parent.wait(timeout=20)
    assert is_gone(pid)
    assert is_gone(parent.pid, os.killpg)


def test_a_program_that_fails_midway_ends_and_so_do_its_workers(tmp_path):
    script = tmp_path / "run.py"
    script.write_text(
        textwrap.dedent("""
            from time import sleep
            from pipeline.engines import LOCAL, run_clips

            if __name__ == "__main__":
                for _ in run_clips(LOCAL, sleep, [0, 3600, 0], workers=2, limit_seconds=None):
                    raise ValueError("midway")
        """)
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, script]
    with subprocess.Popen(
        command, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as parent:
        _, told = parent.communicate(timeout=60)
    assert told.endswith("ValueError: midway\n")
    assert is_gone(parent.pid, os.killpg)


def begin_slowly(log):
    with log.open("a") as file:
        file.write(f"{os.getpid()}\n")
    time.sleep(0.5)
    return os.getpid()


def test_workers_that_end_before_they_have_anything_to_do_are_replaced(tmp_path):
    log = tmp_path / "log"
    killed = threading.Event()

    def kill():
        while not (workers := multiprocessing.active_children()):
            time.sleep(0.01)
        for worker in workers:
            worker.kill()
        killed.set()

    thread = threading.Thread(target=kill)
    thread.start()
    results = run_clips(LOCAL, begin_slowly, [log] * 3, workers=2, limit_seconds=None)
    pids = [pid for _, pid in results]
    thread.join()
    assert killed.is_set()
    assert len(pids) == 3
    assert all(isinstance(pid, int) for pid in pids)


def take_a_moment(number):
    time.sleep(0.01)
    return number


def die_at_some_moment(item):
    """Kill this worker soon after, once for each marker: at this, on sending it, or at the next."""
    number, folder = item
    marker = folder / f"{number}"
    if number % 5 == 0 and not marker.exists():
        marker.touch()
        seconds = random.uniform(0, 0.01)
        threading.Timer(seconds, os.kill, [os.getpid(), signal.SIGKILL]).start()
    return bytes([number % 256]) * 2_000_000


def test_workers_that_die_at_any_moment_of_their_work_lose_nothing(tmp_path):
    items = [(number, tmp_path) for number in range(5 * KILLS)]
    results = run_clips(LOCAL, die_at_some_moment, items, workers=2, limit_seconds=None)
    found = {number: made for (number, _), made in results}
    assert len(list(tmp_path.iterdir())) == KILLS
    crashed = [number for number, made in found.items() if isinstance(made, MediaError)]
    assert len(crashed) <= 1 + len(items) / 50  # who was at work each time others' kills came
    for number in found.keys() - set(crashed):
        assert found[number] == bytes([number % 256]) * 2_000_000
    assert found.keys() == set(range(5 * KILLS))


def test_workers_that_are_killed_at_any_moment_of_their_lives_lose_nothing():
    made, kills, over = [], [], threading.Event()

    def kill():
        """One, whatever it is at, some moment after another has made something."""
        while len(kills) < KILLS and not over.is_set():
            before = len(made)
            while len(made) == before and not over.wait(0.001):
                pass
            time.sleep(random.uniform(0, 0.3))
            workers = multiprocessing.active_children()
            for worker in random.sample(workers, min(1, len(workers))):
                worker.kill()
                kills.append(worker)

    thread = threading.Thread(target=kill)
    thread.start()
    items = iter(lambda: len(kills), KILLS)  # as long as there is killing
    try:
        for item, outcome in run_clips(LOCAL, take_a_moment, items, workers=3, limit_seconds=None):
            made.append(outcome == item or outcome.reason == "crashed")
    finally:
        over.set()
        thread.join()
    assert len(kills) == KILLS
    assert all(made)


class UnsendableError(Exception):
    """Its kind asks for more than its text when it is read back."""

    def __init__(self, text, *, code):
        super().__init__(text)


def raise_unsendable(_):
    raise UnsendableError("too far", code=3)


def test_an_error_that_cannot_be_sent_is_told():
    ((_, error),) = run_clips(LOCAL, raise_unsendable, [1], workers=1, limit_seconds=None)
    assert error.detail.startswith("UnsendableError: too far")


def test_what_cannot_be_sent_stops_the_run_and_is_told():
    with pytest.raises(TypeError, match="cannot pickle"):
        list(run_clips(LOCAL, open, [__file__], workers=1, limit_seconds=None))


def test_what_is_done_meanwhile_is_not_late():
    results = run_clips(LOCAL, square, range(5), workers=2, limit_seconds=lambda _: 0.2)
    for number, result in results:
        time.sleep(0.5)
        assert result == square(number)


def test_waiting_takes_no_processor():
    results = run_clips(LOCAL, time.sleep, [0, 1.5], workers=1, limit_seconds=lambda _: 60.0)
    next(results)
    before = time.process_time()
    next(results)
    assert time.process_time() - before < 0.1


def end_at_once(_):
    os.kill(os.getpid(), signal.SIGKILL)


def test_workers_that_cannot_begin_are_told_of(monkeypatch):
    monkeypatch.setattr("pipeline.engines.local._serve", end_at_once)
    with pytest.raises(MoodlineError, match="worker processes ended 4 times before they began"):
        list(run_clips(LOCAL, square, [1], workers=1, limit_seconds=None))
