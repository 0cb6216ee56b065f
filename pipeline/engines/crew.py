"""A crew: who is at which item, for how long and how often; over processes and actors alike."""

import math
import time
from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from pipeline.errors import MediaError, MoodlineError
from pipeline.limits import MOST_MEMORY

TRIES = 3
"""An item that ends its worker is tried so often: the fault may be the machine's."""

LOOK_SECONDS = 0.5
"""Longest wait at once: then it is looked how much memory workers take."""

Item = TypeVar("Item")
Worker = TypeVar("Worker")


class Lost(Exception):  # noqa: N818 (it is told, not raised)
    """A worker is gone; the text is a clause on how."""


@runtime_checkable
class Site(Protocol[Worker]):
    """Where workers are: each answers once when it can begin, and then to each item given."""

    def start(self) -> Worker:
        """A new worker, on its way."""

    def give(self, worker: Worker, item: Any) -> None:
        """Let a worker that has answered begin with `item`; it may have gone since."""

    def wait(self, workers: Collection[Worker], seconds: float) -> list[tuple[Worker, Any]]:
        """Who of `workers` has answered, after `seconds` at most, and what.

        That is a result, the error that was raised, or `Lost`.
        """

    def measure(self, worker: Worker) -> int:
        """Bytes of memory that a worker takes, 0 where the site sees to that itself."""

    def stop(self, worker: Worker) -> None:
        """End a worker, whatever it is at."""

    def refuse(self, lost: Lost, times: int) -> MoodlineError:
        """What is said where so many workers in a row were lost before they could begin."""


@dataclass
class Order(Generic[Item]):
    """An item to work on: how long it may take, how often it was begun, and when it is late."""

    item: Item
    limit_seconds: float
    tries: int = 0
    late_at: float = math.inf

    def begin(self) -> None:
        """Count a try, from now."""
        self.tries += 1
        self.late_at = time.monotonic() + self.limit_seconds


Done = tuple[Order[Item], Any]
"""An order, and what it came to."""


class Crew(Generic[Item, Worker]):
    """Workers at a site, one for each order that is open: `first`, and one of `rest` for each done.

    What is lost with its worker is done anew, `TRIES` times in all.
    """

    def __init__(
        self, site: Site[Worker], first: Collection[Order[Item]], rest: Iterator[Order[Item]]
    ) -> None:
        self._site = site
        self._to_do = deque(first)
        self._rest = rest
        self._most_failed = TRIES * len(first)
        self._failed_starts = 0
        self._free: list[Worker] = []
        self._starting: set[Worker] = set()
        self._orders: dict[Worker, Order[Item]] = {}

    def work(self) -> Iterator[tuple[Item, Any]]:
        """Each item with its result or MediaError, in order of completion; raises other errors."""
        self._assign()
        while self._orders or self._to_do:
            done = [*self._take(), *self._stop_late()]
            self._to_do.extend(islice(self._rest, len(done)))
            self._assign()  # before anything is given away: who takes it may be long about it
            for order, outcome in sorted(done, key=_is_error):  # what is done is kept first
                if _is_error((order, outcome)):
                    raise outcome
                yield order.item, outcome

    def _assign(self) -> None:
        """Let free workers begin what there is to do, and start as many as are missing."""
        while self._free and self._to_do:
            worker, order = self._free.pop(), self._to_do.popleft()
            order.begin()
            self._orders[worker] = order
            self._site.give(worker, order.item)
        for _ in range(len(self._to_do) - len(self._starting)):
            self._starting.add(self._site.start())

    def _take(self) -> Iterator[Done[Item]]:
        """Wait until a worker answers or is late; orders that are done."""
        late_at = min((order.late_at for order in self._orders.values()), default=math.inf)
        seconds = min(max(0.0, late_at - time.monotonic()), LOOK_SECONDS)
        for worker, answer in self._site.wait([*self._starting, *self._orders], seconds):
            lost = answer if isinstance(answer, Lost) else None
            if not lost:
                self._free.append(worker)
            if worker in self._starting:
                self._starting.remove(worker)
                self._count_start(lost)
                continue
            order = self._orders.pop(worker)
            if not lost:
                yield order, answer
            elif order.tries < TRIES:
                self._to_do.appendleft(order)
            else:
                yield order, explain_crash(lost)

    def _stop_late(self) -> Iterator[Done[Item]]:
        """End the workers whose item takes longer, or more memory, than allowed; those orders.

        What has no limit of time has none of memory: it is a network of one's own choice.
        """
        now = time.monotonic()
        for worker, order in [*self._orders.items()]:
            if order.late_at <= now:
                told = explain_timeout(order.limit_seconds)
            elif order.late_at < math.inf and self._site.measure(worker) > MOST_MEMORY:
                told = explain_size()
            else:
                continue
            del self._orders[worker]
            self._site.stop(worker)
            yield order, told

    def _count_start(self, lost: Lost | None) -> None:
        self._failed_starts = self._failed_starts + 1 if lost else 0
        if lost and self._failed_starts > self._most_failed:
            raise self._site.refuse(lost, self._failed_starts) from lost


def _is_error(done: Done[Any]) -> bool:
    """Whether an order came to an error that stops the run."""
    _, outcome = done
    return isinstance(outcome, Exception) and not isinstance(outcome, MediaError)


def explain_timeout(limit_seconds: float) -> MediaError:
    """What is said of an item that took too long."""
    return MediaError(
        "timeout", f"expected to end within {limit_seconds:g} seconds; replace the file"
    )


def explain_size() -> MediaError:
    """What is said of an item that took too much memory."""
    told = f"its worker took more than {MOST_MEMORY / 2**30:g} GB of memory"
    return MediaError("crashed", f"{told}; replace the file")


def explain_crash(lost: Lost) -> MediaError:
    """What is said of an item that ended its workers, the last one as told."""
    return MediaError("crashed", f"its worker {lost}, {TRIES} times; replace the file")
