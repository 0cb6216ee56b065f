"""Batches: items of like length together, within a budget that shrinks where memory ends."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch

Item = TypeVar("Item")
Made = TypeVar("Made")


class Batcher:
    """Runs a network over items in batches of at most `budget` units, padding included.

    An item's units are what memory grows with: tokens, samples or pixels. A batch that does not
    fit into the device's memory is halved, and so is the budget, for all that follow.
    """

    def __init__(self, budget: int) -> None:
        self.budget = budget

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
                results = compute([items[place] for place in waiting[:count]])
            except torch.OutOfMemoryError:
                if count == 1:
                    raise
                self.budget = count * lengths[waiting[0]] // 2
                torch.cuda.empty_cache()
                continue
            made.update(zip(waiting[:count], results, strict=True))
            waiting = waiting[count:]
        return [made[place] for place in range(len(items))]


def count_fitting(longest: int, items: int, budget: int) -> int:
    """How many of `items`, each padded to `longest`, fit into `budget`: at least one."""
    return min(items, max(1, budget // max(1, longest)))
