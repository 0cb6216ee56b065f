import numpy as np
import pytest
import torch

from pipeline.encoders.mobilefacenet import LAYOUTS, Encoder, MobileFaceNet, place_weights
from pipeline.encoders.params import MobilefacenetParams
from pipeline.errors import ParamsError
from pipeline.files import digest_json
from pipeline.networks.checkpoints import read_state
from pipeline.rows import Frames
from pipeline.sections import parse_section
from tests.tiny_models import save_efficientface, save_mobilefacenet

PUBLISHED = {
    0: ((7, 7), 512, "ba641c88d5e57ae69d3249085b3402c9"),
    1: ((7, 7), 128, "20dddbe91c81e1a3806928ac6bf5c1cb"),
    2: ((8, 8), 128, "421aa295c03cdfde7c0315a1ff126f1b"),
    3: ((7, 6), 128, "649c43d9914b45f0a7ec453a0268c743"),
}


def make_encoder(weights, **options):
    section = {"modality": "face", "encoder": "mobilefacenet", "weights": str(weights), **options}
    return Encoder(parse_section(MobilefacenetParams, section, "features.x"))


def embed(weights, picture, **options):
    (rows,) = make_encoder(weights, **options).encode(
        [Frames(picture[None], np.zeros(1), np.ones(1))]
    )
    return rows.embedding[0]


def draw(height, width):
    return np.random.default_rng(3).integers(0, 256, (height, width, 3)).astype(np.uint8)


every_layout = pytest.mark.parametrize("layout", PUBLISHED)


@every_layout
def test_layers_are_named_and_shaped_as_in_published_checkpoints(layout):
    kernel, dim, digest = PUBLISHED[layout]
    state = MobileFaceNet(LAYOUTS[layout].list_layers(kernel, dim)).state_dict()
    shapes = {name: list(weight.shape) for name, weight in sorted(state.items())}
    assert digest_json(shapes) == digest


@every_layout
def test_the_checkpoint_tells_the_size_of_pictures_and_rows(layout):
    encoder = make_encoder(save_mobilefacenet(layout, (3, 2), 13))
    assert encoder.preparation.crop == (48, 32)
    assert encoder.row_shape == (13,)


@every_layout
def test_rows_are_what_the_network_makes_of_prepared_pictures(layout):
    path = save_mobilefacenet(layout, (2, 2), 13)
    model = MobileFaceNet(LAYOUTS[layout].list_layers((2, 2), 13)).eval()
    model.load_state_dict(read_state(path))
    mean, std = LAYOUTS[layout].mean, LAYOUTS[layout].std
    picture = draw(32, 32)
    pixels = torch.tensor((picture / 255 - mean) / std).permute(2, 0, 1)[None].float()
    with torch.inference_mode():
        expected = model(pixels)[0].numpy()
    np.testing.assert_allclose(embed(path, picture), expected, atol=1e-5 * np.abs(expected).max())


def test_insightface_rows_are_of_length_one_and_see_blue_for_red():
    path, picture = save_mobilefacenet(0, (2, 2), 13), draw(32, 32)
    row = embed(path, picture)
    assert np.linalg.norm(row) == pytest.approx(1, abs=1e-5)
    model = MobileFaceNet(LAYOUTS[0].list_layers((2, 2), 13)).eval()
    model.load_state_dict(read_state(path))
    swapped = torch.tensor(picture[..., ::-1] / 127.5 - 1).permute(2, 0, 1)[None].float()
    with torch.inference_mode():
        expected = model[1:](swapped)[0].numpy()
    np.testing.assert_allclose(row, expected, atol=1e-5)


def test_pictures_that_were_higher_than_wide_lose_their_sides():
    path, picture = save_mobilefacenet(3, (3, 2), 11), draw(48, 48)
    np.testing.assert_allclose(embed(path, picture), embed(path, picture[:, 8:40]), atol=1e-5)


def test_half_precision_is_near_full():
    half, full = (
        embed(save_mobilefacenet(), draw(48, 48), precision=some) for some in ("bf16", "fp32")
    )
    assert np.abs(half - full).max() < 0.05 * np.abs(full).max()


def test_weights_of_another_network_are_refused():
    with pytest.raises(ParamsError, match=r"one of conv_6_dw\.conv\.weight, gdconv.*got 'conv1\.0"):
        make_encoder(save_efficientface())


def test_weights_that_are_not_there_are_asked_for(tmp_path):
    section = {"modality": "face", "encoder": "mobilefacenet", "weights": str(tmp_path / "a.pth")}
    with pytest.raises(ParamsError, match=r"a\.pth.*found none; download it to there"):
        place_weights(parse_section(MobilefacenetParams, section, "features.x"))
