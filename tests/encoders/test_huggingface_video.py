import json
import shutil

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from pipeline.encoders.huggingface_video import Encoder
from pipeline.encoders.params import HuggingfaceVideoParams
from pipeline.errors import ParamsError
from pipeline.rows import Frames
from pipeline.sections import parse_section
from tests.tiny_models import VIDEO_KINDS, save_video_model, save_vision_model

IMAGES = np.random.default_rng(2).integers(0, 256, (4, 41, 53, 3)).astype(np.uint8)
PREFIXES = {"VideoMAE": 0, "Timesformer": 1, "Vivit": 1}
every_kind = pytest.mark.parametrize("kind", VIDEO_KINDS)


def make_encoder(folder, **options):
    section = {"modality": "face", "encoder": "huggingface_video", "weights": str(folder)}
    return Encoder(parse_section(HuggingfaceVideoParams, {**section, **options}, "features.video"))


def embed(encoder, images=IMAGES):
    starts = np.arange(len(images)) / 5
    (rows,) = encoder.encode([Frames(images, starts, starts + 0.2)])
    return torch.tensor(rows.embedding)


@torch.inference_mode()
def run(kind, folder):
    """Hidden states of IMAGES by transformers alone, the last after its norm, without a class."""
    processor = {"Vivit": transformers.VivitImageProcessor}.get(
        kind, transformers.VideoMAEImageProcessor
    )
    model = getattr(transformers, f"{kind}Model").from_pretrained(folder).eval()
    inputs = processor.from_pretrained(folder)(list(IMAGES), return_tensors="pt")
    output = model(**inputs, output_hidden_states=True)
    states = (*output.hidden_states, output.last_hidden_state)
    return torch.stack([state[0, PREFIXES[kind] :] for state in states])


def assert_close(found, expected):
    torch.testing.assert_close(found, expected, rtol=5e-3, atol=5e-3)


@every_kind
def test_rows_are_means_over_the_places_of_a_run(kind):
    means = run(kind, save_video_model(kind)).mean(1)
    assert_close(embed(make_encoder(save_video_model(kind)))[0], means[-1])


@every_kind
def test_layers_count_as_in_hidden_states(kind):
    folder = save_video_model(kind)
    means = run(kind, folder).mean(1)[:-1]
    assert_close(embed(make_encoder(folder, layer=2))[0], means[2])
    assert_close(embed(make_encoder(folder, layer=[-1, 0]))[0], means[[-1, 0]])
    assert_close(embed(make_encoder(folder, layer="all"))[0], means)
    with pytest.raises(ParamsError, match="layer: expected -4 to 3, got 4"):
        make_encoder(folder, layer=4)


def test_a_short_run_is_completed_by_its_last_frame():
    encoder = make_encoder(save_video_model())
    found = embed(encoder, IMAGES[:3])
    assert torch.equal(found, embed(encoder, IMAGES[[0, 1, 2, 2]]))


def test_a_decoder_is_left_out():
    folder = save_video_model("VideoMAE", "ForPreTraining")
    assert_close(embed(make_encoder(folder))[0], run("VideoMAE", folder).mean(1)[-1])


@every_kind
def test_a_classifier_is_left_out(kind):
    folder = save_video_model(kind, "ForVideoClassification")
    means = run(kind, folder).mean(1)
    assert_close(embed(make_encoder(folder))[0], means[-1])


def test_computed_positions_are_there_for_any_number_of_frames():
    encoder = make_encoder(save_video_model(), frames_per_run=6)
    assert encoder.run.frames == 6
    assert not torch.equal(embed(encoder, IMAGES), embed(make_encoder(save_video_model())))
    with pytest.raises(ParamsError, match="frames_per_run: expected a multiple of 2, got 5"):
        make_encoder(save_video_model(), frames_per_run=5)


@pytest.mark.parametrize("kind", ["Timesformer", "Vivit"])
def test_learned_positions_are_there_for_their_own_number_of_frames_alone(kind):
    told = f"expected 4, for which {kind}Model has learned positions, got 6; leave it out"
    with pytest.raises(ParamsError, match=told):
        make_encoder(save_video_model(kind), frames_per_run=6)


def test_a_network_of_pictures_is_refused():
    with pytest.raises(ParamsError, match="has num_frames, got ViTConfig; choose another"):
        make_encoder(save_vision_model())


@pytest.fixture
def copied(tmp_path):
    return shutil.copytree(save_video_model("Timesformer"), tmp_path / "copied")


def change(folder, name, **values):
    path = folder / name
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_a_preprocessor_that_names_no_class_is_the_networks_own(copied):
    expected = embed(make_encoder(copied))
    change(copied, "preprocessor_config.json", image_processor_type=None, size=36, crop_size=32)
    assert torch.equal(embed(make_encoder(copied)), expected)


def test_a_preprocessor_that_does_anything_else_is_refused(copied):
    change(copied, "preprocessor_config.json", do_center_crop=False)
    told = "expected a preprocessor that resizes, .* got VideoMAEVideoProcessor"
    with pytest.raises(ParamsError, match=told):
        make_encoder(copied)


def test_pictures_of_another_size_than_the_networks_are_refused(tmp_path):
    folder = shutil.copytree(save_video_model(), tmp_path / "copied")
    change(folder, "preprocessor_config.json", crop_size={"height": 30, "width": 30})
    with pytest.raises(ParamsError, match=r"got 4 frames of 30 x 30 \(Input image size"):
        make_encoder(folder)


def test_missing_and_unknown_weights_are_named(copied):
    path = copied / "model.safetensors"
    state = load_file(path)
    state["layernorm.biases"] = state.pop("layernorm.bias")
    save_file(state, path, {"format": "pt"})
    told = r"TimesformerModel, got no layernorm\.bias \(1 in all\) and an unknown layernorm\.biases"
    with pytest.raises(ParamsError, match=told):
        make_encoder(copied)


def test_weights_of_another_shape_are_refused(copied):
    path = copied / "model.safetensors"
    save_file(load_file(path) | {"layernorm.bias": torch.zeros(5)}, path, {"format": "pt"})
    with pytest.raises(ParamsError, match=r"TimesformerModel, got no layernorm\.bias"):
        make_encoder(copied)


def test_half_precision_is_near_full():
    full, half = (
        embed(make_encoder(save_video_model(), precision=precision))
        for precision in ("fp32", "bf16")
    )
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, full, rtol=0.05, atol=0.05)


def test_loading_prints_nothing(capfd):
    make_encoder(save_video_model())
    assert capfd.readouterr() == ("", "")
