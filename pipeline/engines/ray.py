"""A Ray cluster: the same work on the processors and GPUs of many machines.

Its nodes see the project, its corpus and its work store under the paths that this machine does
(a shared folder), and have the same environment.
"""

import logging
import math
import os
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Generic, TypeVar

from pipeline.engines import TRIES, EngineParams, explain_crash, explain_timeout
from pipeline.errors import MediaError, ParamsError

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # read when ray is imported

try:
    import ray
    from ray.exceptions import RayError, RayTaskError
except ImportError as error:
    raise ParamsError(
        "params.yaml: engine.kind: expected the package ray for kind ray, got none; install it "
        "(`uv pip install ray`), or set kind: local"
    ) from error

POLL_SECONDS = 1.0

Item = TypeVar("Item")
Result = TypeVar("Result")


class Worker:
    """A process of the cluster, in the project's folder, for one item after another."""

    def __init__(self, folder: Path) -> None:
        os.chdir(folder)  # paths in clips are the project's

    def begin(self) -> None:
        """Answer as soon as the process is there."""

    def work(self, function: Callable[[Item], Result], item: Item) -> Result:
        """What `function` makes of an item; it may keep things from one to the next."""
        return function(item)


@dataclass
class Order(Generic[Item]):
    """An item to work on: how long it may take, when it was begun, how often, and whether it took
    longer.
    """

    item: Item
    limit_seconds: float
    begun_at: float = math.inf
    tries: int = 0
    late: bool = False


def run_clips(
    engine: EngineParams,
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    workers: int,
    limit_seconds: Callable[[Item], float] | None,
    gpus: bool = False,
) -> Iterator[tuple[Item, Result | MediaError]]:
    """As `engines.run_clips`; what was at work on a node that is lost begins anew elsewhere."""
    rest = iter(items)
    first = list(islice(rest, workers))
    if not first:
        return
    with _join_cluster(engine.address):
        crew = Crew(function, len(first), gpus=gpus)
        to_do = deque(_order(item, limit_seconds) for item in first)
        while to_do or crew.orders:
            crew.give(to_do)
            crew.stop_late()
            for order, outcome in crew.wait():
                if isinstance(outcome, RayError) and not order.late and order.tries < TRIES:
                    to_do.appendleft(order)
                    continue
                to_do.extend(_order(item, limit_seconds) for item in islice(rest, 1))
                yield order.item, _explain(order, outcome)


def _order(item: Item, limit_seconds: Callable[[Item], float] | None) -> Order[Item]:
    return Order(item, math.inf if limit_seconds is None else limit_seconds(item))


class Crew(Generic[Item, Result]):
    """Workers of the cluster, as many as it has room for, and what each is at.

    Raises ParamsError where GPUs are asked for and the cluster has none, or where workers end
    before they begin.
    """

    def __init__(self, function: Callable[[Item], Result], workers: int, *, gpus: bool) -> None:
        if gpus and not ray.cluster_resources().get("GPU"):  # type: ignore[no-untyped-call]
            raise ParamsError(
                "params.yaml: engine: expected GPUs in the Ray cluster for device cuda, got none; "
                "add a node that has some, or set device: cpu"
            )
        self.function = function
        self.kind: Any = ray.remote(num_cpus=1, num_gpus=int(gpus))(Worker)
        self.free: list[Any] = []
        self.starting: dict[Any, Any] = {}
        self.orders: dict[Any, tuple[Any, Order[Item]]] = {}
        self.failed_starts = 0
        for _ in range(workers):
            self._start()

    def give(self, to_do: deque[Order[Item]]) -> None:
        """Let free workers begin what there is to do."""
        while self.free and to_do:
            worker, order = self.free.pop(), to_do.popleft()
            order.begun_at, order.tries = time.monotonic(), order.tries + 1
            self.orders[worker.work.remote(self.function, order.item)] = worker, order

    def stop_late(self) -> None:
        """End the workers whose item takes longer than allowed."""
        for worker, order in self.orders.values():
            if time.monotonic() - order.begun_at > order.limit_seconds:
                order.late = True
                ray.kill(worker)

    def wait(self) -> list[tuple[Order[Item], Result | MediaError | RayError]]:
        """Orders that were done since, or lost with their worker; raises any other error."""
        done, _ = ray.wait([*self.starting, *self.orders], timeout=POLL_SECONDS)
        return [found for reference in done for found in self._take(reference)]

    def _take(self, reference: Any) -> Iterator[tuple[Order[Item], Any]]:
        outcome = _read(reference)
        lost = isinstance(outcome, RayError)
        if reference in self.starting:
            worker = self.starting.pop(reference)
            self._count_start(outcome if lost else None)
        else:
            worker, order = self.orders.pop(reference)
            yield order, outcome
        if lost:
            self._start()
        else:
            self.free.append(worker)

    def _start(self) -> None:
        worker = self.kind.remote(Path.cwd())
        self.starting[worker.begin.remote()] = worker

    def _count_start(self, error: RayError | None) -> None:
        self.failed_starts = self.failed_starts + 1 if error else 0
        if error and self.failed_starts > TRIES:
            told = " ".join(str(error).split())
            raise ParamsError(
                f"params.yaml: engine: expected workers in the Ray cluster, got none that begins "
                f"({told}); give each node this project and the same environment"
            )


def _read(reference: Any) -> Any:
    """What a call came to: a result, a MediaError, or how its worker was lost."""
    try:
        return ray.get(reference)
    except RayTaskError as error:
        if isinstance(error.cause, MediaError):
            return error.cause
        raise error.cause from error
    except RayError as error:
        return error


def _explain(order: Order[Any], outcome: Any) -> Any:
    """`outcome`, as a MediaError where the worker was lost."""
    if not isinstance(outcome, RayError):
        return outcome
    if order.late:
        return explain_timeout(order.limit_seconds)
    return explain_crash(f"was lost ({type(outcome).__name__})")


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
    except (OSError, RuntimeError) as error:  # of other versions, too
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
