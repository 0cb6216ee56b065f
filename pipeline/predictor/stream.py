"""Streams: what a trained head says of a camera and a microphone while they go on."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32, Int16

from pipeline.cleaning.gain import apply_gain
from pipeline.errors import ParamsError
from pipeline.faces.choosing import Sound
from pipeline.faces.searching import resolve_detector
from pipeline.limits import LEAST_HZ, MOST_SOUND_HZ
from pipeline.media import AUDIO_HZ
from pipeline.media.audio import PCM_SCALE, loudness_dbfs, quantise
from pipeline.predictor.answering import Answer, TrainedHead, Values
from pipeline.predictor.encoding import EncodedFrames, HeldEncoder, Picture, Pictures
from pipeline.predictor.hearing import Microphone
from pipeline.predictor.making import Making
from pipeline.predictor.stretches import Acquaintance, answer_stretch
from pipeline.predictor.tables import tabulate_series
from pipeline.predictor.timing import NOBODY, Timing
from pipeline.predictor.watching import Image, Look, Watcher, find_rate
from pipeline.rows import Rows, Waveform
from pipeline.targets import TARGETS

HOP_SECONDS = 0.5
"""From one answer to the next."""

SPARE_SECONDS = 2.0
"""What is held beyond a window, for answers that come late."""

EARLY_SECONDS = 0.02
"""So much of its sound an answer does without: a resampler holds it back until more comes."""

MOST_KNOWN = 100
"""People that a stream knows at once."""

LOST_SECONDS = 1.0
"""A microphone that is so far behind the camera is no more waited for."""


@dataclass(frozen=True)
class Moment:
    """What a head says of the stretch that ends at `seconds`: `values`, None with nothing to go by.

    `person` is the track of who is in front, or NOBODY; `present` are the modalities that had rows.
    """

    seconds: float
    person: int
    values: Values | None
    present: Sequence[str]

    def to_row(self, head: TrainedHead) -> dict[str, Any]:
        """A row of `tabulate_series`."""
        values = _blank(head) if self.values is None else self.values
        seconds = np.array([self.seconds])
        answer = Answer(
            whole=None,
            timing=Timing(seconds, None, np.stack([seconds, seconds], 1), self.seconds),
            series={target: np.asarray(value)[np.newaxis] for target, value in values.items()},
            present=[self.present],
            people=np.array([self.person]),
        )
        row: dict[str, Any] = tabulate_series(answer, head.recipe.emotions).to_pylist()[0]
        return row


class Stream:
    """A camera, a microphone, or both, and a head that goes along with them.

    Answers are causal: each goes by the `window_seconds` before it. A stretch is made into rows as
    if it were a clip of its own, by the functions that made those of training. Seconds are of the
    stream, from 0. A stream is for one thread at a time; several may share `encoders` if one alone
    is at work.
    """

    def __init__(
        self,
        head: TrainedHead,
        making: Making,
        encoders: Mapping[str, HeldEncoder],
        *,
        window_seconds: float,
        hop_seconds: float = HOP_SECONDS,
        hz: int | None = None,
    ) -> None:
        _check(window_seconds, hop_seconds, hz)
        held_seconds = window_seconds + SPARE_SECONDS
        seen = any(encoder.params.modality != "audio" for encoder in encoders.values())
        faces = resolve_detector(making.faces) if seen else None
        self.head = head
        self.window_seconds = window_seconds
        self.hop_seconds = hop_seconds
        self._clean = making.clean
        self._encoders = encoders
        rate = find_rate(making.faces, window_seconds)
        self._camera = None if faces is None else Watcher(faces, rate, held_seconds)
        self._microphone = None if hz is None else Microphone(hz, held_seconds)
        self._shown_seconds = 0.0
        self._answered = 0
        self._encoded: dict[str, EncodedFrames] = defaultdict(dict)
        self._known: dict[int, Acquaintance] = {}

    def add_frame(self, seconds: float, image: Image) -> Look | None:
        """Take in a frame, RGB and upright: what is seen in it; None where it is not looked at.

        The head's recipe says how many frames of a second are. Frames come in order.
        """
        self._shown_seconds = max(self._shown_seconds, seconds)
        return None if self._camera is None else self._camera.look(seconds, image)

    def wants(self, seconds: float) -> bool:
        """Whether a frame that is shown at `seconds` is looked at."""
        return self._camera is not None and self._camera.wants(seconds)

    def add_sound(self, seconds: float, samples: Int16[np.ndarray, " samples"]) -> None:
        """Take in mono sound that begins at `seconds`, of as many samples a second as were told."""
        if self._microphone is None:
            raise ParamsError("hz: expected samples a second of the sound that comes, got none")
        if samples.dtype != np.int16 or samples.ndim != 1:
            raise ParamsError(
                f"sound: expected int16 in one axis, got {samples.dtype} in {samples.ndim}; mix it "
                f"to mono, and scale it to 16 bits"
            )
        self._microphone.add(seconds, samples)

    @property
    def clock(self) -> float:
        """Seconds up to which everything has come."""
        if self._microphone is None:
            return self._shown_seconds
        return max(self._microphone.end_seconds, self._shown_seconds - LOST_SECONDS)

    def answer(self) -> Moment | None:
        """The answer that is due by now, None where none is; of several, the newest alone."""
        place = math.floor((self.clock + EARLY_SECONDS) / self.hop_seconds)
        if place <= self._answered:
            return None
        self._answered = place
        return self.answer_at(place * self.hop_seconds)

    def answer_at(self, seconds: float) -> Moment:
        """What the head says of the stretch that ends at `seconds`, above 0."""
        begin = max(0.0, seconds - self.window_seconds)
        looks = [] if self._camera is None else self._camera.list_looks(begin, seconds)
        sound = np.zeros(0, np.float32)
        if self._microphone is not None:
            sound = self._microphone.take(begin, seconds)
        person, tracks = self._choose(looks, begin, sound)
        rows = self._encode(begin, looks, tracks, sound)
        known = self._meet(person)
        known.add(rows, begin)
        values, present = answer_stretch(self.head, rows, seconds - begin, known.standards)
        return Moment(seconds, person, values, present)

    def _meet(self, person: int) -> Acquaintance:
        """What is known of a person; of very many, whom it met first is forgotten."""
        if person not in self._known and len(self._known) == MOST_KNOWN:
            del self._known[next(iter(self._known))]
        return self._known.setdefault(person, Acquaintance(self.head))

    def _choose(
        self, looks: list[Look], begin: float, sound: Float32[np.ndarray, " samples"]
    ) -> tuple[int, frozenset[int]]:
        """Who is in front, and all tracks of that person."""
        if self._camera is None or not looks:
            return NOBODY, frozenset()
        heard = sound[round((looks[0].seconds - begin) * AUDIO_HZ) :]
        tracks = self._camera.choose(looks, Sound(heard, AUDIO_HZ) if len(heard) else None)
        shown = (p.track for look in reversed(looks) for p in look.seen.people if p.track in tracks)
        return next(shown, NOBODY), tracks

    def _encode(
        self,
        begin: float,
        looks: Sequence[Look],
        tracks: frozenset[int],
        sound: Float32[np.ndarray, " samples"],
    ) -> dict[str, Rows]:
        """Rows of each stream that there is anything of."""
        found = {}
        shown = {
            "face": list(_list_crops(looks, begin, tracks)),
            "scene": list(_list_scenes(looks, begin)),
        }
        for stream, encoder in self._encoders.items():
            modality = encoder.params.modality
            if modality in shown:
                if pictures := shown[modality]:
                    known = self._encoded[stream]
                    found[stream] = encoder.encode_pictures(Pictures.of(pictures), known)
            elif loudness_dbfs(sound) >= self._clean.silent_dbfs:
                found[stream] = encoder.encode_sound(Waveform(self._level(sound), AUDIO_HZ))
        return found

    def _level(self, sound: Float32[np.ndarray, " samples"]) -> Float32[np.ndarray, " samples"]:
        gain, level = self._clean.gain, self._clean.level
        if gain is None or level is None:
            return sound
        return quantise(apply_gain(sound, gain, level)).astype(np.float32) / PCM_SCALE


def _check(window_seconds: float, hop_seconds: float, hz: int | None) -> None:
    """Raise ParamsError for times or rates that are none."""
    for name, seconds in (("window", window_seconds), ("hop", hop_seconds)):
        if not 0 < seconds < math.inf:
            raise ParamsError(f"{name}: expected seconds above 0, got {seconds}; give others")
    if hz is not None and not LEAST_HZ <= hz <= MOST_SOUND_HZ:
        raise ParamsError(
            f"hz: expected {LEAST_HZ:,} to {MOST_SOUND_HZ:,} samples a second, got {hz:,}"
        )


def _list_crops(looks: Iterable[Look], begin: float, tracks: frozenset[int]) -> Iterator[Picture]:
    """Faces of the person chosen."""
    for look in looks:
        for person in look.seen.people:
            if person.track in tracks and person.track in look.crops:
                name = look.seen.frame.index, person.track
                yield name, look.seconds - begin, look.crops[person.track], person.landmarks


def _list_scenes(looks: Iterable[Look], begin: float) -> Iterator[Picture]:
    """Whole frames."""
    for look in looks:
        if look.scene is not None:
            yield (look.seen.frame.index, NOBODY), look.seconds - begin, look.scene, None


def _blank(head: TrainedHead) -> Values:
    """NaN for each target."""
    classes = len(head.recipe.emotions)
    sizes = {t: () if TARGETS[t].behaviour.number else (classes,) for t in head.per}
    return {target: np.full(size, np.nan, np.float32) for target, size in sizes.items()}
