"""Memory: what libraries may take while they prepare a clip as somebody's files say."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

from pipeline.limits import PREPARING_BYTES, THREAD_BYTES


@contextmanager
def limit_memory() -> Iterator[None]:
    """Within this, PREPARING_BYTES more than this process has can be had at most.

    Whoever asks for more gets an error: MemoryError of NumPy, RuntimeError of torch. Where the
    system has no such limit (macOS), nothing is limited.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    room = PREPARING_BYTES + THREAD_BYTES * (os.cpu_count() or 1)
    most = psutil.Process().memory_info().vms + room
    if soft == resource.RLIM_INFINITY or most < soft:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    try:
        yield
    finally:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
