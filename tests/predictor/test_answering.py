import numpy as np
import pytest
import torch

from pipeline.heads.building import build_head
from pipeline.labels.clips import Clip
from pipeline.prediction.answers import Predicted
from pipeline.predictor.answering import RowsMade, TrainedHead, _average
from pipeline.predictor.timing import Spacing
from pipeline.store.reader import open_features
from tests.predictor.test_page import RECIPE
from tests.stores import make_params, make_rows, write_features


def say(seconds, values):
    return Predicted({}, np.array(seconds), {"valence": np.array(values, np.float32)})


def test_runs_that_say_nothing_of_some_times_leave_these_to_the_others():
    found = _average([say([0.0, 1.0, 3.0], [0, 0, np.nan]), say([1.0, 2.0, 3.0], [1, 1, np.nan])])
    assert found.seconds.tolist() == [0.0, 1.0, 2.0, 3.0]
    np.testing.assert_equal(found.frames["valence"], np.array([0, 0.5, 1, np.nan], np.float32))


@pytest.mark.parametrize(
    "windows", [{"label_delay_seconds": 2.0}, {"causal": True}, {"seconds": 3.0}]
)
def test_modalities_of_a_frame_are_those_that_its_answer_goes_by(tmp_path, windows):
    write_features(tmp_path / "audio", {"media/a": make_rows(np.arange(10)[:, None])})
    stores = {"audio": open_features(tmp_path / "audio")}
    params = make_params("linear", {"audio": "audio"}, targets=["valence"], windows=windows)
    per = {"valence": "frame"}
    head = build_head(params, {"audio": stores["audio"].shape}, per, 3).eval()
    recipe = RECIPE.model_copy(update={"per": per})
    clip = Clip(clip_id="media/a", corpus="media", path="a", fps=10.0, duration_seconds=10.0)
    timing = Spacing(every=5).lay_times(clip, causal=params.windows.causal)
    trained = TrainedHead(recipe, params, {"all": head})
    ((_, answer),) = trained.answer(RowsMade(stores, {}, None), {"media/a": timing})
    known = ~np.isnan(answer.series["valence"])
    assert known.any()
    assert [present == ["audio"] for present in answer.present] == known.tolist()


def test_a_head_that_looks_from_frame_to_frame_goes_at_the_pace_of_its_training(tmp_path):
    rows = np.random.default_rng(0).normal(size=(100, 2))
    write_features(tmp_path / "audio", {"media/a": make_rows(rows, step=0.1)})
    stores = {"audio": open_features(tmp_path / "audio")}
    params = make_params("lstm", {"audio": "audio"}, targets=["valence"])
    torch.manual_seed(0)
    head = build_head(params, {"audio": stores["audio"].shape}, {"valence": "frame"}, 3).eval()
    recipe = RECIPE.model_copy(update={"per": {"valence": "frame"}, "frame_seconds": 0.2})
    clip = Clip(clip_id="media/a", corpus="media", path="a", fps=10.0, duration_seconds=10.0)
    said = {}
    for every in (2, 10):
        timing = Spacing(every=every).lay_times(clip, causal=False)
        made = RowsMade(stores, {}, None)
        ((_, answer),) = TrainedHead(recipe, params, {"all": head}).answer(
            made, {"media/a": timing}
        )
        said[every] = dict(zip(timing.frames.tolist(), answer.series["valence"], strict=True))
    assert len(set(said[10].values())) > 5
    assert said[10] == pytest.approx({frame: said[2][frame] for frame in said[10]}, rel=1e-5)
