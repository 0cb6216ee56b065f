"""Batches: items of like length together, within a budget that shrinks where memory ends."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch

from pipeline.networks.preparing import limit_running

Item = TypeVar("Item")
Made = TypeVar("Made")


GROWN_FILL = 0.4
"""A batch of twice the size fits where one fills no more of a GPU's memory."""

MOST_GROWTH = 16
"""So many times the given budget a GPU is busy in any case."""


class Batcher:
    """Runs a network over items in batches of at most `budget` units, padding included.

    An item's units are what memory grows with: tokens, samples or pixels. On a GPU the budget
    doubles after each full batch that leaves room for it, until the largest one is found. A batch
    that does not fit is halved, and so is the budget; both hold for all that follow. `fill` says
    which share of the device's memory was needed at most, None where that is not known.
    """

    def __init__(self, budget: int, fill: Callable[[], float | None] = lambda: None) -> None:
        self.budget = budget
        self.fill = fill
        self.most = MOST_GROWTH * budget

    def run(
        self,
        items: Sequence[Item],
        lengths: Sequence[int],
        compute: Callable[[Sequence[Item]], Sequence[Made]],
    ) -> list[Made]:
        """What `compute` makes of each item, in order; items of like length share a call.

        Raises torch.OutOfMemoryError where a single item is too large.
        """
        made: dict[int, Made] = {}
        waiting = sorted(range(len(items)), key=lambda place: -lengths[place])
        while waiting:
            count = count_fitting(lengths[waiting[0]], len(waiting), self.budget)
            try:
                with limit_running():
                    results = compute([items[place] for place in waiting[:count]])
            except torch.OutOfMemoryError:
                if count == 1:
                    raise
                self.budget = self.most = count * lengths[waiting[0]] // 2
                torch.cuda.empty_cache()
                continue
            made.update(zip(waiting[:count], results, strict=True))
            waiting = waiting[count:]
            if waiting:
                self._grow()
        return [made[place] for place in range(len(items))]

    def _grow(self) -> None:
        """Double the budget after a full batch, or keep it for good."""
        if self.budget < self.most:
            fill = self.fill()
            if fill is None or fill > GROWN_FILL:
                self.most = self.budget
            else:
                self.budget = min(2 * self.budget, self.most)


def count_fitting(longest: int, items: int, budget: int) -> int:
    """How many of `items`, each padded to `longest`, fit into `budget`: at least one."""
    return min(items, max(1, budget // max(1, longest)))
