"""Worker processes: many clips at once, none of which can stop or stall the run.

Media come from anywhere, and a decoder may crash or hang on one file in ten thousand; a process
per worker lets such a clip fail alone.
"""

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from itertools import islice
from queue import SimpleQueue
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessPool

from pipeline.errors import MediaError

Item = TypeVar("Item")
Result = TypeVar("Result")

IN_FLIGHT_PER_WORKER = 2
"""One clip at work and one waiting: workers never starve, and memory stays flat."""

THREAD_LIMITS = dict.fromkeys(
    ("MKL_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"), "1"
)
"""Environment of workers: the pool fills the cores, so libraries need no threads of their own."""


def run_clips(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    workers: int,
    limit_seconds: float,
) -> Iterator[tuple[Item, Result | MediaError]]:
    """Each item with what `function` made of it, in order of completion.

    `function` and items travel to other processes, so both are picklable and `function` has a
    module. A MediaError it raises is given as its result, and so are `timeout`, for an item that
    took more than `limit_seconds`, and `crashed`, for one that killed its worker. Any other
    error is a mistake in the program: it stops the run, and is raised here with its traceback.
    Leaving the iterator early stops the workers.
    """
    rest = iter(items)
    first = list(islice(rest, IN_FLIGHT_PER_WORKER * workers))
    if not first:
        return
    with _pool(min(workers, len(first))) as pool:
        done: SimpleQueue[Future[Result]] = SimpleQueue()
        waiting: dict[Future[Result], Item] = {}

        def send(item: Item) -> None:
            future = pool.schedule(function, args=(item,), timeout=limit_seconds)
            waiting[future] = item
            future.add_done_callback(done.put)

        for item in first:
            send(item)
        while waiting:
            future = done.get()
            item = waiting.pop(future)
            for following in islice(rest, 1):
                send(following)
            yield item, _outcome(future, limit_seconds)


def _outcome(future: Future[Any], limit_seconds: float) -> Any:
    """What `future` came to: a result or a MediaError; raises any other error it met."""
    try:
        return future.result()
    except MediaError as error:
        return error
    except TimeoutError:
        return MediaError(
            "timeout", f"expected to end within {limit_seconds:g} seconds; replace the file"
        )
    except ProcessExpired as error:
        return MediaError(
            "crashed", f"its worker ended with exit code {error.exitcode}; replace the file"
        )


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPool]:
    """Pool of processes that are gone when the block ends, however it ends.

    They are spawned, not forked: a fork copies the locks of whatever threads run here (Arrow's,
    OpenMP's, CUDA's) in the state they happen to be in.
    """
    context = multiprocessing.get_context("spawn")
    with _environment(THREAD_LIMITS):
        pool = ProcessPool(workers, initializer=_follow_parent, context=context)
        try:
            yield pool
        finally:
            pool.stop()  # type: ignore[no-untyped-call]
            pool.join()


def _follow_parent() -> None:
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
