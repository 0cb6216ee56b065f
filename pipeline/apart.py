"""Apart: what a library makes of a stranger's file, tried first in a process that may end.

Libraries of other languages take what memory and time a file asks for, and end their process where
there is no more, or where a list leads back to itself.
"""

import json
import os
import subprocess
import sys
import weakref
from contextlib import suppress
from threading import Lock, Timer
from typing import Any

from pipeline.limits import APART_BYTES, LOADING_SECONDS, WAITED_TIMES

CHILD = """
import json, math, os, resource, signal, sys, time

signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's goes to all: who asks sees to it
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what libraries print is no answer

def limit(kind, most):
    _, hard = resource.getrlimit(kind)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    try:
        resource.setrlimit(kind, (most, hard))
    except (OSError, ValueError):  # macOS has no limit of memory
        pass

limit(resource.RLIMIT_AS, int(sys.argv[1]))
limit(resource.RLIMIT_CORE, 0)
for line in sys.stdin:
    seconds, asked = json.loads(line)
    limit(resource.RLIMIT_CPU, math.ceil(time.process_time() + seconds))
    try:
        answer = [attempt(asked), ""]
    except BaseException as error:
        answer = [None, f"{type(error).__name__}: {str(error)[:300]}"]
    print(json.dumps(answer), file=answers, flush=True)
"""
"""What the process runs, apart from this project, once it knows what to `attempt`."""

THREADS = {"TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""One of each: more would reserve memory that counts."""


class FailedError(Exception):
    """What was tried apart did not end well; the text says how."""


class Apart:
    """A process that does what it is asked by the function `attempt` of `code`, in JSON.

    It begins when it is first asked, and again after it has ended, each time with what it is `told`
    first, if anything, for which it has LOADING_SECONDS.
    """

    def __init__(self, code: str, told: Any = None) -> None:
        self._code, self._told = code + CHILD, told
        self._child: subprocess.Popen[str] | None = None
        self._lock = Lock()

    def ask(self, asked: Any, seconds: float) -> Any:
        """What comes of `asked`, within so many seconds of a processor.

        Raises FailedError where it takes longer or more than APART_BYTES, waits for WAITED_TIMES as
        long, ends the process, or raises an error.
        """
        with self._lock:
            if self._child is None or self._child.poll() is not None:
                self._child = self._begin()
                if self._told is not None:
                    _ask(self._child, self._told, LOADING_SECONDS)
            return _ask(self._child, asked, seconds)

    def _begin(self) -> "subprocess.Popen[str]":
        child = subprocess.Popen(
            [sys.executable, "-P", "-c", self._code, str(APART_BYTES)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **THREADS},
        )
        weakref.finalize(self, _end, child)
        return child


def _ask(child: "subprocess.Popen[str]", asked: Any, seconds: float) -> Any:
    """What `child` answers; it is ended where nobody waits for that to its end."""
    late = Timer(WAITED_TIMES * seconds, child.kill)
    late.daemon = True
    late.start()
    try:
        line = _exchange(child, json.dumps([seconds, asked]))
    except BaseException:
        _end(child)
        raise
    finally:
        late.cancel()
    if not line.endswith("\n"):
        _end(child)
        most = f"{seconds:g} s or {APART_BYTES / 2**30:g} GB"
        raise FailedError(f"one that ends its process, or takes more than {most}")
    answer, told = json.loads(line)
    if told:
        raise FailedError(told)
    return answer


def _exchange(child: "subprocess.Popen[str]", line: str) -> str:
    """What `child` answers to a line; no whole one where it has ended."""
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        child.stdin.write(f"{line}\n")
        child.stdin.flush()
    except BrokenPipeError:
        return ""
    return child.stdout.readline()


def _end(child: "subprocess.Popen[str]") -> None:
    child.kill()
    with suppress(BrokenPipeError), child:  # what was not written yet is not
        pass
