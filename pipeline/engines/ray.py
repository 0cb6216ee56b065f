"""A Ray cluster: the same work on the processors and GPUs of many machines.

Its nodes see the project, its corpus and its work store under the paths that this machine does
(a shared folder), and have the same environment.
"""

import logging
import os
import socket
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.engines import EngineParams
from pipeline.engines.crew import Lost
from pipeline.errors import ParamsError
from pipeline.store.tables import leave_pandas_out

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # read when ray is imported

try:
    import ray
    from ray.exceptions import RayError, RayTaskError
except ImportError as error:
    raise ParamsError(
        "params.yaml: engine.kind: expected the package ray for kind ray, got none; install it "
        "(`uv pip install ray`), or set kind: local"
    ) from error


class Actor:
    """A process of the cluster, in the project's folder, for one item after another."""

    def __init__(self, folder: Path) -> None:
        os.chdir(folder)  # paths in clips are the project's
        leave_pandas_out()

    def begin(self) -> None:
        """Answer as soon as the process is there."""

    def work(self, function: Callable[[Any], Any], item: Any) -> Any:
        """What `function` makes of an item; it may keep things from one to the next."""
        return function(item)


@dataclass(eq=False)
class Worker:
    """An actor, and the answer that it owes."""

    actor: Any
    answer: Any


@contextmanager
def open_site(
    engine: EngineParams, function: Callable[[Any], Any], workers: int, gpus: bool
) -> Iterator["Cluster"]:
    """Actors of a cluster; what was at work on a node that is lost begins anew elsewhere.

    So many work at once as it has room for. Raises ParamsError where it is not there, or has no
    GPU and `gpus` are asked for.
    """
    with _join_cluster(engine.address):
        if gpus and not ray.cluster_resources().get("GPU"):  # type: ignore[no-untyped-call]
            raise ParamsError(
                "params.yaml: engine: expected GPUs in the Ray cluster for device cuda, got none; "
                "add a node that has some, or set device: cpu"
            )
        yield Cluster(function, gpus)


class Cluster:
    """A site of actors that apply `function`, with `gpus` each on a GPU of its own."""

    def __init__(self, function: Callable[[Any], Any], gpus: bool) -> None:
        self._function = function
        self._kind: Any = ray.remote(num_cpus=1, num_gpus=int(gpus))(Actor)

    def start(self) -> Worker:
        """A new worker, on its way as soon as the cluster has room."""
        actor = self._kind.remote(Path.cwd())
        return Worker(actor, actor.begin.remote())

    def give(self, worker: Worker, item: Any) -> None:
        """Let a worker that has answered begin with `item`."""
        worker.answer = worker.actor.work.remote(self._function, item)

    def wait(self, workers: Collection[Worker], seconds: float) -> list[tuple[Worker, Any]]:
        """Who of `workers` has answered or was lost, and what."""
        asked = {worker.answer: worker for worker in workers}
        ray.wait([*asked], timeout=seconds)  # which tells of one, where several may have
        done, _ = ray.wait([*asked], num_returns=len(asked), timeout=0)
        return [(asked[answer], _read(answer)) for answer in done]

    def measure(self, worker: Worker) -> int:
        """Nothing: Ray ends what takes too much of its node's memory."""
        return 0

    def stop(self, worker: Worker) -> None:
        """End a worker, whatever it is at."""
        ray.kill(worker.actor)

    def refuse(self, lost: Lost, times: int) -> ParamsError:
        """What is said where no worker can begin."""
        told = " ".join(str(lost.__cause__).split())
        return ParamsError(
            f"params.yaml: engine: expected workers in the Ray cluster, got none that begins "
            f"({told}); give each node this project and the same environment"
        )


def _read(answer: Any) -> Any:
    """What a call came to: a result, the error it raised, or how its worker was lost."""
    try:
        return ray.get(answer)
    except RayTaskError as error:
        error.cause.__cause__ = error
        return error.cause
    except RayError as error:
        lost = Lost(f"was lost ({type(error).__name__})")
        lost.__cause__ = error
        return lost


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
