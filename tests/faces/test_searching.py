from collections.abc import Iterator, Sequence
from itertools import pairwise
from multiprocessing import Pipe

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.faces.contract import Faces, Search
from pipeline.faces.cutting import Reel, _find_people
from pipeline.faces.params import FacesParams
from pipeline.faces.searching import Image, split_batches
from pipeline.faces.serving import Request, _answer
from pipeline.faces.whole import Detector
from pipeline.labels.clips import Clip
from pipeline.limits import BATCH_PIXELS
from pipeline.media.video import Frame

SIDE = 2**13
HUGE = np.broadcast_to(np.zeros(3, np.uint8), (SIDE, SIDE, 3))
"""Half as many pixels as may be searched together, in three bytes."""


@given(st.lists(st.integers(1, BATCH_PIXELS * 3 // 2)), st.integers(1, 5))
def test_batches_are_the_largest_that_keep_to_both_bounds(pixels: list[int], most: int) -> None:
    batches = list(split_batches(pixels, most, int))
    assert [one for batch in batches for one in batch] == pixels
    assert all(len(batch) == 1 or sum(batch) <= BATCH_PIXELS for batch in batches)
    assert all(1 <= len(batch) <= most for batch in batches)
    for batch, following in pairwise(batches):
        assert len(batch) == most or sum(batch) + following[0] > BATCH_PIXELS


def test_no_more_items_are_taken_than_a_full_batch_has() -> None:
    items = iter([1] * 5)
    next(split_batches(items, 2, int))
    assert len(list(items)) == 3


class Counting(Detector):
    """Counts the frames that it is given together."""

    def __init__(self) -> None:
        super().__init__(Search())
        self.counts: list[int] = []

    def detect(self, frames: Sequence[Image]) -> list[Faces]:
        self.counts.append(len(frames))
        return super().detect(frames)


def test_a_server_searches_few_huge_frames_together() -> None:
    ours, theirs = Pipe()
    detector = Counting()
    requests = [Request(theirs, np.broadcast_to(HUGE, (n, *HUGE.shape))) for n in (3, 2)]
    _answer(detector, requests, 16)
    assert detector.counts == [2, 2, 1]
    assert [len(ours.recv()), len(ours.recv())] == [3, 2]


class Endless(Reel):
    """Shows the same huge frame for ever."""

    def __iter__(self) -> Iterator[Frame]:
        while True:
            yield Frame(self.frames, self.frames / 5, HUGE)
            self.frames += 1


def test_few_huge_frames_of_a_clip_are_in_memory() -> None:
    params = FacesParams(detector="whole", batch=16)
    reel = Endless(Clip(clip_id="a", corpus="made", path="a.mp4"), params)
    assert next(_find_people(reel, params, ())).frame.index == 0
    assert reel.frames == 2
