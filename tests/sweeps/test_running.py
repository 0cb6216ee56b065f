import shutil

import numpy as np
import pytest

from pipeline.encoders.params import HogParams, LogmelParams, MfccParams
from pipeline.errors import StoreError
from pipeline.labels.clip_labels import ClipLabels
from pipeline.labels.clips import LABELS_SCHEMA, Clip, write_clips
from pipeline.labels.emotions import Names
from pipeline.labels.target_files import write_target_files
from pipeline.store.joint import join_sets
from pipeline.sweeps.outcomes import read_outcomes
from pipeline.sweeps.running import Place, Sweeper
from tests.projects import PROJECT
from tests.stores import EMOTIONS, make_params, make_rows, write_features

CLIPS = {"train": 30, "val": 15, "test": 15}
FEATURES = {
    "faint": HogParams(modality="face", encoder="hog"),
    "clear": MfccParams(modality="audio", encoder="mfcc"),
    "noise": LogmelParams(modality="audio", encoder="logmel"),
}
PARAMS = make_params("linear", {"audio": "noise"}, targets=["emotion"])


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A corpus whose classes show in one set of sound, half as well in one of faces."""
    root, generator = tmp_path_factory.mktemp("sweep"), np.random.default_rng(0)
    sides = {f"{side}/{n:02}": side for side, count in CLIPS.items() for n in range(count)}
    classes = {clip_id: number % 3 for number, clip_id in enumerate(sides)}
    for name, height in (("faint", 0.8), ("clear", 4.0), ("noise", 0.0)):
        rows = {
            clip_id: make_rows(height * np.eye(3)[own] + generator.normal(size=(2, 3)))
            for clip_id, own in classes.items()
        }
        write_features(root / "features" / name, rows, FEATURES[name].encoder)
    place = Place(root / "features", root / "targets", root / "clips.parquet", PROJECT)
    write_labels(place, sides, classes)
    return place


def write_labels(place, sides, classes):
    targets = [
        ClipLabels(clip_id=clip_id, split=side, labels={"emotion": EMOTIONS[classes[clip_id]]})
        for clip_id, side in sides.items()
    ]
    write_target_files(place.targets, targets, Names(emotion=EMOTIONS, words={}))
    clips = [Clip(clip_id=clip_id, corpus="toy", path=clip_id) for clip_id in sides]
    write_clips(place.clips, clips, LABELS_SCHEMA)


def sweep(place, path, params, workers=1):
    with Sweeper(params, place, path, workers) as sweeper:
        return sweeper.sweep(FEATURES, [0, 1])


@pytest.fixture(scope="module")
def swept(place, tmp_path_factory):
    path = tmp_path_factory.mktemp("out") / "sweeps" / "linear.csv"
    return path, sweep(place, path, PARAMS)


def test_sets_are_ranked_alone_and_the_best_of_each_modality_fused(swept):
    _, found = swept
    names = [one.trial for one in found.ranked]
    assert names.index("clear") < names.index("faint") < names.index("noise")
    assert set(names) == {*FEATURES, "faint + clear"}
    assert found.ranked[0].values["uar"][0] > 0.9
    assert {one.seeds for one in found.ranked} == {1}  # a second seed would solve the same


def test_what_is_known_is_not_tried_again_until_something_changes(place, swept, monkeypatch):
    path, found = swept
    before = path.read_bytes()
    monkeypatch.setattr(Sweeper, "_try", refuse)
    assert sweep(place, path, PARAMS) == found
    assert path.read_bytes() == before
    other = make_params("linear", {"audio": "noise"}, targets=["emotion"], strengths=[1.0])
    with pytest.raises(LookupError, match="3 trials"):
        sweep(place, path, other)


def test_what_is_known_by_another_name_is_taken_for_what_is_asked(
    place, swept, tmp_path, monkeypatch
):
    path, found = swept
    named = tmp_path / "a.csv"
    named.write_text(path.read_text().replace("clear", "former"))
    monkeypatch.setattr(Sweeper, "_try", refuse)
    assert sweep(place, named, PARAMS) == found


def test_of_sets_with_the_same_rows_one_is_tried_for_all(place, tmp_path):
    shutil.copytree(place.features / "clear", place.features / "echo")
    twins = dict.fromkeys(("clear", "echo"), FEATURES["clear"])
    with Sweeper(PARAMS, place, tmp_path / "a.csv", workers=1) as sweeper:
        found = sweeper.sweep(twins, [0])
    assert len(read_outcomes(tmp_path / "a.csv")) == 1
    first, second = found.ranked
    assert {first.trial, second.trial} == {"clear", "echo"}
    assert first.values == second.values


@pytest.mark.runs
def test_several_processes_find_what_one_does(place, swept, tmp_path):
    _, found = swept
    again = sweep(place, tmp_path / "a.csv", PARAMS, workers=2)
    assert [one.values for one in again.ranked] == [one.values for one in found.ranked]


def refuse(self, trials, keys):
    if trials:
        raise LookupError(f"{len(trials)} trials")
    yield from ()


def test_a_joint_set_is_tried_as_one_and_fused_where_it_is_best(place, tmp_path):
    join_sets(place.features / "sounds", ["noise", "clear"])
    with Sweeper(PARAMS, place, tmp_path / "a.csv", workers=1) as sweeper:
        found = sweeper.sweep(FEATURES, [0], {"sounds": ["noise", "clear"]})
    assert {one.trial for one in found.ranked} >= {*FEATURES, "sounds"}
    values = {one.trial: one.values["uar"][0] for one in found.ranked}
    assert values["sounds"] > values["noise"]
    assert found.trials["sounds"].fill(PARAMS).inputs.audio == "sounds"


def test_the_table_is_what_was_found(swept):
    path, found = swept
    values = {one.trial: one.values["uar"] for one in read_outcomes(path)}
    assert values == {one.trial: one.values["uar"][0] for one in found.ranked}


def test_what_a_head_refuses_is_told_and_the_others_are_tried(place, tmp_path):
    absent = make_params("linear", {"audio": "noise"}, targets=["valence"])
    found = sweep(place, tmp_path / "a.csv", absent)
    assert found.ranked == []
    assert set(found.refused) == set(FEATURES)
    assert "valence: expected labels among the 30 clips of train" in found.refused["clear"]
    assert read_outcomes(tmp_path / "a.csv")[0].values == {}


def test_a_set_by_another_encoder_than_its_params_name_is_refused(place, tmp_path):
    asked = {**FEATURES, "noise": FEATURES["clear"]}
    with (
        Sweeper(PARAMS, place, tmp_path / "a.csv", workers=1) as sweeper,
        pytest.raises(StoreError, match=r"noise: expected embeddings by encoder 'mfcc', .*logmel"),
    ):
        sweeper.sweep(asked, [0])
    assert not (tmp_path / "a.csv").exists()


HEAD = "trial,seed,seconds,key,refused,uar\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a,b\n1,2\n",
        f"{HEAD}x,0,1\n",
        f"{HEAD}x,0,1,k,,nan\n",
        HEAD.replace("uar", "uara") + "x,0,1,k,,0.5\n",
    ],
)
def test_another_table_is_refused(place, tmp_path, text):
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(StoreError, match="expected the trials of a sweep"):
        Sweeper(PARAMS, place, path, workers=1)
