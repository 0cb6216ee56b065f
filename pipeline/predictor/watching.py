"""Watching: who is in the frames of a camera, one after another as they come."""

import math
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from jaxtyping import UInt8

from pipeline.faces.choosing import Mouth, People, Sound, choose_tracks, cut_mouth
from pipeline.faces.crops import scale_frame
from pipeline.faces.cutting import cut_face
from pipeline.faces.params import FacesParams
from pipeline.faces.quality import judge_crops
from pipeline.faces.searching import find_faces, load_detector
from pipeline.faces.tables import FACE_SCHEMA
from pipeline.faces.tracks import Seen, Sighting, Tracker
from pipeline.media.jpeg import decode_jpeg, encode_jpeg
from pipeline.media.sampling import TOLERANCE_SECONDS
from pipeline.media.video import Frame

CAMERA_HZ = 25.0
"""Of a film whose frames are taken by their count."""

MOST_LIVE_HZ = 10.0
"""Frames that are looked at in a second, of a head that was trained on all of a film."""

Image = UInt8[np.ndarray, "height width 3"]


@dataclass(frozen=True)
class Look:
    """A frame that was looked at: who is in it, and pictures as stores have them.

    `crops` are by track, of those that keep to the thresholds; `mouths`, of all, are empty and
    `scene` is None unless asked for.
    """

    seen: Seen
    crops: Mapping[int, Image]
    mouths: Mapping[int, Mouth]
    scene: Image | None

    @property
    def seconds(self) -> float:
        """When the frame was shown."""
        return self.seen.frame.seconds


class Watcher:
    """Finds and follows faces as `params` have it, which are as `resolve_detector` gives them.

    It looks at the first frame of each tick of `rate_hz`, and remembers the last `held_seconds`.
    Nobody is known of whom a later frame alone tells.
    """

    def __init__(self, params: FacesParams, rate_hz: float, held_seconds: float) -> None:
        self.looks: deque[Look] = deque()
        self._params = params
        self._rate_hz = rate_hz
        self._held_seconds = held_seconds
        self._tracker = Tracker(params.gap_seconds, causal=True)
        self._ticks = self._frames = 0

    def wants(self, seconds: float) -> bool:
        """Whether a frame that is shown at `seconds` is looked at."""
        return self._count_ticks(seconds) > self._ticks

    def look(self, seconds: float, image: Image) -> Look | None:
        """What is seen in a frame that is shown at `seconds`; None where it is not looked at."""
        if not self.wants(seconds):
            return None
        self._ticks = self._count_ticks(seconds)
        (faces,) = find_faces([image], load_detector(self._params), self._params.search_pixels)
        (seen,) = self._tracker.add(Frame(self._frames, seconds, image), faces)
        self._frames += 1
        self.looks.append(self._cut(seen))
        while self.looks[0].seconds < seconds - self._held_seconds:
            self.looks.popleft()
        return self.looks[-1]

    def _count_ticks(self, seconds: float) -> int:
        return math.floor((seconds + TOLERANCE_SECONDS) * self._rate_hz) + 1

    def list_looks(self, begin: float, end: float) -> list[Look]:
        """What was seen in a stretch, in seconds."""
        return [look for look in self.looks if begin <= look.seconds < end]

    def choose(self, looks: list[Look], sound: Sound | None) -> frozenset[int]:
        """Tracks of the person that `looks` are about; `sound` begins with the first of them."""
        people = People(watch_mouths=self._params.choose == "speaker")
        for look in looks:
            seconds = look.seconds - looks[0].seconds
            frame = replace(look.seen.frame, seconds=seconds)
            people.add(replace(look.seen, frame=frame), look.mouths)
        return choose_tracks(people.tracks, self._params.choose, sound)

    def _cut(self, seen: Seen) -> Look:
        """Pictures of a frame; of the frame itself its size alone is kept."""
        crops = {person.track: crop for person in seen.people for crop in self._crop(seen, person)}
        scene, frame = None, seen.frame
        if self._params.scene_pixels is not None:
            scene = self._pack(scale_frame(frame.image, self._params.scene_pixels))
        people = seen.people if self._params.choose == "speaker" else ()
        mouths = {person.track: cut_mouth(person, frame.image) for person in people}
        size = replace(frame, image=np.broadcast_to(np.uint8(0), frame.image.shape))
        return Look(replace(seen, frame=size), crops, mouths, scene)

    def _crop(self, seen: Seen, person: Sighting) -> Iterator[Image]:
        """The crop of a person, if it keeps to the thresholds."""
        row = cut_face(seen.frame, person, self._params)
        table = pa.RecordBatch.from_pylist([row], schema=FACE_SCHEMA)
        if not any(
            failing.any() for failing in judge_crops(table, self._params.thresholds).values()
        ):
            yield decode_jpeg(row["jpeg"])

    def _pack(self, image: Image) -> Image:
        return decode_jpeg(encode_jpeg(image, self._params.jpeg_quality))


def find_rate(params: FacesParams, window_seconds: float) -> float:
    """Frames a second that come nearest to those that a head was trained on.

    >>> find_rate(FacesParams(rate_hz=5.0), 1.0)
    5.0
    >>> find_rate(FacesParams(rate_hz=None, every=10), 1.0)
    2.5
    """
    if params.rate_hz is not None:
        return params.rate_hz
    if params.per_clip is not None:
        return min(MOST_LIVE_HZ, params.per_clip / window_seconds)
    return min(MOST_LIVE_HZ, CAMERA_HZ / (params.every or 1))
