"""RAVDESS: 24 actors say, and sing, two sentences in eight emotions.

Zenodo 1188976, CC BY-NC-SA 4.0. A file name is seven two-digit fields: modality, channel, emotion,
intensity, statement, repetition, actor; actors of odd numbers are men, the others women. Each
performance is shipped three times (01 audio-visual, 02 the same video without sound, 03 its sound
alone), so one modality alone is read: with 01 and 02 together every performance would stand twice
among the clips.
"""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from pipeline.errors import CorpusError
from pipeline.labels.clip_labels import ClipLabels
from pipeline.labels.clips import Clip
from pipeline.labels.corpora.contract import Corpus
from pipeline.labels.corpora.files import find_files, name_once
from pipeline.labels.corpora.params import RavdessParams
from pipeline.labels.emotions import Names

EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
NAMES = Names(
    emotion=list(EMOTIONS),
    words={f"{code:02}": emotion for code, emotion in enumerate(EMOTIONS, start=1)},
)

MODALITIES = {1: "audiovisual", 2: "video", 3: "audio"}
CHANNELS = {1: "speech", 2: "song"}
INTENSITIES = {1: 0.5, 2: 1.0}
"""Normal and strong on moodline's scale; neutral is only ever normal."""
STATEMENTS = {1: "Kids are talking by the door", 2: "Dogs are sitting by the door"}

SUFFIXES = frozenset({".wav", ".flac", ".mp4", ".mkv"})
FIELD_SIZES = (3, 2, 8, 2, 2, 2, 24)
"""How many codes each field of a file name has, counted from 01."""

Place = tuple[str | None, int | None]


def _folds(sets: Iterable[Iterable[int]]) -> dict[int, Place]:
    return {actor: (None, fold) for fold, actors in enumerate(sets) for actor in actors}


def _split(val: set[int], test: set[int]) -> dict[int, Place]:
    places: dict[int, Place] = dict.fromkeys(range(1, 25), ("train", None))
    places.update(dict.fromkeys(val, ("val", None)))
    places.update(dict.fromkeys(test, ("test", None)))
    return places


PROTOCOLS: dict[str, dict[int, Place]] = {
    "luna_jimenez": _folds(
        [
            (2, 5, 14, 15, 16),
            (3, 6, 7, 13, 18),
            (10, 11, 12, 19, 20),
            (8, 17, 21, 23, 24),
            (1, 4, 9, 22),
        ]
    ),
    "three_actors": _folds(range(first, first + 3) for first in range(1, 25, 3)),
    "katerynach": _split(val={11, 13, 18, 22}, test={5, 10, 16, 19}),
}
"""Split and fold of each actor.

`luna_jimenez`: the five folds of Luna-Jiménez et al., Applied Sciences 2022. `three_actors`:
1–3, 4–6, and so on. `katerynach`: the sets behind the released models of Chumachenko et al.,
ICPR 2022 (arXiv 2201.11095).
"""


class Performance(NamedTuple):
    """Codes of a file name, in its order."""

    modality: int
    channel: int
    emotion: int
    intensity: int
    statement: int
    repetition: int
    actor: int


def read(params: RavdessParams) -> Corpus:
    """Clips of one modality and channel; raises CorpusError where there is none."""
    found = find_files(Path(params.root), SUFFIXES, "RAVDESS")
    performances = {path: parse_name(path) for path in found}
    chosen = {path: shown for path, shown in performances.items() if _is_chosen(shown, params)}
    if not chosen:
        raise CorpusError(_explain_nothing(params, performances.values()))
    paths = [path for _, path in sorted(name_once((path.stem, path) for path in chosen).items())]
    return Corpus(
        clips=[_make_clip(path, chosen[path]) for path in paths],
        targets=[_make_target(path, chosen[path], params.protocol) for path in paths],
        names=NAMES,
    )


def parse_name(path: Path) -> Performance:
    """Codes in the name of the file at `path`; raises CorpusError that names the file."""
    if not re.fullmatch(r"[0-9]{2}(-[0-9]{2}){6}", path.stem):
        raise CorpusError(
            f"{path}: expected a name of seven two-digit fields such as 03-01-06-01-02-01-12, "
            f"got {path.stem!r}; restore its name or move it out of the corpus"
        )
    shown = Performance(*map(int, path.stem.split("-")))
    for field, code, size in zip(Performance._fields, shown, FIELD_SIZES, strict=True):
        if not 1 <= code <= size:
            raise CorpusError(f"{path}: expected {field} 01 to {size:02}, got {code:02}")
    if EMOTIONS[shown.emotion - 1] == "neutral" and shown.intensity != 1:
        raise CorpusError(f"{path}: expected intensity 01, as neutral has no other, got 02")
    return shown


def _is_chosen(shown: Performance, params: RavdessParams) -> bool:
    channels = {params.channel} if params.channel != "both" else set(CHANNELS.values())
    return MODALITIES[shown.modality] == params.modality and CHANNELS[shown.channel] in channels


def _explain_nothing(params: RavdessParams, found: Iterable[Performance]) -> str:
    counts = Counter(f"{MODALITIES[shown.modality]} {CHANNELS[shown.channel]}" for shown in found)
    held = ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items()))
    return (
        f"{params.root}: expected RAVDESS files of modality {params.modality} and channel "
        f"{params.channel}, found {held or 'no file with ' + ', '.join(sorted(SUFFIXES))}; mend "
        "`root`, `modality` or `channel`"
    )


def _make_clip(path: Path, shown: Performance) -> Clip:
    actor = f"actor_{shown.actor:02}"
    return Clip(
        clip_id=f"ravdess/{path.stem}",
        corpus="ravdess",
        path=path.as_posix(),
        subject=actor,
        group=actor,
        sex="male" if shown.actor % 2 else "female",
        transcript=STATEMENTS[shown.statement],
    )


def _make_target(path: Path, shown: Performance, protocol: str) -> ClipLabels:
    split, fold = PROTOCOLS[protocol][shown.actor]
    return ClipLabels(
        clip_id=f"ravdess/{path.stem}",
        split=split,
        fold=fold,
        labels={
            "emotion": NAMES.emotion_of(f"{shown.emotion:02}", str(path)),
            "intensity": INTENSITIES[shown.intensity],
        },
    )
