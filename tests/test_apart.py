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
        with pytest.raises(FailedError, match=r"ends its process, or takes more than 0\.1 s and 4"):
            apart.ask(asked, 0.1)
    assert apart.ask([104, 105], 1.0) == "hi"
