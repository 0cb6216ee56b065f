"""Tracks: the faces of a clip's frames linked over time into people, and gaps between bridged."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from pipeline.faces.boxes import measure_overlap
from pipeline.faces.contract import Faces
from pipeline.limits import HELD_BYTES
from pipeline.media.video import Frame

SAME_PERSON = 0.2
"""Boxes of two frames whose intersection over union is at least this are of one person."""

INTERPOLATED = "interpolated"
"""Mark of a face that was not detected: its box lies between two that were."""


@dataclass(frozen=True)
class Sighting:
    """One person in one frame; boxes, scores and landmarks as in `Faces`, `marks` are remarks."""

    track: int
    box: Float[np.ndarray, "4"]
    score: float
    landmarks: Float[np.ndarray, "5 2"]
    marks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Seen:
    """A frame, and who is in it, in the order of the tracks."""

    frame: Frame
    people: list[Sighting]


@dataclass
class _Track:
    """Someone who may be seen again: where and when it was last."""

    number: int
    last: Sighting
    seconds: float
    missed: list[Seen] = field(default_factory=list)


class Tracker:
    """Links the faces of one clip, frame by frame; tracks are numbered as they begin.

    A face goes on with the track whose last box it overlaps most. One that is not seen for more
    than `gap_seconds`, and in at least one frame, has ended; after a shorter gap it is marked
    INTERPOLATED in the frames between. Frames wait for that, so at most those of a gap are held,
    and no more than HELD_BYTES of them: whoever is waited for has ended there. When `causal`, no
    frame waits, and nobody is entered into one that has gone by.
    """

    def __init__(self, gap_seconds: float, *, causal: bool = False) -> None:
        self._gap_seconds = gap_seconds
        self._causal = causal
        self._open: list[_Track] = []
        self._waiting: deque[Seen] = deque()
        self._held = 0
        self._begun = 0

    def add(self, frame: Frame, faces: Faces) -> Iterator[Seen]:
        """Take the next frame of the clip; gives the frames of which all is known now, in order."""
        self._end_lost(frame.seconds)
        yield from self._settle()
        if self._held + frame.image.nbytes > HELD_BYTES:
            self._open = [track for track in self._open if not track.missed]
            yield from self._settle()
        seen = Seen(frame, [])
        self._waiting.append(seen)
        self._held += frame.image.nbytes
        linked = _link(faces.boxes, [track.last.box for track in self._open])
        for index, place in enumerate(linked):
            self._see(seen, faces, index, None if place is None else self._open[place])
        for track in self._open:
            if track.seconds < frame.seconds:
                track.missed = [seen] if self._causal else [*track.missed, seen]
        yield from self._settle()

    def end(self) -> Iterator[Seen]:
        """The frames that are left, once the clip is over."""
        self._open = []
        yield from self._settle()

    def _end_lost(self, seconds: float) -> None:
        """Forget who has not been seen for too long."""
        self._open = [
            track
            for track in self._open
            if not track.missed or seconds - track.seconds <= self._gap_seconds
        ]

    def _see(self, seen: Seen, faces: Faces, index: int, track: _Track | None) -> None:
        """Enter face `index` into its track, or into a new one."""
        number = self._begun if track is None else track.number
        sighting = Sighting(
            number, faces.boxes[index], float(faces.scores[index]), faces.landmarks[index]
        )
        if track is None:
            self._begun += 1
            self._open.append(_Track(number, sighting, seen.frame.seconds))
        else:
            if not self._causal:
                _bridge(track, sighting, seen.frame.seconds)
            track.last, track.seconds, track.missed = sighting, seen.frame.seconds, []
        seen.people.append(sighting)

    def _settle(self) -> Iterator[Seen]:
        """Frames that no open track may still be entered into."""
        waiting = () if self._causal else (track for track in self._open if track.missed)
        waited_for = min((track.missed[0].frame.index for track in waiting), default=None)
        while self._waiting and (waited_for is None or self._waiting[0].frame.index < waited_for):
            seen = self._waiting.popleft()
            self._held -= seen.frame.image.nbytes
            yield Seen(seen.frame, sorted(seen.people, key=lambda person: person.track))


def _link(
    boxes: Float[np.ndarray, "faces 4"], tracks: list[Float[np.ndarray, "4"]]
) -> list[int | None]:
    """Which of `tracks` each face goes on with: the greatest overlap first, none twice."""
    linked: list[int | None] = [None] * len(boxes)
    if not len(boxes) or not tracks:
        return linked
    overlaps = measure_overlap(boxes, np.stack(tracks))
    for _ in range(min(overlaps.shape)):
        face, track = np.unravel_index(overlaps.argmax(), overlaps.shape)
        if overlaps[face, track] < SAME_PERSON:
            break
        linked[face] = int(track)
        overlaps[face], overlaps[:, track] = -1.0, -1.0
    return linked


def _bridge(track: _Track, found: Sighting, seconds: float) -> None:
    """Enter `track` into the frames it was missed in, on the straight line to where it is found."""
    last, begin = track.last, track.seconds
    for seen in track.missed:
        if not seen.frame.image.size:  # there is nothing to cut a face from
            continue
        share = (seen.frame.seconds - begin) / (seconds - begin)
        between = Sighting(
            track.number,
            last.box + share * (found.box - last.box),
            min(last.score, found.score),
            last.landmarks + share * (found.landmarks - last.landmarks),
            (INTERPOLATED,),
        )
        seen.people.append(between)
