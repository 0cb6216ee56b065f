import os
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from pipeline.errors import CorpusError
from pipeline.labels.corpora.contract import Corpus
from pipeline.labels.corpora.fer2013 import read, unpack_table
from pipeline.labels.corpora.params import CorpusParams
from tests.miniatures import make_fer2013, touch

GREY = " ".join(["0"] * 2303 + ["255"])


def read_files(root: Path, **options: Any) -> Corpus:
    return read(CorpusParams(kind="fer2013", root=str(root), depends_on=str(root), **options))


def write_table(path: Path, *rows: str, header: str = "emotion,pixels,Usage") -> Path:
    path.write_text("\n".join((header, *rows, "")))
    return path


def test_a_class_goes_by_its_name_and_neutral_comes_last(tmp_path):
    make_fer2013(tmp_path)
    corpus = read_files(tmp_path)
    assert corpus.names.emotion[-1] == "neutral"
    assert [(t.split, t.labels["emotion"]) for t in corpus.targets] == [
        ("test", "fearful"),
        ("train", "angry"),
        ("train", "neutral"),
    ]


def test_rows_become_pictures_by_split_and_emotion(tmp_path):
    table = write_table(
        tmp_path / "fer2013.csv",
        f"0,{GREY},Training",
        f"6,{GREY},PublicTest",
        f"3,{GREY},PrivateTest",
    )
    assert unpack_table(table, tmp_path / "out") == 3
    corpus = read_files(tmp_path / "out")
    assert [(t.clip_id, t.split, t.labels["emotion"]) for t in corpus.targets] == [
        ("fer2013/PrivateTest/happy/00003", "test", "happy"),
        ("fer2013/PublicTest/neutral/00002", "val", "neutral"),
        ("fer2013/Training/angry/00001", "train", "angry"),
    ]
    picture = cv2.imread(corpus.clips[0].path, cv2.IMREAD_UNCHANGED)
    assert (picture.shape, picture.sum(), picture[47, 47]) == ((48, 48), 255, 255)


def test_names_of_columns_may_begin_with_a_space(tmp_path):
    table = write_table(tmp_path / "t.csv", f"0,Training,{GREY}", header="emotion, Usage, pixels")
    assert unpack_table(table, tmp_path / "out") == 1


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (f"7,{GREY},Training", "row 1: expected an emotion from 0 to 6"),
        (f"-1,{GREY},Training", "row 1: expected an emotion from 0 to 6"),
        ("0,1 2 3,Training", "row 1: expected an emotion from 0 to 6 and 48² pixels"),
        (f"0,{GREY.replace('255', '256')},Training", "levels from 0 to 255"),
        ("0", "row 1: expected an emotion from 0 to 6 and 48² pixels"),
        (f"0,{GREY}", "expected Training, PublicTest or PrivateTest"),
        (f"0,{GREY}{20 * '0'},Training", "row 1: expected an emotion from 0 to 6 and 48² pixels"),
        (f"0,{GREY},Extra", "expected Training, PublicTest or PrivateTest"),
    ],
)
def test_a_wrong_row_is_refused_and_nothing_is_written(tmp_path, row, told):
    table = write_table(tmp_path / "fer2013.csv", row)
    with pytest.raises(CorpusError, match=told):
        unpack_table(table, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["fer2013.csv"]


def test_a_folder_that_is_there_is_not_written_to(tmp_path):
    table = write_table(tmp_path / "fer2013.csv", f"0,{GREY},Training")
    with pytest.raises(CorpusError, match="it is there already"):
        unpack_table(table, tmp_path)


def test_a_pipe_is_no_table(tmp_path):
    os.mkfifo(tmp_path / "fer2013.csv")
    with pytest.raises(CorpusError, match=r"fer2013\.csv: not a readable table .*; get it again"):
        unpack_table(tmp_path / "fer2013.csv", tmp_path / "out")


def test_a_table_without_pictures_is_told_what_to_do(tmp_path):
    write_table(tmp_path / "fer2013.csv")
    with pytest.raises(CorpusError, match=r"`moodline unpack .*fer2013.csv OUT` makes them"):
        read_files(tmp_path)


def test_a_picture_at_the_very_top_is_refused(tmp_path, monkeypatch):
    touch(tmp_path / "1.png")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CorpusError, match="expected to lie in a folder"):
        read_files(Path())


@pytest.mark.parametrize("place", ["odd/angry/1.png", "train/glee/1.png", "1.png"])
def test_a_picture_elsewhere_is_refused(tmp_path, place):
    touch(tmp_path / place)
    with pytest.raises(CorpusError, match=r"expected to lie in a folder|unknown emotion 'glee'"):
        read_files(tmp_path)


def test_the_table_counts_as_it_says(real_data, tmp_path):
    assert unpack_table(real_data("fer2013") / "fer2013.csv", tmp_path / "out") == 7200
    corpus = read_files(tmp_path / "out")
    assert Counter(target.split for target in corpus.targets) == {"train": 6000, "val": 1200}
    assert np.unique([cv2.imread(c.path, -1).shape for c in corpus.clips[:9]]).tolist() == [48]
