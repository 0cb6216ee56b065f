import numpy as np
import pytest
import torch

from pipeline.heads.building import build_head
from pipeline.labels.clip_labels import ClipLabels
from pipeline.prediction.answers import predict_clips
from pipeline.store.reader import open_features
from pipeline.windows.dataset import WindowDataset
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
    head = build_head(params, dataset.shapes, dataset.per, 3).eval()
    weight = torch.tensor([[SCALE, 0.0] * len(inputs)])
    head.readouts["valence"].load_state_dict({"weight": weight, "bias": torch.zeros(1)})
    return head, dataset


def predict(head, dataset, **withheld):
    return predict_clips(head, dataset.features, dataset.windows, **withheld)


class TestClips:
    def test_a_clip_is_predicted_from_the_mean_of_its_rows(self, tmp_path):
        write_features(tmp_path / "audio", {"a": counted()})
        found = predict(*build(tmp_path, make_labels([ClipLabels(clip_id="a")])))
        assert found["a"].clip["valence"] == pytest.approx(SCALE * 2.0)

    def test_windows_of_a_clip_are_averaged(self, tmp_path):
        write_features(tmp_path / "audio", {"a": counted()})
        labels = make_labels([ClipLabels(clip_id="a")])
        found = predict(*build(tmp_path, labels, seconds=2.0))
        # Rows 0 and 1, 2 and 3, and, moved back to the clip's end, 3 and 4.
        assert found["a"].clip["valence"] == pytest.approx(SCALE * np.mean([0.5, 2.5, 3.5]))

    def test_a_clip_without_rows_is_not_predicted(self, tmp_path):
        write_features(tmp_path / "audio", {"a": counted(), "b": None})
        labels = make_labels([ClipLabels(clip_id="a"), ClipLabels(clip_id="b")])
        assert predict(*build(tmp_path, labels)).keys() == {"a"}

    def test_a_clip_of_the_withheld_modality_alone_is_not_predicted(self, tmp_path):
        write_features(tmp_path / "audio", {"a": counted(), "b": counted(), "c": None})
        write_features(tmp_path / "text", {"a": counted(), "b": None, "c": counted()})
        labels = make_labels([ClipLabels(clip_id=name) for name in "abc"])
        head, dataset = build(tmp_path, labels, inputs=("audio", "text"))
        assert predict(head, dataset).keys() == {"a", "b", "c"}
        withheld = predict(head, dataset, withheld="audio")
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
        found = predict(*build(tmp_path, self.labels()))
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
        head = build_head(params, dataset.shapes, dataset.per, 3).eval()
        with torch.no_grad():
            each = [
                head(batch.streams)["valence"][0, :, 0].numpy()
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
        found = predict(head, dataset)["a"].frames["valence"]
        np.testing.assert_allclose(found, np.clip(expected, -1, 1), atol=1e-5)
