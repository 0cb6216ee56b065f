import numpy as np
import pyarrow as pa
import pytest
import torch

from pipeline.errors import StoreError
from pipeline.evaluation.evaluating import evaluate_head
from pipeline.evaluation.params import EvaluateParams
from pipeline.evaluation.table import HELD_OUT_SCHEMA, add_speakers
from pipeline.heads.building import load_heads
from pipeline.labels.clip_labels import FRAMES_SCHEMA, ClipLabels
from pipeline.labels.clips import Clip
from pipeline.labels.emotions import Names
from pipeline.labels.target_files import write_target_files
from pipeline.prediction.held_out import Trained, predict_held_out
from pipeline.store.tables import read_table, write_table
from pipeline.training.saving import train_head
from pipeline.windows.labels import Labels, read_labels
from tests.stores import ask, make_labels, make_params, make_rows, write_features

ROWS = 5


class Corpus:
    """Six clips of three folds whose valence is labelled by frame and shows in their rows.

    The last row of each clip is missing, and `c5` has no row at all.
    """

    def __init__(self, folder):
        generator = np.random.default_rng(0)
        self.folder = folder
        self.names = [f"c{number}" for number in range(6)]
        targets = [ClipLabels(clip_id=name, fold=n % 3) for n, name in enumerate(self.names)]
        labels, rows = [], {}
        for name in self.names:
            valence = generator.uniform(-0.8, 0.8, ROWS + 1)
            noise = 0.01 * generator.normal(size=(ROWS, 3))
            rows[name] = make_rows(valence[:ROWS, None] * [1.0, -1.0, 0.5] + noise)
            labels += [
                {"clip_id": name, "frame": frame, "seconds": frame + 0.5, "valence": value}
                for frame, value in enumerate(valence)
            ]
        rows["c5"] = None
        names, table = Names(emotion=["sad"], words={}), pa.Table.from_pylist(labels, FRAMES_SCHEMA)
        write_target_files(folder / "labels", targets, names, frames=table)
        write_features(folder / "audio", rows)

    def labels(self) -> Labels:
        return read_labels(self.folder / "labels")

    def predict(self):
        windows = {"seconds": 3.0, "hop_seconds": 1.0}
        params = make_params(
            "linear",
            {"audio": "audio"},
            targets=["valence"],
            windows=windows,
            strengths=[1e-4],
        )
        train_head(ask("toy", params), self.folder, self.labels(), self.folder / "models")
        held_out = read_table(self.folder / "models" / "predictions.parquet", HELD_OUT_SCHEMA)
        clips = [Clip(clip_id=name, corpus="toy", path=name) for name in self.names]
        return add_speakers(held_out, clips)


@pytest.fixture(scope="module")
def predictions(tmp_path_factory):
    torch.set_num_threads(1)
    return Corpus(tmp_path_factory.mktemp("corpus")).predict()


def select(predictions, **given):
    rows = predictions.to_pylist()
    return [row for row in rows if all(row[name] == value for name, value in given.items())]


def test_every_annotated_frame_is_tested_once(predictions):
    tested = select(predictions, split="test")
    assert len(tested) == 6 * (ROWS + 1)
    assert len({(row["clip_id"], row["seconds"]) for row in tested}) == len(tested)


def test_frames_that_no_row_reaches_are_annotated_and_not_covered(predictions):
    uncovered = [
        (row["clip_id"], row["seconds"])
        for row in select(predictions, split="test", predicted=None)
    ]
    beyond = [(f"c{number}", ROWS + 0.5) for number in range(5)]
    without_rows = [("c5", frame + 0.5) for frame in range(ROWS + 1)]
    assert sorted(uncovered) == sorted(beyond + without_rows)


def test_frames_of_unseen_clips_are_predicted_well(predictions):
    evaluation = evaluate_head("toy", predictions, [], EvaluateParams(test=True, resamples=10))
    found = evaluation.splits["test"].metrics["ccc_valence"]
    assert found.value > 0.95
    assert (found.covered, found.annotated) == (5 * ROWS, 6 * (ROWS + 1))


def test_each_row_carries_what_the_training_labels_alone_predict(predictions):
    for fold in range(3):
        (prior,) = {row["prior"] for row in select(predictions, fold=fold, split="test")}
        assert -0.8 < prior < 0.8


def test_a_head_has_rows_of_its_own_targets_alone(predictions):
    assert {row["target"] for row in predictions.to_pylist()} == {"valence"}


def test_predictions_of_clips_that_are_no_more_are_refused(predictions):
    held_out = predictions.drop_columns(["subject", "group"])
    with pytest.raises(StoreError, match=r"predictions of clip 'c.': expected a clip of data/lab"):
        add_speakers(held_out, [])


LABELS = [
    {
        "emotion": ("angry", "happy", "sad")[number % 3],
        "intensity": number / 24,
        "emotions": (("sad", float(number % 2)), ("happy", 0.25)),
        "votes": (("angry", 3.0), ("sad", 1.0)),
    }
    for number in range(24)
]
KINDS = list(LABELS[0])


class Mixed:
    """Clips of four folds that are labelled with a target of every kind.

    Clip `c05` has no row, `c06` a class alone, and `c07` no label at all.
    """

    def __init__(self, folder):
        generator = np.random.default_rng(1)
        given = [*LABELS[:6], {"emotion": "angry"}, {}, *LABELS[8:]]
        targets = [
            ClipLabels(clip_id=f"c{n:02}", fold=(n // 6), labels=labels)
            for n, labels in enumerate(given)
        ]
        rows = {t.clip_id: make_rows(generator.normal(size=(2, 3))) for t in targets}
        rows["c05"] = None
        self.labels = make_labels(targets)
        self.store = write_features(folder / "audio", rows)
        params = make_params("linear", {"audio": "audio"}, targets=KINDS, strengths=[1.0])
        train_head(ask("toy", params), folder, self.labels, folder / "model")
        self.folder = folder
        self.written = read_table(folder / "model" / "predictions.parquet", HELD_OUT_SCHEMA)

    def find(self, **given):
        return select(self.written, split="test", **given)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    torch.set_num_threads(1)
    return Mixed(tmp_path_factory.mktemp("mixed"))


def test_a_head_that_is_loaded_says_what_it_said_in_memory(mixed):
    recipe, params, heads = load_heads(mixed.folder / "model")
    loaded = Trained(params, {"audio": mixed.store}, heads, recipe.priors)
    found = predict_held_out(loaded, mixed.labels)
    assert found.to_pylist() == mixed.written.to_pylist()


def test_predictions_of_the_first_version_are_refused(tmp_path):
    path = tmp_path / "predictions.parquet"
    write_table(path, HELD_OUT_SCHEMA.remove_metadata().empty_table())
    with pytest.raises(StoreError, match=r"predictions\.parquet: expected format_version 2, got 1"):
        read_table(path, HELD_OUT_SCHEMA)


def test_rows_come_by_fold_split_target_clip_and_class(mixed):
    rows = mixed.written.to_pylist()
    places = [
        (
            row["fold"],
            ["val", "test"].index(row["split"]),
            KINDS.index(row["target"]),
            row["clip_id"],
            ["angry", "happy", "sad", None].index(row["class"]),
        )
        for row in rows
    ]
    assert places == sorted(places)
    assert {row["target"]: row["class"] is None for row in rows} == {
        "emotion": True,
        "intensity": True,
        "emotions": False,
        "votes": False,
    }


def test_clips_without_any_label_have_no_row(mixed):
    assert mixed.find(clip_id="c07") == []
    assert len(mixed.find(clip_id="c06")) == len(mixed.find(clip_id="c05")) == 2 + 2 * 3


def test_labels_that_are_not_given_are_null_beside_a_prediction(mixed):
    for row in mixed.find(clip_id="c06"):
        assert (row["label"] is None) == (row["target"] != "emotion")
        assert row["predicted"] is not None


def test_a_clip_without_rows_is_annotated_and_not_predicted(mixed):
    for row in mixed.find(clip_id="c05"):
        assert row["label"] is not None
        assert row["predicted"] is row["scores"] is None


def test_labels_are_numbers_by_class(mixed):
    rows = mixed.find(clip_id="c01")
    assert [row["label"] for row in rows if row["target"] == "emotion"] == [1]
    assert [row["label"] for row in rows if row["target"] == "votes"] == [0.75, 0.0, 0.25]
    assert [row["label"] for row in rows if row["target"] == "emotions"] == [0.0, 0.25, 1.0]


def test_the_likeliest_class_is_predicted(mixed):
    for row in mixed.find(target="emotion"):
        if row["scores"] is not None:
            assert sum(row["scores"]) == pytest.approx(1.0, abs=1e-5)
            assert row["predicted"] == np.argmax(row["scores"])
    assert {row["scores"] for row in mixed.find(target="intensity")} == {None}


def test_votes_are_predicted_as_shares(mixed):
    shares = [row["predicted"] for row in mixed.find(target="votes", clip_id="c12")]
    assert len(shares) == 3
    assert sum(shares) == pytest.approx(1.0, abs=1e-5)


def test_priors_of_numbers_for_each_class_are_their_means(mixed):
    rows = mixed.find(target="votes", clip_id="c12")
    assert [row["prior"] for row in rows] == pytest.approx([0.75, 0.0, 0.25])
