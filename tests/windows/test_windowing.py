"""Windows of clips that nobody labelled."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.heads.window_params import WindowParams
from pipeline.rows import Rows
from pipeline.windows.alignment import Stretches
from pipeline.windows.packing import gather_rows
from pipeline.windows.windowing import (
    Cutting,
    Numbered,
    cut_stretches,
    cut_windows,
    locate_rows,
    measure_end,
    narrow_rows,
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


def cut(features, clip_id="a", times=None, **windows):
    rows = locate_rows(features, clip_id)
    params = WindowParams(**windows)
    cutting = Cutting(list(features), params, measure_end(rows), times)
    return list(cut_windows(clip_id, rows, cutting))


def test_a_whole_clip_is_one_window_of_its_own_rows(features):
    streams = gather_rows(features, cut(features))
    assert streams["face"].rows[0, :, 0].tolist() == [0, 1, 2, 3, 4]
    assert streams["audio"].rows[0, :, 0].tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert all(stream.mask.all() for stream in streams.values())


def test_windows_hold_the_times_that_are_asked_for(features):
    windows = cut(features, times=np.array([0.5, 2.5, 9.0]))
    assert [window.seconds.tolist() for window in windows] == [[0.5, 2.5]]
    assert [window.points.tolist() for window in windows] == [[0, 1]]


def test_a_clip_without_rows_has_no_window(features):
    assert locate_rows(features, "b") == {}
    assert measure_end({}) == 0.0
    assert cut(features, "b") == []


@settings(max_examples=50)
@given(
    rate=st.sampled_from([10.0, 12.5, 23.976, 25.0, 29.97, 30.0, 100.0]),
    seconds=st.sampled_from([0.1, 0.3, 1 / 3, 0.7, 1.1, 2.0, 3.3]),
    share=st.sampled_from([0.3, 0.5, 1.0]),
    frames=st.integers(2, 900),
)
def test_every_labelled_frame_of_a_clip_is_in_a_window(rate, seconds, share, frames):
    times, end = np.arange(frames + 1) / rate, frames / rate  # the last at the clip's last instant
    rows = {"audio": Numbered(Stretches(np.array([0.0]), np.array([end]), np.array([True])), 0)}
    params = WindowParams(seconds=seconds, hop_seconds=seconds * share)
    windows = cut_windows("a", rows, Cutting(["audio"], params, measure_end(rows), times))
    held = np.concatenate([window.points for window in windows])
    assert set(held) == set(range(frames + 1))


def test_a_cell_is_as_long_as_the_labels_of_the_clip_are_apart(features):
    together = cut(features, times=np.array([0.5, 1.5, 2.5]))
    apart = cut(features, times=np.array([0.5, 1.5, 2.5]), seconds=1.0)  # one label in each
    whole, *lone = (window.alignments["audio"].rows for window in (*together, *apart))
    assert whole.tolist() == np.concatenate(lone).tolist()


def test_a_causal_point_that_is_alone_sees_the_step_before_it(features):
    windows = cut(features, times=np.array([0.5, 1.5, 2.5]), seconds=1.0, causal=True)
    assert [window.alignments["audio"].rows.tolist() for window in windows] == [[0], [1, 2], [3, 4]]


def test_a_window_that_no_row_reaches_is_empty(features):
    rows = locate_rows(features, "a")
    cutting = Cutting(list(features), WindowParams(seconds=2.0), 9.0)
    assert [window.empty for window in cut_windows("a", rows, cutting)] == [0, 0, 0, 1, 1]


def test_a_row_of_the_whole_clip_is_in_every_window(tmp_path):
    whole = Rows(np.ones((1, 1), np.float16), np.zeros(1), np.full(1, 6.0), np.ones(1, bool))
    features = {"text": write_features(tmp_path / "text", {"a": whole})}
    assert [window.empty for window in cut(features, seconds=1.0)] == [False] * 6


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.floats(0, 20), st.floats(0, 6), st.booleans()), min_size=1, max_size=30),
    st.tuples(st.floats(0, 20), st.floats(0.1, 5)),
    st.sampled_from([None, 0.5, 2.0]),
    st.sampled_from([{}, {"align": "nearest", "tolerance_seconds": 1.0}, {"causal": True}]),
    st.booleans(),
)
def test_rows_that_cannot_reach_a_window_change_nothing(rows, window, rate_hz, given, asked):
    starts, lengths, valid = map(np.array, zip(*sorted(rows), strict=True))
    ends = starts + lengths
    whole = Numbered(Stretches(starts, ends, valid), 7)
    times = np.arange(0, 25, 0.4) if asked else None
    cutting = Cutting(["a"], WindowParams(rate_hz=rate_hz, **given), 25.0, times)
    stretch = np.array([[window[0], window[0] + window[1]]])
    start, end = stretch[0] + (-cutting.slack_seconds, cutting.slack_seconds)
    near = narrow_rows(whole, np.maximum.accumulate(ends), start, end)
    (full,), (narrow,) = (
        [w.alignments["a"] for w in cut_stretches("c", {"a": held}, cutting, stretch)] or [None]
        for held in (whole, near)
    )
    if full is not None:
        for name in ("rows", "counts", "seconds"):
            assert getattr(full, name).tolist() == getattr(narrow, name).tolist()
