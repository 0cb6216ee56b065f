import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.labels.clip_labels import ClipLabels
from pipeline.modalities import RowShape
from pipeline.store.joint import join_sets
from pipeline.windows import dataset as datasets
from pipeline.windows.dataset import WindowDataset, load_batches, open_inputs, pass_over
from pipeline.windows.packing import NO_CLASS
from tests.stores import make_labels, make_params, make_rows, write_features

ROWS = 6


def counted(rows=ROWS, dim=2):
    """Rows of one second each whose columns are their number."""
    return make_rows(np.repeat(np.arange(rows)[:, None], dim, axis=1))


def seconds_of(count=ROWS):
    return np.arange(count) + 0.5


@pytest.fixture
def build(tmp_path):
    """Data set of the clips in `rows` (clip → rows, of one modality) under `windows`."""

    def build_dataset(labels, rows=None, targets=("emotion", "valence"), **windows):
        store = write_features(tmp_path / "toy", rows or {"a": counted()})
        params = make_params("mlp", {"audio": "toy"}, targets=list(targets), windows=windows)
        dataset = WindowDataset({"audio": store}, labels, params)
        dataset.add_clips(labels.targets)
        return dataset

    return build_dataset


def framed(**columns):
    """Labels of the frames of clip `a`, the valence of each its own number of tenths."""
    given = {"seconds": seconds_of(), "valence": np.arange(ROWS) / 10, **columns}
    return make_labels([ClipLabels(clip_id="a")], {"a": given})


def taken(dataset, window=0):
    """Rows that the points of a window take, None where a point is absent."""
    batch = dataset[[window]]
    rows, mask = batch.streams["audio"].rows[0, :, 0], batch.streams["audio"].mask[0]
    return [row if here else None for row, here in zip(rows.tolist(), mask.tolist(), strict=True)]


@pytest.mark.parametrize(("size", "expected"), [(99, [2, 2, 1]), (1, [1] * 5), (2**23, [5])])
def test_a_pass_takes_as_many_windows_at_once_as_stay_small(build, monkeypatch, size, expected):
    monkeypatch.setattr(datasets, "PASSED_BYTES", size)  # a window has 6 rows of 2 numbers
    clips = [ClipLabels(clip_id=name, labels={"valence": 0.0}) for name in "abcde"]
    dataset = build(make_labels(clips), {name: counted() for name in "abcde"})
    assert [len(batch.targets["valence"]) for batch in pass_over(dataset)] == expected


class TestFrames:
    def test_the_grid_is_the_labels_own_times(self, build):
        dataset = build(framed(), targets=["valence"])
        assert taken(dataset) == [0, 1, 2, 3, 4, 5]
        expected = torch.arange(ROWS)[None] / 10
        torch.testing.assert_close(dataset[[0]].targets["valence"], expected)

    def test_windows_overlap_by_the_hop(self, build):
        dataset = build(framed(), targets=["valence"], seconds=3.0, hop_seconds=1.0)
        assert [taken(dataset, n) for n in range(len(dataset))] == [
            [0, 1, 2],
            [1, 2, 3],
            [2, 3, 4],
            [3, 4, 5],
        ]

    def test_a_label_given_late_meets_what_it_was_given_for(self, build):
        dataset = build(framed(), targets=["valence"], label_delay_seconds=2.0)
        assert taken(dataset) == [0, 1, 2, 3]
        torch.testing.assert_close(
            dataset[[0]].targets["valence"], torch.tensor([[0.2, 0.3, 0.4, 0.5]])
        )

    def test_causal_points_see_rows_that_are_over(self, build):
        dataset = build(framed(), targets=["valence"], causal=True, tolerance_seconds=0.6)
        assert taken(dataset) == [None, 0, 1, 2, 3, 4]

    def test_a_point_is_the_mean_of_the_rows_in_its_cell(self, build):
        labels = framed(seconds=[1.0, 3.0], valence=[0.1, 0.2])
        assert taken(build(labels, targets=["valence"])) == [0.5, 2.5]

    def test_frames_after_the_last_row_are_in_no_window(self, build):
        labels = framed(seconds=[1.5, 2.5, 7.5], valence=[0.1, 0.2, 0.3])
        assert taken(build(labels, targets=["valence"])) == [1, 2]

    def test_a_frame_without_a_label_is_masked(self, build):
        dataset = build(framed(valence=[0.1, np.nan, 0.3, np.nan, 0.5, 0.6]), targets=["valence"])
        masks = dataset[[0]].target_masks["valence"]
        assert masks.tolist() == [[True, False, True, False, True, True]]

    def test_a_clip_without_frames_is_masked_beside_one_that_has_some(self, build):
        labels = make_labels(
            [ClipLabels(clip_id="a"), ClipLabels(clip_id="b")],
            {"a": {"seconds": seconds_of(), "valence": np.zeros(ROWS)}},
        )
        dataset = build(labels, {"a": counted(), "b": counted()}, targets=["valence"])
        (batch,) = load_batches(dataset)
        assert not batch.target_masks["valence"][1:].any()
        assert batch.target_masks["valence"][0].all()

    def test_a_clip_with_a_label_of_its_own_has_it_at_every_step(self, build):
        labels = make_labels(
            [
                ClipLabels(clip_id="a"),
                ClipLabels(clip_id="b", labels={"valence": 0.25}),
                ClipLabels(clip_id="c", labels={"emotion": "sad"}),
            ],
            {"a": {"seconds": seconds_of()[:3] * 2, "valence": np.zeros(3)}},
        )
        rows = {name: counted() for name in "abc"}
        (batch,) = load_batches(build(labels, rows, targets=["valence"]))
        assert batch.targets["valence"].tolist() == [[0.0] * 3, [0.25] * 3]
        assert batch.target_masks["valence"].all()

    def test_frames_and_clips_may_carry_different_labels(self, build):
        targets = [ClipLabels(clip_id="a", labels={"emotion": "sad"})]
        frames = {"a": {"seconds": seconds_of(), "valence": np.zeros(ROWS)}}
        dataset = build(make_labels(targets, frames))
        assert dataset.per == {"emotion": "clip", "valence": "frame"}
        assert dataset[[0]].targets["emotion"].tolist() == [2]


class TestClips:
    def test_rows_stay_as_they_are_without_a_rate(self, build):
        labels = make_labels([ClipLabels(clip_id="a", labels={"emotion": "happy", "valence": 0.5})])
        assert taken(build(labels)) == [0, 1, 2, 3, 4, 5]

    def test_a_rate_makes_a_regular_grid(self, build):
        labels = make_labels([ClipLabels(clip_id="a", labels={"emotion": "happy"})])
        assert taken(build(labels, rate_hz=0.5)) == [0.5, 2.5, 4.5]

    def test_labels_that_are_not_given_are_masked(self, build):
        batch = build(make_labels([ClipLabels(clip_id="a", labels={"valence": -0.5})]))[[0]]
        assert batch.targets["emotion"].tolist() == [NO_CLASS]
        assert batch.target_masks["emotion"].tolist() == [False]
        assert batch.targets["valence"].tolist() == [-0.5]

    def test_numbers_for_each_class_are_in_the_order_of_the_classes(self, build):
        labels = {
            "a": {"votes": (("sad", 3.0), ("angry", 1.0)), "emotions": (("happy", 2.0),)},
            "b": {"votes": (("happy", 2.0),)},
        }
        targets = [ClipLabels(clip_id=name, labels=found) for name, found in labels.items()]
        rows = {"a": counted(), "b": counted()}
        batch = build(make_labels(targets), rows, targets=["votes", "emotions"])[[0, 1]]
        assert batch.targets["votes"].tolist() == [[0.25, 0.0, 0.75], [0.0, 1.0, 0.0]]
        assert batch.target_masks["votes"].tolist() == [True, True]
        assert batch.targets["emotions"][0].tolist() == [0.0, 2.0, 0.0]
        assert batch.target_masks["emotions"].tolist() == [True, False]

    def test_rows_that_stand_for_nothing_leave_their_place_empty(self, build):
        labels = make_labels([ClipLabels(clip_id="a", labels={"valence": 0.5})])
        rows = {"a": make_rows(np.arange(3)[:, None], valid=[True, False, True])}
        assert taken(build(labels, rows)) == [0, None, 2]

    def test_a_clip_without_rows_has_no_window(self, build):
        labels = make_labels(
            [ClipLabels(clip_id=name, labels={"valence": 0.5}) for name in ("a", "b", "c")]
        )
        rows = {"a": counted(), "b": None}
        assert [window.clip_id for window in build(labels, rows).windows] == ["a"]

    def test_a_modality_that_is_absent_is_masked_and_zero(self, tmp_path):
        stores = {
            "audio": write_features(tmp_path / "one", {"a": counted(), "b": None}),
            "text": write_features(tmp_path / "two", {"a": None, "b": counted(3, dim=5)}),
        }
        params = make_params("mlp", {"audio": "one", "text": "two"})
        dataset = WindowDataset(stores, make_labels([ClipLabels(clip_id=n) for n in "ab"]), params)
        dataset.add_clips("ab")
        (batch,) = load_batches(dataset)
        assert {
            name: stream.mask.sum(dim=1).tolist() for name, stream in batch.streams.items()
        } == {
            "audio": [6, 0],
            "text": [0, 3],
        }
        assert not batch.streams["audio"].rows[1].any()
        assert dataset.shapes == {"audio": RowShape.of((2,)), "text": RowShape.of((5,))}

    def test_rows_keep_all_their_axes(self, build):
        labels, values = make_labels([ClipLabels(clip_id="a")]), np.arange(24.0).reshape(4, 3, 2)
        (batch,) = load_batches(build(labels, {"a": make_rows(values)}))
        assert batch.streams["audio"].rows.tolist() == [values.tolist()]

    def test_rows_of_several_axes_are_averaged_cell_by_cell(self, build):
        labels, values = make_labels([ClipLabels(clip_id="a")]), np.arange(24.0).reshape(4, 3, 2)
        dataset = build(labels, {"a": make_rows(values)}, rate_hz=0.5)
        (batch,) = load_batches(dataset)
        assert batch.streams["audio"].rows.tolist() == [values.reshape(2, 2, 3, 2).mean(1).tolist()]


@settings(max_examples=20)
@given(st.lists(st.integers(1, 7), min_size=2, max_size=5), st.booleans())
def test_a_batch_holds_what_its_windows_hold_alone(tmp_path_factory, lengths, framewise):
    names = [f"c{number}" for number in range(len(lengths))]
    frames = {
        name: {"seconds": seconds_of(length), "valence": np.arange(length) / 10}
        for name, length in zip(names, lengths, strict=True)
    }
    labels = make_labels(
        [ClipLabels(clip_id=name) for name in names], frames if framewise else None
    )
    rows = {name: counted(length) for name, length in zip(names, lengths, strict=True)}
    store = write_features(tmp_path_factory.mktemp("batch") / "toy", rows)
    params = make_params("mlp", {"audio": "toy"}, targets=["valence"], windows={"seconds": 3.0})
    dataset = WindowDataset({"audio": store}, labels, params)
    dataset.add_clips(names)
    (batch,) = load_batches(dataset)
    for number in range(len(dataset)):
        alone = dataset[[number]]
        length = alone.streams["audio"].mask.shape[1]
        torch.testing.assert_close(
            batch.streams["audio"].rows[[number], :length], alone.streams["audio"].rows
        )
        torch.testing.assert_close(
            batch.streams["audio"].mask[[number], :length], alone.streams["audio"].mask
        )
        assert not batch.streams["audio"].mask[number, length:].any()


@pytest.mark.parametrize("options", [{}, {"rate_hz": 0.5}, {"rate_hz": 0.5, "align": "nearest"}])
def test_rows_are_the_same_in_memory_and_from_their_parts(tmp_path, options):
    rows = {
        "a": make_rows(np.arange(7)[:, None], valid=[True, False, True, True, True, True, False]),
        "b": None,
        "c": counted(2, dim=1),
    }
    stores = {
        "audio": write_features(tmp_path / "audio", rows),
        "text": write_features(tmp_path / "text", {name: counted(1, dim=3) for name in "abc"}),
    }
    params = make_params("mlp", {"audio": "audio", "text": "text"}, windows=options)
    labels = make_labels([ClipLabels(clip_id=name) for name in "abc"])
    held, read = (WindowDataset(stores, labels, params, held_bytes=size) for size in (2**20, 0))
    for dataset in (held, read):
        dataset.add_clips("abc")
    for windows in ([2, 0, 1], [1], [0, 0]):
        for name, stream in held[windows].streams.items():
            other = read[windows].streams[name]
            for part in ("rows", "mask", "seconds"):
                assert torch.equal(getattr(stream, part), getattr(other, part))


def test_windows_that_are_added_or_left_out_later_count(build):
    labels = make_labels([ClipLabels(clip_id=n, labels={"valence": 0.5}) for n in "ab"])
    dataset = build(labels, {"a": counted(2), "b": counted(3)})
    assert taken(dataset, 1) == [0, 1, 2]
    assert taken(dataset.leave_out("a")) == [0, 1, 2]
    dataset.add_clips("a")
    assert taken(dataset, 2) == [0, 1]


def test_sets_of_a_joint_set_are_streams_of_their_own(tmp_path):
    for name, dim in (("logmel", 3), ("mfcc", 2), ("words", 5)):
        write_features(tmp_path / name, {"a": counted(dim=dim)})
    join_sets(tmp_path / "sounds", ["logmel", "mfcc"])
    params = make_params("mlp", {"audio": "sounds", "text": "words"})
    streams = open_inputs(params, tmp_path)
    assert {name: store.row_shape for name, store in streams.items()} == {
        "audio/logmel": (3,),
        "audio/mfcc": (2,),
        "text": (5,),
    }
