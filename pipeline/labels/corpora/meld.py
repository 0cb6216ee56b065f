"""MELD: turns of dialogues in Friends, seven emotions and three sentiments each.

Poria et al., ACL 2019; its repository, GPL-3.0. `train_sent_emo.csv`, `dev_sent_emo.csv` and
`test_sent_emo.csv` have a row for each turn, by dialogue and utterance, which are counted anew in
each split; 9,989, 1,109 and 2,610 turns. Films are `dia<D>_utt<U>.mp4` in `train_splits`,
`dev_splits_complete` and `output_repeated_splits_test`. Tables and folders are found by their names
anywhere below the root, for the authors' archive and copies of it nest them (`train/train_splits`);
of several the one nearest to the root counts. Without any film the words alone are the corpus;
where films are there, a turn without one has its words.

Speakers and episodes stand on both sides of the official split, which is by dialogue.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import CorpusError
from pipeline.labels.clip_labels import ClipLabels
from pipeline.labels.clips import NO_MEDIA, Clip
from pipeline.labels.corpora.contract import Corpus
from pipeline.labels.corpora.files import enter_unnamed, find_files
from pipeline.labels.corpora.params import MeldParams
from pipeline.labels.corpora.sheets import read_rows
from pipeline.labels.emotions import Names
from pipeline.store.ledger import Entry

WORDS = {
    "neutral": "neutral",
    "surprise": "surprised",
    "fear": "fearful",
    "sadness": "sad",
    "joy": "happy",
    "disgust": "disgust",
    "anger": "angry",
}
"""Word of the tables → class, in the order of the authors' index."""

SENTIMENTS = {"neutral": 0.0, "positive": 1.0, "negative": -1.0}
"""Word → rating, in the order of the authors' index."""

NAMES = {
    "emotion": Names(emotion=list(WORDS.values()), words=WORDS),
    "sentiment": Names(emotion=list(SENTIMENTS), words={name: name for name in SENTIMENTS}),
}

TABLES = {"train": "train_sent_emo.csv", "val": "dev_sent_emo.csv", "test": "test_sent_emo.csv"}
FOLDERS = {
    "train": "train_splits",
    "val": "dev_splits_complete",
    "test": "output_repeated_splits_test",
}
COLUMNS = ("Utterance", "Speaker", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID")
WHERE = ("Season", "Episode")

QUARANTINE = {
    "meld/train/dia125_utt3": "its film cannot be read; issues 39 and 52 of the repository",
    "meld/train/dia309_utt0": "cut at the wrong place; issue 20 of the repository",
    "meld/train/dia793_utt0": "cut at the wrong place; issues 9 and 20 of the repository",
    "meld/test/dia38_utt4": "five minutes that hold much else; issue 20 of the repository",
    "meld/test/dia220_utt0": "four minutes that hold much else; issue 20 of the repository",
}
"""Films known to be bad; their words are sound."""

_FILM = re.compile(r"dia\d+_utt\d+")

_WINDOWS = {number: bytes([number]).decode("cp1252", "ignore") for number in range(0x80, 0xA0)}
"""Control characters that stand, in the tables as they were first shipped, for Windows-1252's."""


@dataclass(frozen=True)
class Turn:
    """One row of a table, and its split."""

    split: str
    row: Mapping[str, str]

    @property
    def dialogue(self) -> str:
        """Name of its dialogue, which the split is part of."""
        return f"{self.split}/dia{_count(self.row['Dialogue_ID'])}"

    @property
    def clip_id(self) -> str:
        """Such as `meld/train/dia0_utt3`."""
        return f"meld/{self.dialogue}_utt{_count(self.row['Utterance_ID'])}"


def _count(cell: str) -> int:
    """Number of a dialogue or an utterance; raises ValueError for another cell."""
    if not re.fullmatch(r"\s*\d{1,9}\s*", cell):
        raise ValueError(cell)
    return int(cell)


def read(params: MeldParams) -> Corpus:
    """Clips of all turns whose tables are there; raises CorpusError where none is."""
    root = Path(params.root)
    files = sorted(find_files(root, (".csv", ".mp4"), "MELD"), key=_find_depth)
    tables = _find_tables(files, root)
    turns = sorted(_read_turns(tables), key=lambda turn: turn.clip_id)
    films = {split: _find_films(files, folder) for split, folder in FOLDERS.items()}
    filmed = any(films.values())
    clips = [_make_clip(turn, films[turn.split]) for turn in turns]
    without = [clip.clip_id for clip in clips if filmed and clip.path == NO_MEDIA]
    return Corpus(
        clips=clips,
        targets=[_label(turn, params) for turn in turns],
        names=NAMES[params.classes],
        quarantine={
            clip.clip_id: QUARANTINE[clip.clip_id]
            for clip in clips
            if clip.clip_id in QUARANTINE and clip.path != NO_MEDIA
        },
        entries=[
            *(
                Entry(clip_id, "labels", "marked", "no_file", "its words are there alone")
                for clip_id in without
            ),
            *enter_unnamed(
                (path for found in films.values() for path in found.values()), clips, root
            ),
        ],
        remarks=[*_list_absent(tables), *_list_astray(files)],
    )


def _find_depth(path: Path) -> tuple[int, Path]:
    """By this the nearest to the root come first."""
    return len(path.parts), path


def _find_tables(files: Iterable[Path], root: Path) -> dict[str, Path]:
    """Split → its table, the first of `files`; raises CorpusError where there is none."""
    splits = {name: split for split, name in TABLES.items()}
    found: dict[str, Path] = {}
    for path in files:
        if path.name in splits:
            found.setdefault(splits[path.name], path)
    if not found:
        raise CorpusError(
            f"{root}: expected tables of MELD such as {TABLES['train']}, found none; put them "
            f"there, or a link to their folder"
        )
    return found


def _read_turns(tables: Mapping[str, Path]) -> Iterator[Turn]:
    seen: set[str] = set()
    for split, path in tables.items():
        for number, row in enumerate(read_rows(path, (*COLUMNS, *WHERE)), start=1):
            turn = Turn(split, row)
            try:
                clip_id = turn.clip_id
            except ValueError as error:
                raise CorpusError(
                    f"{path}: row {number}: expected numbers of a dialogue and an utterance, got "
                    f"{row['Dialogue_ID']!r} and {row['Utterance_ID']!r}; restore the table"
                ) from error
            if clip_id in seen:
                raise CorpusError(f"{path}: row {number}: {clip_id} is there twice; keep one")
            seen.add(clip_id)
            yield turn


def _find_films(files: Iterable[Path], folder: str) -> dict[str, Path]:
    """Name of a turn → its film, the first of `files`, in a folder of that name."""
    found: dict[str, Path] = {}
    for path in files:
        if path.parent.name == folder and path.suffix == ".mp4":
            found.setdefault(path.stem, path)
    return found


def _list_absent(tables: Mapping[str, Path]) -> Iterator[str]:
    """Sentence for each split whose table is not there."""
    for split, name in TABLES.items():
        if split not in tables:
            yield f"no {name} was found: there are no clips of {split}"


def _list_astray(files: Iterable[Path]) -> Iterator[str]:
    """Sentence on films that lie in no folder of a split: those within are in the ledger."""
    folders = {*FOLDERS.values()}
    astray = [p for p in files if _FILM.fullmatch(p.stem) and p.parent.name not in folders]
    if astray:
        told = f"films in no folder {', '.join(FOLDERS.values())} are no clips"
        yield f"{told}: {len(astray)}, first {astray[0]}"


def _make_clip(turn: Turn, films: Mapping[str, Path]) -> Clip:
    row = turn.row
    film = films.get(turn.clip_id.rsplit("/", 1)[1])
    return Clip(
        clip_id=turn.clip_id,
        corpus="meld",
        path=NO_MEDIA if film is None else film.as_posix(),
        subject=mend(row["Speaker"]),
        group=f"s{row['Season'].zfill(2)}e{row['Episode'].zfill(2)}",
        dialogue=turn.dialogue,
        turn=_count(row["Utterance_ID"]),
        transcript=mend(row["Utterance"]),
    )


def _label(turn: Turn, params: MeldParams) -> ClipLabels:
    emotion, sentiment = (turn.row[name].strip().lower() for name in ("Emotion", "Sentiment"))
    words = {"emotion": emotion, "sentiment": sentiment}
    if sentiment not in SENTIMENTS:
        raise CorpusError(
            f"{TABLES[turn.split]}: {turn.clip_id}: expected sentiment "
            f"{', '.join(SENTIMENTS)}, got {sentiment!r}; restore the table"
        )
    where = f"{TABLES[turn.split]}: {turn.clip_id}"
    return ClipLabels(
        clip_id=turn.clip_id,
        split=turn.split,
        labels={
            "emotion": NAMES[params.classes].emotion_of(words[params.classes], where),
            "sentiment": SENTIMENTS[sentiment],
        },
    )


def mend(text: str) -> str:
    r"""`text` without the control characters that stand for quotes, dashes and accents.

    >>> mend("You\x92re a genius\x85 ")
    'You’re a genius…'
    """
    return text.translate(_WINDOWS).strip()
