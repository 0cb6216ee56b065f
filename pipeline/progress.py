"""Progress of long work, on the terminal's error stream."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

ItemT = TypeVar("ItemT")


def track(
    items: Iterable[ItemT],
    what: str,
    total: int,
    media_seconds: Callable[[ItemT], float] | None = None,
) -> Iterator[ItemT]:
    """`items`, with a bar that shows how many of `total` are done and the time left.

    With `media_seconds`, the length of an item's media, it shows hours of media per hour as well.
    """
    if not total:
        yield from items
        return
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    rate = (TextColumn("{task.fields[rate]}"),) if media_seconds else ()
    with Progress(*columns, *rate, console=Console(stderr=True)) as progress:
        task = progress.add_task(what, total=total, rate="")
        begun, seen = time.monotonic(), 0.0
        for item in items:
            yield item
            progress.advance(task)
            if media_seconds:
                seen += media_seconds(item)
                elapsed = max(time.monotonic() - begun, 1e-9)
                progress.update(task, rate=f"{seen / elapsed:,.1f} h of media per hour")
