import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import CorpusError
from pipeline.labels.corpora.contract import Corpus
from pipeline.labels.corpora.emobox import FORMS, read
from pipeline.labels.corpora.params import EmoboxParams
from tests.miniatures import make_emobox, make_files, write_set


@pytest.fixture
def section(tmp_path: Path) -> dict[str, Any]:
    return make_emobox(tmp_path)


def read_files(section: dict[str, Any]) -> Corpus:
    return read(EmoboxParams(kind="emobox", depends_on="x", **section))


def test_each_clip_is_of_the_fold_that_tests_it(section):
    corpus = read_files(section)
    assert [target.fold for target in corpus.targets] == [0, 1, 2, 0, 1]
    assert [target.labels["emotion"] for target in corpus.targets[:2]] == ["angry", "fearful"]
    assert [entry.clip_id for entry in corpus.entries] == ["emobox/a-5"]


def test_a_file_that_the_metadata_do_not_name_is_told(section):
    beside = Path(read_files(section).clips[0].path).with_name("another.wav")
    beside.touch()
    told = [entry.clip_id for entry in read_files(section).entries if entry.reason == "no_label"]
    assert told == [beside.relative_to(section["root"]).as_posix()]


@pytest.mark.parametrize("wav", ["/elsewhere.wav", "../../../../../../../../../../../x.wav"])
def test_files_elsewhere_lead_to_no_folder_there(section, wav, monkeypatch):
    """An absolute path among relative ones ended in a traceback, and others led to all files."""
    monkeypatch.chdir(section["root"])
    path = Path(section["metadata"]) / "fold_1" / "emobox_test_fold_1.json"
    said = json.loads(path.read_text())
    path.write_text(json.dumps({**said, "a-9": {**said["a-0"], "wav": wav}}))
    told = [entry.reason for entry in read_files({**section, "root": "."}).entries]
    assert told == [entry.reason for entry in read_files(section).entries]


def test_one_fold_is_the_split(section):
    metadata = Path(section["metadata"])
    for fold in (2, 3):
        shutil.rmtree(metadata / f"fold_{fold}")
    sides = [target.split for target in read_files(section).targets]
    assert sides == ["test", "train", "train", "test", "train"]


def test_a_clip_that_is_tested_twice_is_refused(section):
    first = Path(section["metadata"]) / "fold_1" / "emobox_test_fold_1.json"
    second = Path(section["metadata"]) / "fold_2" / "emobox_test_fold_2.json"
    second.write_text(first.read_text())
    with pytest.raises(CorpusError, match="a-0 is tested in two folds"):
        read_files(section)


def test_a_part_of_a_file_is_a_stretch(section):
    path = Path(section["metadata"]) / "fold_1" / "emobox_test_fold_1.json"
    said = json.loads(path.read_text())
    said["a-0"] |= {"start_time": 1.5, "end_time": 2.0}
    path.write_text(json.dumps(said))
    for other in (2, 3):
        (path.parents[1] / f"fold_{other}" / f"emobox_train_fold_{other}.json").unlink()
    clip = read_files(section).clips[0]
    assert (clip.start_seconds, clip.end_seconds) == (1.5, 2.0)


def make_sets(root: Path, name: str, **sides: dict[str, str]) -> dict[str, Any]:
    """Metadata of a dataset with one fold: side → clip → word."""
    metadata = root / "data" / name
    for side, words in sides.items():
        said = {clip: {"wav": f"{clip}.wav", "emo": word} for clip, word in words.items()}
        write_set(metadata, side, said)
        make_files(root, *(f"{clip}.wav" for clip in words))
    return {"root": str(root), "metadata": str(metadata)}


def test_words_are_known_whatever_their_capitals_and_classes_are_those_of_all_corpora(tmp_path):
    words = {"emodb-03a01Na": "neutral", "emodb-08a01La": "boredem", "emodb-09a01Fa": "happy"}
    section = make_sets(tmp_path, "emodb", train=words)
    (Path(section["metadata"]) / "label_map.json").write_text(
        json.dumps({"Neutral": "Neutral", "boredem": "Boredom", "happy": "Happy"})
    )
    corpus = read_files(section)
    assert [t.labels["emotion"] for t in corpus.targets] == ["neutral", "bored", "happy"]
    assert corpus.names.emotion == ["bored", "happy", "neutral"]


def test_no_agreement_is_no_class(tmp_path):
    words = {"msppodcast-MSP-PODCAST_0001_0008": "X", "msppodcast-MSP-PODCAST_0002_0033": "N"}
    section = make_sets(tmp_path, "msppodcast", test=words)
    (Path(section["metadata"]) / "label_map.json").write_text(
        json.dumps({"X": "No-agreement", "N": "Neutral"})
    )
    corpus = read_files(section)
    assert [dict(target.labels) for target in corpus.targets] == [{}, {"emotion": "neutral"}]
    assert corpus.names.emotion == ["neutral"]


@pytest.mark.parametrize(("name", "emotion"), [("label_dict.json", "fearful"), (None, "pau")])
def test_words_are_classes_unless_a_map_of_either_name_is_there(tmp_path, name, emotion):
    section = make_sets(tmp_path, "emovo", train={"emovo-pau-f1-b1": "pau"})
    if name:
        (Path(section["metadata"]) / name).write_text(json.dumps({"pau": "Fear"}))
    assert [t.labels["emotion"] for t in read_files(section).targets] == [emotion]


def test_an_unknown_word_is_refused(section):
    (Path(section["metadata"]) / "label_map.json").write_text(json.dumps({"c": "Angry"}))
    with pytest.raises(CorpusError, match="a-1: unknown emotion 's'"):
        read_files(section)


def test_further_test_sets_take_part_in_nothing_and_are_told(tmp_path):
    first, second = {"mer2023-sample_1": "sad"}, {"mer2023-sample_2": "sad"}
    section = make_sets(tmp_path, "mer2023", test=first, test1=first, test2=second)
    corpus = read_files(section)
    assert [target.split for target in corpus.targets] == ["test", None]
    assert corpus.remarks[0] == (
        "mer2023_test2_fold_1.json: a further test set: 1 clips take part in nothing"
    )


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("fold_1/x_dev_fold_1.json", "expected a fold's number, .* got '1' and 'dev'"),
        ("fold_one/x_test_fold_1.json", "expected a fold's number, .* got 'one' and 'test'"),
    ],
)
def test_other_folds_and_sides_are_refused(section, name, told):
    path = Path(section["metadata"]) / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("{}")
    with pytest.raises(CorpusError, match=told):
        read_files(section)


def test_a_clip_on_two_sides_is_refused(tmp_path):
    section = make_sets(tmp_path, "mesd", train={"mesd-a": "sad"}, test={"mesd-a": "sad"})
    with pytest.raises(CorpusError, match="mesd-a is on two sides"):
        read_files(section)


SPEAKERS = {
    "aesdd-a06-5b": ("5", "5"),
    "ased-a5-06-01-01-21": ("21", "21"),
    "asvpesd-03-02-09-01-07-123-02-02-02-09": ("123", "123"),
    "cafe-08-P-2-1": ("08", "08"),
    "casia-239-wangzhe-neutral": ("wangzhe", "wangzhe"),
    "cremad-1052-WSI-ANG-XX": ("1052", "1052"),
    "emodb-03a02Wb": ("03", "03"),
    "emovdb-sam-Amused-0384": ("sam", "sam"),
    "emovo-gio-f2-b2": ("f2", "f2"),
    "enterface-s14_an_3.avi": ("14", "14"),
    "esd-0005-000001": ("0005", "0005"),
    "iemocap-Ses03M_impro08a_F018": ("Ses03F", "Ses03"),
    "jlcorpus-female1-apologetic-15b-2": ("female1", "female1"),
    "m3ed-xinlianaishidai_13_53": (None, "xinlianaishidai"),
    "mead-W019-neutral-level-1-020": ("W019", "W019"),
    "meld-dia82_utt9-train": (None, "train/dia82"),
    "msppodcast-MSP-PODCAST_1678_0002_0015": (None, "MSP-PODCAST_1678"),
    "oreau-29a13Ja": ("29", "29"),
    "polish-m3.s_trzymaj_5": ("m3", "m3"),
    "ravdess-03-01-07-02-02-02-11": ("11", "11"),
    "resd-27_neutral_fear_n_100.wav": (None, "27"),
    "savee-JE-n23": ("JE", "JE"),
    "shemo-M32S01": ("M32", "M32"),
    "subesco-M_09_SHUMANTA_S_2_FEAR_2": ("M_09", "M_09"),
    "tess-OAF-should-fear": ("OA", "OA"),
    "turevdb-1984_sk_orgu.wav": ("1984", "1984"),
    "urdu-SM5_F63_N091": ("SM5", "SM5"),
}


@pytest.mark.parametrize(("name", "told"), SPEAKERS.items())
def test_names_tell_who_speaks_or_what_they_are_a_part_of(tmp_path, name, told):
    corpus = read_files(make_sets(tmp_path, name.split("-")[0], train={name: "sad"}))
    assert [(clip.subject, clip.group) for clip in corpus.clips] == [told]
    assert corpus.remarks == []


def test_every_form_has_a_name_of_its_dataset():
    assert [name.split("-")[0] for name in SPEAKERS] == [*FORMS]


def test_where_names_do_not_tell_who_speaks_that_is_told(section):
    (told,) = read_files(section).remarks
    assert told.startswith("the names of 5 clips of emobox do not tell who speaks")


@pytest.mark.parametrize("name", ["label_map.json", "fold_1/emobox_test_fold_1.json"])
def test_broken_metadata_are_refused_by_their_name(section, name):
    (Path(section["metadata"]) / name).write_text("[")
    with pytest.raises(CorpusError, match=f"{name}: expected metadata of EmoBox"):
        read_files(section)
