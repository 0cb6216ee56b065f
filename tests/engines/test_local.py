import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures.process import BrokenProcessPool
from itertools import count
from queue import SimpleQueue

import pytest
from pebble import ProcessPool

from pipeline.engines import LOCAL, run_clips
from pipeline.engines.local import await_one, take_seat
from pipeline.errors import MediaError, MoodlineError


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


def test_each_worker_keeps_a_seat_of_its_own(tmp_path):
    assert [take_seat(tmp_path, 3) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(RuntimeError, match="a free one of 3 seats"):
        take_seat(tmp_path, 3)


def test_the_errors_say_what_happened():
    results = dict(
        run_clips(LOCAL, misbehave, ["die", "hang"], workers=2, limit_seconds=lambda _: 1.0)
    )
    assert "exit code -9" in results["die"].detail
    assert "expected to end within 1 seconds" in results["hang"].detail


def test_a_mistake_of_ours_stops_the_run_with_its_traceback():
    with pytest.raises(ZeroDivisionError, match="a bug of ours") as caught:
        list(
            run_clips(
                LOCAL, misbehave, ["fine", "mistake"], workers=1, limit_seconds=lambda _: 60.0
            )
        )
    assert "in misbehave" in str(caught.value.__cause__)


def test_items_are_taken_as_they_are_needed():
    items = count()
    results = run_clips(LOCAL, square, items, workers=1, limit_seconds=lambda _: 60.0)
    next(results)
    results.close()
    assert next(items) == 3


def test_leaving_early_leaves_no_process():
    results = run_clips(LOCAL, tell_process, count(), workers=2, limit_seconds=lambda _: 60.0)
    pids = {next(results)[1][0] for _ in range(7)}
    results.close()
    assert all(is_gone(pid) for pid in pids)


def test_workers_have_one_thread_and_no_torch():
    former = os.environ.get("OMP_NUM_THREADS")
    ((_, (pid, threads, modules)),) = run_clips(
        LOCAL, tell_process, [0], workers=3, limit_seconds=lambda _: 60.0
    )
    assert pid != os.getpid()
    assert threads == "1"
    assert "torch" not in modules
    assert os.environ.get("OMP_NUM_THREADS") == former


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


def test_a_pool_that_gave_up_is_not_waited_for():
    pool = ProcessPool(1)
    pool.stop()
    with pytest.raises(BrokenProcessPool):
        await_one(pool, SimpleQueue())


def test_workers_that_never_begin_are_not_waited_for(monkeypatch):
    monkeypatch.setattr("pipeline.engines.local.LOST_SECONDS", 0.5)
    with ProcessPool(1, context=multiprocessing.get_context("spawn")) as pool:
        done = SimpleQueue()
        pool.schedule(time.sleep, args=[2]).add_done_callback(done.put)
        await_one(pool, done)
        with pytest.raises(BrokenProcessPool):
            await_one(pool, done)


def end_at_once():
    os.kill(os.getpid(), signal.SIGKILL)


def test_workers_that_cannot_begin_are_told_of(monkeypatch):
    monkeypatch.setattr("pipeline.engines.local._begin_worker", end_at_once)
    with pytest.raises(MoodlineError, match="worker processes ended 4 times before they began"):
        list(run_clips(LOCAL, square, [1], workers=1, limit_seconds=None))
