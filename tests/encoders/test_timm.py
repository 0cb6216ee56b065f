import json
import shutil

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from timm.data import create_transform, resolve_model_data_config

from pipeline.encoders.params import TimmParams
from pipeline.encoders.timm import Encoder
from pipeline.errors import ParamsError
from pipeline.networks import preparing, pretrained
from pipeline.rows import Frames
from pipeline.sections import parse_section
from tests.tiny_models import save_small_swin, save_timm_model


def make_encoder(folder, **options):
    section = {"modality": "face", "encoder": "timm", "weights": str(folder), **options}
    return Encoder(parse_section(TimmParams, section, "features.timm"))


def draw(height=41, width=53):
    """A smooth picture: a photograph's kind, not noise's."""
    coarse = np.random.default_rng(2).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def embed(encoder, image):
    (rows,) = encoder.encode([Frames(image[None], np.zeros(1), np.ones(1))])
    return torch.tensor(rows.embedding)


def load_by_timm(folder, **options):
    return timm.create_model(f"local-dir:{folder}", pretrained=True, **options).eval()


def prepare_by_timm(model, image):
    transform = create_transform(**resolve_model_data_config(model))
    return transform(Image.fromarray(image))[None]


def assert_close(found, expected):
    """As far as Pillow and torch resize alike: a level of colour is two hundredths here."""
    assert found.shape == expected.shape
    assert (found - expected).abs().max() < 0.03 * expected.abs().max()


SWIN, VIT, RESNET = (
    save_small_swin,
    lambda: save_timm_model("test_vit"),
    lambda: save_timm_model("test_resnet"),
)
every_kind = pytest.mark.parametrize("save", [SWIN, VIT, RESNET], ids=["swin", "vit", "resnet"])


@every_kind
@torch.inference_mode()
def test_pooled_is_what_timm_gives_without_a_classifier(save):
    model = load_by_timm(save(), num_classes=0)
    expected = model(prepare_by_timm(model, draw()))
    assert_close(embed(make_encoder(save()), draw()), expected)


@torch.inference_mode()
def test_tokens_leave_the_class_token_out():
    model = load_by_timm(VIT())
    expected = model.forward_features(prepare_by_timm(model, draw()))[:, 1:]
    assert_close(embed(make_encoder(VIT(), output="tokens"), draw()), expected)


@pytest.mark.parametrize("save", [SWIN, RESNET], ids=["swin", "resnet"])
@torch.inference_mode()
def test_tokens_of_a_map_are_its_places_row_by_row(save):
    model = load_by_timm(save())
    features = model.forward_features(prepare_by_timm(model, draw()))
    rows = features if save is SWIN else features.permute(0, 2, 3, 1)
    expected = rows.reshape(1, -1, rows.shape[-1])
    assert_close(embed(make_encoder(save(), output="tokens"), draw()), expected)


@every_kind
@torch.inference_mode()
def test_a_stage_is_the_map_of_features_only(save):
    model = load_by_timm(save(), features_only=True, out_indices=(1,))
    pixels = prepare_by_timm(load_by_timm(save()), draw())
    (expected,) = model(pixels)
    if save is SWIN:
        expected = expected.permute(0, 3, 1, 2)
    assert_close(embed(make_encoder(save(), output="stage", stage=1), draw()), expected)


def test_a_stage_counts_from_the_end_as_well():
    swin = save_small_swin()
    last, same = (make_encoder(swin, output="stage", stage=stage) for stage in (-1, 1))
    assert last.row_shape == (20, 4, 4)
    assert torch.equal(embed(last, draw()), embed(same, draw()))


@pytest.mark.parametrize("options", [{"stage": 1}, {"output": "stage"}])
def test_a_stage_without_its_output_is_refused(options):
    with pytest.raises(ParamsError, match="expected stage with `output: stage`, and only there"):
        make_encoder(save_small_swin(), **options)


def test_a_stage_that_is_not_there_is_refused():
    with pytest.raises(ParamsError, match="stage: expected -2 to 1, got 2"):
        make_encoder(save_small_swin(), output="stage", stage=2)


@every_kind
def test_pixels_change_the_input_size(save):
    encoder = make_encoder(save(), pixels=64, output="tokens")
    assert encoder.preparation.crop == (64, 64)
    assert embed(encoder, draw()).isfinite().all()
    native = make_encoder(save(), output="tokens")
    places, usual = encoder.row_shape[0], native.row_shape[0]
    assert places == round(usual * (64 / native.preparation.crop[0]) ** 2)


def test_pixels_that_are_no_whole_patches_are_refused():
    with pytest.raises(ParamsError, match="pixels: expected a multiple of 4, got 66"):
        make_encoder(SWIN(), pixels=66)
    with pytest.raises(ParamsError, match=r"got 70 x 70 .*divisible by patch size"):
        make_encoder(VIT(), pixels=70)


def save_pit():
    return save_timm_model("pit_ti_224", img_size=32, base_dims=(8, 8, 8), heads=(1, 1, 1))


def test_a_network_of_one_size_is_refused_another():
    with pytest.raises(
        ParamsError, match=r"input can be resized, got Pooling\w+; leave pixels out"
    ):
        make_encoder(save_pit(), pixels=64)


def test_a_network_whose_tokens_are_not_told_apart_is_refused():
    with pytest.raises(ParamsError, match="tells which of its tokens are of the picture"):
        make_encoder(save_pit(), output="tokens")


def test_half_precision_is_near_full():
    full, half = (make_encoder(SWIN(), precision=precision) for precision in ("fp32", "bf16"))
    assert embed(half, draw()).dtype == torch.float32
    assert_close(embed(half, draw()), embed(full, draw()))


@pytest.fixture
def copied(tmp_path):
    return shutil.copytree(save_small_swin(), tmp_path / "copied")


def rewrite(folder, change):
    state = load_file(folder / "model.safetensors")
    save_file(change(state), folder / "model.safetensors")


def test_a_classifier_may_be_there_or_not(copied):
    before = embed(make_encoder(copied), draw())
    rewrite(copied, lambda state: {k: v for k, v in state.items() if "head" not in k})
    assert torch.equal(embed(make_encoder(copied), draw()), before)


def test_absent_and_unknown_weights_are_named(copied):
    rewrite(copied, lambda state: {k + ("x" if k == "norm.bias" else ""): state[k] for k in state})
    with pytest.raises(ParamsError, match=r"no norm\.bias \(1 in all\) and an unknown norm\.biasx"):
        make_encoder(copied)


def test_weights_of_another_shape_are_refused(copied):
    rewrite(copied, lambda state: state | {"norm.bias": torch.zeros(3)})
    with pytest.raises(ParamsError, match=r"as timm saves them.*norm\.bias"):
        make_encoder(copied)


def test_pickled_weights_serve_where_there_are_no_others(copied):
    before = embed(make_encoder(copied), draw())
    state = load_file(copied / "model.safetensors")
    (copied / "model.safetensors").unlink()
    torch.save(state, copied / "pytorch_model.bin")
    assert torch.equal(embed(make_encoder(copied), draw()), before)


def test_weights_that_no_digest_covers_are_not_read(copied):
    (copied / "model.safetensors").rename(copied / "other.safetensors")
    with pytest.raises(ParamsError, match=r"neither model\.safetensors nor pytorch_model\.bin"):
        make_encoder(copied)


@pytest.mark.parametrize("config", ["{", "{}", '{"architecture": "swine", "pretrained_cfg": {}}'])
def test_a_folder_of_something_else_is_refused(copied, config):
    (copied / "config.json").write_text(config)
    with pytest.raises(ParamsError, match=r"expected config\.json and weights as timm saves"):
        make_encoder(copied)


def test_a_crop_that_is_not_known_is_refused(copied):
    config = json.loads((copied / "config.json").read_text())
    config["pretrained_cfg"]["crop_mode"] = "border"
    (copied / "config.json").write_text(json.dumps(config))
    with pytest.raises(ParamsError, match="crop mode center or squash, got 3 and border"):
        make_encoder(copied)


def test_a_network_of_grey_pictures_is_refused():
    with pytest.raises(ParamsError, match=r"expected 3 channels .* got 1 and center"):
        make_encoder(save_timm_model("test_resnet", in_chans=1))


@pytest.mark.parametrize("options", [{"embed_dim": 12_000}, {"mlp_ratio": 90_000.0}])
def test_a_network_that_is_larger_than_its_weights_is_refused(copied, options):
    config = json.loads((copied / "config.json").read_text())
    config["model_args"] = config.get("model_args", {}) | options
    (copied / "config.json").write_text(json.dumps(config))
    with pytest.raises(ParamsError, match="a network of more numbers than weights of"):
        make_encoder(copied)


def test_tables_that_are_no_weights_take_no_gigabytes(copied, monkeypatch):
    monkeypatch.setattr(pretrained, "PREPARING_BYTES", 2**24)
    monkeypatch.setattr(preparing, "THREAD_BYTES", 0)
    config = json.loads((copied / "config.json").read_text())
    config["model_args"] = config.get("model_args", {}) | {"window_size": 64, "img_size": 256}
    (copied / "config.json").write_text(json.dumps(config))
    with pytest.raises(ParamsError, match=r"as timm saves them for the Hub, got .*memory"):
        make_encoder(copied)


def test_a_network_of_a_million_stages_is_refused(copied):
    config = json.loads((copied / "config.json").read_text())
    config["model_args"] = {"depths": [2, 10**6, 2, 2]}
    (copied / "config.json").write_text(json.dumps(config))
    with pytest.raises(ParamsError, match=r"config\.json: depths: expected at most 1,000"):
        make_encoder(copied)
