import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ParamsError
from pipeline.labels.clips import Clip
from pipeline.predictor.timing import NOBODY, Spacing, find_people


def make_clip(seconds, fps=None):
    return Clip(clip_id="media/a", corpus="media", path="a", fps=fps, duration_seconds=seconds)


def test_a_film_is_answered_for_at_every_tenth_frame():
    timing = Spacing().lay_times(make_clip(1.0, fps=25.0), causal=False)
    assert timing.frames.tolist() == [0, 10, 20]
    assert timing.seconds.tolist() == [0.0, 0.4, 0.8]
    assert timing.stretches[:2].tolist() == [[0.0, 0.5], pytest.approx([0.0, 0.9])]


def test_a_causal_head_goes_by_what_was_before():
    timing = Spacing(window_seconds=0.5).lay_times(make_clip(2.0, fps=10.0), causal=True)
    assert timing.stretches[1].tolist() == [0.5, 1.0]


def test_sound_is_answered_for_in_the_middle_of_each_hop():
    timing = Spacing(window_seconds=2.0).lay_times(make_clip(5.0), causal=False)
    assert timing.seconds.tolist() == [1.0, 3.0]
    assert timing.frames is None


def test_more_answers_than_any_page_shows_are_refused_by_what_asks_for_them():
    expected = r"a: expected at most [\d,]+ answers .* in 1e\+07 s; set --every or --hop to"
    with pytest.raises(ParamsError, match=expected):
        Spacing(hop_seconds=0.001).lay_times(make_clip(1e7), causal=False)


@given(st.floats(0.01, 100), st.none() | st.floats(1, 120), st.booleans(), st.floats(0.05, 9))
def test_each_stretch_lies_in_its_clip_and_holds_its_time(seconds, fps, causal, window):
    timing = Spacing(window_seconds=window).lay_times(make_clip(seconds, fps), causal=causal)
    begins, ends = timing.stretches.T
    assert len(timing.seconds) >= 1
    assert (begins >= 0).all()
    assert (begins < ends).all()
    assert (ends <= seconds + 1e-5).all()
    assert ((begins <= timing.seconds) & (timing.seconds <= ends + 1e-5)).all()
    assert (np.diff(timing.seconds) > 0).all()


def test_who_is_there_is_the_track_of_the_nearest_face_in_the_stretch():
    faces = pa.table({"seconds": [0.0, 0.9, 2.9], "track": [4, 7, 9]})
    timing = Spacing(hop_seconds=1.0).lay_times(make_clip(4.0), causal=False)
    assert timing.seconds.tolist() == [0.5, 1.5, 2.5, 3.5]
    assert find_people(faces, timing).tolist() == [7, NOBODY, 9, NOBODY]
    assert set(find_people(None, timing).tolist()) == {NOBODY}


@pytest.mark.parametrize(
    ("name", "number"), [("window_seconds", 0.0), ("hop_seconds", math.nan), ("every", 0)]
)
def test_no_step_is_refused(name, number):
    with pytest.raises(ParamsError, match=f"{name}: expected a number above 0, got"):
        Spacing(**{name: number})


def test_more_answers_than_memory_holds_are_refused():
    with pytest.raises(ParamsError, match="expected at most"):
        Spacing(hop_seconds=1e-3).lay_times(make_clip(1e6), causal=False)
