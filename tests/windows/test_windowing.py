"""Windows of clips that nobody labelled."""

import numpy as np
import pytest

from pipeline.heads.params import WindowParams
from pipeline.windows.windowing import (
    Cutting,
    cut_windows,
    gather_rows,
    locate_rows,
    measure_end,
)
from tests.stores import make_rows, write_features


@pytest.fixture
def features(tmp_path):
    """Rows of one second in one set, of half a second in the other, that hold their number."""
    return {
        "face": write_features(tmp_path / "face", {"a": make_rows(np.arange(5)[:, None])}),
        "audio": write_features(
            tmp_path / "audio", {"a": make_rows(np.arange(7)[:, None], step=0.5), "b": None}
        ),
    }


def cut(features, clip_id="a", seconds=None, **windows):
    rows = locate_rows(features, clip_id)
    params = WindowParams(**windows)
    cutting = Cutting(list(features), params, measure_end(rows), seconds)
    return list(cut_windows(clip_id, rows, cutting))


def test_a_whole_clip_is_one_window_of_its_own_rows(features):
    inputs, masks = gather_rows(features, cut(features))
    assert inputs["face"][0, :, 0].tolist() == [0, 1, 2, 3, 4]
    assert inputs["audio"][0, :, 0].tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert all(mask.all() for mask in masks.values())


def test_windows_hold_the_times_that_are_asked_for(features):
    windows = cut(features, seconds=np.array([0.5, 2.5, 9.0]))
    assert [window.seconds.tolist() for window in windows] == [[0.5, 2.5]]
    assert [window.points.tolist() for window in windows] == [[0, 1]]


def test_a_clip_without_rows_has_no_window(features):
    assert locate_rows(features, "b") == {}
    assert measure_end({}) == 0.0
    assert cut(features, "b") == []
