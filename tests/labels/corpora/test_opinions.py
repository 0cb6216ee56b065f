from collections import Counter
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from pipeline import limits
from pipeline.errors import CorpusError
from pipeline.labels.clips import NO_MEDIA
from pipeline.labels.corpora import opinions
from pipeline.labels.corpora.contract import Corpus
from pipeline.labels.corpora.official import list_official
from pipeline.labels.corpora.opinions import read
from pipeline.labels.corpora.params import CorpusParams
from pipeline.labels.corpora.sheets import read_rows
from tests.miniatures import LABEL_HEADER, make_chsims, make_mosei, make_mosi, touch, write_csd


def read_files(root: Path, name: str) -> Corpus:
    return read(CorpusParams(kind=name, root=str(root), depends_on=str(root)))


def labels(corpus: Corpus) -> dict[str, Any]:
    return {target.clip_id: dict(target.labels) for target in corpus.targets}


def test_sentiment_is_on_our_scale_whatever_its_own(tmp_path):
    make_mosi(tmp_path)
    found = labels(read_files(tmp_path, "mosi"))
    assert found["mosi/03bSnISJMiM/1"]["sentiment"] == pytest.approx(0.8)
    assert found["mosi/03bSnISJMiM/10"]["sentiment"] == -1.0


def test_a_table_has_the_official_split_and_films_of_segments(tmp_path):
    make_chsims(tmp_path)
    corpus = read_files(tmp_path, "chsims")
    assert [target.split for target in corpus.targets] == ["train", "train", "val"]
    folders = [Path(clip.path).parent.name for clip in corpus.clips]
    assert folders == [
        "video_0001",
        "",
        "video_0002",
    ]
    assert [(e.clip_id, e.reason) for e in corpus.entries] == [
        ("chsims/video_0001/0002", "no_file")
    ]
    assert labels(corpus)["chsims/video_0001/0001"] == {"sentiment": -0.4}


def test_words_alone_are_a_complete_corpus(tmp_path):
    make_mosi(tmp_path)
    corpus = read_files(tmp_path, "mosi")
    assert {clip.path for clip in corpus.clips} == {NO_MEDIA}
    assert corpus.entries == []


def test_a_sequence_has_scores_by_the_authors_columns_and_stretches(tmp_path):
    make_mosei(tmp_path)
    corpus = read_files(tmp_path, "mosei")
    first = labels(corpus)["mosei/-3g5/000"]
    assert first["sentiment"] == -1.0
    assert dict(first["emotions"]) == {
        "happy": 3.0,
        "sad": 0.0,
        "angry": 0.0,
        "surprised": 0.0,
        "disgust": 0.0,
        "fearful": 0.5,
    }
    clip = corpus.clips[0]
    assert (clip.path, clip.start_seconds, clip.end_seconds) == (
        f"{tmp_path}/Full/-3g5.mp4",
        0.5,
        2.0,
    )


ROW = np.array([[1, 2, 3, 0, 0, 0, -1.5]])
REVERSED = ["fear", "disgust", "Surprise", "anger", "sad", "happy", "sentiment"]


@pytest.mark.parametrize(
    ("names", "sentiment", "happy"),
    [(REVERSED, -0.5, 0.0), (None, 1 / 3, 2.0), ("labels", 1 / 3, 2.0), (["a", "b"], 1 / 3, 2.0)],
)
def test_columns_go_by_the_names_that_a_sequence_gives_them(tmp_path, names, sentiment, happy):
    row = np.abs(ROW) if names is not REVERSED else ROW
    write_csd(tmp_path / "Labels.csd", "All Labels", {"v": (row, [[0, 1]])}, names)
    found = labels(read_files(tmp_path, "mosei"))["mosei/v/000"]
    assert found["sentiment"] == pytest.approx(sentiment)
    assert dict(found["emotions"])["happy"] == happy


@pytest.mark.parametrize("told", [[7.0], [b"happy"], ["\ud55c"], [b"[" * 9999]])
def test_names_that_are_no_list_of_names_are_passed_over(tmp_path, told):
    write_csd(tmp_path / "Labels.csd", "All Labels", {"v": (np.abs(ROW), [[0, 1]])})
    with h5py.File(tmp_path / "Labels.csd", "a") as file:
        file["All Labels/metadata/dimension names"] = told
    assert dict(labels(read_files(tmp_path, "mosei"))["mosei/v/000"]["emotions"])["happy"] == 2.0


def test_names_of_some_columns_alone_are_refused(tmp_path):
    names = ["sentiment", "happy", *5 * ["x"]]
    write_csd(tmp_path / "Labels.csd", "All Labels", {"v": (ROW, [[0, 1]])}, names)
    with pytest.raises(CorpusError, match=r"expected the dimensions sentiment, happy.* got .*x, x"):
        read_files(tmp_path, "mosei")


def test_words_that_are_numbers_and_labels_that_are_words_are_refused(tmp_path):
    make_mosei(tmp_path)
    write_csd(tmp_path / "CMU_MOSEI_TimestampedWords.csd", "w", {"v": (ROW, [[0, 1]])})
    with pytest.raises(CorpusError, match="v: expected words, got float64"):
        read_files(tmp_path, "mosei")
    (tmp_path / "CMU_MOSEI_TimestampedWords.csd").unlink()
    write_csd(tmp_path / "CMU_MOSEI_Labels.csd", "w", {"v": (np.array([[b"hi"]]), [[0, 1]])})
    with pytest.raises(CorpusError, match=r"v: expected a sentiment, .* got .S2 of"):
        read_files(tmp_path, "mosei")


def test_words_are_those_in_the_middle_of_a_stretch_without_pauses(tmp_path):
    make_mosei(tmp_path)
    said = [clip.transcript for clip in read_files(tmp_path, "mosei").clips]
    assert said == ["I love", "it", None]


def test_numbers_off_scale_are_no_labels_and_backward_stretches_no_clips(tmp_path):
    make_mosei(tmp_path)
    corpus = read_files(tmp_path, "mosei")
    assert labels(corpus)["mosei/-3g5/001"] == {"sentiment": 0.5}
    entries = {entry.clip_id: (entry.status, entry.reason) for entry in corpus.entries}
    assert entries["mosei/-3g5/001"] == ("marked", "off_scale")
    assert entries["mosei/-3g5/002"] == ("left_out", "no_stretch")


def test_a_sequence_has_the_official_split_by_video_and_tells_who_is_on_no_side(tmp_path):
    rows = (np.array([[1.0], [2.0]]), [[0, 1], [1, 2]])
    videos = dict.fromkeys(("03bSnISJMiM", "WKA5OygbEKI", "tmZoasNr4rU", "another"), rows)
    write_csd(tmp_path / "Labels.csd", "Opinion", videos)
    corpus = read_files(tmp_path, "mosi")
    splits = {target.clip_id.split("/")[1]: target.split for target in corpus.targets}
    assert [splits[name] for name in videos] == ["train", "val", "test", None]
    told = [(entry.clip_id, entry.reason) for entry in corpus.entries]
    assert told == [(f"mosi/another/{number}", "no_split") for number in ("000", "001")]


@pytest.mark.parametrize(
    ("corpus", "videos"),
    [
        ("mosi", {"train": 52, "val": 10, "test": 31}),
        ("mosei", {"train": 2249, "val": 300, "test": 678}),
    ],
)
def test_official_splits_have_the_authors_videos(corpus, videos):
    assert Counter(list_official(corpus).values()) == videos


def test_segments_by_the_official_split_are_those_in_the_literature(real_data):
    rows = read_rows(real_data("mosi_features") / "clips.csv", ("video",))
    counts = Counter(list_official("mosi")[row["video"]] for row in rows)
    assert counts == {"train": 1284, "val": 229, "test": 686}  # as MMSA counts them


def test_files_of_single_segments_are_not_taken_for_videos(tmp_path):
    make_mosei(tmp_path)
    clip = next(c for c in read_files(tmp_path, "mosei").clips if "abc" in c.clip_id)
    assert clip.path == NO_MEDIA


@pytest.mark.parametrize(
    ("make", "name", "film"),
    [(make_mosei, "mosei", "abc_0.mp4"), (make_mosi, "mosi", "03bSnISJMiM_1.mp4")],
)
def test_films_of_no_segment_are_told(tmp_path, make, name, film):
    make(tmp_path)
    touch(tmp_path / "Segmented" / film)
    told = [e.clip_id for e in read_files(tmp_path, name).entries if e.reason == "no_label"]
    assert told == [f"Segmented/{film}"]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("v,1,Hi,high,0,x,train\n", "row 1: expected a number as label"),
        ("v,1,Hi,1,0,x,dev\n", "mode train, valid or test, got '1' and 'dev'"),
        (2 * "v,1,Hi,1,0,x,train\n", "segment v, 1 is there twice"),
    ],
)
def test_a_wrong_row_is_refused(tmp_path, row, told):
    (tmp_path / "label.csv").write_text(LABEL_HEADER + row)
    with pytest.raises(CorpusError, match=told):
        read_files(tmp_path, "mosi")


def test_a_sequence_of_other_columns_is_refused(tmp_path):
    write_csd(tmp_path / "Labels.csd", "All Labels", {"v": (np.zeros((1, 3)), [[0, 1]])})
    with pytest.raises(CorpusError, match="v: expected a sentiment, or that and 6 emotions"):
        read_files(tmp_path, "mosei")


def test_a_file_that_is_no_sequence_is_refused(tmp_path):
    (tmp_path / "Labels.csd").write_bytes(b"no")
    with pytest.raises(CorpusError, match="not a readable computational sequence"):
        read_files(tmp_path, "mosei")
    with h5py.File(tmp_path / "Labels.csd", "w") as file:
        file["a"] = 1
    with pytest.raises(CorpusError, match="not a readable computational sequence"):
        read_files(tmp_path, "mosei")


def test_two_files_of_labels_are_refused(tmp_path):
    for name in ("A_Labels.csd", "B_Labels.csd"):
        touch(tmp_path / name)
    with pytest.raises(CorpusError, match=r"found A_Labels.csd, B_Labels.csd"):
        read_files(tmp_path, "mosei")


def pack(file: h5py.File, name: str, values: Any) -> None:
    file.create_dataset(name, data=values, chunks=np.shape(values), compression="gzip")


def test_names_of_columns_that_would_fill_memory_are_refused(tmp_path):
    write_csd(tmp_path / "Labels.csd", "All Labels", {"v": (ROW, [[0, 1]])})
    with h5py.File(tmp_path / "Labels.csd", "a") as file:
        pack(file, "All Labels/metadata/dimension names", [b"[" + b"[]," * 10**5 + b"[]]"])
    with pytest.raises(CorpusError, match="dimension names of at most 65,536 bytes"):
        read_files(tmp_path, "mosei")


@pytest.mark.parametrize(
    ("place", "fields"),
    [
        ("All Labels", ["data"]),
        ("All Labels/data", ["v"]),
        ("All Labels/data/v", ["features", "intervals"]),
        ("All Labels/metadata", ["dimension names"]),
    ],
)
def test_a_dataset_where_a_group_belongs_is_not_read(tmp_path, place, fields):
    write_csd(tmp_path / "Labels.csd", "All Labels", {"v": (ROW, [[0, 1]])})
    kind = np.dtype([(name, "u1") for name in fields])
    with h5py.File(tmp_path / "Labels.csd", "a") as file:
        del file[place]
        file.create_dataset(place, (10**12,), kind, chunks=(1024,))  # of a terabyte, never written
    with pytest.raises(CorpusError, match="as a group, got a dataset"):
        read_files(tmp_path, "mosei")


def test_more_segments_than_any_corpus_has_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(opinions, "MOST_CLIPS", 3)
    rows = np.zeros((2, 1)), [[0, 1], [1, 2]]
    write_csd(tmp_path / "Labels.csd", "All Labels", {"v": rows, "w": rows})
    with pytest.raises(CorpusError, match="expected at most 3 segments, got more"):
        read_files(tmp_path, "mosei")


def test_all_videos_together_are_within_the_limit_with_their_seconds(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "UNPACKED_BYTES", 2**20)
    with h5py.File(tmp_path / "Labels.csd", "w") as file:
        pack(file, "All Labels/data/v/features", np.zeros((10**5, 1), np.uint8))
        pack(file, "All Labels/data/v/intervals", np.zeros((10**5, 2), np.uint8))
        for number in range(9):
            for name in ("features", "intervals"):
                file[f"All Labels/data/w{number}/{name}"] = file[f"All Labels/data/v/{name}"]
    with pytest.raises(CorpusError, match=r"expected /All Labels/data/.* of at most"):
        read_files(tmp_path, "mosei")


def test_segments_that_say_all_again_and_again_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(opinions, "MOST_SPOKEN", 100)
    words = np.array([[b"so"], [b"it"], [b"is"]]), [[0, 1], [1, 2], [1, 2]]
    write_csd(tmp_path / "TimestampedWords.csd", "words", {"v": words})
    for count in (11, 12):
        rows = {"v": (np.zeros((count, 1)), [[0, 2]] * count)}
        write_csd(tmp_path / "Labels.csd", "All Labels", rows)
        if count == 11:
            assert {clip.transcript for clip in read_files(tmp_path, "mosei").clips} == {"so it is"}
    with pytest.raises(CorpusError, match="expected at most 100 letters in all segments"):
        read_files(tmp_path, "mosei")
