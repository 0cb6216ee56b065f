"""FER2013: 35,887 grey faces of 48 by 48 pixels, found by a search engine, in seven emotions.

Goodfellow et al., ICONIP 2013. The table `fer2013.csv` (`emotion`, `pixels`, `Usage`; also as
`icml_face_data.csv`) holds the pictures themselves: `moodline unpack fer2013.csv OUT` writes each
to `OUT/<Usage>/<emotion>/<row>.png`. Or pictures in folders as shared on Kaggle, `train/angry/…`
and `test/angry/…`, whose test set is both of the table's.

A class goes by the name of its folder, never by its place: in alphabetical order neutral stands
before sad, in the table's it comes last. Nobody knows who is shown, so a picture is a group of its
own; some faces stand on both sides of the split.
"""

import csv
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from jaxtyping import UInt8

from pipeline.errors import CorpusError
from pipeline.files import PARTIAL
from pipeline.labels.clip_labels import ClipLabels
from pipeline.labels.clips import Clip
from pipeline.labels.corpora.contract import Corpus
from pipeline.labels.corpora.files import find_files, name_once
from pipeline.labels.corpora.params import CorpusParams
from pipeline.labels.emotions import Names
from pipeline.labels.texts import open_text

EMOTIONS = ("angry", "disgust", "fearful", "happy", "sad", "surprised", "neutral")
"""In the order of the table's numbers."""

WORDS = {
    **{name: name for name in EMOTIONS},
    **{"fear": "fearful", "surprise": "surprised", "anger": "angry", "sadness": "sad"},
    **{"happiness": "happy"},
}
NAMES = Names(emotion=list(EMOTIONS), words=WORDS)

SPLITS = {
    "training": "train",
    "publictest": "val",
    "privatetest": "test",
    "train": "train",
    "validation": "val",
    "val": "val",
    "test": "test",
}
"""Folder, in lower case, → side of the split."""

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
SIDE = 48
"""Pixels of a picture, either way."""


def read(params: CorpusParams) -> Corpus:
    """A clip for each picture; raises CorpusError for a folder that is no split or class."""
    root = Path(params.root)
    files = find_files(root, SUFFIXES, "FER2013")
    if not files:
        tables = sorted(root.glob("*.csv"))
        cure = f"`moodline unpack {tables[0]} OUT` makes them" if tables else "mend `root`"
        raise CorpusError(
            f"{root}: expected pictures in folders such as train/angry, found none; {cure}"
        )
    named = name_once((_name(path), path) for path in files)
    ids = sorted(named)
    return Corpus(
        clips=[
            Clip(clip_id=clip_id, corpus="fer2013", path=named[clip_id].as_posix())
            for clip_id in ids
        ],
        targets=[
            ClipLabels(
                clip_id=clip_id,
                split=SPLITS[named[clip_id].parent.parent.name.lower()],
                labels={
                    "emotion": NAMES.emotion_of(
                        named[clip_id].parent.name.lower(), str(named[clip_id])
                    )
                },
            )
            for clip_id in ids
        ],
        names=NAMES,
    )


def _name(path: Path) -> str:
    side, emotion = path.parent.parent.name, path.parent.name
    if side.lower() not in SPLITS:
        raise CorpusError(
            f"{path}: expected to lie in a folder of its split and its emotion, such as "
            f"train/angry, got {side}/{emotion}; restore it"
        )
    return f"fer2013/{side}/{emotion}/{path.stem}"


Picture = UInt8[np.ndarray, "48 48"]


def unpack_table(table: Path, out: Path) -> int:
    """Write each picture of `table` below the folder `out`, which appears whole; how many.

    Raises CorpusError where something is there already, and as `read_pictures` does.
    """
    if out.exists():
        raise CorpusError(f"{out}: it is there already; remove it, or name another folder")
    count = 0
    out.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=out.parent, prefix=".", suffix=PARTIAL) as aside:
        (folder := Path(aside, out.name)).mkdir()
        for place, picture in read_pictures(table):
            path = folder / f"{place}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(cv2.imencode(".png", picture)[1].tobytes())
            count += 1
        os.sync()  # once for all: to flush thousands of files one by one takes minutes
        folder.rename(out)
    return count


def read_pictures(table: Path) -> Iterator[tuple[str, Picture]]:
    """Place `<Usage>/<emotion>/<row>` and picture of each row of the table.

    Raises CorpusError that names the row at fault.
    """
    try:
        with open_text(table, newline="") as file:
            reader = csv.DictReader(file, strict=True)
            reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
            if not {"emotion", "pixels", "Usage"} <= {*reader.fieldnames}:
                raise CorpusError(
                    f"{table}: expected columns emotion, pixels and Usage, got "
                    f"{', '.join(reader.fieldnames) or 'none'}; name FER2013's own table"
                )
            for number, row in enumerate(reader, start=1):
                yield _read_row(row, f"{table}: row {number}", number)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CorpusError(f"{table}: not a readable table ({error}); get it again") from error


def _read_row(row: dict[str, str | None], where: str, number: int) -> tuple[str, Picture]:
    usage = (row["Usage"] or "").strip()  # None where a row is cut short
    try:
        emotion = dict(enumerate(EMOTIONS))[int(row["emotion"] or "")]
        levels = np.array((row["pixels"] or "").split(), np.int64)
        picture = levels.reshape(SIDE, SIDE)
    except (KeyError, ValueError, OverflowError) as error:
        raise CorpusError(
            f"{where}: expected an emotion from 0 to {len(EMOTIONS) - 1} and {SIDE}² pixels, got "
            f"others ({error}); get the table again"
        ) from error
    if usage.lower() not in SPLITS or levels.min() < 0 or levels.max() > 255:
        raise CorpusError(
            f"{where}: expected Training, PublicTest or PrivateTest, and levels from 0 to 255, got "
            f"{usage!r} and {levels.min()} to {levels.max()}; get the table again"
        )
    return f"{usage}/{emotion}/{number:05}", picture.astype(np.uint8)
