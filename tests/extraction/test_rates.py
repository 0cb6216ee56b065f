import numpy as np

from pipeline.extraction.rates import average_rows
from pipeline.rows import Rows


def make_rows(values, starts, ends, valid=None):
    embedding = np.array(values, np.float32)[:, None]
    known = np.ones(len(values), bool) if valid is None else np.array(valid)
    return Rows(embedding, np.array(starts, float), np.array(ends, float), known)


def test_a_step_is_the_mean_of_the_rows_whose_middle_lies_in_it():
    rows = make_rows([1, 3, 5, 9], [0, 0.25, 0.5, 0.75], [0.25, 0.5, 0.75, 1])
    halves = average_rows(rows, 2.0)
    assert halves.embedding.tolist() == [[2], [7]]
    assert halves.start_seconds.tolist() == [0, 0.5]
    assert halves.end_seconds.tolist() == [0.5, 1]


def test_rows_that_are_not_valid_do_not_count():
    rows = make_rows([1, 3, 5], [0, 0.3, 1], [0.3, 1, 1.5], [True, False, False])
    seconds = average_rows(rows, 1.0)
    assert seconds.embedding.tolist() == [[1], [5]]
    assert seconds.valid.tolist() == [True, False]


def test_steps_without_rows_give_none():
    assert len(average_rows(make_rows([1, 2], [0, 7], [1, 8]), 1.0)) == 2
    assert len(average_rows(make_rows([], [], []), 1.0)) == 0


def test_every_layer_is_averaged():
    embedding = np.arange(24, dtype=np.float32).reshape(4, 2, 3)
    times = np.arange(4) / 4
    rows = Rows(embedding, times, times + 0.25, np.ones(4, bool))
    np.testing.assert_allclose(average_rows(rows, 2.0).embedding[1], embedding[2:].mean(0))
