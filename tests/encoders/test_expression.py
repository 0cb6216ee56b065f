import json
import shutil

import numpy as np
import pytest
import transformers
from PIL import Image

from pipeline.encoders.expression import Encoder
from pipeline.encoders.params import ExpressionParams
from pipeline.errors import ParamsError
from pipeline.extraction import source
from pipeline.rows import Frames
from pipeline.sections import parse_section
from tests.tiny_models import save_classifier, save_vision_model

PICTURE = np.random.default_rng(3).integers(0, 256, (32, 32, 3)).astype(np.uint8)


def make_encoder(folder, **options):
    section = {"modality": "face", "encoder": "expression", "weights": str(folder), **options}
    return Encoder(parse_section(ExpressionParams, section, "features.x"))


def embed(folder, **options):
    (rows,) = make_encoder(folder, **options).encode(
        [Frames(PICTURE[None], np.zeros(1), np.ones(1))]
    )
    return rows.embedding[0]


def test_probabilities_are_what_a_pipeline_of_transformers_says():
    folder = save_classifier()
    classify = transformers.pipeline("image-classification", str(folder), device="cpu")
    said = {found["label"]: found["score"] for found in classify(Image.fromarray(PICTURE), top_k=3)}
    classes = make_encoder(folder).provenance["classes"]
    assert classes == ["anger", "joy", "none"]
    expected = [said[name] for name in classes]
    np.testing.assert_allclose(embed(folder, output="probabilities"), expected, atol=1e-5)


def test_logits_are_their_logarithm_but_for_a_constant():
    folder = save_classifier()
    logits, shares = (embed(folder, output=output) for output in ("logits", "probabilities"))
    np.testing.assert_allclose(np.diff(np.log(shares)), np.diff(logits), atol=1e-4)


def test_each_class_of_several_has_a_probability_of_its_own():
    folder = save_classifier("multi_label_classification")
    logits, shares = (embed(folder, output=output) for output in ("logits", "probabilities"))
    np.testing.assert_allclose(shares, 1 / (1 + np.exp(-logits)), atol=1e-5)


def test_a_regression_gives_scores_and_no_probabilities():
    folder = save_classifier("regression")
    assert embed(folder).shape == (3,)
    assert make_encoder(folder).provenance["problem"] == "regression"
    with pytest.raises(ParamsError, match="for probabilities, got a regression; choose `logits`"):
        make_encoder(folder, output="probabilities")


def test_a_network_without_a_classifier_is_refused():
    with pytest.raises(ParamsError, match=r"no classifier\.bias \(2 in all\)"):
        make_encoder(save_vision_model())


def test_half_precision_is_near_full():
    half, full = (embed(save_classifier(), precision=some) for some in ("bf16", "fp32"))
    assert np.abs(half - full).max() < 0.05 * np.abs(full).max()


def test_weights_are_digested():
    digests = [
        make_encoder(save_classifier(some)).provenance["weights_digest"]
        for some in (None, "regression")
    ]
    assert digests[0] != digests[1]


def test_classes_that_a_checkpoint_numbers_otherwise_are_told_in_a_sentence(tmp_path):
    folder = shutil.copytree(save_classifier(), tmp_path / "copied")
    config = json.loads((folder / "config.json").read_text())
    config["id2label"] = {"3": "anger", "4": "joy", "5": "none"}
    (folder / "config.json").write_text(json.dumps(config))
    section = {"modality": "face", "encoder": "expression", "weights": str(folder)}
    with pytest.raises(ParamsError, match=r"encoder expression: expected weights that it can use"):
        source.make_encoder(parse_section(ExpressionParams, section, "features.x"))
