"""Threads: how many torch computes on."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def on_one_thread() -> Iterator[None]:
    """Within this, torch computes on one thread, and after it on as many as before.

    What takes a moment, such as a frame of sound or a small head, takes longer to share: threads
    wait for each other, and on a busy machine for their turn, many times longer than they work.
    Nor do its last digits depend on how many processors there are. Threads that first call torch
    meanwhile have one as well, and keep to it.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
