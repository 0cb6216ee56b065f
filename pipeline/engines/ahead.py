"""Working ahead: what comes next is read and decoded while this is computed."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def read_ahead(items: Iterable[Item]) -> Iterator[Item]:
    """`items` in order, each taken from its source while the one before it is used.

    An error is raised where its item is due; leaving the iterator early waits for one item.
    """
    source = iter(items)
    end = object()
    with ThreadPoolExecutor(1) as reader:
        following = reader.submit(next, source, end)
        while (item := following.result()) is not end:
            following = reader.submit(next, source, end)
            yield item  # type: ignore[misc]


def map_ahead(
    function: Callable[[Item], Result], items: Iterable[Item], threads: int
) -> Iterator[Result]:
    """What `function` makes of each of `items`, in order, in so many threads.

    Twice as many items as threads are taken before they are due. An error is raised where its item
    is; leaving the iterator early waits for what is at work.
    """
    source = iter(items)
    with ThreadPoolExecutor(threads) as pool:
        due = deque(pool.submit(function, item) for item in islice(source, 2 * threads))
        try:
            while due:
                result = due.popleft().result()
                due.extend(pool.submit(function, item) for item in islice(source, 1))
                yield result
        finally:
            for waiting in due:
                waiting.cancel()
