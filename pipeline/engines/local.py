"""Worker processes: many clips at once, none of which can stop or stall the run.

Media come from anywhere, and a decoder may crash or hang on one file in ten thousand; a process
per worker lets such a clip fail alone.
"""

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from itertools import cycle, islice
from multiprocessing import connection, forkserver
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Any

import psutil

from pipeline.engines import EngineParams
from pipeline.engines.crew import Lost
from pipeline.errors import MoodlineError
from pipeline.store.tables import leave_pandas_out

FORKS = sys.platform == "linux"
"""Whether workers are forks of a server; frameworks of macOS do not bear one."""

START = multiprocessing.get_context("forkserver") if FORKS else multiprocessing.get_context("spawn")
"""A fork of this process would copy the locks of whatever threads run here (Arrow's, OpenMP's,
CUDA's) in the state they happen to be in; the server has no threads but jemalloc's, which knows of
forks."""

THREAD_LIMITS = dict.fromkeys(
    ("MKL_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"), "1"
)
"""Environment of workers: they fill the cores, so libraries need no threads of their own."""

MEMORY_GIVEN_BACK = {"MALLOC_MMAP_THRESHOLD_": "1000000"}
"""And each image has memory of its own: in a heap, what is small and stays lies between frames that
were let go of, and a long video would take gigabytes (glibc's `mallopt`)."""

END_SECONDS = 10.0
"""So long a killed process is waited for: one that the system holds, on a dead disk, ends later."""


@contextmanager
def open_site(
    engine: EngineParams, function: Callable[[Any], Any], workers: int, gpus: bool
) -> Iterator["Processes"]:
    """Processes of this machine, with `gpus` each on a GPU of its own as far as there are any."""
    devices = list_gpus(workers) if gpus else []
    seats = [{"CUDA_VISIBLE_DEVICES": device} for device in devices] or [{}] * workers
    site = Processes(function, seats)
    try:
        yield site
    finally:
        site.close()


def list_gpus(workers: int) -> list[str]:
    """A GPU for each of `workers`, as CUDA_VISIBLE_DEVICES names them; shared where they are fewer.

    Empty where there is none.
    """
    import torch

    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    count = torch.cuda.device_count()
    visible = named.split(",")[:count] if named else [str(number) for number in range(count)]
    return list(islice(cycle(visible), workers)) if visible else []


def begin_server(modules: list[str]) -> None:
    """Start the process that workers are forked from, unless it runs; it loads `modules` once."""
    if FORKS:
        START.set_forkserver_preload(modules)
        with _environment(THREAD_LIMITS | MEMORY_GIVEN_BACK):
            forkserver.ensure_running()


@dataclass(frozen=True, eq=False)
class Worker:
    """A process, the pipe that no other shares, and what its environment has besides."""

    process: BaseProcess
    pipe: Connection
    seat: dict[str, str]


class Processes:
    """A site of processes that apply `function`, each in a seat of its own."""

    def __init__(self, function: Callable[[Any], Any], seats: Sequence[dict[str, str]]) -> None:
        self._function = pickle.dumps(function)
        self._seats = deque(seats)
        self._workers: set[Worker] = set()
        begin_server([name for name in sys.modules if name.startswith("pipeline.")])

    def start(self) -> Worker:
        """A new worker, on its way."""
        ours, theirs = START.Pipe()
        seat = self._seats.pop()
        process = START.Process(target=_serve, args=(theirs, seat), daemon=True)
        needed = b"__main__" in self._function  # it, or what it holds, is the script's own
        hidden = nullcontext() if needed else hide_script()
        with hidden, _environment(THREAD_LIMITS | MEMORY_GIVEN_BACK):
            _start(process)
        theirs.close()  # the pipe then ends when the process does
        worker = Worker(process, ours, seat)
        self._workers.add(worker)
        _send(worker, self._function)
        return worker

    def give(self, worker: Worker, item: Any) -> None:
        """Send an item; a worker that reads it sends nothing meanwhile, so neither is stuck."""
        _send(worker, pickle.dumps(item))

    def wait(self, workers: Collection[Worker], seconds: float) -> list[tuple[Worker, Any]]:
        """Who of `workers` has answered or ended, and what."""
        asked: dict[Any, Worker] = {worker.pipe: worker for worker in workers}
        return [(asked[pipe], self._read(asked[pipe])) for pipe in connection.wait(asked, seconds)]

    def _read(self, worker: Worker) -> Any:
        try:
            message = worker.pipe.recv_bytes()
        except (EOFError, OSError):  # nothing, or a part of it
            worker.process.join(END_SECONDS)
            self.stop(worker)
            return Lost(f"ended with exit code {worker.process.exitcode}")
        answer = pickle.loads(message)
        return answer.unpack() if isinstance(answer, Raised) else answer

    def measure(self, worker: Worker) -> int:
        """Bytes of memory that a worker takes, 0 where it has ended."""
        try:
            return int(psutil.Process(worker.process.pid).memory_info().rss)
        except psutil.Error:
            return 0

    def stop(self, worker: Worker) -> None:
        """End a worker, whatever it is at."""
        worker.process.kill()
        worker.process.join(END_SECONDS)
        worker.pipe.close()
        self._workers.remove(worker)
        self._seats.append(worker.seat)

    def close(self) -> None:
        """End all workers."""
        for worker in self._workers:
            worker.process.kill()
        for worker in [*self._workers]:
            self.stop(worker)

    def refuse(self, lost: Lost, times: int) -> MoodlineError:
        """What is said where workers end before they can begin."""
        return MoodlineError(
            f"worker processes ended {times} times before they began with a clip (the last one "
            f"{lost}); look for what ends them, such as too little memory, and run `dvc repro` to "
            f"go on"
        )


@contextmanager
def hide_script() -> Iterator[None]:
    """Within this, processes begin without the script that runs here.

    They would run its lines anew, and those that begin processes fail there, unless they stand
    below `if __name__ == "__main__"`.
    """
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script


def _start(process: BaseProcess) -> None:
    """Raise MoodlineError where there is no server, or no room, to start `process` from."""
    try:
        process.start()
    except (EOFError, OSError) as error:
        raise MoodlineError(
            f"expected worker processes, got none ({type(error).__name__}: {error}); look for what "
            f"ends or forbids them, such as too little memory, and run `dvc repro` to go on"
        ) from error


def _send(worker: Worker, message: bytes) -> None:
    with suppress(OSError):  # it is gone, which is seen when its answer is waited for
        worker.pipe.send_bytes(message)


def _serve(pipe: Connection, seat: dict[str, str]) -> None:
    """Apply the function that comes first to each item that follows, until the parent is gone."""
    os.environ.update(seat)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's goes to all: the parent sees to it
    follow_parent()
    leave_pandas_out()
    with suppress(EOFError, ConnectionError):
        function = pickle.loads(pipe.recv_bytes())
        pipe.send_bytes(pickle.dumps(None))
        while True:
            pipe.send_bytes(_apply(function, pipe.recv_bytes()))


def _apply(function: Callable[[Any], Any], item: bytes) -> bytes:
    """What `function` makes of an item, or raises, as it is sent."""
    try:
        return pickle.dumps(function(pickle.loads(item)))
    except Exception as error:  # whatever it is, the parent raises it
        return pickle.dumps(Raised.of(error))


@dataclass(frozen=True)
class Raised:
    """An error on its way to the parent, and its traceback, which does not travel by itself."""

    error: Exception
    told: str

    @classmethod
    def of(cls, error: Exception) -> "Raised":
        """The error that is being handled, or its text where its kind does not travel."""
        told = traceback.format_exc()
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:  # such a kind may raise almost anything
            return cls(RuntimeError(f"{type(error).__name__}: {error}"), told)
        return cls(error, told)

    def unpack(self) -> Exception:
        """The error, caused by one that shows where it was raised."""
        self.error.__cause__ = RuntimeError(f"\n{self.told}")
        return self.error


def follow_parent() -> None:
    """End this worker, whatever it is at, when the process that started it is gone."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Set `values` for processes that start meanwhile: workers import libraries before any
    code of ours could limit them.
    """
    former = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in former.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
