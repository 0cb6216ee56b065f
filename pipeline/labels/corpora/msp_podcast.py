"""MSP-Podcast: turns of podcasts, the votes of at least five people on each, and their consensus.

Lotfian and Busso, IEEE Transactions on Affective Computing 2019; by agreement with UT Dallas.
`Labels/labels_consensus.csv` has a row for each turn: class, arousal, valence and dominance from 1
to 7, speaker, gender and set; `Audios` its sound, `Transcripts` its words as `<turn>.txt`, where
they are there. Class `X` is none, for voters did not agree. Releases before 1.10 call the table
`labels_concensus.csv` and the set Development `Validation`.

Test1 is the usual test set; Test2 was drawn at random, from podcasts of which nothing else is used;
Test3 is never asked for here. Turns of sets that are not asked for take part in nothing. Turns of
an unknown speaker are a group by their podcast.
"""

from math import nan
from pathlib import Path

from pipeline.errors import CorpusError
from pipeline.labels.clip_labels import ClipLabels, Label
from pipeline.labels.clips import Clip
from pipeline.labels.corpora.contract import Corpus
from pipeline.labels.corpora.files import enter_absent, enter_unnamed
from pipeline.labels.corpora.params import MspPodcastParams
from pipeline.labels.corpora.sheets import read_rows
from pipeline.labels.emotions import Names
from pipeline.labels.texts import read_shipped

WORDS = {
    "A": "angry",
    "S": "sad",
    "H": "happy",
    "U": "surprised",
    "F": "fearful",
    "D": "disgust",
    "C": "contempt",
    "N": "neutral",
    "O": "other",
}
UNDECIDED = "X"
NAMES = Names(emotion=list(WORDS.values()), words=WORDS)

RATINGS = {"valence": "EmoVal", "arousal": "EmoAct", "dominance": "EmoDom"}
COLUMNS = ("FileName", "EmoClass", *RATINGS.values(), "SpkrID", "Gender", "Split_Set")

TABLES = ("labels_consensus.csv", "labels_concensus.csv")
"""As it is called now, and was."""

SPLITS = {
    "Train": "train",
    "Development": "val",
    "Validation": "val",
    **dict.fromkeys(("Test1", "Test2", "Test3")),
}
"""Set → side, None for those that test only where they are asked for."""
TESTS = {"test1": "Test1", "test2": "Test2"}
UNKNOWN = "Unknown"


def read(params: MspPodcastParams) -> Corpus:
    """Clips of all turns; raises CorpusError where the table is absent, or another."""
    root = Path(params.root)
    table = _find_table(root)
    rows = sorted(read_rows(table, COLUMNS), key=lambda row: row["FileName"])
    media = {row["FileName"]: root / "Audios" / row["FileName"] for row in rows}
    if len(media) < len(rows):
        raise CorpusError(f"{table}: a turn is there twice; restore the table")
    here = [row for row in rows if media[row["FileName"]].is_file()]
    if not here:
        raise CorpusError(f"{root}: none of the {len(rows)} files of {table.name} is in Audios")
    gone = media.keys() - {row["FileName"] for row in here}
    clips = [_make_clip(row, media[row["FileName"]], root) for row in here]
    return Corpus(
        clips=clips,
        targets=[_label(row, params, table) for row in here],
        names=NAMES,
        entries=[
            *(enter_absent(_name(name)) for name in sorted(gone)),
            *enter_unnamed(sorted((root / "Audios").glob("[!.]*.wav")), clips, root),
        ],
    )


def _find_table(root: Path) -> Path:
    """The table of labels; raises CorpusError where there is none."""
    paths = [root / "Labels" / name for name in TABLES]
    for path in paths:
        if path.is_file():
            return path
    raise CorpusError(f"{paths[0]}: no such table; put MSP-Podcast in {root}, or a link to it")


def _name(file: str) -> str:
    return f"msp_podcast/{Path(file).stem}"


def _make_clip(row: dict[str, str], path: Path, root: Path) -> Clip:
    known = row["SpkrID"] != UNKNOWN
    podcast = path.stem.rpartition("_")[0]
    words = root / "Transcripts" / f"{path.stem}.txt"
    return Clip(
        clip_id=_name(row["FileName"]),
        corpus="msp_podcast",
        path=path.as_posix(),
        subject=row["SpkrID"] if known else None,
        group=row["SpkrID"] if known else podcast,
        sex=row["Gender"].lower() if row["Gender"] in ("Female", "Male") else None,
        transcript=(read_shipped(words).strip() or None) if words.is_file() else None,
    )


def _label(row: dict[str, str], params: MspPodcastParams, table: Path) -> ClipLabels:
    where = f"{table}: {row['FileName']}"
    labels: dict[str, Label] = {}
    if row["EmoClass"] != UNDECIDED:
        labels["emotion"] = NAMES.emotion_of(row["EmoClass"], where)
    for name, column in RATINGS.items():
        labels[name] = _scale(row[column], f"{where}: {column}")
    return ClipLabels(
        clip_id=_name(row["FileName"]), split=_place(row["Split_Set"], params, where), labels=labels
    )


def _scale(cell: str, where: str) -> float:
    """Rating from 1 to 7 on moodline's scale; raises CorpusError where it is none."""
    try:
        rating = float(cell)
    except ValueError:
        rating = nan
    if not 1 <= rating <= 7:
        raise CorpusError(
            f"{where}: expected a number from 1 to 7, got {cell!r}; restore the table"
        )
    return (rating - 4) / 3


def _place(name: str, params: MspPodcastParams, where: str) -> str | None:
    """Side of a set; raises CorpusError for a set of another name."""
    sides = {**SPLITS, TESTS[params.test]: "test"}
    if name not in sides:
        raise CorpusError(
            f"{where}: Split_Set: expected {', '.join(SPLITS)}, got {name!r}; restore the table"
        )
    return sides[name]
