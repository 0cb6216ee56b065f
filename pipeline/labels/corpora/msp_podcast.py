"""MSP-Podcast: turns of podcasts, the votes of at least five people on each, and their consensus.

Lotfian and Busso, IEEE Transactions on Affective Computing 2019; by agreement with UT Dallas.
`Labels/labels_consensus.csv` has a row for each turn: class, arousal, valence and dominance from 1
to 7, speaker, gender and set; `Audios` its sound, `Transcripts` its words as `<turn>.txt`, where
they are there. Class `X` is none, for voters did not agree.

Test1 is the usual test set; Test2 was drawn at random, from podcasts of which nothing else is used.
Turns of the set that is not asked for take part in nothing. Turns of an unknown speaker are a group
by their podcast.
"""

from pathlib import Path

from pipeline.errors import CorpusError
from pipeline.labels.clip_labels import ClipLabels, Label
from pipeline.labels.clips import Clip
from pipeline.labels.corpora import Corpus
from pipeline.labels.corpora.files import enter_absent, enter_unnamed
from pipeline.labels.corpora.params import MspPodcastParams
from pipeline.labels.corpora.sheets import read_rows
from pipeline.labels.emotions import Names

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

SPLITS = {"Train": "train", "Development": "val"}
TESTS = {"test1": "Test1", "test2": "Test2"}
UNKNOWN = "Unknown"


def read(params: MspPodcastParams) -> Corpus:
    """Clips of all turns; raises CorpusError where the table is absent, or another."""
    root = Path(params.root)
    table = root / "Labels" / "labels_consensus.csv"
    if not table.is_file():
        raise CorpusError(f"{table}: no such table; put MSP-Podcast in {root}, or a link to it")
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
        transcript=words.read_text(errors="replace").strip() or None if words.is_file() else None,
    )


def _label(row: dict[str, str], params: MspPodcastParams, table: Path) -> ClipLabels:
    where = f"{table}: {row['FileName']}"
    labels: dict[str, Label] = {}
    if row["EmoClass"] != UNDECIDED:
        labels["emotion"] = NAMES.emotion_of(row["EmoClass"], where)
    for name, column in RATINGS.items():
        try:
            labels[name] = (float(row[column]) - 4) / 3
        except ValueError as error:
            raise CorpusError(
                f"{where}: {column}: expected a number from 1 to 7, got {row[column]!r}; restore "
                f"the table"
            ) from error
    sides = {**SPLITS, TESTS[params.test]: "test"}
    return ClipLabels(
        clip_id=_name(row["FileName"]), split=sides.get(row["Split_Set"]), labels=labels
    )
