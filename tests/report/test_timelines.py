from itertools import pairwise

import numpy as np
import pytest

from pipeline.media.video import Frame
from pipeline.report.pictures import pick_evenly
from pipeline.report.sightings import OTHER_COLOUR, TRACK_COLOURS, Cast, Crop, Person
from pipeline.report.stills import MOST_STILLS, Still, thin_out
from pipeline.report.timelines import MOST_TRACKS, draw_timeline, join_spans, list_ticks

FREE = {"min_sharpness": 0.0, "min_brightness": 0.0, "max_brightness": 1.0, "max_yaw": 180.0}


def make_person(track: int, frame: int, *, interpolated: bool = False) -> Person:
    return Person(track, frame, frame / 4, (3.0, 5.0, 10.0, 16.0), [], interpolated)


def make_crop(seconds: float, yaw: float | None = None) -> Crop:
    return Crop(b"", 0, seconds, 0.9, (), 17.0, 0.5, yaw, 11.0)


def test_frames_in_a_row_are_one_span_and_a_missed_one_parts_two() -> None:
    assert join_spans([0.0, 0.25, 0.5, 1.0], 0.25, 5.0) == [(0.0, 0.75), (1.0, 1.25)]


def test_uneven_frames_in_a_row_are_one_span() -> None:
    assert len(join_spans([0.0, 0.17, 0.43, 0.6], 0.2, 5.0)) == 1


def test_no_span_goes_beyond_the_clip() -> None:
    assert join_spans([0.9], 0.2, 1.0) == [(0.9, 1.0)]


@pytest.mark.parametrize(
    ("seconds", "last", "count"), [(0.0, 0.0, 1), (4.2, 4.0, 9), (7200, 7000, 8)]
)
def test_ticks_are_round_and_few(seconds: float, last: float, count: int) -> None:
    ticks = list_ticks(float(seconds))
    assert len(ticks) == count
    assert ticks[-1] == pytest.approx(last)


def test_tracks_with_crops_come_first_then_the_longest() -> None:
    people = [make_person(track, frame) for track in (0, 1, 2) for frame in range(track + 1)]
    assert Cast(people, frozenset({1})).list_tracks() == [1, 2, 0]


def test_only_the_first_tracks_have_colours_of_their_own() -> None:
    cast = Cast([make_person(track, 0) for track in range(11)], frozenset({10}))
    colours = cast.colour_tracks()
    assert colours[10] == TRACK_COLOURS[0]
    assert list(colours.values()).count(OTHER_COLOUR) == 11 - len(TRACK_COLOURS)


def test_those_with_crops_are_drawn_last() -> None:
    cast = Cast([make_person(0, 7), make_person(1, 7)], frozenset({0}))
    assert [person.track for person in cast.group_frames()[7]] == [1, 0]


def test_a_lane_keeps_interpolated_frames_apart() -> None:
    people = [make_person(0, frame, interpolated=frame == 1) for frame in range(3)]
    drawn = draw_timeline(
        Cast(people, frozenset({0})), [], seconds=0.75, step=0.25, thresholds=FREE
    )
    (lane,) = drawn.lanes
    assert lane.chosen
    assert lane.spans == [(0.0, 0.25), (0.5, 0.75)]
    assert lane.interpolated == [(0.25, 0.5)]
    assert drawn.curves == []


def test_lanes_are_few() -> None:
    cast = Cast([make_person(track, 0) for track in range(31)], frozenset())
    drawn = draw_timeline(cast, [], seconds=1.0, step=0.2, thresholds=FREE)
    assert len(drawn.lanes) == MOST_TRACKS


def test_curves_break_at_gaps_and_leave_unknown_angles_out() -> None:
    crops = [make_crop(0.0), make_crop(0.2), make_crop(0.8)]
    drawn = draw_timeline(Cast([], frozenset()), crops, seconds=1.0, step=0.2, thresholds=FREE)
    assert [curve.name for curve in drawn.curves] == ["sharpness", "brightness"]
    assert [len(run) for run in drawn.curves[0].runs] == [2, 1]


def test_thresholds_that_are_set_are_limits() -> None:
    told = FREE | {"min_sharpness": 13.0, "max_yaw": 40.0}
    crops = [make_crop(0.0, yaw=7.0)]
    drawn = draw_timeline(Cast([], frozenset()), crops, seconds=1.0, step=0.2, thresholds=told)
    limits = {curve.name: curve.limits for curve in drawn.curves}
    assert limits == {"sharpness": [13.0], "brightness": [], "yaw": [-40.0, 40.0]}


def test_evenly_picked_are_the_ends_and_what_lies_between() -> None:
    assert pick_evenly(range(11), 3) == [0, 5, 10]
    assert pick_evenly([7, 5], 3) == [7, 5]


@pytest.mark.parametrize("count", [0, 5, 47, 48, 500])
def test_frames_are_thinned_out_evenly_while_they_come(count: int) -> None:
    stills: list[Still] = []
    image = np.zeros((3, 5, 3), np.uint8)
    thin_out((Frame(number, number / 5, image) for number in range(count)), stills)
    assert min(count, MOST_STILLS) <= len(stills) < 2 * MOST_STILLS
    assert len({b.frame - a.frame for a, b in pairwise(stills)}) <= 1
