"""The demo corpus that comes with moodline (`data/demo`), synthesised by `synthesis`.

Speakers are the groups; folds are assigned elsewhere. Five of its clips are broken on purpose.
"""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from pipeline.errors import CorpusError
from pipeline.labels.clip_labels import ClipLabels
from pipeline.labels.clips import Clip
from pipeline.labels.corpora.contract import Corpus
from pipeline.labels.corpora.params import CorpusParams
from pipeline.labels.corpora.sheets import read_rows
from pipeline.labels.emotions import Names

COLUMNS = ["path", "speaker", "transcript", "emotion", "valence", "arousal"]
EMOTIONS = ["neutral", "happy", "angry", "sad", "calm"]
NAMES = Names(emotion=EMOTIONS, words={name: name for name in EMOTIONS})


def read(params: CorpusParams) -> Corpus:
    """Clips and targets of `clips.csv`; raises CorpusError where it is missing or another table."""
    root = Path(params.root)
    table = root / "clips.csv"
    rows = sorted(_read_rows(table), key=_clip_id)
    clips = [_read_clip(row, root) for row in rows]
    targets = [_read_target(row, f"{table}: {row['path']}") for row in rows]
    return Corpus(clips=clips, targets=targets, names=NAMES)


def _read_rows(table: Path) -> list[dict[str, str]]:
    if not table.is_file():
        raise CorpusError(
            f"{table}: no such table; restore data/demo from git, or make it anew with "
            "`python -m synthesis data/demo`"
        )
    rows = read_rows(table, COLUMNS)
    if not rows:
        raise CorpusError(f"{table}: expected a row for each clip, got none; restore it from git")
    for number, row in enumerate(rows, start=1):
        if not PurePosixPath(row["path"]).name:
            raise CorpusError(
                f"{table}: row {number}: expected a file, got {row['path']!r}; restore it from git"
            )
    return rows


def _clip_id(row: Mapping[str, str]) -> str:
    return f"demo/{PurePosixPath(row['path']).with_suffix('')}"


def _read_clip(row: Mapping[str, str], root: Path) -> Clip:
    return Clip(
        clip_id=_clip_id(row),
        corpus="demo",
        path=(root / row["path"]).as_posix(),
        subject=row["speaker"],
        group=row["speaker"],
        transcript=row["transcript"] or None,
    )


def _read_target(row: Mapping[str, str], where: str) -> ClipLabels:
    return ClipLabels(
        clip_id=_clip_id(row),
        labels={
            "emotion": NAMES.emotion_of(row["emotion"], where),
            "valence": _read_number(row, "valence", where),
            "arousal": _read_number(row, "arousal", where),
        },
    )


def _read_number(row: Mapping[str, str], column: str, where: str) -> float:
    """Number in [-1, 1] of a column."""
    try:
        number = float(row[column])
    except ValueError as error:
        raise CorpusError(
            f"{where}: expected a number for {column}, got {row[column]!r}; restore it from git"
        ) from error
    if not -1 <= number <= 1:
        raise CorpusError(f"{where}: expected {column} in [-1, 1], got {number:g}; mend the table")
    return number
