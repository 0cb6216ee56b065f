import shutil
import sys
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from pipeline.encoders.huggingface_vision import Encoder
from pipeline.encoders.params import HuggingfaceVisionParams
from pipeline.errors import ParamsError
from pipeline.networks import preparing
from pipeline.rows import Frames
from pipeline.sections import parse_section
from tests.tiny_models import VISION, save_clip, save_vision_model

PICTURE = np.random.default_rng(2).integers(0, 256, (41, 53, 3)).astype(np.uint8)


def make_encoder(folder, **options):
    section = {"modality": "scene", "encoder": "huggingface_vision", "weights": str(folder)}
    return Encoder(
        parse_section(HuggingfaceVisionParams, {**section, **options}, "features.vision")
    )


def embed(encoder):
    (rows,) = encoder.encode([Frames(PICTURE[None], np.zeros(1), np.ones(1))])
    return torch.tensor(rows.embedding[0])


@torch.inference_mode()
def run(kind, folder):
    """Output for PICTURE by transformers alone."""
    processor = transformers.AutoImageProcessor.from_pretrained(folder)
    model = getattr(transformers, kind).from_pretrained(folder).eval()
    return model(**processor(PICTURE, return_tensors="pt"), output_hidden_states=True)


def assert_close(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", ["ViTModel", "Dinov2Model", "BeitModel"])
def test_poolings_are_of_the_last_hidden_state(kind):
    folder = save_vision_model(kind)
    output = run(kind, folder)
    tokens = output.last_hidden_state[0]
    assert_close(embed(make_encoder(folder)), tokens[1:].mean(0))
    assert_close(embed(make_encoder(folder, pooling="cls")), tokens[0])
    assert_close(embed(make_encoder(folder, pooling="tokens")), tokens[1:])
    assert_close(embed(make_encoder(folder, pooling="pooler")), output.pooler_output[0])


@pytest.mark.skipif(sys.platform != "linux", reason="no other system limits memory")
def test_a_small_network_of_a_great_many_places_is_refused_by_what_memory_is_free(
    tmp_path, monkeypatch
):
    config = transformers.BeitConfig(
        hidden_size=2,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=2,
        image_size=512,
        patch_size=8,
        use_relative_position_bias=True,
    )
    transformers.BeitModel(config).save_pretrained(tmp_path)
    size = {"height": 512, "width": 512}
    transformers.BeitImageProcessor(do_center_crop=False, size=size).save_pretrained(tmp_path)
    monkeypatch.setattr(preparing, "THREAD_BYTES", 0)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=10**8))
    monkeypatch.setattr(psutil, "swap_memory", lambda: SimpleNamespace(free=0))
    with pytest.raises(ParamsError, match=r"memory, got one that asks for more .* 512 x 512"):
        make_encoder(tmp_path)


@pytest.mark.parametrize("kind", ["CLIP", "Siglip"])
def test_of_a_whole_checkpoint_the_vision_tower_is_taken(kind):
    output = run(f"{kind}VisionModel", save_clip(kind))
    assert_close(embed(make_encoder(save_clip(kind), pooling="pooler")), output.pooler_output[0])


def test_register_tokens_are_no_places():
    folder = save_vision_model("Dinov2WithRegistersModel")
    tokens = run("Dinov2WithRegistersModel", folder).last_hidden_state[0]
    assert tokens.shape == (1 + 4 + 16, 14)
    assert_close(embed(make_encoder(folder, pooling="tokens")), tokens[5:])


def test_layers_count_as_in_hidden_states():
    folder = save_vision_model()
    states = torch.stack(run("ViTModel", folder).hidden_states)[:, 0]
    places = states[:, 1:]
    assert_close(embed(make_encoder(folder, layer=2)), places[2].mean(0))
    assert_close(embed(make_encoder(folder, layer=[-1, 0])), places[[-1, 0]].mean(1))
    assert_close(embed(make_encoder(folder, layer="all", pooling="cls")), states[:, 0])
    tokens = embed(make_encoder(folder, layer=[1, 3], pooling="tokens"))
    assert_close(tokens, places[[1, 3]].transpose(0, 1))


def test_places_of_a_convolutional_network_are_its_tokens(tmp_path):
    config = transformers.ResNetConfig(embedding_size=6, hidden_sizes=[6, 10], depths=[1, 1])
    transformers.ResNetForImageClassification(config).save_pretrained(tmp_path)
    size = {"shortest_edge": 32}
    transformers.ConvNextImageProcessor(size=size).save_pretrained(tmp_path)
    output = run("ResNetModel", tmp_path)
    assert_close(embed(make_encoder(tmp_path)), output.last_hidden_state[0].mean((1, 2)))
    assert_close(embed(make_encoder(tmp_path, pooling="pooler")), output.pooler_output[0, :, 0, 0])
    with pytest.raises(ParamsError, match="ResNetModel, whose layers differ in shape, got all"):
        make_encoder(tmp_path, layer="all")


@pytest.mark.parametrize("kind", ["ViTModel", "Dinov2Model", "BeitModel"])
def test_pixels_stretch_the_positions(kind):
    encoder = make_encoder(save_vision_model(kind), pixels=48, pooling="tokens")
    assert encoder.row_shape == (36, 14)
    assert embed(encoder).isfinite().all()


def test_pixels_that_are_no_whole_patches_are_refused():
    with pytest.raises(ParamsError, match="pixels: expected a multiple of 8, got 50"):
        make_encoder(save_vision_model(), pixels=50)


def test_what_the_network_does_not_have_is_refused():
    with pytest.raises(ParamsError, match="SiglipVisionModel has no cls; choose `mean`"):
        make_encoder(save_clip("Siglip"), pooling="cls")
    with pytest.raises(ParamsError, match="layer: expected -4 to 3, got 4"):
        make_encoder(save_vision_model(), layer=4)
    with pytest.raises(ParamsError, match="expected no layer with `pooling: pooler`"):
        make_encoder(save_vision_model(), layer=1, pooling="pooler")


def test_a_classifier_has_no_trained_pooler():
    folder = save_vision_model("ViTForImageClassification")
    tokens = run("ViTModel", folder).last_hidden_state[0]
    assert_close(embed(make_encoder(folder)), tokens[1:].mean(0))
    with pytest.raises(ParamsError, match=r"exactly the weights of ViTModel, got no pooler\."):
        make_encoder(folder, pooling="pooler")


@pytest.fixture
def copied(tmp_path):
    return shutil.copytree(save_clip(), tmp_path / "copied")


def rename(folder, old, new):
    state = load_file(folder / "model.safetensors")
    state[new] = state.pop(old)
    save_file(state, folder / "model.safetensors", {"format": "pt"})


def test_absent_and_unknown_weights_of_the_tower_are_named(copied):
    rename(copied, "vision_model.post_layernorm.bias", "vision_model.post_layernorm.biasx")
    named = r"no post_layernorm\.bias \(1 in all\) and an unknown (vision_model\.)?post_layernorm"
    with pytest.raises(ParamsError, match=named):
        make_encoder(copied)


def test_weights_of_another_shape_are_refused(copied):
    path = copied / "model.safetensors"
    wide = torch.zeros(15)
    state = load_file(path) | {"vision_model.post_layernorm.bias": wide}
    save_file(state, path, {"format": "pt"})
    with pytest.raises(ParamsError, match=r"got no (vision_model\.)?post_layernorm\.bias"):
        make_encoder(copied)


def test_a_network_that_masks_at_random_is_refused(tmp_path):
    config = transformers.ViTMAEConfig(
        **VISION,
        decoder_hidden_size=8,
        decoder_num_hidden_layers=1,
        decoder_num_attention_heads=2,
        decoder_intermediate_size=7,
    )
    transformers.ViTMAEModel(config).save_pretrained(tmp_path)
    shutil.copy(save_vision_model() / "preprocessor_config.json", tmp_path)
    with pytest.raises(ParamsError, match="masks or drops at random"):
        make_encoder(tmp_path)


def test_half_precision_is_near_full():
    full, half = (
        embed(make_encoder(save_clip(), precision=precision)) for precision in ("fp32", "bf16")
    )
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, full, rtol=0.05, atol=0.05)


def test_loading_prints_nothing(capfd):
    make_encoder(save_clip())
    assert capfd.readouterr() == ("", "")
