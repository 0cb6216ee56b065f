"""Reading ahead: the next batch is read and decoded while this one is computed."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")


def map_ahead(
    function: Callable[[Item], Made], items: Iterable[Item], *, ahead: int = 1
) -> Iterator[Made]:
    """`function` of each item, in order, at most `ahead` items before they are asked for.

    An error is raised where its result is due; leaving the iterator early waits for one item.
    """
    waiting: deque[Future[Made]] = deque()
    with ThreadPoolExecutor(1) as reader:
        try:
            for item in items:
                waiting.append(reader.submit(function, item))
                if len(waiting) > ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
