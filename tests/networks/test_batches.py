import resource
import sys
from collections import namedtuple
from types import SimpleNamespace

import psutil
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pipeline.networks import preparing
from pipeline.networks.batches import Batcher


@given(st.lists(st.integers(0, 50)), st.integers(1, 100))
def test_results_come_in_order_and_every_batch_fits(lengths, budget):
    def compute(places):
        assert len(places) == 1 or len(places) * max(lengths[p] for p in places) <= budget
        return [-place for place in places]

    made = Batcher(budget).run(range(len(lengths)), lengths, compute)
    assert made == [-place for place in range(len(lengths))]


def test_items_of_like_length_share_a_batch():
    batches = []
    Batcher(18).run("abcde", [9, 1, 8, 2, 1], lambda items: batches.append(items) or items)
    assert batches == [["a", "c"], ["d", "b", "e"]]


class SmallMemory:
    """A device with room for three items."""

    def __init__(self):
        self.sizes = []

    def compute(self, items):
        self.sizes.append(len(items))
        if len(items) > 3:
            raise torch.OutOfMemoryError("no room")
        return [item * 2 for item in items]


def test_what_does_not_fit_is_halved_and_stays_so():
    batcher, device = Batcher(8), SmallMemory()
    assert batcher.run(range(9), [1] * 9, device.compute) == [item * 2 for item in range(9)]
    assert device.sizes == [8, 4, 2, 2, 2, 2, 1]
    batcher.run(range(4), [1] * 4, device.compute)
    assert device.sizes[7:] == [2, 2]


def test_an_item_that_does_not_fit_alone_is_an_error():
    def fail(items):
        raise torch.OutOfMemoryError("no room")

    with pytest.raises(torch.OutOfMemoryError):
        Batcher(4).run([1], [1], fail)


@pytest.mark.skipif(sys.platform != "linux", reason="no other system limits memory")
def test_a_processor_has_what_memory_is_free_and_what_takes_more_is_halved(monkeypatch):
    # Nothing is written to, so none of it is taken; what other tests leave and is freed is less.
    before, sizes = resource.getrlimit(resource.RLIMIT_DATA), []
    monkeypatch.setattr(preparing, "THREAD_BYTES", 0)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=3_000_000_000))
    monkeypatch.setattr(psutil, "swap_memory", lambda: SimpleNamespace(free=0))

    def compute(items):
        sizes.append(len(items))
        held = [torch.empty(1_000_000_000, dtype=torch.uint8) for _ in items]
        return [len(some) for some in held]

    assert Batcher(4).run(range(4), [1] * 4, compute) == [1_000_000_000] * 4
    assert sizes == [4, 2, 2]
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_where_a_system_tells_less_of_memory_nothing_is_limited(monkeypatch):
    told = namedtuple("pmem", "rss vms pfaults pageins")(1, 2**50, 3, 4)  # as macOS has it
    monkeypatch.setattr(psutil.Process, "memory_info", lambda _: told)
    assert Batcher(4).run([1], [1], list) == [1]


def test_a_gpu_with_room_gets_larger_batches_until_the_largest_is_found():
    sizes, fills = [], iter([0.1, 0.2, 0.5, 0.0])
    batcher = Batcher(2, lambda: next(fills))
    batcher.run(range(30), [1] * 30, lambda items: sizes.append(len(items)) or items)
    assert sizes == [2, 4, 8, 8, 8]
    batcher.run(range(9), [1] * 9, lambda items: sizes.append(len(items)) or items)
    assert sizes[5:] == [8, 1]


def test_a_budget_that_met_the_end_of_memory_grows_no_more():
    batcher, device = Batcher(8, lambda: 0.1), SmallMemory()
    batcher.run(range(9), [1] * 9, device.compute)
    assert device.sizes == [8, 4, 2, 2, 2, 2, 1]
