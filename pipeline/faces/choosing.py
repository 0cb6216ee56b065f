"""Choosing: which of the people in a clip it is about."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from pipeline.faces.params import EVERYONE, Whose
from pipeline.faces.tracks import Seen, Sighting

LONG_SHARE = 0.25
"""By its place or its voice only a track at least this long, beside the longest, is chosen."""

VOICE_SECONDS = 0.2
"""Loudness is taken over so long a stretch around each frame."""

MOUTH = 24
"""Side in pixels at which mouths are compared."""

Mouth = Float[np.ndarray, "side side"]
"""A mouth in grey, its brightness and contrast taken out."""


class Sound:
    """The sound of a clip, `hz` samples a second, for its loudness at any time."""

    def __init__(self, samples: Float[np.ndarray, " samples"], hz: int) -> None:
        self._hz = hz
        self._power = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])

    def measure_loudness(self, seconds: Float[np.ndarray, " times"]) -> Float[np.ndarray, " times"]:
        """Root mean square of the sound around each of `seconds`, 0 beyond its end."""
        half, last = VOICE_SECONDS / 2, len(self._power) - 1
        begins, ends = (
            np.clip(np.round((seconds + shift) * self._hz).astype(int), 0, last)
            for shift in (-half, half)
        )
        loudness: Float[np.ndarray, " times"] = np.sqrt(
            (self._power[ends] - self._power[begins]) / (2 * half * self._hz)
        )
        return loudness


@dataclass
class Presence:
    """A track as a whole: its frames, and what is needed of them to choose it.

    `area` adds up its boxes' shares of the frame; `x` and `off_centre` add up places, in widths of
    the frame. `motion` is how much the mouth moved since the frame before.
    """

    frames: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    area: float = 0.0
    x: float = 0.0
    off_centre: float = 0.0
    motion: list[float] = field(default_factory=list)
    mouth: Mouth | None = None

    def __len__(self) -> int:
        return len(self.frames)


RANKS: dict[str, Callable[[Presence], float]] = {
    "largest": lambda track: track.area,
    "longest": lambda track: float(len(track)),
    "centre": lambda track: -track.off_centre / len(track),
    "left": lambda track: -track.x / len(track),
    "right": lambda track: track.x / len(track),
}


class People:
    """The tracks of one clip, gathered frame by frame; `watch_mouths` is for the choice speaker."""

    def __init__(self, *, watch_mouths: bool) -> None:
        self.tracks: dict[int, Presence] = {}
        self._watch_mouths = watch_mouths

    def add(self, seen: Seen, mouths: Mapping[int, Mouth] | None = None) -> None:
        """Take in who is in a frame; `mouths` are by track, where the frame is not at hand."""
        height, width = seen.frame.image.shape[:2]
        for person in seen.people:
            track = self.tracks.setdefault(person.track, Presence())
            track.frames.append(seen.frame.index)
            track.seconds.append(seen.frame.seconds)
            size = person.box[2:] - person.box[:2]
            centre = (person.box[:2] + person.box[2:]) / 2
            track.area += float(size.prod()) / (height * width)
            track.x += float(centre[0]) / width
            track.off_centre += float(np.hypot(*(centre - (width / 2, height / 2)))) / width
            if self._watch_mouths:
                mouth = mouths[person.track] if mouths else cut_mouth(person, seen.frame.image)
                _watch_mouth(track, mouth)


def choose_tracks(
    tracks: Mapping[int, Presence],
    choice: Whose,
    sound: Sound | None = None,
) -> frozenset[int]:
    """Numbers of the tracks that are the person `choice` names, none where there are none.

    The best track comes first, then every other that is alone in its frames: someone who leaves and
    comes back begins a new track, and among several nobody can tell who that is. `sound` is that
    of the clip.

    largest: the face that fills most of the frames, area times time; longest: that is seen in most
    of them; centre, left, right: by mean place; speaker: whose mouth moves with the voice, a
    heuristic (correlation over time of the mouth's change with loudness), the largest where
    there is no sound. EVERYONE names all.
    """
    if not tracks or choice == EVERYONE:
        return frozenset(tracks)
    longest = max(map(len, tracks.values()))
    floor = 0.0 if choice in ("largest", "longest") else LONG_SHARE * longest
    ranks = {number: _rank(track, choice, sound) for number, track in tracks.items()}

    def place(number: int) -> tuple[bool, float, float]:
        track = tracks[number]
        return len(track) < floor, -ranks[number], -track.area

    best = min(tracks, key=place)
    company = Counter(frame for track in tracks.values() for frame in track.frames)
    alone = {
        number
        for number, track in tracks.items()
        if all(company[frame] == 1 for frame in track.frames)
    }
    return frozenset({best, *alone})


def _rank(track: Presence, choice: Whose, sound: Sound | None) -> float:
    """The more, the better `track` is what `choice` names."""
    if choice == "speaker" and sound is not None:
        return measure_speech(track, sound)
    return RANKS["largest" if choice == "speaker" else choice](track)


def measure_speech(track: Presence, sound: Sound) -> float:
    """Correlation of the mouth's motion with loudness at the same times, 0 where one is constant.

    A heuristic: chewing to somebody else's words counts, too.
    """
    motion = np.array(track.motion)
    loudness = sound.measure_loudness(np.array(track.seconds))
    if len(motion) < 3 or motion.std() == 0 or loudness.std() == 0:
        return 0.0
    return float(np.corrcoef(motion, loudness)[0, 1])


def _watch_mouth(track: Presence, mouth: Mouth) -> None:
    """Note how much the mouth changed since the track's last frame: 0 in its first."""
    track.motion.append(0.0 if track.mouth is None else float(np.abs(mouth - track.mouth).mean()))
    track.mouth = mouth


def cut_mouth(person: Sighting, image: UInt8[np.ndarray, "height width 3"]) -> Mouth:
    """Grey lower third of a face, its middle half, scaled; brightness and contrast taken out."""
    height, width = image.shape[:2]
    left, top, right, bottom = person.box
    across, down = right - left, bottom - top
    columns = np.clip([left + across / 4, right - across / 4], 0, width - 1).astype(int)
    rows = np.clip([bottom - down * 0.4, bottom], 0, height - 1).astype(int)
    patch = image[rows[0] : rows[1] + 1, columns[0] : columns[1] + 1]
    small = cv2.resize(patch, (MOUTH, MOUTH), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    mouth: Mouth = (grey - grey.mean()) / (grey.std() + 1.0)
    return mouth
