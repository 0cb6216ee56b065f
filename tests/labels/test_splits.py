from collections import Counter
from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline.errors import CorpusError, ParamsError
from pipeline.labels.clip_labels import FRAMES_SCHEMA, ClipLabels
from pipeline.labels.clips import Clip
from pipeline.labels.corpora.contract import Corpus
from pipeline.labels.emotions import Names
from pipeline.labels.params import SplitParams
from pipeline.labels.splits import (
    assign_splits,
    deal_groups,
    find_labelled,
    number_folds,
    number_units,
    overlaps,
    sides,
)

NAMES = Names(emotion=["sad"], words={"sad": "sad"})


def make_corpus(groups, *, emotion="sad", splits=None, folds=None) -> Corpus:
    """Clip c000, c001, … of each group in turn."""
    splits, folds = splits or [None] * len(groups), folds or [None] * len(groups)
    ids = [f"c{number:03}" for number in range(len(groups))]
    return Corpus(
        clips=[
            Clip(clip_id=clip_id, corpus="toy", path=clip_id, subject=group, group=group)
            for clip_id, group in zip(ids, groups, strict=True)
        ],
        targets=[
            ClipLabels(
                clip_id=clip_id,
                split=split,
                fold=fold,
                labels={"emotion": emotion} if emotion else {},
            )
            for clip_id, split, fold in zip(ids, splits, folds, strict=True)
        ],
        names=NAMES,
    )


groups = st.lists(st.sampled_from("abcdefghijklm"), min_size=3, max_size=60)


@given(groups, st.integers(3, 7), st.integers(0, 2**32))
def test_folds_never_part_a_group_and_none_is_empty(members, folds, seed):
    assume(len(set(members)) >= folds)
    corpus = make_corpus(members)
    params = SplitParams(protocol="folds", folds=folds, seed=seed)
    targets = assign_splits(corpus, params)
    assert number_folds(targets) == list(range(folds))
    for fold in range(folds):
        placed = sides(targets, fold)
        assert placed.keys() == {clip.clip_id for clip in corpus.clips}
        assert set(placed.values()) == {"train", "val", "test"}
        assert overlaps(number_units(corpus.clips), placed) == []


@given(groups, st.integers(0, 2**32))
def test_a_holdout_never_parts_a_group_and_no_side_is_empty(members, seed):
    assume(len(set(members)) >= 3)
    corpus = make_corpus(members)
    placed = sides(assign_splits(corpus, SplitParams(protocol="holdout", seed=seed)))
    assert len(placed) == len(members)
    assert set(placed.values()) == {"train", "val", "test"}
    assert overlaps(number_units(corpus.clips), placed) == []


@given(st.lists(st.integers(1, 23), min_size=5, max_size=31), st.integers())
def test_equal_shares_differ_by_the_largest_group_at_most(sizes, seed):
    named = {f"g{number}": size for number, size in enumerate(sizes)}
    dealt = deal_groups(named, [1.0] * 5, seed)
    loads = Counter()
    for group, share in dealt.items():
        loads[share] += named[group]
    assert max(loads.values()) - min(loads.values()) <= max(sizes)


def test_twenty_four_equal_actors_make_folds_of_four_and_five():
    dealt = deal_groups({f"actor_{number}": 60 for number in range(24)}, [1.0] * 5, seed=3)
    assert sorted(Counter(dealt.values()).values()) == [4, 5, 5, 5, 5]


def test_the_seed_alone_decides_among_equal_groups():
    named = {f"g{number}": 7 for number in range(13)}
    backwards = dict(reversed(named.items()))
    assert deal_groups(named, [1.0, 1.0, 1.0], 5) == deal_groups(backwards, [1.0, 1.0, 1.0], 5)
    assert deal_groups(named, [1.0, 1.0, 1.0], 5) != deal_groups(named, [1.0, 1.0, 1.0], 6)


def test_a_holdout_comes_near_its_shares():
    corpus = make_corpus([f"g{number % 53}" for number in range(53 * 7)])
    params = SplitParams(protocol="holdout", val_share=0.1, test_share=0.2)
    counts = Counter(sides(assign_splits(corpus, params)).values())
    assert counts["train"] == pytest.approx(0.7 * 371, abs=7)
    assert counts["test"] == pytest.approx(0.2 * 371, abs=7)


def test_too_few_groups_are_refused_with_their_number():
    corpus = make_corpus(["a", "b", "a", "b"])
    with pytest.raises(CorpusError, match=r"at least 3 groups with labels, got 2 \(a, b\)"):
        assign_splits(corpus, SplitParams(protocol="holdout"))


def test_in_a_fold_the_next_one_validates_and_the_last_wraps_round():
    targets = make_corpus("abcd", folds=[0, 2, 5, 7]).targets
    assert sides(targets, 2) == {"c000": "train", "c001": "test", "c002": "val", "c003": "train"}
    assert sides(targets, 7) == {"c000": "val", "c001": "train", "c002": "train", "c003": "test"}


def test_clips_in_no_fold_take_no_side():
    targets = make_corpus("abcd", folds=[0, 1, 2, None]).targets
    assert "c003" not in sides(targets, 0)


def test_two_folds_are_too_few():
    with pytest.raises(CorpusError, match=r"at least 3 folds.*got 2 \(\[0, 1\]\)"):
        sides(make_corpus("abc", folds=[0, 1, 1]).targets, 0)


def test_a_fold_that_is_not_there_is_refused():
    targets = make_corpus("abc", folds=[0, 1, 2]).targets
    for fold in (3, None):
        with pytest.raises(ParamsError, match=rf"fold {fold}: expected one of \[0, 1, 2\]"):
            sides(targets, fold)


def test_what_the_corpus_ships_is_taken_as_it_is():
    split = make_corpus("abc", splits=["train", "val", "test"])
    folds = make_corpus("abc", folds=[0, 1, 2])
    assert assign_splits(split, SplitParams()) == split.targets
    assert assign_splits(folds, SplitParams()) == folds.targets


def test_a_split_made_here_replaces_the_shipped_one():
    corpus = make_corpus("abcd", splits=["train", "val", "test", "test"])
    targets = assign_splits(corpus, SplitParams(protocol="folds", folds=4))
    assert [target.split for target in targets] == [None] * 4
    assert sorted(target.fold for target in targets) == [0, 1, 2, 3]


def test_a_split_without_val_has_groups_of_train_cut_out():
    members = [f"g{number % 11}" for number in range(77)] + ["t"]
    corpus = make_corpus(members, splits=["train"] * 77 + ["test"])
    placed = sides(assign_splits(corpus, SplitParams(val_share=0.2, seed=2)))
    assert Counter(placed.values()) == {"train": 63, "val": 14, "test": 1}
    assert overlaps(number_units(corpus.clips), placed) == []


@pytest.mark.parametrize(
    ("shipped", "error", "message"),
    [
        ({}, ParamsError, "neither a split nor folds; choose `folds`, `leave_one_out` or"),
        ({"splits": ["test"] * 3}, CorpusError, r"expected clips in train, got only \['test'\]"),
        ({"splits": ["train"] * 3, "folds": [0, 1, 2]}, CorpusError, "both a split and folds"),
    ],
)
def test_a_corpus_that_ships_no_usable_split_is_refused(shipped, error, message):
    with pytest.raises(error, match=message):
        assign_splits(make_corpus("abc", **shipped), SplitParams())


def test_an_unlabelled_corpus_is_placed_nowhere():
    corpus = make_corpus("ab", emotion=None, splits=["train", "test"])
    for protocol in ("corpus", "folds", "leave_one_out", "holdout"):
        targets = assign_splits(corpus, SplitParams(protocol=protocol))
        assert [(target.split, target.fold) for target in targets] == [(None, None)] * 2
        assert sides(targets) == {}


def test_each_group_is_left_out_in_turn():
    corpus = make_corpus("cabbac")
    targets = assign_splits(corpus, SplitParams(protocol="leave_one_out"))
    assert [target.fold for target in targets] == [2, 0, 1, 1, 0, 2]
    assert overlaps(number_units(corpus.clips), sides(targets, 0)) == []


def test_equal_texts_on_two_sides_are_counted():
    corpus = make_corpus("abc")
    clips = [
        replace(clip, transcript=text)
        for clip, text in zip(corpus.clips, ("Hi", "hi", "Ho"), strict=True)
    ]
    placed = dict(zip((clip.clip_id for clip in clips), ("train", "val", "test"), strict=True))
    (found,) = overlaps(number_units(clips), placed)
    assert str(found) == "1 of 1 texts in val (1 of 1 clips) are also in train"


def test_an_unlabelled_clip_takes_part_in_no_fold():
    corpus = make_corpus("abcd")
    corpus = replace(corpus, targets=[ClipLabels(clip_id="c000"), *corpus.targets[1:]])
    targets = assign_splits(corpus, SplitParams(protocol="folds", folds=3))
    assert targets[0].fold is None
    assert sorted(target.fold for target in targets[1:]) == [0, 1, 2]


def test_a_clip_labelled_frame_by_frame_is_labelled():
    row = {"clip_id": "c001", "frame": 0, "seconds": 0.0, "valence": 0.5, "arousal": 0.5}
    frames = pa.Table.from_pylist([row], schema=FRAMES_SCHEMA)
    corpus = make_corpus("ab", emotion=None)
    assert find_labelled(replace(corpus, frames=frames)) == {"c001"}
    assert find_labelled(replace(corpus, frames=FRAMES_SCHEMA.empty_table())) == frozenset()


def test_overlaps_of_an_official_split_are_counted():
    corpus = make_corpus("aabbcc")
    clips = [replace(clip, group=None) for clip in corpus.clips]
    placed = dict(zip([clip.clip_id for clip in clips], ["train"] * 3 + ["test"] * 3, strict=True))
    (overlap,) = overlaps(number_units(clips), placed)
    assert str(overlap) == "1 of 2 subjects in test (1 of 3 clips) are also in train"


def test_overlaps_of_files_dialogues_and_bytes_are_counted_too():
    shared = {"path": "a.mp4", "dialogue": "d", "media_digest": "07"}
    clips = [Clip(clip_id=name, corpus="toy", **shared) for name in "ab"]
    clips.append(Clip(clip_id="c", corpus="other", path="c.mp4", dialogue="d"))
    placed = {"a": "train", "b": "test", "c": "val"}
    assert [str(overlap) for overlap in overlaps(number_units(clips), placed)] == [
        f"1 of 1 {unit}s in test (1 of 1 clips) are also in train"
        for unit in ("file", "dialogue", "media digest")
    ]


def test_clips_of_words_alone_share_no_file():
    clips = [Clip(clip_id=name, corpus="toy", path="", media_digest="0") for name in "ab"]
    assert overlaps(number_units(clips), {"a": "train", "b": "test"}) == []
