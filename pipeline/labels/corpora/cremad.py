"""CREMA-D: 91 actors say twelve sentences in six emotions, and 2,443 people told what they saw.

Cao et al., IEEE Transactions on Affective Computing 2014; its repository, ODbL 1.0. A name is
actor, sentence, emotion and level, `1001_IEO_HAP_LO`; sound lies in `AudioWAV` or `AudioMP3`, films
in `VideoFlash`. `processedResults/tabulatedVotes.csv` has three rows for each clip, numbered from
100001 for voters of the voice, 200001 for those of the face, 300001 for those of both;
`VideoDemographics.csv` has a row for each actor. 7,442 clips: 1,271 of each emotion, 1,087 neutral.

What actors were asked for and what most people saw differ in a third of the clips, so params.yaml
says which is the emotion; where voters tie, what they saw is no class. All votes are kept.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pipeline.errors import CorpusError
from pipeline.labels.clip_labels import ClipLabels
from pipeline.labels.clips import Clip
from pipeline.labels.corpora.cells import is_nothing
from pipeline.labels.corpora.contract import Corpus
from pipeline.labels.corpora.files import enter_absent, find_files, name_once
from pipeline.labels.corpora.params import CremadParams
from pipeline.labels.corpora.sheets import read_rows
from pipeline.labels.emotions import Names

WORDS = {
    "NEU": "neutral",
    "HAP": "happy",
    "SAD": "sad",
    "ANG": "angry",
    "FEA": "fearful",
    "DIS": "disgust",
}
NAMES = Names(emotion=list(WORDS.values()), words=WORDS)
VOTES = {code[0]: emotion for code, emotion in WORDS.items()}
"""Column of the table of votes → class."""

LEVELS = {"LO": 1 / 3, "MD": 2 / 3, "HI": 1.0, "XX": None}
"""Intensity that was asked for, None where none was."""
SPELLED = {"X": "XX"}
"""The level of 1040_ITH_SAD_X, which has lost its last letter in some releases."""

SENTENCES = {
    "IEO": "It's eleven o'clock",
    "TIE": "That is exactly what happened",
    "IOM": "I'm on my way to the meeting",
    "IWW": "I wonder what this is about",
    "TAI": "The airplane is almost full",
    "MTI": "Maybe tomorrow it will be cold",
    "IWL": "I would like a new alarm clock",
    "ITH": "I think I have a doctor's appointment",
    "DFA": "Don't forget a jacket",
    "ITS": "I think I've seen this before",
    "TSI": "The surface is slick",
    "WSI": "We'll stop in a couple of minutes",
}

SUFFIXES = {"audiovisual": (".flv", ".mp4", ".mkv"), "audio": (".wav", ".flac", ".mp3")}
"""Files of each modality; where a clip has several, the first counts."""

FIRST = {"voice": "1", "face": "2", "both": "3"}
"""What voters had → first digit of their rows."""

QUARANTINE = {
    "cremad/1076_MTI_SAD_XX": "its sound is silent; the corpus's README",
    "cremad/1076_MTI_NEU_XX": "next to nothing is in it; reported by users",
    "cremad/1064_TIE_SAD_XX": "its film states no duration; reported by users",
    "cremad/1064_IEO_DIS_MD": "a minute with all emotions in it; reported by users",
}


class Shown(NamedTuple):
    """Codes of a file's name."""

    actor: str
    sentence: str
    emotion: str
    level: str


def read(params: CremadParams) -> Corpus:
    """Clips of one modality; raises CorpusError where there is none, or a table is another."""
    root = Path(params.root)
    files = _find_media(root, params)
    shown = {clip_id: parse_name(path) for clip_id, path in files.items()}
    actors, votes = _read_actors(root), _read_votes(root, params)
    return Corpus(
        clips=[
            _make_clip(clip_id, path, shown[clip_id], actors) for clip_id, path in files.items()
        ],
        targets=[
            _label(clip_id, shown[clip_id], votes.get(clip_id, {}), params) for clip_id in files
        ],
        names=NAMES,
        quarantine={clip_id: told for clip_id, told in QUARANTINE.items() if clip_id in files},
        entries=[enter_absent(clip_id) for clip_id in sorted(votes.keys() - files.keys())],
    )


def parse_name(path: Path) -> Shown:
    """Codes in the name of the file at `path`; raises CorpusError that names the file."""
    found = re.fullmatch(r"(1\d{3})_([A-Z]{3})_([A-Z]{3})_([A-Z]{1,2})", path.stem)
    if (
        found is None
        or found[2] not in SENTENCES
        or found[3] not in WORDS
        or SPELLED.get(found[4], found[4]) not in LEVELS
    ):
        raise CorpusError(
            f"{path}: expected a name of actor, sentence, emotion and level such as "
            f"1001_IEO_HAP_LO, got {path.stem!r}; restore its name or move it out of the corpus"
        )
    actor, sentence, emotion, level = found.groups()
    return Shown(actor, sentence, emotion, SPELLED.get(level, level))


def _find_media(root: Path, params: CremadParams) -> dict[str, Path]:
    """Clip id → file, in order; of several formats the first that is there."""
    suffixes = SUFFIXES[params.modality]
    found = find_files(root, suffixes, "CREMA-D")
    for suffix in suffixes:
        files = [path for path in found if path.suffix.lower() == suffix]
        if files:
            named = name_once((f"cremad/{'_'.join(parse_name(path))}", path) for path in files)
            return dict(sorted(named.items()))
    raise CorpusError(
        f"{root}: expected films or sounds of CREMA-D with {' or '.join(suffixes)} for "
        f"`modality` {params.modality}, found none; mend `root` or `modality`, or "
        f"fetch them by `git lfs pull`"
    )


class Actor(NamedTuple):
    """What the table of actors says of one, None where it does not say."""

    sex: str | None = None
    age: float | None = None


def _read_actors(root: Path) -> dict[str, Actor]:
    """Number → actor, none where the table of actors is not there."""
    path = root / "VideoDemographics.csv"
    rows = read_rows(path, ("ActorID", "Age", "Sex")) if path.is_file() else []
    return {
        row["ActorID"]: Actor(
            sex=row["Sex"].lower() if row["Sex"] in ("Male", "Female") else None,
            age=_read_age(row["Age"], f"{path}: actor {row['ActorID']}"),
        )
        for row in rows
    }


def _read_age(cell: str, where: str) -> float | None:
    """Years, None where `cell` reads like no value; raises CorpusError for other than years."""
    if not cell.strip() or is_nothing(cell):
        return None
    if not re.fullmatch(r"\d{1,2}", cell.strip()):
        raise CorpusError(f"{where}: expected an age in years, got {cell!r}; restore the table")
    return float(cell)


def _read_votes(root: Path, params: CremadParams) -> dict[str, dict[str, float]]:
    """Clip id → votes for each class; none without the table.

    Raises CorpusError where they are needed and not there.
    """
    path = root / "processedResults" / "tabulatedVotes.csv"
    if not path.is_file():
        if params.emotion == "voted":
            raise CorpusError(f"{path}: no such table; `emotion` voted needs it")
        return {}
    first = FIRST[params.voters]
    rows = read_rows(path, (*VOTES, "fileName", ""))
    return {
        f"cremad/{row['fileName']}": _count_votes(row, f"{path}: {row['fileName']}")
        for row in rows
        if row[""].startswith(first)
    }


def _count_votes(row: Mapping[str, str], where: str) -> dict[str, float]:
    """Class → votes; raises CorpusError where one of a row's is no count."""
    for code in VOTES:
        if not re.fullmatch(r"\s*\d{1,9}\s*", row[code]):
            raise CorpusError(
                f"{where}: {code}: expected a count of votes, got {row[code]!r}; restore the table"
            )
    return {name: float(row[code]) for code, name in VOTES.items()}


def _make_clip(clip_id: str, path: Path, shown: Shown, actors: Mapping[str, Actor]) -> Clip:
    actor = actors.get(shown.actor, Actor())
    return Clip(
        clip_id=clip_id,
        corpus="cremad",
        path=path.as_posix(),
        subject=shown.actor,
        group=shown.actor,
        sex=actor.sex,
        age=actor.age,
        transcript=SENTENCES[shown.sentence],
    )


def _label(
    clip_id: str, shown: Shown, votes: Mapping[str, float], params: CremadParams
) -> ClipLabels:
    intended: str | None = WORDS[shown.emotion]
    labels = {
        "emotion": intended if params.emotion == "intended" else choose(votes),
        "intensity": LEVELS[shown.level],
        "votes": tuple(votes.items()) or None,
    }
    return ClipLabels.of(clip_id, labels)


def choose(votes: Mapping[str, float]) -> str | None:
    """Class that most chose, None where several were chosen alike or nobody voted.

    >>> choose({"happy": 6.0, "neutral": 3.0}), choose({"happy": 4.0, "neutral": 4.0})
    ('happy', None)
    """
    most = max(votes.values(), default=0.0)
    chosen = [name for name, count in votes.items() if count == most > 0]
    return chosen[0] if len(chosen) == 1 else None
