import numpy as np
import pytest
import torch

from pipeline.heads.building import build_head
from pipeline.labels.clips import Clip
from pipeline.prediction.answers import Predicted
from pipeline.predictor.answering import Answer, RowsMade, TrainedHead, _average
from pipeline.predictor.people import Person
from pipeline.predictor.sharing import name_rows
from pipeline.predictor.tables import tabulate_people
from pipeline.predictor.timing import NOBODY, Spacing
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


CLIP = Clip(clip_id="media/a", corpus="media", path="a", fps=10.0, duration_seconds=5.0)
EVERY_SECOND = Spacing()
FACES, SOUND = np.random.default_rng(0).normal(size=(2, 5, 3))


def answer(stores, names, spacing=EVERY_SECOND):
    """Name → what an untrained head that reads face and audio says."""
    params = make_params("linear", {"face": "face", "audio": "audio"}, targets=["valence"])
    torch.manual_seed(0)
    per = {"valence": "clip"}
    head = build_head(params, {name: s.shape for name, s in stores.items()}, per, 3).eval()
    trained = TrainedHead(RECIPE.model_copy(update={"per": per}), params, {"all": head})
    timing = spacing.lay_times(CLIP, causal=False)
    return dict(trained.answer(RowsMade(stores, {}, None), dict.fromkeys(names, timing)))


def test_a_person_goes_by_its_own_face_and_what_all_share_and_alone_as_the_film(tmp_path):
    faces = {"media/a//0": make_rows(FACES), "media/a//4": make_rows(-FACES)}
    one = {"media/a": make_rows(FACES)}
    sound = write_features(tmp_path / "audio", {"media/a": make_rows(SOUND)})
    film = {"face": write_features(tmp_path / "film", one), "audio": sound}
    people = {"media/a": [Person(name, number) for number, name in enumerate(faces)]}
    everyone = {
        "face": write_features(tmp_path / "faces", faces),
        "audio": sound.rename(name_rows("audio", people)),
    }
    alone = answer(film, ["media/a"])["media/a"]
    first, second = answer(everyone, faces).values()
    assert first.whole["valence"] == alone.whole["valence"]
    np.testing.assert_array_equal(first.series["valence"], alone.series["valence"])
    assert (second.series["valence"] != first.series["valence"]).all()
    assert set(map(tuple, second.present)) == {("face", "audio")}


def test_of_the_faces_around_a_time_the_last_so_many_count(tmp_path):
    sound = write_features(tmp_path / "audio", {"media/a": make_rows(SOUND)})
    said = {}
    for name, rows in (("all", FACES), ("last", np.repeat(FACES[4:], 5, axis=0))):
        faces = write_features(tmp_path / name, {"media/a": make_rows(rows)})
        for count in (1, None):
            spacing = Spacing(window_seconds=10.0, hop_seconds=5.0, faces=count)
            found = answer({"face": faces, "audio": sound}, ["media/a"], spacing)
            said[name, count] = float(found["media/a"].series["valence"][0])
    assert said["all", 1] == pytest.approx(said["last", None], abs=1e-6)
    assert said["all", 1] != pytest.approx(said["all", None], abs=1e-3)


def test_of_several_people_each_has_the_times_that_it_is_seen_at():
    timing = EVERY_SECOND.lay_times(CLIP, causal=False)
    values = {"valence": np.arange(5, dtype=np.float32)}
    seen = np.array([7, 7, NOBODY, NOBODY, 7])
    whole = {"valence": np.array(9, np.float32)}
    told = Answer(whole, timing, values, [["face"]] * 5, seen)
    kept = told.keep_times(np.array([True, True, True, False, False]))
    np.testing.assert_equal(kept.series["valence"], np.array([0, 1, 2, np.nan, np.nan], np.float32))
    assert kept.whole["valence"] == 0.5
    assert [bool(there) for there in kept.present] == [True, True, True, False, False]
    assert told.series["valence"][4] == 4
    rows = tabulate_people([kept, told], []).to_pylist()
    assert [(row["seconds"], row["person"]) for row in rows[:3]] == [(0.0, 7), (0.0, 7), (1.0, 7)]
    assert len(rows) == 8
