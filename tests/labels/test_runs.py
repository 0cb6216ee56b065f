import time
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import CorpusError
from pipeline.labels.clip_labels import ClipLabels, read_trained, write_trained
from pipeline.labels.clips import Clip
from pipeline.labels.corpora.contract import Corpus
from pipeline.labels.emotions import Names
from pipeline.labels.params import SplitParams
from pipeline.labels.runs import find_overlaps, find_trained, list_runs
from pipeline.labels.splits import assign_splits

NAMES = [f"s{number}" for number in range(7)]


def split(**options: object) -> list[ClipLabels]:
    """Seven clips with a label and one without, split as the options say."""
    targets = [ClipLabels(clip_id=name, labels={"emotion": "sad"}) for name in NAMES]
    corpus = Corpus(
        clips=[Clip(clip_id=name, corpus="toy", path=name) for name in [*NAMES, "t"]],
        targets=[*targets, ClipLabels(clip_id="t")],
        names=Names(emotion=["sad"], words={}),
    )
    return assign_splits(corpus, SplitParams(**options))


def test_each_labelled_clip_trains_in_some_fold() -> None:
    assert find_trained(split(protocol="folds", folds=3)) == NAMES


@pytest.mark.parametrize("changes", [{"seed": 5}, {"folds": 5}])
def test_other_folds_leave_the_table_as_it_is(tmp_path: Path, changes: dict[str, int]) -> None:
    for name, given in (("one", {}), ("two", changes)):
        targets = split(protocol="folds", **{"folds": 3, **given})
        write_trained(tmp_path / name, find_trained(targets))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert read_trained(tmp_path / "one") == set(NAMES)


def test_another_label_leaves_the_table_as_it_is() -> None:
    targets = split(protocol="folds", folds=3)
    assert (
        find_trained([replace(target, labels={"emotion": "glad"}) for target in targets]) == NAMES
    )


def test_one_split_trains_on_its_train_alone() -> None:
    targets = split(protocol="holdout", val_share=0.3, test_share=0.3)
    trained = {target.clip_id for target in targets if target.split == "train"}
    assert 0 < len(trained) < len(NAMES)
    assert set(find_trained(targets)) == trained


def test_a_fold_for_each_clip_takes_no_table_of_all_folds_and_clips() -> None:
    """30,000 took 8 GB."""
    targets = [ClipLabels(clip_id=f"{fold:04}", fold=fold) for fold in range(6000)]
    begun = time.process_time()
    assert find_trained(targets) == [target.clip_id for target in targets]
    assert time.process_time() - begun < 3


@pytest.mark.parametrize(("folds", "repeats"), [(10_001, 1), (5_000, 50)])
def test_more_folds_than_heads_are_trained_for_are_refused(folds: int, repeats: int) -> None:
    targets = [ClipLabels(clip_id="a", fold=fold) for fold in range(folds)] * repeats
    with pytest.raises(CorpusError, match=f"folds of {folds * repeats:,} clips, got {folds:,}"):
        list_runs(targets)


def test_nothing_trains_without_a_split() -> None:
    assert find_trained([ClipLabels(clip_id=name) for name in NAMES]) == []


def test_what_is_on_two_sides_is_told_of_the_run_where_most_of_it_is() -> None:
    speakers = "aababc"
    clips = [
        Clip(clip_id=str(n), corpus="toy", path=f"{n}.mp4", subject=speaker)
        for n, speaker in enumerate(speakers)
    ]
    targets = [ClipLabels(clip_id=clip.clip_id, fold=n // 2) for n, clip in enumerate(clips)]
    assert find_overlaps(clips, targets) == [
        "fold-2: 1 of 1 subjects in val (2 of 2 clips) are also in train; so in 5 more pairs of "
        "sides"
    ]
    assert find_overlaps(clips, [ClipLabels(clip_id=clip.clip_id) for clip in clips]) == []
