import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import CorpusError
from pipeline.labels.clips import NO_MEDIA
from pipeline.labels.corpora.contract import Corpus
from pipeline.labels.corpora.meld import QUARANTINE, read
from pipeline.labels.corpora.params import MeldParams
from tests.miniatures import MELD_HEADER, make_meld, touch


def read_files(root: Path, **options: Any) -> Corpus:
    return read(MeldParams(kind="meld", root=str(root), depends_on=str(root), **options))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    make_meld(tmp_path)
    return tmp_path


def test_one_dialogue_and_utterance_is_another_turn_in_each_split(root):
    assert [clip.clip_id for clip in read_files(root).clips] == [
        "meld/train/dia0_utt10",
        "meld/train/dia0_utt3",
        "meld/val/dia0_utt10",
        "meld/val/dia0_utt3",
    ]


def test_turns_are_numbered_and_of_one_dialogue(root):
    turns = [(clip.dialogue, clip.turn) for clip in read_files(root).clips[:2]]
    assert turns == [("train/dia0", 10), ("train/dia0", 3)]


def test_control_characters_become_what_they_stood_for(root):
    assert read_files(root).clips[1].transcript == "You’re a genius!"


def test_labels_are_by_name_and_splits_the_official_ones(root):
    targets = read_files(root).targets
    assert [target.split for target in targets] == ["train", "train", "val", "val"]
    assert targets[0].labels == {"emotion": "surprised", "sentiment": -1.0}
    assert targets[1].labels == {"emotion": "happy", "sentiment": 1.0}


def test_sentiments_may_be_the_classes(root):
    corpus = read_files(root, classes="sentiment")
    assert corpus.names.emotion == ["neutral", "positive", "negative"]
    assert corpus.targets[0].labels["emotion"] == "negative"


def test_a_turn_without_a_film_keeps_its_words_and_is_marked(root):
    corpus = read_files(root)
    assert [clip.path == NO_MEDIA for clip in corpus.clips] == [True, False, True, False]
    told = [(e.clip_id, e.status, e.reason) for e in corpus.entries if e.reason == "no_file"]
    assert told == [
        ("meld/train/dia0_utt10", "marked", "no_file"),
        ("meld/val/dia0_utt10", "marked", "no_file"),
    ]


def test_words_alone_are_a_complete_corpus(root):
    for folder in ("train_splits", "dev_splits_complete"):
        shutil.rmtree(root / folder)
    corpus = read_files(root)
    assert (corpus.entries, corpus.quarantine) == ([], {})
    assert {clip.path for clip in corpus.clips} == {NO_MEDIA}


ROW = "1,Hi,Joey,joy,positive,0,3,4,7,0,1\n"


@pytest.mark.parametrize("place", ["train/", ""])
def test_tables_and_folders_are_found_where_copies_nest_them(tmp_path, place):
    tables = (f"{place}train_sent_emo.csv", "dev_sent_emo.csv", "test_sent_emo.csv")
    folders = ("train/train_splits", "dev/dev_splits_complete", "test/output_repeated_splits_test")
    for table, folder in zip(tables, folders, strict=True):
        touch(tmp_path / "MELD.Raw" / table)
        (tmp_path / "MELD.Raw" / table).write_text(MELD_HEADER + ROW)
        touch(tmp_path / "MELD.Raw" / folder / "dia0_utt3.mp4")
    corpus = read_files(tmp_path)
    assert [target.split for target in corpus.targets] == ["test", "train", "val"]
    assert all(Path(clip.path).is_file() for clip in corpus.clips)
    assert (corpus.entries, corpus.remarks) == ([], [])


def test_of_several_copies_the_nearest_to_the_root_counts(root):
    clips = read_files(root).clips
    shutil.copytree(root / "train_splits", root / "a_copy" / "train_splits")
    (root / "a_copy" / "train_sent_emo.csv").write_text(MELD_HEADER + ROW)
    corpus = read_files(root)
    assert corpus.clips == clips
    assert "dia0_utt3" not in " ".join(corpus.remarks)


def test_tables_that_are_not_there_and_films_left_over_are_told(root):
    (root / "train_splits" / "dia9_utt9.mp4").touch()
    touch(root / "films" / "dia0_utt10.mp4")
    corpus = read_files(root)
    assert corpus.remarks == [
        "no test_sent_emo.csv was found: there are no clips of test",
        "films in no folder train_splits, dev_splits_complete, output_repeated_splits_test are no "
        f"clips: 1, first {root}/films/dia0_utt10.mp4",
    ]
    assert {entry.clip_id for entry in corpus.entries if entry.reason == "no_label"} == {
        "dev_splits_complete/final_videos_testdia0_utt9.mp4",
        "train_splits/dia9_utt9.mp4",
        "train_splits/final_videos_testdia0_utt9.mp4",
    }


@pytest.mark.parametrize(("dialogue", "utterance"), [(125, 3), (793, 0)])
def test_a_film_known_to_be_bad_is_quarantined_and_words_alone_are_not(root, dialogue, utterance):
    row = f"1,Hi,Joey,joy,positive,{dialogue},{utterance},4,7,0,1\n"
    (root / "train_sent_emo.csv").write_text(MELD_HEADER + row)
    assert read_files(root).quarantine == {}
    touch(root / "train_splits" / f"dia{dialogue}_utt{utterance}.mp4")
    name = f"meld/train/dia{dialogue}_utt{utterance}"
    assert read_files(root).quarantine == {name: QUARANTINE[name]}


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("1,Hi,Joey,glee,positive,0,0,4,7,0,1\n", "dia0_utt0: unknown emotion 'glee'"),
        ("1,Hi,Joey,joy,glad,0,0,4,7,0,1\n", "dia0_utt0: expected sentiment neutral"),
        ("1,Hi,Joey,joy,positive,x,0,4,7,0,1\n", "row 1: expected numbers of a dialogue"),
        (f"1,Hi,Joey,joy,positive,0,{20 * '9'},4,7,0,1\n", "row 1: expected numbers of a dialogue"),
        (2 * "1,Hi,Joey,joy,positive,0,0,4,7,0,1\n", "row 2: meld/train/dia0_utt0 is there twice"),
        ("1,Hi,Joey\n", "row 1: expected 11 cells"),
    ],
)
def test_a_wrong_row_is_refused(root, row, told):
    (root / "train_sent_emo.csv").write_text(MELD_HEADER + row)
    with pytest.raises(CorpusError, match=told):
        read_files(root)


def test_a_table_of_other_columns_is_refused(root):
    (root / "dev_sent_emo.csv").write_text("a,b\n1,2\n")
    with pytest.raises(CorpusError, match=r"dev_sent_emo.csv: expected a column 'Utterance'"):
        read_files(root)


def test_the_authors_tables_count_as_they_say(real_data):
    corpus = read_files(real_data("meld"))
    splits = Counter(target.split for target in corpus.targets)
    assert splits == {"train": 9989, "val": 1109}
    counts = Counter((target.split, target.labels["emotion"]) for target in corpus.targets)
    names = ("angry", "disgust", "fearful", "happy", "neutral", "sad", "surprised")
    assert [counts["train", name] for name in names] == [1109, 271, 268, 1743, 4710, 683, 1205]
    assert [counts["val", name] for name in names] == [153, 22, 40, 163, 470, 111, 150]
    ratings = Counter((target.split, target.labels["sentiment"]) for target in corpus.targets)
    assert [ratings["train", rating] for rating in (0, -1, 1)] == [4710, 2945, 2334]
    assert len({clip.dialogue for clip in corpus.clips if "train" in clip.clip_id}) == 1038


def test_a_film_that_no_table_names_is_told(root):
    (root / "train_splits" / "dia9_utt9.mp4").touch()
    told = {(e.clip_id, e.status, e.reason) for e in read_files(root).entries}
    assert ("train_splits/dia9_utt9.mp4", "absent", "no_label") in told
