"""IEMOCAP: ten actors in five sessions, improvising and by script; emotions, ratings, votes.

Busso et al., Language Resources and Evaluation 2008; by licence of USC SAIL. For each session `N`,
`SessionN/dialog/EmoEvaluation/<dialogue>.txt` has for each turn its stretch, name, emotion,
[valence, activation, dominance] from 1 to 5, and a line for each rater;
`SessionN/dialog/transcriptions/<dialogue>.txt` the words; `SessionN/sentences/wav/<dialogue>/` a
file of sound for each turn; `SessionN/dialog/avi/DivX/<dialogue>.avi` the film of the dialogue.
10,039 turns in 151 dialogues.

A turn's name ends in who speaks, `Ses01F_impro05_M019` is the man of session 1: the first letter is
who wore the markers. The folders `Categorical`, `Attribute` and `Self-evaluation` repeat what is
above them. Raters `C-E1` and so on heard others, `C-F1` and `C-M1` are the actors themselves, whose
votes are left out.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import CorpusError
from pipeline.labels.clip_labels import ClipLabels
from pipeline.labels.clips import Clip
from pipeline.labels.corpora.contract import Corpus
from pipeline.labels.corpora.files import enter_absent, enter_unnamed
from pipeline.labels.corpora.params import IemocapParams
from pipeline.labels.emotions import Names
from pipeline.labels.texts import read_shipped
from pipeline.store.ledger import Entry

WORDS = {
    "neu": "neutral",
    "hap": "happy",
    "sad": "sad",
    "ang": "angry",
    "exc": "excited",
    "fru": "frustrated",
    "sur": "surprised",
    "fea": "fearful",
    "dis": "disgust",
    "oth": "other",
}
"""Code of a turn → emotion; `xxx` is none, for raters did not agree."""
UNDECIDED = "xxx"

CLASSES: Mapping[str, Mapping[str, str]] = {
    "four": {
        **{name: name for name in ("neutral", "happy", "sad", "angry")},
        "excited": "happy",
    },
    "six": {name: name for name in ("happy", "sad", "neutral", "angry", "excited", "frustrated")},
    "all": {name: name for name in WORDS.values()},
}
"""Set of classes → emotion → class; what it does not have is no label.

`four` are the 5,531 turns of most papers on speech, with excitement as happiness; `six` those of
papers on conversations, in their order.
"""

VOTED = {
    "Neutral": "neutral",
    "Neutral state": "neutral",
    "Happiness": "happy",
    "Sadness": "sad",
    "Anger": "angry",
    "Excited": "excited",
    "Frustration": "frustrated",
    "Surprise": "surprised",
    "Fear": "fearful",
    "Disgust": "disgust",
    "Other": "other",
}
"""Raters' word → emotion."""

RATINGS = ("valence", "arousal", "dominance")
"""Numbers of a turn, in their order; the authors call arousal activation."""

SESSIONS = range(1, 6)

MEDIA = {
    "audio": "Session[1-5]/sentences/wav/*/[!.]*.wav",
    "audiovisual": "Session[1-5]/dialog/avi/DivX/[!.]*.avi",
}
"""Modality → its files below the root; those that begin with a dot are what macOS leaves."""

_NUMBER = r"\d+(?:\.\d*)?"
_TURN = re.compile(
    rf"\[({_NUMBER}) - ({_NUMBER})\]\t(\S+)\t(\w+)\t\[(-?{_NUMBER}(?:, *-?{_NUMBER})*)\]\s*",
    re.ASCII,
)
_NAME = re.compile(r"Ses0([1-5])[FM]_(impro|script)\w*_([FM])(?:XX)?\d+")
_VOTE = re.compile(r"C-E\d+:\t([^\t]*)\t.*")
_SPOKEN = re.compile(r"(Ses\w+) \[[\d.]+-[\d.]+\]: (.*)")


@dataclass(frozen=True)
class Turn:
    """One turn, as its dialogue's file tells it; `ratings` are on the authors' scale."""

    name: str
    dialogue: str
    session: int
    scripted: bool
    speaker: str
    start_seconds: float
    end_seconds: float
    emotion: str | None
    ratings: tuple[float, ...]
    votes: Mapping[str, int]


def read(params: IemocapParams) -> Corpus:
    """Clips of the turns that `params` ask for; raises CorpusError where a file is another."""
    root = Path(params.root)
    known = [turn for path in _find_dialogues(root) for turn in read_turns(path)]
    known.sort(key=lambda turn: turn.name)
    media = {turn.name: _find_media(root, turn, params) for turn in known}
    turns = [
        turn
        for turn in known
        if params.style in ("both", "scripted" if turn.scripted else "improvised")
    ]
    spoken, order = _read_words(root), _number_turns(turns)
    here = [turn for turn in turns if media[turn.name].exists()]
    if not here:
        raise CorpusError(
            f"{root}: expected {params.modality} files of IEMOCAP such as "
            f"{media[turns[0].name]}, found none; mend `root` or `modality`"
            if turns
            else f"{root}: no turn that is {params.style}; mend `style`"
        )
    absent = [turn for turn in turns if not media[turn.name].exists()]
    spare = sorted({*root.glob(MEDIA[params.modality])} - {*media.values()})
    clips = [
        _make_clip(turn, media[turn.name], spoken.get(turn.name), order, params) for turn in here
    ]
    return Corpus(
        clips=clips,
        targets=[_label(turn, params) for turn in here],
        names=_list_names(params),
        entries=[
            *(enter_absent(_name(turn)) for turn in absent),
            *_enter_strange(here),
            *enter_unnamed(spare, clips, root),
        ],
    )


def _find_dialogues(root: Path) -> list[Path]:
    """Files of all dialogues, in order; raises CorpusError where there is none."""
    found = [
        path
        for session in SESSIONS
        for path in sorted(root.glob(f"Session{session}/dialog/EmoEvaluation/Ses*.txt"))
    ]
    if not found:
        raise CorpusError(
            f"{root}: expected folders of IEMOCAP such as Session1/dialog/EmoEvaluation, found "
            f"none; put it there, or a link to IEMOCAP_full_release"
        )
    return found


def read_turns(path: Path) -> Iterator[Turn]:
    """Turns of the dialogue at `path`; raises CorpusError for a turn of another form."""
    blocks = re.split(r"\n\s*\n", read_shipped(path))
    for block in (lines.strip().split("\n") for lines in blocks):
        if not block[0].startswith("["):
            continue
        found = _TURN.fullmatch(block[0])
        named = found and _NAME.fullmatch(found[3])
        ratings = found and [float(number) for number in found[5].split(",")]
        known = found and (found[4] in WORDS or found[4] == UNDECIDED)
        if not (found and named and ratings and known) or len(ratings) != len(RATINGS):
            raise CorpusError(
                f"{path}: expected a stretch, a turn, its emotion and three ratings, got "
                f"{block[0]!r}; restore the file"
            )
        yield Turn(
            name=found[3],
            dialogue=path.stem,
            session=int(named[1]),
            scripted=named[2] == "script",
            speaker=f"0{named[1]}{named[3]}",
            start_seconds=float(found[1]),
            end_seconds=float(found[2]),
            emotion=WORDS.get(found[4]),
            ratings=tuple(ratings),
            votes=_count_votes(block[1:]),
        )


def _count_votes(lines: list[str]) -> Counter[str]:
    """Emotion → how many raters named it, among others or alone."""
    named = (found[1] for found in map(_VOTE.fullmatch, lines) if found)
    words = (word.strip() for given in named for word in given.split(";"))
    return Counter(VOTED[word] for word in words if word in VOTED)


def _read_words(root: Path) -> dict[str, str]:
    """Turn → what is said."""
    return {
        found[1]: found[2].strip()
        for path in sorted(root.glob("Session*/dialog/transcriptions/Ses*.txt"))
        for found in map(_SPOKEN.fullmatch, read_shipped(path).splitlines())
        if found
    }


def _number_turns(turns: list[Turn]) -> dict[str, int]:
    """Turn → its place in its dialogue, by when it begins."""
    counts: Counter[str] = Counter()
    order = {}
    for turn in sorted(turns, key=lambda turn: (turn.dialogue, turn.start_seconds, turn.name)):
        order[turn.name] = counts[turn.dialogue]
        counts[turn.dialogue] += 1
    return order


def _find_media(root: Path, turn: Turn, params: IemocapParams) -> Path:
    session = root / f"Session{turn.session}"
    if params.modality == "audio":
        return session / "sentences" / "wav" / turn.dialogue / f"{turn.name}.wav"
    return session / "dialog" / "avi" / "DivX" / f"{turn.dialogue}.avi"


def _make_clip(
    turn: Turn, path: Path, words: str | None, order: Mapping[str, int], params: IemocapParams
) -> Clip:
    filmed = params.modality == "audiovisual"
    return Clip(
        clip_id=_name(turn),
        corpus="iemocap",
        path=path.as_posix(),
        start_seconds=turn.start_seconds if filmed else None,
        end_seconds=turn.end_seconds if filmed else None,
        subject=turn.speaker,
        group=turn.speaker if params.protocol == "speakers" else f"session_{turn.session}",
        dialogue=turn.dialogue,
        turn=order[turn.name],
        sex={"F": "female", "M": "male"}[turn.speaker[-1]],
        transcript=words or None,
    )


def _name(turn: Turn) -> str:
    return f"iemocap/{turn.name}"


def _label(turn: Turn, params: IemocapParams) -> ClipLabels:
    classes = CLASSES[params.classes]
    votes: Counter[str] = Counter()
    for emotion, count in turn.votes.items():
        if emotion in classes:
            votes[classes[emotion]] += count
    counted = {name: float(votes[name]) for name in dict.fromkeys(classes.values())}
    labels = {
        "emotion": classes.get(turn.emotion or ""),
        "votes": tuple(counted.items()) if any(counted.values()) else None,
        **{
            name: (rating - 3) / 2 if 1 <= rating <= 5 else None
            for name, rating in zip(RATINGS, turn.ratings, strict=True)
        },
    }
    split, fold = _place(turn, params)
    return ClipLabels.of(_name(turn), labels, split=split, fold=fold)


def _place(turn: Turn, params: IemocapParams) -> tuple[str | None, int | None]:
    if params.protocol == "conversations":
        return ("test" if turn.session == SESSIONS[-1] else "train"), None
    if params.protocol == "speakers":
        return None, 2 * (turn.session - 1) + (turn.speaker[-1] == "M")
    return None, turn.session - 1


def _list_names(params: IemocapParams) -> Names:
    classes = CLASSES[params.classes]
    words = {code: classes[emotion] for code, emotion in WORDS.items() if emotion in classes}
    return Names(emotion=list(dict.fromkeys(classes.values())), words=words)


def _enter_strange(turns: list[Turn]) -> Iterator[Entry]:
    """Entry for each turn with a rating off its scale, which is no label."""
    for turn in turns:
        strange = [
            f"{name} {rating:g}"
            for name, rating in zip(RATINGS, turn.ratings, strict=True)
            if not 1 <= rating <= 5
        ]
        if strange:
            told = f"{', '.join(strange)}, where 1 to 5 was asked for: no label"
            yield Entry(_name(turn), "labels", "marked", "off_scale", told)
