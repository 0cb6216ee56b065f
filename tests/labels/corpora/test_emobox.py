import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import CorpusError
from pipeline.labels.corpora import Corpus
from pipeline.labels.corpora.emobox import read
from pipeline.labels.corpora.params import EmoboxParams
from tests.miniatures import make_emobox


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


@pytest.mark.parametrize("name", ["label_map.json", "fold_1/emobox_test_fold_1.json"])
def test_broken_metadata_are_refused_by_their_name(section, name):
    (Path(section["metadata"]) / name).write_text("[")
    with pytest.raises(CorpusError, match=f"{name}: expected metadata of EmoBox"):
        read_files(section)
