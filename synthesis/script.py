"""The script of the demo corpus: who speaks, in which mood, and what each modality shows of it.

A face shows valence well and arousal weakly, a voice the other way round, words only the sign of
valence. Now and then one of the three fails, never two in the same clip: a book hides the face
or the face plays another mood, the voice mumbles or plays another mood, the words are missing or
of another mood. Nothing else that a clip shows depends on its label.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from synthesis.moods import EMOTIONS, Mood, emotion_of
from synthesis.portrait import Colours
from synthesis.scenery import Room
from synthesis.voice import Throat
from synthesis.words import SENTENCES

T = TypeVar("T")

SPEAKERS = 12
TAKES = 2
"""Clips of each emotion by each speaker."""

LABEL_SPREAD = 0.2
"""Half width of the square round an emotion's place from which labels are drawn; the corner of
neutral's square, 0.28, stays within NEUTRAL_RADIUS."""

FACE_SHARE, FACE_NOISE = Mood(1.0, 0.3), Mood(0.1, 0.2)
VOICE_SHARE, VOICE_NOISE = Mood(0.4, 1.0), Mood(0.25, 0.08)
"""How much of a mood a face and a voice show, and the deviation of what they show beside it."""

FAILURES = (
    ("hidden face", "mumbled voice", "other words", "other words", "no words"),
    ("other face", "other voice", "other words", "other words", "no words"),
    ("hidden face", "half hidden face", "mumbled voice", "other words", "no words"),
    ("half hidden face", "mumbled voice", "mumbled voice", "other words", "other words"),
)
"""What fails in a speaker's clips, each in another one; speakers take the rows in turn."""

DAMAGES = {
    "truncated": "neutral",
    "no_audio": "happy",
    "silent": "angry",
    "no_face": "sad",
    "empty": "calm",
}
"""How a clip is broken → its emotion; one more clip for every second speaker."""

SKINS = (
    (214, 172, 146), (190, 140, 108), (222, 186, 164), (160, 112, 86), (206, 160, 126),
    (176, 126, 96), (226, 180, 160), (146, 102, 80), (200, 152, 124), (216, 178, 150),
    (172, 124, 96), (182, 136, 102),
)  # fmt: skip
HAIRS = (
    (132, 98, 58), (74, 56, 48), (150, 84, 46), (78, 60, 54), (88, 62, 44), (84, 62, 50),
    (176, 144, 92), (72, 60, 58), (120, 116, 112), (110, 62, 36), (84, 66, 60), (96, 70, 54),
)  # fmt: skip
WALLS = (
    (150, 176, 184), (186, 170, 150), (128, 150, 128), (196, 182, 190), (120, 130, 160),
    (206, 194, 168), (146, 132, 150), (166, 190, 170), (176, 150, 140), (134, 164, 190),
    (190, 190, 186), (112, 140, 146),
)  # fmt: skip
CLOTHES = (
    (52, 74, 110), (150, 62, 58), (66, 100, 80), (226, 206, 150), (90, 66, 110), (44, 48, 56),
    (196, 110, 70), (230, 228, 222), (60, 110, 128), (128, 44, 76), (104, 116, 60), (70, 70, 74),
)  # fmt: skip
LAMPLIGHT = (252, 240, 214)
GLASSES = (None, (84, 64, 56), None, None, (130, 60, 60), None)
"""Colours that speakers take in turn."""

FEATURES = (
    "wide_jaw", "long_face", "eyes_apart", "big_eyes", "high_brows", "long_nose", "wide_mouth",
    "full_lips", "big_hair",
)  # fmt: skip
"""What makes faces differ: the moves of `landmarks.MOVES` that are no expression."""


@dataclass(frozen=True)
class Person:
    """One speaker: voice, colours, features (units of `landmarks.MOVES`) and room."""

    name: str
    throat: Throat
    colours: Colours
    features: Mapping[str, float]
    room: Room


@dataclass(frozen=True)
class Take:
    """One clip to be made: its label, and what each modality shows.

    `hidden` is the stretch, in shares of the clip, for which a book is before the face.
    `voice_share` is how loud the voice is beside the room's noise, `damage` one of DAMAGES.
    """

    path: str
    person: Person
    label: Mood
    transcript: str
    face: Mood
    voice: Mood
    seconds: float
    hidden: tuple[float, float] | None
    voice_share: float
    seed: int
    damage: str = ""

    @property
    def emotion(self) -> str:
        """Class of the label."""
        return emotion_of(self.label)


def cast_people(seed: int) -> list[Person]:
    """The speakers of the corpus, each as unlike the others as `seed` has it."""
    return [_cast_person(number, seed) for number in range(SPEAKERS)]


def _cast_person(number: int, seed: int) -> Person:
    rng = np.random.default_rng([seed, number])
    tall = rng.random()
    return Person(
        name=f"speaker_{number + 1:02d}",
        throat=Throat(
            pitch_hz=215 - 95 * tall + rng.normal(0, 8),
            tract=0.85 + 0.16 * tall + rng.normal(0, 0.015),
            breath=rng.uniform(0.002, 0.012),
            tilt=rng.uniform(0.6, 0.75),
        ),
        colours=Colours(
            _take_turn(SKINS, number), _take_turn(HAIRS, number), _take_turn(GLASSES, number)
        ),
        features={name: float(rng.uniform(-1, 1)) for name in FEATURES},
        room=Room(
            wall=_take_turn(WALLS, number),
            lights=LAMPLIGHT,
            clothes=_take_turn(CLOTHES, number),
            light_from=float(rng.uniform(-1, 1)),
            seed=int(rng.integers(2**31)),
        ),
    )


def _take_turn(choices: Sequence[T], number: int) -> T:
    return choices[number % len(choices)]


def plan_takes(people: Sequence[Person], seed: int) -> list[Take]:
    """Clips of all speakers, sorted by path; the order within a speaker says nothing."""
    takes = [
        take
        for number, person in enumerate(people)
        for take in _plan_person(person, number, np.random.default_rng([seed, number, 1]))
    ]
    return sorted([*takes, *_plan_broken(people, seed)], key=lambda take: take.path)


def _plan_person(person: Person, number: int, rng: np.random.Generator) -> list[Take]:
    emotions = rng.permutation([name for name in EMOTIONS for _ in range(TAKES)])
    failures = _draw_failures(_take_turn(FAILURES, number), len(emotions), rng)
    return [
        _plan_take(person, f"clip_{place + 1:02d}", str(emotion), failures[place], rng)
        for place, emotion in enumerate(emotions)
    ]


def _plan_broken(people: Sequence[Person], seed: int) -> list[Take]:
    """The broken clips: sound and words as in others, and then the file is damaged."""
    rng = np.random.default_rng([seed, len(people), 2])
    name = f"clip_{TAKES * len(EMOTIONS) + 1:02d}"
    return [
        replace(_plan_take(person, name, emotion, "", rng), damage=damage)
        for person, (damage, emotion) in zip(people[1::2], DAMAGES.items(), strict=False)
    ]


def _draw_failures(kinds: Sequence[str], clips: int, rng: np.random.Generator) -> list[str]:
    """What fails in each of a speaker's clips, empty for nothing; no clip twice."""
    failures = [""] * clips
    for place, kind in zip(rng.permutation(clips), kinds, strict=False):
        failures[place] = kind
    return failures


def _plan_take(
    person: Person, name: str, emotion: str, failure: str, rng: np.random.Generator
) -> Take:
    valence, arousal = np.array(EMOTIONS[emotion]) + rng.uniform(-LABEL_SPREAD, LABEL_SPREAD, 2)
    label = Mood(round(float(valence), 3), round(float(arousal), 3))
    other = _other_mood(emotion, rng)
    start = float(rng.uniform(0.3, 0.5))
    return Take(
        path=f"{person.name}/{name}.mp4",
        person=person,
        label=label,
        transcript=_choose_words(label, failure, rng),
        face=_show(other if failure == "other face" else label, FACE_SHARE, FACE_NOISE, rng),
        voice=_show(other if failure == "other voice" else label, VOICE_SHARE, VOICE_NOISE, rng),
        seconds=float(rng.uniform(1.8, 2.2)),
        hidden={"hidden face": (-1.0, 2.0), "half hidden face": (start, 2.0)}.get(failure),
        voice_share=0.1 if failure == "mumbled voice" else 1.0,
        seed=int(rng.integers(2**31)),
    )


def _other_mood(emotion: str, rng: np.random.Generator) -> Mood:
    others = [name for name in EMOTIONS if name != emotion]
    return Mood(*EMOTIONS[others[rng.integers(len(others))]])


def _show(mood: Mood, share: Mood, noise: Mood, rng: np.random.Generator) -> Mood:
    return Mood(
        share.valence * mood.valence + float(rng.normal(0, noise.valence)),
        share.arousal * mood.arousal + float(rng.normal(0, noise.arousal)),
    )


def _choose_words(label: Mood, failure: str, rng: np.random.Generator) -> str:
    """A sentence that leans the way of the label's valence, or, where words fail, another way."""
    if failure == "no words":
        return ""
    leaning = "plain" if abs(label.valence) < 0.3 else _sign_word(label.valence)
    if failure == "other words":
        leaning = str(rng.choice([name for name in SENTENCES if name != leaning]))
    return SENTENCES[leaning][rng.integers(len(SENTENCES[leaning]))]


def _sign_word(valence: float) -> str:
    return "pleasant" if valence > 0 else "unpleasant"
