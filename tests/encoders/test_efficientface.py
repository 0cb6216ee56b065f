import numpy as np
import pytest
import torch

from pipeline.encoders.efficientface import COLOURS, Encoder, place_weights
from pipeline.encoders.params import EfficientfaceParams
from pipeline.errors import ParamsError
from pipeline.files import digest_json
from pipeline.networks.checkpoints import read_state
from pipeline.rows import Frames
from pipeline.sections import parse_section
from tests.tiny_models import save_efficientface, save_mobilefacenet

PICTURE = np.random.default_rng(3).integers(0, 256, (224, 224, 3)).astype(np.uint8)


def parse(weights, **options):
    section = {"modality": "face", "encoder": "efficientface", "weights": str(weights), **options}
    return parse_section(EfficientfaceParams, section, "features.x")


def embed(weights, **options):
    encoder = Encoder(parse(weights, **options))
    (rows,) = encoder.encode([Frames(PICTURE[None], np.zeros(1), np.ones(1))])
    assert rows.embedding.shape == (1, *encoder.row_shape)
    return torch.tensor(rows.embedding[0])


def test_layers_are_named_and_shaped_as_in_the_authors_checkpoints():
    state = read_state(save_efficientface())
    shapes = {name: list(weight.shape) for name, weight in sorted(state.items())}
    assert digest_json(shapes) == "86cf87649512dba9133daf90ffb3a94b"


def test_logits_are_those_of_what_is_pooled():
    state = read_state(save_efficientface())
    pooled, logits = (embed(save_efficientface(), output=some) for some in ("pooled", "logits"))
    assert pooled.shape == (1024,)
    torch.testing.assert_close(logits, state["fc.weight"] @ pooled + state["fc.bias"])


def test_colours_are_normalised_as_the_weights_need():
    rows = [embed(save_efficientface(), colours=colours) for colours in COLOURS]
    assert all(not torch.allclose(rows[0], row) for row in rows[1:])


def save_without_classifier(folder):
    path = folder / "trunk.pth"
    state = read_state(save_efficientface())
    torch.save({name: state[name] for name in state if not name.startswith("fc.")}, path)
    return path


def test_the_classifier_may_be_absent_where_it_is_not_asked(tmp_path):
    trunk = save_without_classifier(tmp_path)
    assert torch.equal(embed(trunk), embed(save_efficientface()))
    with pytest.raises(ParamsError, match=r"weights of EfficientFace, got no fc\.bias \(2 in all"):
        embed(trunk, output="logits")


def test_weights_of_another_network_are_refused():
    with pytest.raises(ParamsError, match=r"expected .* of EfficientFace, got"):
        embed(save_mobilefacenet())


def test_half_precision_is_near_full():
    half, full = (embed(save_efficientface(), precision=some) for some in ("bf16", "fp32"))
    assert (half - full).abs().max() < 0.05 * full.abs().max()


def test_weights_that_are_not_there_are_asked_for(tmp_path):
    with pytest.raises(ParamsError, match=r"absent\.pth.*found none; download it to there"):
        place_weights(parse(tmp_path / "absent.pth"))
