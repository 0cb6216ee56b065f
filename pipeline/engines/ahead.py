"""Reading ahead: the next batch is read and decoded while this one is computed."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")


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
