"""A Ray cluster: the same work on the processors and GPUs of many machines.

Its nodes see the project, its corpus and its work store under the paths that this machine does
(a shared folder), and have the same environment.
"""

import logging
import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Generic, TypeVar

from pipeline.engines import TRIES, EngineParams, explain_crash, explain_timeout
from pipeline.errors import MediaError, ParamsError

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # read when ray is imported

try:
    import ray
    from ray.exceptions import RayError, RayTaskError, TaskCancelledError
except ImportError as error:
    raise ParamsError(
        "params.yaml: engine.kind: expected the package ray for kind ray, got none; install it "
        "(`uv pip install ray`), or set kind: local"
    ) from error

POLL_SECONDS = 1.0

STARTING_SECONDS = 30.0
"""Allowance above the limit of an item: a worker may have to be started for it first."""

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Task(Generic[Item]):
    """An item that was sent off, and when."""

    item: Item
    sent_at: float = field(default_factory=time.monotonic)


def run_clips(
    engine: EngineParams,
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    workers: int,
    limit_seconds: float | None,
    gpus: bool = False,
) -> Iterator[tuple[Item, Result | MediaError]]:
    """As `engines.run_clips`; what was at work on a node that is lost begins anew elsewhere."""
    rest = iter(items)
    first = list(islice(rest, workers))
    if not first:
        return
    with _join_cluster(engine.address):
        work: Any = ray.remote(num_cpus=1, num_gpus=int(gpus), max_retries=TRIES - 1)(_work)
        waiting: dict[Any, Task[Item]] = {}

        def send(item: Item) -> None:
            waiting[work.remote(function, item, Path.cwd())] = Task(item)

        for item in first:
            send(item)
        while waiting:
            done, _ = ray.wait(list(waiting), timeout=POLL_SECONDS)
            for following in islice(rest, len(done)):
                send(following)
            for reference in done:
                yield waiting.pop(reference).item, _outcome(reference, limit_seconds)
            _cancel_late(waiting, limit_seconds)


def _work(function: Callable[[Item], Result], item: Item, folder: Path) -> Result:
    os.chdir(folder)  # paths in clips are the project's
    return function(item)


def _cancel_late(waiting: dict[Any, Task[Any]], limit_seconds: float | None) -> None:
    """End the tasks that have taken too long; `ray.wait` gives them as done."""
    if limit_seconds is not None:
        latest = time.monotonic() - limit_seconds - STARTING_SECONDS
        for reference in [
            reference for reference, task in waiting.items() if task.sent_at < latest
        ]:
            ray.cancel(reference, force=True)


def _outcome(reference: Any, limit_seconds: float | None) -> Any:
    """What a task came to: a result or a MediaError; raises any other error it met."""
    try:
        return ray.get(reference)
    except RayTaskError as error:
        if isinstance(error.cause, MediaError):
            return error.cause
        raise error.cause from error
    except TaskCancelledError:
        return explain_timeout(limit_seconds)
    except RayError as error:
        return explain_crash(f"was lost ({type(error).__name__})")


@contextmanager
def _join_cluster(address: str | None) -> Iterator[None]:
    """The cluster at `address`, or one of this machine that ends with the block."""
    try:
        if address not in (None, "auto"):
            _call(address)
        ray.init(
            address=address or "local",
            include_dashboard=None if address else False,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except OSError as error:  # ConnectionError among them
        told = " ".join(str(error).split())
        raise ParamsError(
            f"params.yaml: engine.address: expected a Ray cluster at {address!r}, got none "
            f"({told}); start one by `ray start --head`, or leave the address out"
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def _call(address: str) -> None:
    """Raise OSError at once where nobody listens at HOST:PORT; Ray itself tries for minutes."""
    host, _, port = address.rpartition(":")
    if not port.isdigit():
        raise ConnectionError("no HOST:PORT")
    socket.create_connection((host, int(port)), timeout=10).close()
