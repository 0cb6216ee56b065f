import numpy as np
import pyarrow as pa
import pytest
import torch

from pipeline.errors import StoreError
from pipeline.evaluation.evaluating import evaluate_head
from pipeline.evaluation.params import EvaluateParams
from pipeline.heads.building import build_head, load_heads
from pipeline.labels.clip_labels import FRAMES_SCHEMA, ClipLabels, write_targets
from pipeline.labels.clips import Clip
from pipeline.labels.emotions import Names, write_names
from pipeline.prediction.answers import Trained, predict_clips, predict_held_out
from pipeline.prediction.table import HELD_OUT_SCHEMA, add_speakers
from pipeline.store.reader import open_features
from pipeline.store.tables import read_table, write_table
from pipeline.training.saving import train_head
from pipeline.windows.dataset import Labels, WindowDataset, read_labels
from tests.stores import make_labels, make_params, make_rows, write_features

ROWS = 5
SCALE = 0.1


def counted(rows=ROWS):
    """Rows of one second each that hold their number."""
    return make_rows(np.arange(rows)[:, None])


def build(folder, labels, inputs=("audio",), **windows):
    """Data set over one feature set for each of `inputs`, with a head that scales its row."""
    stores = {name: open_features(folder / name) for name in inputs}
    chosen = {name: name for name in inputs}
    params = make_params("linear", chosen, targets=["valence"], windows=windows)
    dataset = WindowDataset(stores, labels, params)
    dataset.add_clips(labels.targets)
    head = build_head(params, dataset.dims, dataset.per, 3).eval()
    weight = torch.tensor([[SCALE, 0.0] * len(inputs)])
    head.readouts["valence"].load_state_dict({"weight": weight, "bias": torch.zeros(1)})
    return head, dataset


class TestClips:
    def test_a_clip_is_predicted_from_the_mean_of_its_rows(self, tmp_path):
        write_features(tmp_path / "audio", {"a": counted()})
        found = predict_clips(*build(tmp_path, make_labels([ClipLabels(clip_id="a")])))
        assert found["a"].clip["valence"] == pytest.approx(SCALE * 2.0)

    def test_windows_of_a_clip_are_averaged(self, tmp_path):
        write_features(tmp_path / "audio", {"a": counted()})
        labels = make_labels([ClipLabels(clip_id="a")])
        found = predict_clips(*build(tmp_path, labels, seconds=2.0))
        # Rows 0 and 1, 2 and 3, and, moved back to the clip's end, 3 and 4.
        assert found["a"].clip["valence"] == pytest.approx(SCALE * np.mean([0.5, 2.5, 3.5]))

    def test_a_clip_without_rows_is_not_predicted(self, tmp_path):
        write_features(tmp_path / "audio", {"a": counted(), "b": None})
        labels = make_labels([ClipLabels(clip_id="a"), ClipLabels(clip_id="b")])
        assert predict_clips(*build(tmp_path, labels)).keys() == {"a"}

    def test_a_clip_of_the_withheld_modality_alone_is_not_predicted(self, tmp_path):
        write_features(tmp_path / "audio", {"a": counted(), "b": counted(), "c": None})
        write_features(tmp_path / "text", {"a": counted(), "b": None, "c": counted()})
        labels = make_labels([ClipLabels(clip_id=name) for name in "abc"])
        head, dataset = build(tmp_path, labels, inputs=("audio", "text"))
        assert predict_clips(head, dataset).keys() == {"a", "b", "c"}
        withheld = predict_clips(head, dataset, withheld="audio")
        assert withheld.keys() == {"a", "c"}
        assert withheld["a"].clip["valence"] == pytest.approx(SCALE * 2.0)


class TestFrames:
    def labels(self):
        frames = {
            name: {"seconds": np.arange(count) + 0.5, "valence": np.zeros(count)}
            for name, count in (("a", ROWS), ("b", 3))
        }
        return make_labels([ClipLabels(clip_id="a"), ClipLabels(clip_id="b")], frames)

    def test_frames_are_predicted_at_their_own_times(self, tmp_path):
        write_features(tmp_path / "audio", {"a": counted(), "b": counted(3)})
        found = predict_clips(*build(tmp_path, self.labels()))
        np.testing.assert_array_equal(found["b"].seconds, [0.5, 1.5, 2.5])
        np.testing.assert_allclose(found["b"].frames["valence"], [0, SCALE, 2 * SCALE], atol=1e-6)

    def test_overlapping_windows_are_averaged_at_each_frame(self, tmp_path):
        rows = {"a": counted(), "b": counted(3)}
        stores = {name: write_features(tmp_path / name, rows) for name in ("audio", "text")}
        chosen = {name: name for name in stores}
        windows = {"seconds": 3.0, "hop_seconds": 1.0}
        params = make_params("attention", chosen, targets=["valence"], windows=windows)
        dataset = WindowDataset(stores, self.labels(), params)
        dataset.add_clips("a")
        torch.manual_seed(0)
        head = build_head(params, dataset.dims, dataset.per, 3).eval()
        with torch.no_grad():
            each = [
                head(batch.inputs, batch.masks)["valence"][0, :, 0].numpy()
                for batch in (dataset[[number]] for number in range(3))
            ]
        assert abs(each[0][1] - each[1][0]) > 1e-3, "a head that sees its context"
        expected = [
            each[0][0],
            (each[0][1] + each[1][0]) / 2,
            (each[0][2] + each[1][1] + each[2][0]) / 3,
            (each[1][2] + each[2][1]) / 2,
            each[2][2],
        ]
        found = predict_clips(head, dataset)["a"].frames["valence"]
        np.testing.assert_allclose(found, np.clip(expected, -1, 1), atol=1e-5)


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
        (folder / "labels").mkdir()
        write_targets(folder / "labels" / "targets.parquet", targets)
        write_names(folder / "labels" / "names.json", Names(emotion=["sad"], words={}))
        table = pa.Table.from_pylist(labels, schema=FRAMES_SCHEMA)
        write_table(folder / "labels" / "frames.parquet", table)
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
        train_head("toy", params, self.folder, self.labels(), self.folder / "models")
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
        for row in select(predictions, split="test", predicted_valence=None)
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
        (prior,) = {row["prior_valence"] for row in select(predictions, fold=fold, split="test")}
        assert -0.8 < prior < 0.8
    assert {row["prior_emotion"] for row in predictions.to_pylist()} == {None}


def test_predictions_of_clips_that_are_no_more_are_refused(predictions):
    held_out = predictions.drop_columns(["subject", "group"])
    with pytest.raises(StoreError, match=r"predictions of clip 'c.': expected a clip of data/lab"):
        add_speakers(held_out, [])


def test_scores_are_probabilities_of_every_emotion(tmp_path):
    generator = np.random.default_rng(1)
    emotions = ["angry", "happy", "sad"]
    targets = [
        ClipLabels(clip_id=f"c{n:02}", fold=n % 3, labels={"emotion": emotions[(n // 3) % 3]})
        for n in range(18)
    ]
    rows = {target.clip_id: make_rows(generator.normal(size=(2, 3))) for target in targets}
    store, labels = write_features(tmp_path / "audio", rows), make_labels(targets)
    params = make_params("linear", {"audio": "audio"}, targets=["emotion"], strengths=[1.0])
    train_head("toy", params, tmp_path, labels, tmp_path / "model")
    written = read_table(tmp_path / "model" / "predictions.parquet", HELD_OUT_SCHEMA)
    recipe, params, heads = load_heads(tmp_path / "model")
    loaded = Trained(params, {"audio": store}, heads, recipe.priors)
    assert predict_held_out(loaded, labels).equals(written), "as the head in memory said"
    for row in written.to_pylist():
        scores = dict(row["scores"])
        assert sum(scores.values()) == pytest.approx(1.0, abs=1e-5)
        assert row["predicted_emotion"] == max(scores, key=scores.get)
