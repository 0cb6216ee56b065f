from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from pipeline.errors import CorpusError, ParamsError
from pipeline.labels.checks import check_corpus
from pipeline.labels.clip_labels import FRAMES_SCHEMA, ClipLabels
from pipeline.labels.clips import Clip
from pipeline.labels.corpora.contract import Corpus
from pipeline.labels.corpora.params import CorpusParams
from pipeline.labels.emotions import Names
from pipeline.labels.joining import join_corpora, map_classes, place_corpora
from pipeline.labels.labelling import label_corpora
from pipeline.labels.params import SplitParams
from pipeline.sections import parse_section

PARAMS = CorpusParams(kind="toy", root="x", depends_on="x")


def make(name: str, emotions: list[str], **changes: Any) -> Corpus:
    """A corpus of eight speakers, one clip each, the emotions in turn."""
    ids = [f"{name}/{number}" for number in range(8)]
    corpus = Corpus(
        clips=[
            Clip(clip_id=clip_id, corpus=name, path=clip_id, subject=clip_id[-1], group=clip_id[-1])
            for clip_id in ids
        ],
        targets=[
            ClipLabels(clip_id=clip_id, labels={"emotion": emotions[n % len(emotions)]})
            for n, clip_id in enumerate(ids)
        ],
        names=Names(emotion=emotions, words={emotion[:3]: emotion for emotion in emotions}),
    )
    return replace(corpus, **changes)


def part(whole: Corpus, *names: str) -> dict[str, Corpus]:
    """Entries of one corpus, of the same people."""
    return {
        name: replace(
            whole,
            clips=[replace(c, clip_id=f"{name}/{c.clip_id}") for c in whole.clips],
            targets=[replace(t, clip_id=f"{name}/{t.clip_id}") for t in whole.targets],
        )
        for name in names
    }


def mapped(corpus: Corpus, **classes: str | None) -> Corpus:
    return map_classes(corpus, PARAMS.model_copy(update={"map": classes}), "a")


def place(splits: SplitParams, **sides: str | None) -> dict[str, tuple[str | None, int | None]]:
    corpora = {name: make(name, ["sad", "happy"]) for name in sides}
    params = {name: PARAMS.model_copy(update={"side": side}) for name, side in sides.items()}
    targets = join_corpora(corpora).targets
    placed = place_corpora(corpora, params, targets, splits)
    return {target.clip_id: (target.split, target.fold) for target in placed}


def test_more_emotions_than_any_corpus_has_are_refused_before_each_label_is_looked_for():
    with pytest.raises(CorpusError, match="a: expected at most 200 emotions, got 201"):
        check_corpus(make("a", [f"mood {number}" for number in range(201)]), "a")


class TestMap:
    def test_a_class_becomes_another_or_no_label(self):
        corpus = mapped(make("a", ["calm", "sad", "neutral"]), calm="neutral", sad=None)
        assert corpus.names == Names(
            emotion=["neutral"], words={"cal": "neutral", "neu": "neutral"}
        )
        assert [target.labels.get("emotion") for target in corpus.targets[:3]] == [
            "neutral",
            None,
            "neutral",
        ]
        check_corpus(corpus, "a")

    def test_frames_are_mapped_too(self):
        rows = [
            {"clip_id": "a/0", "frame": frame, "seconds": frame / 10, "emotion": emotion}
            for frame, emotion in enumerate(["calm", "sad", None, "neutral"])
        ]
        frames = pa.Table.from_pylist(rows, schema=FRAMES_SCHEMA)
        corpus = mapped(
            make("a", ["calm", "sad", "neutral"], frames=frames), calm="neutral", sad=None
        )
        assert corpus.frames["emotion"].to_pylist() == ["neutral", "neutral"]
        check_corpus(corpus, "a")

    def test_votes_are_added_up_and_of_scores_the_greater_counts(self):
        labels = {
            "votes": (("calm", 2.0), ("neutral", 3.0), ("sad", 1.0)),
            "emotions": (("calm", 0.5), ("neutral", 0.25), ("sad", 1.0)),
        }
        voted = make("a", ["calm", "neutral", "sad"])
        voted = replace(voted, targets=[replace(own, labels=labels) for own in voted.targets])
        assert mapped(voted, calm="neutral", sad=None).targets[0].labels == {
            "votes": (("neutral", 5.0),),
            "emotions": (("neutral", 0.5),),
        }

    def test_votes_for_nothing_that_is_left_are_no_label(self):
        voted = make("a", ["sad", "happy"])
        labels = {"votes": (("sad", 2.0), ("happy", 0.0))}
        voted = replace(voted, targets=[replace(own, labels=labels) for own in voted.targets])
        assert mapped(voted, sad=None).targets[0].labels == {}

    def test_a_frame_without_any_label_left_is_no_labelled_frame(self):
        row = {"clip_id": "a/0", "frame": 0, "seconds": 0.0, "emotion": "calm"}
        frames = pa.Table.from_pylist([row], schema=FRAMES_SCHEMA)
        corpus = make("a", ["calm", "sad"], frames=frames)
        assert mapped(corpus, calm=None).frames.num_rows == 0

    def test_a_class_that_is_new_is_told(self):
        assert mapped(make("a", ["calm", "neutral"]), calm="nuetral").remarks == [
            "class nuetral: new here, calm is called so"
        ]
        assert mapped(make("a", ["calm", "neutral"]), calm="neutral").remarks == []

    @pytest.mark.parametrize("word", ["", " neutral", "neutral "])
    def test_a_class_has_a_name_without_blanks_around_it(self, word):
        section = {"kind": "toy", "root": "x", "depends_on": "x", "map": {"calm": word}}
        with pytest.raises(ParamsError, match=r"corpora\.a\.map\.calm"):
            parse_section(CorpusParams, section, "corpora.a")

    def test_an_unknown_class_is_refused(self):
        with pytest.raises(ParamsError, match=r"corpora\.a\.map: unknown class 'clam'; did .*calm"):
            mapped(make("a", ["calm"]), clam="neutral")


class TestJoin:
    def test_one_corpus_stays_as_it_is(self):
        corpus = make("a", ["sad"])
        assert join_corpora({"a": corpus}) is corpus

    def test_clips_are_sorted_and_people_of_one_name_told_apart(self):
        joined = join_corpora({"b": make("b", ["sad"]), "a": make("a", ["sad"])})
        check_corpus(joined, "both")
        assert [clip.clip_id for clip in joined.clips][7:9] == ["a/7", "b/0"]
        assert {clip.group for clip in joined.clips if clip.subject == "a/0"} == {"a/0"}

    def test_frames_are_sorted_by_clip(self):
        def frames(name: str) -> pa.Table:
            row = {"clip_id": f"{name}/0", "seconds": 0.0, "valence": 0.5}
            rows = [{**row, "frame": 0}, {**row, "frame": 1, "seconds": 0.1}]
            return pa.Table.from_pylist(rows, schema=FRAMES_SCHEMA)

        corpora = {name: make(name, ["sad"], frames=frames(name)) for name in "ba"}
        check_corpus(join_corpora(corpora), "both")

    def test_classes_that_some_lack_are_told(self):
        joined = join_corpora({"b": make("b", ["sad", "calm"]), "a": make("a", ["happy", "sad"])})
        assert joined.names.emotion == ["sad", "calm", "happy"]
        assert joined.remarks == [
            "class calm: only b has it; `map` of the corpus can make it another",
            "class happy: only a has it; `map` of the corpus can make it another",
        ]

    def test_a_word_that_means_two_things_means_none(self):
        other = make("b", ["sadness"], names=Names(emotion=["sadness"], words={"sad": "sadness"}))
        assert join_corpora({"a": make("a", ["sad"]), "b": other}).names.words == {}

    def test_scores_of_other_classes_are_refused(self):
        def score(name: str, *words: str) -> Corpus:
            corpus = make(name, ["sad", "happy", "contempt"])
            labels = {"emotions": tuple((word, 0.5) for word in words)}
            return replace(corpus, targets=[replace(own, labels=labels) for own in corpus.targets])

        assert join_corpora({name: score(name, "sad", "happy") for name in "ab"}).clips
        with pytest.raises(CorpusError, match="expected a and b to rate the same classes, got con"):
            join_corpora({"a": score("a", "sad"), "b": score("b", "sad", "contempt")})

    def test_a_clip_of_two_corpora_is_refused(self):
        with pytest.raises(
            CorpusError, match="a/0: a clip of one and of two; give tables a column"
        ):
            join_corpora({"one": make("a", ["sad"]), "two": make("a", ["sad"])})


class TestPlace:
    def test_a_corpus_that_comes_moves_no_clip_of_another(self):
        folds = SplitParams(protocol="folds", folds=4)
        alone, both = place(folds, a=None), place(folds, a=None, b=None)
        assert alone == {clip_id: at for clip_id, at in both.items() if clip_id in alone}
        assert {fold for _, fold in both.values()} == {0, 1, 2, 3}

    def test_leaving_one_out_gives_each_group_of_each_corpus_its_fold(self):
        placed = place(SplitParams(protocol="leave_one_out"), a=None, b=None)
        assert sorted(fold for _, fold in placed.values()) == list(range(16))

    def test_parts_of_one_corpus_share_people_and_folds(self):
        parts = part(make("a", ["sad"]), "song", "speech")
        folds = SplitParams(protocol="folds", folds=4)
        joined = join_corpora(parts)
        placed = place_corpora(parts, dict.fromkeys(parts, PARAMS), joined.targets, folds)
        of = {clip.clip_id: clip.group for clip in joined.clips}
        found = {(of[target.clip_id], target.fold) for target in placed}
        assert len(found) == len(set(of.values())) == 8

    @pytest.mark.parametrize("sides", [("train", "test"), ("train", None)])
    def test_parts_of_one_corpus_have_one_side(self, sides):
        parts = part(make("a", ["sad"]), "song", "speech")
        params = {
            name: PARAMS.model_copy(update={"side": side})
            for name, side in zip(parts, sides, strict=True)
        }
        with pytest.raises(ParamsError, match="expected one side for all entries of one corpus"):
            place_corpora(parts, params, join_corpora(parts).targets, SplitParams())

    def test_who_validates_elsewhere_leaves_train_whole(self):
        placed = place(SplitParams(protocol="holdout", val_share=0.25), a="train", b=None)
        assert {split for clip, (split, _) in placed.items() if clip.startswith("a")} == {"train"}

    def test_an_error_tells_which_corpus_it_is_about(self):
        with pytest.raises(
            ParamsError, match=r"^corpora\.a: params\.yaml: splits\.protocol: the cor"
        ):
            place(SplitParams(), a=None)

    def test_one_trains_and_validates_the_other_tests(self):
        placed = place(SplitParams(protocol="holdout", val_share=0.25), a="train", b="test")
        sides = {name: [s for c, (s, _) in placed.items() if c.startswith(name)] for name in "ab"}
        assert sides["b"] == ["test"] * 8
        assert sorted(sides["a"]) == ["train"] * 6 + ["val"] * 2

    def test_all_of_it_trains_where_another_validates(self):
        placed = place(SplitParams(), a="train", b="val")
        assert {split for clip, (split, _) in placed.items() if clip.startswith("a")} == {"train"}

    def test_of_two_that_train_the_first_alone_has_some_cut_out(self):
        placed = place(SplitParams(protocol="holdout", val_share=0.25), a="train", b="train")
        assert {clip[0] for clip, (split, _) in placed.items() if split == "val"} == {"a"}

    def test_folds_beside_a_side_are_refused(self):
        with pytest.raises(ParamsError, match=r"folds in a and b, .* got 4 folds and a split"):
            place(SplitParams(protocol="folds", folds=4), a=None, b="test")

    def test_other_numbers_of_folds_are_refused(self):
        corpora = {
            name: replace(
                corpus := make(name, ["sad"]),
                targets=[replace(t, fold=n % folds) for n, t in enumerate(corpus.targets)],
            )
            for name, folds in (("a", 3), ("b", 4))
        }
        targets = join_corpora(corpora).targets
        with pytest.raises(ParamsError, match="got 3 folds and 4 folds"):
            place_corpora(corpora, dict.fromkeys(corpora, PARAMS), targets, SplitParams())

    def test_what_has_no_label_is_on_no_side(self, tmp_path):
        corpus = make("a", ["sad"])
        corpus = replace(
            corpus, targets=[replace(corpus.targets[0], labels={}), *corpus.targets[1:]]
        )
        sided = {"a": PARAMS.model_copy(update={"side": "test"})}
        placed = place_corpora({"a": corpus}, sided, corpus.targets, SplitParams())
        assert [target.split for target in placed] == [None, *["test"] * 7]


def test_overrides_speak_of_the_classes_of_all(tmp_path):
    overrides = tmp_path / "overrides.csv"
    overrides.write_text("clip_id,action,value,reason\na/0,emotion,neutral,heard so\n")
    corpora = {name: make(name, ["calm", "neutral"]) for name in "ab"}
    params = {name: PARAMS.model_copy(update={"map": {"calm": "neutral"}}) for name in "ab"}
    labelled = label_corpora(
        corpora, params, SplitParams(protocol="folds", folds=3), overrides, tmp_path
    )
    assert {target.labels["emotion"] for target in labelled.targets} == {"neutral"}
    assert [entry.reason for entry in labelled.ledger] == ["relabelled"]
