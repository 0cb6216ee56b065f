import threading

import pytest

from pipeline.engines.ahead import map_ahead, read_ahead


def test_items_come_in_order():
    assert list(read_ahead(range(7))) == list(range(7))


def test_nothing_gives_nothing():
    assert list(read_ahead([])) == []


def test_one_item_is_read_while_another_is_used():
    second = threading.Event()
    items = read_ahead(second.set() if item == 1 else None for item in range(5))
    next(items)
    assert second.wait(timeout=60)


def test_no_more_than_one_item_is_read_ahead():
    read = []
    items = read_ahead(read.append(item) for item in range(9))
    next(items)
    items.close()
    assert read == [0, 1]


def test_an_error_is_raised_where_its_item_is_due():
    items = read_ahead(6 // item for item in [3, 2, 0, 1])
    assert [next(items), next(items)] == [2, 3]
    with pytest.raises(ZeroDivisionError):
        next(items)


def test_what_threads_make_comes_in_order_and_no_more_of_it_than_is_asked_for():
    taken = []
    made = map_ahead(
        lambda item: 6 // item, (taken.append(item) or item for item in [1, 2, 3] * 9), 2
    )
    assert [next(made), next(made)] == [6, 3]
    made.close()
    assert len(taken) <= 6
    assert [*map_ahead(str, range(7), 3)] == [*"0123456"]


def test_an_error_in_a_thread_is_raised_where_its_item_is_due():
    made = map_ahead(lambda item: 6 // item, [3, 2, 0, 1], 2)
    assert [next(made), next(made)] == [2, 3]
    with pytest.raises(ZeroDivisionError):
        next(made)


def test_threads_work_at_the_same_time():
    meeting = threading.Barrier(2, timeout=60)
    assert len([*map_ahead(lambda _: meeting.wait(), range(2), 2)]) == 2
