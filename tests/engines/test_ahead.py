import threading

import pytest

from pipeline.engines.ahead import read_ahead


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
