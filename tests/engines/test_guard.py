import errno

import pytest

from pipeline.engines.guard import explain_error, isolate_clips
from pipeline.errors import MediaError, ParamsError


def double(numbers):
    """Twice each number, in batches of two; 3 and 13 break their batch."""
    for start in range(0, len(numbers), 2):
        batch = numbers[start : start + 2]
        if {3, 13} & {*batch}:
            raise ValueError(f"a bad number among {batch}")
        yield from ((number, 2 * number) for number in batch)


def test_what_breaks_a_batch_fails_alone():
    results = dict(isolate_clips(double, range(17), 2))
    broken = {number: results.pop(number) for number in (3, 13)}
    assert results == {number: 2 * number for number in range(17) if number not in broken}
    assert [error.reason for error in broken.values()] == ["crashed", "crashed"]
    assert broken[3].detail.startswith("ValueError: a bad number among [3] (")


def test_work_that_always_fails_fails_for_each():
    def fail(_):
        raise RuntimeError("out of memory")
        yield

    results = list(isolate_clips(fail, range(7), 3))
    assert [number for number, _ in results] == list(range(7))
    assert all(isinstance(error, MediaError) for _, error in results)


def test_what_a_user_can_mend_stops_the_run():
    def refuse(_):
        raise ParamsError("no such model")
        yield

    with pytest.raises(ParamsError, match="no such model"):
        list(isolate_clips(refuse, range(7), 3))


@pytest.mark.parametrize("error", [ParamsError("no"), OSError(errno.ENOSPC, "full")])
def test_what_is_no_clips_fault_is_given_back(error):
    assert explain_error(error) is error


def test_an_error_without_a_message_is_told():
    assert "MemoryError: no message (nowhere)" in explain_error(MemoryError()).detail


class Panic(BaseException):
    """As a library in Rust raises it."""


def test_a_panic_is_the_clips_own_and_what_ends_the_process_is_not():
    def work(items):
        for item in items:
            if item == 1:
                raise Panic("no way on")
            if item == 3:
                raise KeyboardInterrupt
            yield item, item

    found = dict(isolate_clips(work, range(3), 2))
    assert (found[0], found[2], found[1].detail[:17]) == (0, 2, "Panic: no way on ")
    with pytest.raises(KeyboardInterrupt):
        list(isolate_clips(work, [3], 2))
