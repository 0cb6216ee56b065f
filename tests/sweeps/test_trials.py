import shutil
from pathlib import Path

import numpy as np
import pytest
from dvc.utils.hydra import apply_overrides

from pipeline.errors import StoreError
from pipeline.params import load_params, parse_feature
from pipeline.store.joint import join_sets
from pipeline.sweeps.trials import Source, Trial, list_overrides, list_sources, try_alone, try_fused
from tests.projects import PROJECT
from tests.stores import make_rows, write_features

PARAMS = load_params(PROJECT / "params.yaml")
FACE, SOUND, TONES = Source("face", "hog"), Source("audio", "mfcc"), Source("audio", "tones")
TEXT = Source("text", "minilm")
SPEECH = {
    "modality": "audio",
    "encoder": "huggingface_speech",
    "weights": "a folder, [odd]: {name}",
    "layer": [0, -1],
}


def test_a_set_of_several_layers_is_tried_whole_and_layer_by_layer(tmp_path):
    layered = make_rows(np.arange(24).reshape(2, 3, 4))
    store = write_features(tmp_path / "hog", {"a": layered}, layer=[0, 5, -1])
    found = list_sources({"hog": PARAMS.features["hog"]}, tmp_path)
    assert [source.name for source in found] == ["hog", "hog:0", "hog:5", "hog:-1"]
    one = found[2].narrow(store)
    assert (str(one.shape), one["a"].embedding.tolist()) == (
        "dim (4)",
        [[4, 5, 6, 7], [16, 17, 18, 19]],
    )
    assert one.take_rows(np.array([1])).tolist() == [[16, 17, 18, 19]]
    assert found[0].narrow(store) is store


def test_a_set_that_is_not_there_is_told(tmp_path):
    with pytest.raises(StoreError, match=r"hog: expected a feature set, found no folder; run `dvc"):
        list_sources({"hog": PARAMS.features["hog"]}, tmp_path)


def test_a_joint_set_that_is_not_there_or_joins_others_is_told(tmp_path):
    with pytest.raises(StoreError, match=r"found no folder; run `dvc repro join@sounds`"):
        list_sources({}, tmp_path, {"sounds": ["a", "c"]})
    for name in ("a", "b"):
        write_features(tmp_path / name, {"clip": make_rows([[1.0]])})
    join_sets(tmp_path / "sounds", ["a", "b"])
    with pytest.raises(
        StoreError, match=r"expected a, c, .* got a, b; run `dvc repro join@sounds`"
    ):
        list_sources({}, tmp_path, {"sounds": ["a", "c"]})


def test_the_best_of_each_modality_are_fused_in_every_way():
    ranked = try_alone([TONES, TEXT, SOUND, FACE], [0])
    assert [trial.name for trial in try_fused(ranked, [0])] == [
        "hog + tones",
        "hog + minilm",
        "tones + minilm",
        "hog + tones + minilm",
    ]
    assert try_fused(ranked[:1], [0, 1]) == []


@pytest.mark.parametrize("source", [SOUND, Source("audio", "mfcc", 1, -1)], ids=str)
def test_dvc_makes_a_trial_of_what_it_is_told(tmp_path, source):
    trial = Trial((FACE, source), seed=3)
    path = shutil.copy(PROJECT / "params.yaml", tmp_path)
    spoken = parse_feature({"features": {"mfcc": SPEECH}}, "mfcc")
    features = {"mfcc": spoken} if source.layer else PARAMS.features
    apply_overrides(path, list_overrides(trial, "mlp", features))
    head = load_params(Path(path)).heads["mlp"]
    sets = head.inputs.sets()
    expected = trial.fill(PARAMS.heads["mlp"])
    assert head.training == expected.training
    assert sets == {"face": "hog", "audio": "mfcc" if source.layer is None else "mfcc_-1"}
