from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import CorpusError
from pipeline.labels.corpora.contract import Corpus
from pipeline.labels.corpora.msp_podcast import read
from pipeline.labels.corpora.params import MspPodcastParams
from tests.miniatures import MSP_HEADER, make_msppodcast, touch


def read_files(root: Path, **options: Any) -> Corpus:
    return read(MspPodcastParams(kind="msp_podcast", root=str(root), depends_on="x", **options))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    make_msppodcast(tmp_path)
    return tmp_path


def test_ratings_are_on_our_scale_and_no_agreement_is_no_class(root):
    first, second, _ = read_files(root).targets
    assert first.labels == {"emotion": "neutral", "valence": 1.0, "arousal": 0.0, "dominance": -1.0}
    assert "emotion" not in second.labels


@pytest.mark.parametrize(
    ("test", "sides"), [("test1", ["test", "train", None]), ("test2", [None, "train", "test"])]
)
def test_one_test_set_tests(root, test, sides):
    assert [target.split for target in read_files(root, test=test).targets] == sides


def test_validation_of_former_releases_validates_by_a_table_of_another_spelling(root):
    table = root / "Labels" / "labels_consensus.csv"
    table.write_text(table.read_text().replace("Development", "Validation"))
    table.rename(table.with_name("labels_concensus.csv"))
    touch(root / "Audios" / "MSP-PODCAST_0004_0001.wav")
    assert [target.split for target in read_files(root).targets] == ["test", "train", None, "val"]


def test_a_third_test_set_takes_part_in_nothing(root):
    table = root / "Labels" / "labels_consensus.csv"
    table.write_text(table.read_text().replace("Train", "Test3"))
    assert [target.split for target in read_files(root).targets] == ["test", None, None]


def test_an_unknown_speaker_is_no_subject_and_goes_by_the_podcast(root):
    first, second, _ = read_files(root).clips
    assert (first.subject, first.group, first.sex) == ("127", "127", "female")
    assert (second.subject, second.group, second.sex) == (None, "MSP-PODCAST_0002", None)
    assert (first.transcript, second.transcript) == ("Well, yes.", None)


def test_a_turn_without_its_file_is_told(root):
    assert [(e.clip_id, e.reason) for e in read_files(root).entries] == [
        ("msp_podcast/MSP-PODCAST_0004_0001", "no_file")
    ]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("MSP-PODCAST_0001_0008.wav,Q,1,1,1,1,Male,Train\n", "unknown emotion 'Q'"),
        ("MSP-PODCAST_0001_0008.wav,N,x,1,1,1,Male,Train\n", "EmoAct: expected a number"),
        (
            "MSP-PODCAST_0001_0008.wav,N,1,1,1,1,Male,Dev\n",
            "Split_Set: expected Train, Development, .*, got 'Dev'",
        ),
        ("MSP-PODCAST_0001_0008.wav,N,1,nan,1,1,Male,Train\n", "EmoVal: expected a number"),
        ("MSP-PODCAST_0001_0008.wav,N,1,8,1,1,Male,Train\n", "EmoVal: expected a number"),
        (2 * "MSP-PODCAST_0001_0008.wav,N,1,1,1,1,Male,Train\n", "a turn is there twice"),
        ("other.wav,N,1,1,1,1,Male,Train\n", "none of the 1 files"),
    ],
)
def test_a_wrong_row_is_refused(root, row, told):
    (root / "Labels" / "labels_consensus.csv").write_text(MSP_HEADER + row)
    with pytest.raises(CorpusError, match=told):
        read_files(root)
