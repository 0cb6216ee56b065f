import threading

import pytest

from pipeline.encoding.ahead import map_ahead


def test_results_come_in_order():
    assert list(map_ahead(lambda item: item * 2, range(7))) == [item * 2 for item in range(7)]


def test_one_item_is_made_while_another_is_used():
    second = threading.Event()
    made = map_ahead(lambda item: second.set() if item == 1 else None, range(5))
    next(made)
    assert second.wait(timeout=60)


def test_no_more_is_made_than_asked_ahead():
    read = []
    made = map_ahead(read.append, range(9), ahead=2)
    next(made)
    made.close()
    assert len(read) <= 3


def test_an_error_is_raised_where_its_result_is_due():
    made = map_ahead(lambda item: 6 // item, [3, 2, 0, 1])
    assert [next(made), next(made)] == [2, 3]
    with pytest.raises(ZeroDivisionError):
        next(made)
