from dataclasses import replace

import pytest

from pipeline.errors import CorpusError
from pipeline.labels.clip_labels import ClipLabels
from pipeline.labels.clips import Clip
from pipeline.labels.corpora.contract import Corpus
from pipeline.labels.corpora.files import enter_absent
from pipeline.labels.corpora.params import CorpusParams
from pipeline.labels.emotions import Names
from pipeline.labels.labelling import label_corpora
from pipeline.labels.params import SplitParams
from pipeline.labels.split_files import place_by_file, read_places

TOY = Corpus(
    clips=[Clip(clip_id=f"a/{n}", corpus="a", path=f"{n}", group=f"g{n // 2}") for n in range(6)],
    targets=[ClipLabels(clip_id=f"a/{n}", labels={"emotion": "sad"}) for n in range(6)],
    names=Names(emotion=["sad"], words={}),
)


@pytest.fixture
def place(tmp_path):
    def place_toy(text, corpus=TOY):
        path = tmp_path / "splits.csv"
        path.write_text(text)
        return place_by_file(corpus, read_places(path))

    return place_toy


def test_clips_stand_where_the_file_has_them(place):
    lines = [f"a/{n},{('train', 'val', 'test')[n // 2]}" for n in range(6)]
    placed, remarks = place("clip_id,split\n" + "\n".join(lines))
    assert [own.split for own in placed] == ["train", "train", "val", "val", "test", "test"]
    assert remarks == []


def test_groups_stand_whole_and_what_the_file_lacks_has_no_part(place):
    placed, (remark,) = place("group,fold\ng0,2\ng1,0\n")
    assert [own.fold for own in placed] == [2, 2, 0, 0, None, None]
    assert "2 of 6 labelled clips are not in" in remark


def test_a_clip_without_a_label_has_no_part(place):
    first, *others = TOY.targets
    corpus = replace(TOY, targets=[replace(first, labels={}), *others])
    placed, _ = place("group,split\ng0,train\n", corpus)
    assert [own.split for own in placed[:2]] == [None, "train"]


@pytest.mark.parametrize(
    ("text", "told"),
    {
        "": r"expected columns clip_id,split or clip_id,fold or .*, got none",
        "clip,split\n": "expected columns .* got clip,split",
        "clip_id,split\na/0\n": "line 2: expected clip_id and split, got 1 cells",
        "clip_id,split\na/0,tain\n": r"line 2: unknown split 'tain'; did you mean 'train'",
        "clip_id,fold\na/0,-1\n": "line 2: expected the number of a fold, from 0 on, got '-1'",
        "clip_id,fold\na/0,1\na/0,1\n": "line 3: a/0 is there twice",
        "clip_id,fold\na/9,1\n": "no clip 'a/9' in any corpus; did you mean 'a/",
        "group,fold\na/0,1\n": "no group 'a/0' in any corpus",
        "clip_id,fold\na/0,1\na/1,2\n": "a/1 is in 2 and a/0 in 1, both of group g0; place whole",
    }.items(),
)
def test_a_file_that_places_wrongly_is_refused(place, text, told):
    with pytest.raises(CorpusError, match=rf"splits\.csv.*{told}"):
        place(text)


def test_the_empty_file_in_git_is_one(pytestconfig):
    assert read_places(pytestconfig.rootpath / "data" / "splits.csv").sides == {}


def test_bytes_of_no_text_and_no_file_are_refused(tmp_path):
    with pytest.raises(CorpusError, match="no such file; splits"):
        read_places(tmp_path / "splits.csv")
    (tmp_path / "splits.csv").write_bytes(b"clip_id,split\n\xe9,train\n")
    with pytest.raises(CorpusError, match="expected UTF-8"):
        read_places(tmp_path / "splits.csv")


def test_the_file_places_clips_and_train_without_val_has_some_cut_out(tmp_path):
    overrides, places = tmp_path / "overrides.csv", tmp_path / "splits.csv"
    overrides.write_text("clip_id,action,value,reason\n")
    places.write_text("group,split\ng0,train\ng1,train\ng2,test\n")
    params = CorpusParams(kind="toy", root="x", depends_on="x")
    splits = SplitParams(protocol="file", val_share=0.4)
    labelled = label_corpora({"a": TOY}, {"a": params}, splits, overrides, places)
    assert (
        sorted(str(own.split) for own in labelled.targets)
        == ["test"] * 2 + ["train"] * 2 + ["val"] * 2
    )


def test_a_clip_whose_file_is_not_here_may_be_named(place):
    corpus = replace(TOY, entries=[enter_absent("a/9")])
    placed, _ = place("clip_id,split\na/0,train\na/1,train\na/9,test\n", corpus)
    assert [own.split for own in placed[:2]] == ["train", "train"]
