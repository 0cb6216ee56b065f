import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.faces.tracks import Tracker
from pipeline.limits import HELD_BYTES
from tests.faces.sightings import BLANK, faces_at, frame_at


def follow(frames, gap_seconds=0.5):
    """Frame → track → left edge and marks, of `frames`, each the left edges of its faces."""
    tracker = Tracker(gap_seconds)
    seen = [
        settled
        for index, lefts in enumerate(frames)
        for settled in tracker.add(frame_at(index), faces_at(*lefts))
    ]
    seen += tracker.end()
    assert [settled.frame.index for settled in seen] == list(range(len(frames)))
    return [
        {person.track: (round(float(person.box[0]), 3), person.marks) for person in settled.people}
        for settled in seen
    ]


def test_faces_that_overlap_are_one_person():
    assert follow([[0], [5], [10]]) == [{0: (0, ())}, {0: (5, ())}, {0: (10, ())}]


def test_two_who_pass_stay_two():
    found = follow([[0, 100], [4, 96], [8, 92]])
    assert found[-1] == {0: (8, ()), 1: (92, ())}


def test_each_goes_on_with_the_face_it_overlaps_most():
    assert follow([[50], [58, 51]])[1] == {0: (51, ()), 1: (58, ())}


def test_a_short_gap_is_bridged_by_boxes_between_and_marked():
    found = follow([[0], [], [9]])
    assert found == [{0: (0, ())}, {0: (4.5, ("interpolated",))}, {0: (9, ())}]


def test_landmarks_are_interpolated_and_the_lesser_score_is_kept():
    tracker = Tracker(0.5)
    list(tracker.add(frame_at(0), faces_at(0)))
    list(tracker.add(frame_at(1), faces_at()))
    between = next(tracker.add(frame_at(2), faces_at(8))).people[0]
    np.testing.assert_allclose(between.landmarks, np.full((5, 2), (14.0, 40.0)))
    assert between.score == 1


def test_a_long_gap_ends_a_track():
    assert follow([[0], [], [], [], [3]]) == [{0: (0, ())}, {}, {}, {}, {1: (3, ())}]


def test_however_far_apart_frames_are_the_next_one_goes_on():
    tracker = Tracker(0.0)
    first = list(tracker.add(frame_at(0, hz=0.1), faces_at(0)))
    second = list(tracker.add(frame_at(1, hz=0.1), faces_at(2)))
    assert [seen.people[0].track for seen in first + second] == [0, 0]


def test_frames_wait_no_longer_than_a_gap_may_last():
    tracker = Tracker(0.5)
    assert len(list(tracker.add(frame_at(0), faces_at(0)))) == 1
    waiting = 0
    for index in range(1, 97):
        waiting += 1 - len(list(tracker.add(frame_at(index), faces_at())))
        assert waiting <= 3


def test_frames_that_wait_take_no_gigabytes():
    vast = np.broadcast_to(BLANK[:1, :1], (2**14, 2**13, 3))  # 400 MB each, if they were whole
    tracker = Tracker(9.0)
    settled = list(tracker.add(frame_at(0, image=vast), faces_at(0)))
    for index in range(1, 20):
        settled += tracker.add(frame_at(index, image=vast), faces_at())
        assert (index + 1 - len(settled)) * vast.nbytes <= HELD_BYTES
    settled += tracker.add(frame_at(20, image=vast), faces_at(0))
    assert [len(seen.people) for seen in settled[:20]] == [1] + [0] * 19
    assert [seen.people[0].track for seen in [*settled, *tracker.end()][-1:]] == [1]


@given(st.lists(st.lists(st.integers(0, 9), max_size=3, unique=True), max_size=12))
def test_every_frame_and_every_face_comes_out_once(places):
    found = follow([[30 * place for place in frame] for frame in places])
    for frame, people in zip(places, found, strict=True):
        detected = [left for left, marks in people.values() if not marks]
        assert sorted(detected) == sorted(30 * place for place in frame)


@pytest.mark.parametrize("gap_seconds", [0.0, 0.5, 9.0])
def test_tracks_are_numbered_as_they_begin(gap_seconds):
    found = follow([[], [60], [0, 60], [0]], gap_seconds)
    assert [sorted(people) for people in found] == [[], [0], [0, 1], [1]]
