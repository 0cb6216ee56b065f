import inspect
import re

import numpy as np
import pytest
import torch
import torchvision
from torch.nn import Identity
from torchvision.models import get_model, list_models, video
from torchvision.transforms._presets import VideoClassification

from pipeline.encoders.params import TorchvisionVideoParams
from pipeline.encoders.torchvision_video import (
    KINDS,
    Encoder,
    find_weights,
    place_weights,
    read_preparation,
)
from pipeline.errors import ParamsError
from pipeline.rows import Frames
from pipeline.sections import parse_section
from tests.tiny_models import save_torchvision_video

MODELS = list_models(module=video)


def parse(**options):
    section = {"modality": "scene", "encoder": "torchvision_video", "model": "mc3_18"}
    section["weights"] = str(save_torchvision_video())
    return parse_section(TorchvisionVideoParams, {**section, **options}, "features.video")


def make_clip(frames, height=61, width=97):
    images = np.random.default_rng(3).integers(0, 256, (frames, height, width, 3))
    starts = np.arange(frames) / 5
    return Frames(images.astype(np.uint8), starts, starts + 0.2)


@torch.inference_mode()
def run(images):
    """Features of one run of pictures of 32 pixels by torchvision alone."""
    model = get_model("mc3_18")
    model.load_state_dict(torch.load(save_torchvision_video(), weights_only=True))
    model.fc = Identity()
    prepare = VideoClassification(crop_size=(32, 32), resize_size=(37, 49))
    moved = torch.from_numpy(images).permute(0, 3, 1, 2)
    return model.eval()(prepare(moved)[None])[0].numpy()


def test_rows_are_what_torchvision_gives_its_classifier():
    clip = make_clip(5)
    (rows,) = Encoder(parse(pixels=32, frames_per_run=3)).encode([clip])
    assert rows.embedding.shape == (2, 512)
    for row, places in zip(rows.embedding, ([0, 1, 2], [3, 4, 4]), strict=True):
        expected = run(clip.images[places])
        np.testing.assert_allclose(row, expected, atol=2e-3 * np.abs(expected).max())


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("sizes", [(61, 97), (300, 260)])
def test_pictures_are_prepared_as_torchvision_does(name, sizes):
    images = torch.from_numpy(make_clip(1, *sizes).images).permute(0, 3, 1, 2)
    preparation = read_preparation(name)
    shift, scale = preparation.measure_levels("cpu")
    found = preparation.resize(images)
    for weights in find_weights(name).values():
        expected = weights.transforms()(images).transpose(0, 1) * scale + shift
        assert (found - expected).abs().max() < 1.01


@pytest.mark.parametrize("name", MODELS)
def test_every_network_is_of_a_known_kind_and_has_the_frames_it_was_judged_by(name):
    builder = torchvision.models.get_model_builder(name)
    kind = KINDS[inspect.signature(builder).return_annotation]
    for weights in find_weights(name).values():
        assert re.findall(r"clip_len=(\d+)", weights.meta["_docs"]) == [str(kind.frames)]


@pytest.mark.parametrize(
    ("name", "dim"), [("mc3_18", 512), ("mvit_v1_b", 768), ("s3d", 1024), ("swin3d_t", 768)]
)
def test_without_its_classifier_a_network_gives_one_vector(name, dim):
    with torch.device("meta"):
        model = get_model(name).eval()
        setattr(model, KINDS[type(model)].head, Identity())
        assert model(torch.empty(1, 3, 16, 224, 224)).shape == (1, dim)
    assert dict(model.named_buffers()).keys() <= model.state_dict().keys()


def test_frames_of_a_run_are_the_networks_own_by_default():
    encoder = Encoder(parse(pixels=16))
    assert (encoder.run.frames, encoder.run.hop) == (16, 16)
    assert Encoder(parse(pixels=16, hop=4)).run.hop == 4


def test_a_run_that_the_network_does_not_take_is_refused(tmp_path):
    path = tmp_path / "s3d.pth"
    with torch.device("meta"):
        shapes = get_model("s3d").state_dict()
    torch.save({name: torch.zeros(like.shape) for name, like in shapes.items()}, path)
    with pytest.raises(ParamsError, match=r"got 3 frames of 224 x 224 \("):
        Encoder(parse(model="s3d", weights=str(path), frames_per_run=3))


def test_named_weights_are_those_that_torchvision_downloaded_before(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    params = parse(weights="KINETICS400_V1")
    told = r"'KINETICS400_V1': expected the file .*mc3_18-a90a0ba3\.pth, found none; downl"
    with pytest.raises(ParamsError, match=told):
        place_weights(params)
    cached = tmp_path / "hub" / "checkpoints" / "mc3_18-a90a0ba3.pth"
    cached.parent.mkdir(parents=True)
    cached.symlink_to(save_torchvision_video())
    assert place_weights(params) == cached


def test_a_file_that_is_not_there_is_refused():
    with pytest.raises(ParamsError, match=r"'no\.pth': expected the file no\.pth, .*mc3_18-a90a0b"):
        place_weights(parse(weights="no.pth"))


def test_an_unknown_model_is_refused_with_the_nearest():
    with pytest.raises(ParamsError, match="unknown model 'mc3_8'; did you mean 'mc3_18'"):
        place_weights(parse(model="mc3_8"))
    with pytest.raises(ParamsError, match="unknown model 'resnet18'"):
        place_weights(parse(model="resnet18"))


def change(tmp_path, **weights):
    """File of the weights with some in place of others; those that are None are left out."""
    state = torch.load(save_torchvision_video(), weights_only=True) | weights
    path = tmp_path / "changed.pth"
    torch.save({name: weight for name, weight in state.items() if weight is not None}, path)
    return str(path)


def test_a_classifier_of_other_classes_is_left_out(tmp_path):
    path = change(tmp_path, **{"fc.weight": torch.zeros(7, 512), "fc.bias": None})
    clip = make_clip(2)
    found, expected = (
        Encoder(parse(pixels=16, frames_per_run=2, **options)).encode([clip])[0].embedding
        for options in ({"weights": path}, {})
    )
    assert np.array_equal(found, expected)


def test_missing_and_unknown_weights_are_named(tmp_path):
    renamed = {"layer4.1.conv2.1.bias": None, "layer5.bias": torch.zeros(3)}
    told = r"weights of VideoResNet, got no layer4\.1\.conv2\.1\.bias \(1 in all\) and an unknown l"
    with pytest.raises(ParamsError, match=told):
        Encoder(parse(weights=change(tmp_path, **renamed)))


def test_weights_of_another_shape_are_refused(tmp_path):
    path = change(tmp_path, **{"layer4.1.conv2.1.bias": torch.zeros(5)})
    with pytest.raises(ParamsError, match="expected those of VideoResNet, got 'size mismatch"):
        Encoder(parse(weights=path))


def test_half_precision_is_near_full():
    clip = make_clip(2)
    full, half = (
        Encoder(parse(pixels=16, frames_per_run=2, precision=precision)).encode([clip])[0].embedding
        for precision in ("fp32", "bf16")
    )
    assert half.dtype == np.float32
    np.testing.assert_allclose(half, full, atol=0.05 * np.abs(full).max())
