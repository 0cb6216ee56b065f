import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BeitConfig, BeitModel

from pipeline.errors import ParamsError
from pipeline.heads import beit
from pipeline.heads.base import Output
from pipeline.heads.params import BeitParams
from pipeline.modalities import RowShape
from pipeline.networks.pretrained import digest_folder
from pipeline.sections import parse_section
from tests.stores import make_stream

INPUTS = {"face": "hog", "scene": "none", "audio": "mfcc", "text": "none"}
SHAPES = {"face": RowShape.of((3,)), "audio": RowShape.of((2,))}


def make_head(*pers: str, **options: object) -> beit.Head:
    values = {"kind": "beit", "inputs": INPUTS, "width": 24, "heads": 3, **options}
    params = parse_section(BeitParams, values, "heads.joint")
    names = {"clip": "valence", "frame": "arousal"}
    return beit.Head(params, SHAPES, [Output(names[per], 1, per) for per in pers]).eval()


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(13)
    config = BeitConfig(
        hidden_size=24,
        num_hidden_layers=2,
        num_attention_heads=3,
        intermediate_size=96,
        image_size=32,
        use_relative_position_bias=True,
    )
    folder = tmp_path_factory.mktemp("beit")
    BeitModel(config).save_pretrained(folder)
    return folder


def test_start_loads_the_checkpoints_layers(checkpoint: Path) -> None:
    head, model = (
        make_head("clip", pretrained=str(checkpoint)),
        BeitModel.from_pretrained(checkpoint),
    )
    head.start()
    assert head.started == {str(checkpoint): digest_folder(checkpoint)}
    expected = model.layers.state_dict()
    found = head.layers.state_dict()
    assert len(found) == 34
    torch.testing.assert_close(found, {name: expected[name] for name in found}, rtol=0, atol=0)


def test_a_head_is_made_without_its_checkpoint() -> None:
    assert make_head("clip", pretrained="no/such-checkpoint").pretrained == "no/such-checkpoint"


def test_a_checkpoint_is_of_a_commit_and_of_files(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="or a Hub id with its commit, found none"):
        make_head("clip", pretrained="no/such-checkpoint").start()
    with pytest.raises(ParamsError, match="revision"):
        make_head("clip", pretrained="no/such-checkpoint", revision="main")
    os.mkfifo(tmp_path / "model.safetensors")
    with pytest.raises(ParamsError, match="got a pipe or a device"):
        make_head("clip", pretrained=str(tmp_path)).start()


def test_nothing_is_loaded_when_no_checkpoint_is_named() -> None:
    head = make_head("clip")
    before = head.layers[0].mlp.fc1.weight.clone()
    head.start()
    assert torch.equal(head.layers[0].mlp.fc1.weight, before)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"width": 12}, "expected width 12, as the head is, got 24; set"),
        ({"layers": 5}, "expected layers 5, as the head is, got 2; set"),
        ({"heads": 2}, "expected heads 2, as the head is, got 3; set"),
    ],
)
def test_another_shape_is_refused(checkpoint: Path, options: dict[str, int], told: str) -> None:
    with pytest.raises(ParamsError, match=told):
        make_head("clip", pretrained=str(checkpoint), **options).start()


def test_a_folder_without_a_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="expected what AutoConfig can load"):
        make_head("clip", pretrained=str(tmp_path)).start()


@pytest.mark.parametrize(
    "text",
    ["[]", 5000 * "[", json.dumps({"hidden_size": "big"}), json.dumps({"hidden_act": "../x"})],
)
def test_a_broken_configuration_is_refused(checkpoint: Path, tmp_path: Path, text: str) -> None:
    shutil.copytree(checkpoint, tmp_path / "beit")
    (tmp_path / "beit" / "config.json").write_text(text)
    with pytest.raises(ParamsError, match=r"beit|expected width"):
        make_head("clip", pretrained=str(tmp_path / "beit")).start()


def test_layers_are_counted_before_they_are_made(checkpoint: Path, tmp_path: Path) -> None:
    shutil.copytree(checkpoint, tmp_path / "beit")
    place = tmp_path / "beit" / "config.json"
    place.write_text(json.dumps({**json.loads(place.read_text()), "num_hidden_layers": 10**9}))
    with pytest.raises(ParamsError, match="layers: expected at most 1,000, got 1000000000"):
        make_head("clip", pretrained=str(tmp_path / "beit")).start()


def test_names_of_weights_are_told_to_nobody(checkpoint: Path, tmp_path: Path, capfd) -> None:
    shutil.copytree(checkpoint, tmp_path / "beit")
    weights = load_file(tmp_path / "beit" / "model.safetensors")
    save_file({**weights, "x\x1b]0;x\x07": torch.zeros(1)}, tmp_path / "beit" / "model.safetensors")
    make_head("clip", pretrained=str(tmp_path / "beit")).start()
    assert "\x1b" not in "".join(capfd.readouterr())


def test_a_checkpoint_without_layers_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    model = BeitModel.from_pretrained(checkpoint)
    model.layers = torch.nn.ModuleList()
    model.save_pretrained(tmp_path)
    with pytest.raises(ParamsError, match=r"layers\.0\..* is missing; name a BEiT checkpoint"):
        make_head("clip", pretrained=str(tmp_path)).start()


def test_the_order_of_rows_matters() -> None:
    head, rows = make_head("clip"), torch.randn(1, 7, 2)
    streams = {"audio": make_stream(rows), "face": make_stream(torch.zeros(1, 0, 3))}
    swapped = head({**streams, "audio": make_stream(rows.flip(1))})["valence"]
    assert not torch.allclose(head(streams)["valence"], swapped, atol=1e-4)


def test_frames_without_any_modality_read_the_summary() -> None:
    head = make_head("clip", "frame")
    streams = {
        name: make_stream(torch.randn(2, 7, dim)) for name, dim in (("audio", 2), ("face", 3))
    }
    for stream in streams.values():
        stream.mask[:, 5:] = False
    fused = head.fused(streams)
    torch.testing.assert_close(fused["frame"][:, 6], fused["clip"])
    assert not torch.allclose(fused["frame"][:, 4], fused["clip"])
