"""Worker processes: many clips at once, none of which can stop or stall the run.

Media come from anywhere, and a decoder may crash or hang on one file in ten thousand; a process
per worker lets such a clip fail alone.
"""

import fcntl
import multiprocessing
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from queue import Empty, SimpleQueue
from tempfile import TemporaryDirectory
from typing import Any, Generic, TypeVar

from pebble import ProcessExpired, ProcessPool

from pipeline.engines import TRIES, EngineParams, explain_crash, explain_timeout
from pipeline.errors import MediaError, MoodlineError

Item = TypeVar("Item")
Result = TypeVar("Result")

IN_FLIGHT_PER_WORKER = 2
"""One clip at work and one waiting: workers never starve, and memory stays flat."""

LOOK_SECONDS = 1.0
"""While nothing is done, the pool is looked at so often."""

LOST_SECONDS = 120.0
"""Workers that are at nothing for so long, with clips to do, never will: a start takes a tenth."""

THREAD_LIMITS = dict.fromkeys(
    ("MKL_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"), "1"
)
"""Environment of workers: the pool fills the cores, so libraries need no threads of their own."""

MEMORY_GIVEN_BACK = {"MALLOC_MMAP_THRESHOLD_": "1000000"}
"""And each image has memory of its own: in a heap, what is small and stays lies between frames that
were let go of, and a long video would take gigabytes (glibc's `mallopt`)."""


def run_clips(
    engine: EngineParams,
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    workers: int,
    limit_seconds: Callable[[Item], float] | None,
    gpus: bool = False,
) -> Iterator[tuple[Item, Result | MediaError]]:
    """As `engines.run_clips`: processes of this machine."""
    rest = iter(items)
    tasks = deque(map(Task, islice(rest, IN_FLIGHT_PER_WORKER * workers)))
    broken = 0
    while tasks:
        with _pool(min(workers, len(tasks)), gpus) as pool:
            try:
                for task, future in _work(pool, function, tasks, limit_seconds):
                    broken = 0
                    tasks.extend(map(Task, islice(rest, 1)))
                    yield task.item, _outcome(future, _allow(task, limit_seconds))
            except BrokenProcessPool as error:
                broken += 1
                if broken > TRIES:
                    raise MoodlineError(
                        f"worker processes ended {broken} times before they began with a clip "
                        f"({error}); look for what ends them, such as too little memory, and run "
                        f"`dvc repro` to go on"
                    ) from error


def _work(
    pool: ProcessPool,
    function: Callable[[Item], Result],
    tasks: "deque[Task[Item]]",
    limit_seconds: Callable[[Item], float] | None,
) -> Iterator[tuple["Task[Item]", Future[Result]]]:
    """Each of `tasks` once it is done, also those that come meanwhile.

    Raises BrokenProcessPool where pebble gives up, as it does when workers end that were at
    nothing, or loses a task; what was not done is in `tasks` again.
    """
    done: SimpleQueue[Future[Result]] = SimpleQueue()
    waiting: dict[Future[Result], Task[Item]] = {}
    try:
        while tasks or waiting:
            while tasks:
                future = _schedule(pool, function, tasks[0], limit_seconds)
                waiting[future] = tasks.popleft()
                future.add_done_callback(done.put)
            future = await_one(pool, done)
            error = future.exception()
            if isinstance(error, BrokenProcessPool):
                raise error
            task = waiting.pop(future)
            if isinstance(error, ProcessExpired) and task.tries < TRIES:
                tasks.append(Task(task.item, task.tries + 1))
            else:
                yield task, future
    except BrokenProcessPool:
        tasks.extend(waiting.values())
        raise


def await_one(pool: ProcessPool, done: "SimpleQueue[Future[Result]]") -> Future[Result]:
    """The next future that is `done`; raises BrokenProcessPool where none will ever be.

    Pebble forgets what it had not handed to a worker when it gave up, what a worker took and did
    not live to say so, and what it hears of from a worker that it has buried already.
    """
    begun = time.monotonic()
    while True:
        try:
            return done.get(timeout=LOOK_SECONDS)
        except Empty:
            now = time.monotonic()
            if _is_at_work(pool):
                begun = now
            if not pool.active or now - begun > LOST_SECONDS:
                raise BrokenProcessPool("the workers are gone, or at nothing") from None


def _is_at_work(pool: ProcessPool) -> bool:
    """Whether a worker that lives has a task."""
    manager = pool._pool_manager
    living = manager.worker_manager.workers
    return any(task.worker_id in living for task in list(manager.task_manager.tasks.values()))


def _schedule(
    pool: ProcessPool,
    function: Callable[[Item], Result],
    task: "Task[Item]",
    limit_seconds: Callable[[Item], float] | None,
) -> Future[Result]:
    """The task as it is to be done; raises BrokenProcessPool where the pool takes no more."""
    try:
        return pool.schedule(function, args=(task.item,), timeout=_allow(task, limit_seconds))
    except RuntimeError as error:
        raise BrokenProcessPool(str(error)) from error


def _allow(task: "Task[Item]", limit_seconds: Callable[[Item], float] | None) -> float | None:
    return None if limit_seconds is None else limit_seconds(task.item)


@dataclass(frozen=True)
class Task(Generic[Item]):
    """An item at work, its number of tries so far counted."""

    item: Item
    tries: int = 1


def _outcome(future: Future[Any], limit_seconds: float | None) -> Any:
    """What `future` came to: a result or a MediaError; raises any other error it met."""
    try:
        return future.result()
    except MediaError as error:
        return error
    except TimeoutError as error:
        if limit_seconds is None or error.args[1:] != (limit_seconds,):
            raise  # one of the work's own, not pebble's
        return explain_timeout(limit_seconds)
    except ProcessExpired as error:
        return explain_crash(f"ended with exit code {error.exitcode}")


@contextmanager
def _pool(workers: int, gpus: bool) -> Iterator[ProcessPool]:
    """Pool of processes that are gone when the block ends, however it ends.

    They are spawned, not forked: a fork copies the locks of whatever threads run here (Arrow's,
    OpenMP's, CUDA's) in the state they happen to be in.
    """
    context = multiprocessing.get_context("spawn")
    with TemporaryDirectory() as seats, _environment(THREAD_LIMITS | MEMORY_GIVEN_BACK):
        devices = list_gpus(workers) if gpus else []
        pool = ProcessPool(
            workers, initializer=_begin_worker, initargs=(seats, devices), context=context
        )
        try:
            yield pool
        finally:
            pool.stop()  # type: ignore[no-untyped-call]
            pool.join()


def list_gpus(workers: int) -> list[str]:
    """A GPU for each of `workers`, as CUDA_VISIBLE_DEVICES names them; shared where they are fewer.

    Empty where there is none.
    """
    import torch

    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    count = torch.cuda.device_count()
    visible = named.split(",")[:count] if named else [str(number) for number in range(count)]
    return list(islice(cycle(visible), workers)) if visible else []


def _begin_worker(seats: str, devices: Sequence[str]) -> None:
    """Take a GPU that no other worker holds, and follow the parent."""
    if devices:
        os.environ["CUDA_VISIBLE_DEVICES"] = devices[take_seat(Path(seats), len(devices))]
    follow_parent()


def take_seat(folder: Path, seats: int) -> int:
    """Number of a seat that no living process has; this one keeps it until it ends.

    Raises RuntimeError where all `seats` are taken.
    """
    for seat in range(seats):
        descriptor = os.open(folder / str(seat), os.O_CREAT | os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
        else:
            return seat
    raise RuntimeError(f"{folder}: expected a free one of {seats} seats, got none")


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
