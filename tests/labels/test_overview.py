import pytest

from pipeline.cli.inspections import draw_bars
from pipeline.errors import StoreError
from pipeline.labels.clip_labels import ClipLabels, write_targets
from pipeline.labels.overview import ENDS, MOST_PARTS, read_overview
from pipeline.labels.parts import ALL
from pipeline.store.ledger import Entry
from tests.labels.labels_made import make_overview

SIDED = [{"split": "train"}, {"split": "train"}, {"split": "val"}]


def make_frames(clip_id, *rows):
    return [
        {"clip_id": clip_id, "frame": n, "seconds": n / 10, **row} for n, row in enumerate(rows)
    ]


def test_classes_and_subjects_are_counted_by_side(tmp_path):
    labels = [{"emotion": "sad"}, {"emotion": "happy"}, {"emotion": "sad"}, {}]
    found = make_overview(tmp_path, labels, SIDED)
    assert found.parts == ["train", "val", "none"]
    assert found.classes["emotion"]["sad"] == {"train": 1, "val": 1, "none": 0, ALL: 2}
    assert found.counts["subjects"] == {"train": 2, "val": 1, "none": 1, ALL: 2}
    assert found.counts["clips"][ALL] == 4
    assert "usable" not in found.counts


def test_folds_are_in_the_order_of_their_numbers(tmp_path):
    places = [{"fold": 11 - n} for n in range(12)]
    found = make_overview(tmp_path, [{"emotion": "sad"}] * 12, places)
    assert found.parts[:3] == ["fold-0", "fold-1", "fold-2"]


def test_of_many_folds_the_least_the_median_and_the_most_are_told(tmp_path):
    folds = [0, 0, 0, *range(1, MOST_PARTS + 1), 1]
    found = make_overview(
        tmp_path, [{"emotion": "sad"}] * len(folds) + [{}], [{"fold": fold} for fold in folds]
    )
    assert found.crowded
    assert found.condense(found.counts["clips"]) == {
        "least of a fold": 1,
        "median of a fold": 1,
        "most of a fold": 3,
        "none": 1,
        ALL: 17,
    }


def test_classes_of_frames_are_counted_by_the_side_of_their_clip(tmp_path):
    frames = [
        *make_frames("toy/0", {"emotion": "happy"}, {"emotion": "happy"}, {"valence": 0.5}),
        *make_frames("toy/2", {"emotion": "happy"}, {"emotion": "sad"}),
    ]
    found = make_overview(tmp_path, [{}, {}, {}], SIDED, frames=frames)
    assert found.classes == {
        "emotion of frames": {
            "happy": {"train": 2, "val": 1, ALL: 3},
            "sad": {"train": 0, "val": 1, ALL: 1},
        }
    }


def test_scores_above_0_and_the_first_class_of_votes_count(tmp_path):
    labels = [
        {"emotions": (("happy", 0.5), ("sad", 0.0)), "votes": (("happy", 3.0), ("sad", 1.0))},
        {"emotions": (("happy", 0.1), ("sad", 1.0)), "votes": (("happy", 2.0), ("sad", 2.0))},
    ]
    found = make_overview(tmp_path, labels)
    counted = {
        target: {name: counts[ALL] for name, counts in of.items()}
        for target, of in found.classes.items()
    }
    assert counted == {"emotions": {"happy": 2, "sad": 1}, "votes": {"happy": 1, "sad": 0}}


def test_ratings_of_clips_and_frames_are_told_with_their_histogram(tmp_path):
    frames = make_frames("toy/0", {"valence": -1.0}, {"valence": 0.5})
    labels = [{}, {"dominance": 0.0}, {"valence": 1.0}]
    found = make_overview(tmp_path, labels, SIDED, frames=frames)
    rated = found.ratings["valence"]
    assert (rated[ALL].count, rated[ALL].least, rated[ALL].greatest) == (3, -1.0, 1.0)
    assert rated[ALL].mean == pytest.approx(1 / 6)
    assert rated[ALL].histogram == (1, 0, 0, 0, 0, 0, 0, 1, 0, 1)
    assert rated["train"].histogram == (1, 0, 0, 0, 0, 0, 0, 1, 0, 0)
    assert (rated["val"].count, rated["val"].mean) == (1, 1.0)
    assert found.ratings["dominance"].keys() == {ALL, "train"}


def test_agreement_is_the_share_of_a_clips_first_class(tmp_path):
    labels = [
        {"votes": (("happy", 3.0), ("sad", 1.0))},
        {"votes": (("sad", 2.0),)},
        {"votes": (("happy", 5.0), ("sad", 5.0))},
        {},
    ]
    found = make_overview(tmp_path, labels).agreement
    assert found is not None
    assert (found.shares.count, found.tied) == (3, 1)
    assert found.shares.mean == pytest.approx((0.75 + 1 + 0.5) / 3)
    assert make_overview(tmp_path, [{}]).agreement is None


def test_what_clean_left_out_is_not_usable_and_in_the_ledger(tmp_path):
    excluded = Entry("toy/9", "labels", "left_out", "no_file", "the corpus's table names it")
    short = Entry("toy/1", "clean", "left_out", "too_short", "0.2 s")
    seconds = {"toy/0": 2.0, "toy/2": 3.0, "toy/7": 5.0}
    labels = [{"emotion": "sad"}] * 3
    found = make_overview(
        tmp_path, labels, SIDED, ledger=[excluded], seconds=seconds, losses=[short]
    )
    assert found.counts["usable"] == {"train": 1, "val": 1, ALL: 2}
    assert found.entries == [excluded, short]


def test_the_longest_and_the_shortest_are_told(tmp_path):
    seconds = {f"toy/{n}": 1.0 + n % 17 for n in range(23)}
    found = make_overview(tmp_path, [{}] * 23, SIDED, seconds=seconds).lengths
    assert found is not None
    assert (found.count, found.total_seconds) == (23, sum(seconds.values()))
    assert len(found.longest) == len(found.shortest) == ENDS
    assert (found.longest[0].clip_id, found.longest[0].seconds) == ("toy/16", 17.0)
    assert [length.clip_id for length in found.shortest[:2]] == ["toy/0", "toy/17"]
    assert found.shortest[0].part == "train"


def test_of_clips_whose_length_is_unknown_none_is_told(tmp_path):
    assert make_overview(tmp_path, [{}]).lengths is None


def test_what_is_on_two_sides_is_told_as_labels_tells_it(tmp_path):
    found = make_overview(tmp_path, [{"emotion": "sad"}] * 3, SIDED)
    assert found.overlaps == [
        "official: 1 of 1 subjects in val (1 of 1 clips) are also in train",
    ]


def test_labels_of_other_clips_are_refused(tmp_path):
    make_overview(tmp_path / "one", [{}, {}])
    make_overview(tmp_path / "other", [{}])
    with pytest.raises(StoreError, match="expected the labels of the clips in data/labels, got th"):
        read_overview(tmp_path / "one" / "labels", tmp_path / "other" / "targets", None)


def test_frames_of_unknown_clips_strange_splits_and_ratings_off_their_scale_are_refused(tmp_path):
    with pytest.raises(StoreError, match="rows of clips with labels, got some of 'toy/5'"):
        make_overview(tmp_path, [{}], frames=make_frames("toy/5", {"valence": 0.5}))
    make_overview(tmp_path, [{}])
    off = ClipLabels(clip_id="toy/0", labels={"valence": 1.5})
    write_targets(tmp_path / "targets" / "targets.parquet", [off])
    with pytest.raises(StoreError, match=r"valence: expected -1 to 1, got 1\.5"):
        read_overview(tmp_path / "labels", tmp_path / "targets", None)
    write_targets(
        tmp_path / "targets" / "targets.parquet", [ClipLabels(clip_id="toy/0", split="dev")]
    )
    with pytest.raises(StoreError, match="expected splits train, val, test, got 'dev'"):
        read_overview(tmp_path / "labels", tmp_path / "targets", None)


def test_the_highest_bar_is_that_of_most():
    assert draw_bars([0, 0]) == "  "
    assert draw_bars([1, 1000]) == "▁█"
