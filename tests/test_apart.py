import os
import signal
import time

import psutil
import pytest

from pipeline.apart import Apart, FailedError

CODE = """
import os

def attempt(asked):
    print("what libraries say")
    while asked == "for ever":
        pass
    if asked == "crash":
        os.abort()
    return bytes(asked).decode()
"""


def test_what_ends_its_process_or_has_no_end_or_room_is_told_and_the_next_is_done() -> None:
    apart = Apart(CODE)
    assert apart.ask([104, 105], 1.0) == "hi"
    with pytest.raises(FailedError, match="MemoryError"):
        apart.ask(2**33, 1.0)
    for asked in ("crash", "for ever"):
        with pytest.raises(FailedError, match=r"ends its process, or takes more than 0\.1 s or 4"):
            apart.ask(asked, 0.1)
    assert apart.ask([104, 105], 1.0) == "hi"


def test_one_that_waits_for_what_never_comes_is_ended_by_the_clock(monkeypatch) -> None:
    monkeypatch.setattr("pipeline.apart.WAITED_TIMES", 1)
    apart = Apart("import time\nattempt = time.sleep\n")
    with pytest.raises(FailedError, match="ends its process, or takes more"):
        apart.ask(600, 0.5)
    assert apart.ask(0, 30.0) is None


KEEPING = """
import os

held = ""

def attempt(asked):
    global held
    held = asked.get("held", held)
    return [os.getpid(), held]
"""


def test_one_that_ended_between_two_questions_begins_anew_with_what_it_is_told_first() -> None:
    apart = Apart(KEEPING, {"held": "all"})
    first, held = apart.ask({}, 1.0)
    os.kill(first, signal.SIGINT)  # Ctrl-C in a terminal is not for it
    assert apart.ask({}, 1.0) == [first, held] == [first, "all"]
    os.kill(first, signal.SIGKILL)
    while not is_ended(first):
        time.sleep(0.01)
    second, held = apart.ask({}, 1.0)
    assert second != first
    assert held == "all"


def is_ended(process: int) -> bool:
    return psutil.Process(process).status() == psutil.STATUS_ZOMBIE
