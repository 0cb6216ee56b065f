"""Preparing and running: what memory and time a network's files may have it take of a clip."""

import ctypes
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock, Timer, get_ident

import psutil
import torch

from pipeline.errors import ParamsError
from pipeline.limits import PREPARING_BYTES, PREPARING_SECONDS, THREAD_BYTES

NO_ROOM = "can't allocate memory"
"""What PyTorch says of a processor's memory."""


class _LateError(Exception):
    """Time is over."""


@contextmanager
def limit_preparing(place: str = "") -> Iterator[None]:
    """Within this, no more than PREPARING_BYTES of memory and PREPARING_SECONDS can be had.

    Whoever asks for more memory gets an error, MemoryError of NumPy, RuntimeError of torch; where
    the system has no such limit (macOS), it is not limited. What takes longer ends in ParamsError,
    whose sentence begins with `place`.
    """
    with limit_memory(PREPARING_BYTES), _limit_seconds(place):
        yield


@contextmanager
def limit_memory(room: int) -> Iterator[None]:
    """Within this, `room` bytes more than this process has can be had at most, and its threads'.

    Whoever asks for more gets an error; where the system has no such limit (macOS), none is set.
    """
    with _limit(resource.RLIMIT_AS, psutil.Process().memory_info().vms + room):
        yield


@contextmanager
def limit_running() -> Iterator[None]:
    """Within this, a network gets no more memory than is free on this machine, swap included.

    Raises torch.OutOfMemoryError, as a GPU whose memory ends does, where it asks for more: places
    of a network take memory as the square of their number. Files that are mapped don't count, and
    where the system has no such limit (macOS), none is set.
    """
    try:
        with _limit(resource.RLIMIT_DATA, _measure_own_and_free()):
            yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and NO_ROOM not in str(error):
            raise
        raise torch.OutOfMemoryError(f"no more memory ({error})") from error


def _measure_own_and_free() -> int:
    """Bytes of memory that this process may write to, and those that it could have besides."""
    own = psutil.Process().memory_info()  # of which macOS tells less
    free: int = psutil.virtual_memory().available + psutil.swap_memory().free
    return int(getattr(own, "data", own.vms)) + free


@contextmanager
def _limit(kind: int, most: int) -> Iterator[None]:
    """Within this, `most` bytes of memory of a `kind`, beside what threads reserve as they begin.

    A stricter limit stays. One thread at a time sets those of a kind.
    """
    soft, hard = resource.getrlimit(kind)
    most += THREAD_BYTES * (os.cpu_count() or 1)
    if soft == resource.RLIM_INFINITY or most < soft:
        with suppress(OSError, ValueError):
            resource.setrlimit(kind, (most, hard))
    try:
        yield
    finally:
        with suppress(OSError, ValueError):
            resource.setrlimit(kind, (soft, hard))


@contextmanager
def _limit_seconds(place: str) -> Iterator[None]:
    """Raise ParamsError within this, between two steps of Python, where it takes too long.

    No signal would reach a thread that reads ahead. A single step of NumPy or torch is not broken
    off; what memory allows it ends soon. The thread that watches takes 0.16 ms of a processor,
    preparing a small picture 2 ms, three seconds of sound 22 ms.
    """
    thread, lock, ended = get_ident(), Lock(), False

    def stop() -> None:
        with lock:
            if not ended:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(thread), ctypes.py_object(_LateError)
                )

    timer = Timer(PREPARING_SECONDS, stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    except _LateError as error:
        raise ParamsError(
            f"{place}expected a preprocessor that prepares a clip within {PREPARING_SECONDS:g} s, "
            f"got one that takes longer; choose others"
        ) from error
    finally:
        with lock:
            ended = True
        timer.cancel()
