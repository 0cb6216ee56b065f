"""Preparing: the memory and time that libraries may take of a clip, as somebody's files say."""

import ctypes
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock, Timer, get_ident

import psutil

from pipeline.errors import ParamsError
from pipeline.limits import PREPARING_BYTES, PREPARING_SECONDS, THREAD_BYTES


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
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = psutil.Process().memory_info().vms + room + THREAD_BYTES * (os.cpu_count() or 1)
    if soft == resource.RLIM_INFINITY or most < soft:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    try:
        yield
    finally:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


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
