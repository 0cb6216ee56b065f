import numpy as np
import pytest
import torch
import torchaudio

from pipeline.encoders.huggingface_speech import Encoder as HuggingFace
from pipeline.encoders.params import HuggingfaceSpeechParams, TorchaudioBundleParams
from pipeline.encoders.torchaudio_bundle import MAKERS, Encoder
from pipeline.errors import ParamsError
from pipeline.rows import Waveform
from pipeline.sections import parse_section
from tests import tiny_models

HZ = 16_000
BUNDLES = {
    "TINY_HUBERT": ("Hubert", "group"),
    "TINY_WAV2VEC2": ("Wav2Vec2", "layer"),
    "TINY_WAVLM": ("WavLM", "group"),
    "TINY_WAVLM_LARGE": ("WavLM", "layer"),
}
every_bundle = pytest.mark.parametrize("name", BUNDLES)


def make_encoder(name, **options):
    weights = str(tiny_models.save_bundle(name, *BUNDLES[name]))
    section = {"modality": "audio", "encoder": "torchaudio_bundle", "bundle": name}
    section |= {"weights": weights, **options}
    return Encoder(parse_section(TorchaudioBundleParams, section, "features.x"))


def make_twin(name, **options):
    section = {"modality": "audio", "encoder": "huggingface_speech", **options}
    section["weights"] = str(tiny_models.save_speech_model(*BUNDLES[name]))
    return HuggingFace(parse_section(HuggingfaceSpeechParams, section, "features.x"))


def make_sounds(*lengths):
    rng = np.random.default_rng(4)
    return [Waveform(rng.standard_normal(n).astype(np.float32), HZ) for n in lengths]


@every_bundle
@pytest.mark.parametrize("options", [{}, {"layer": "all"}, {"layer": 1, "pooling": "mean"}])
def test_rows_are_those_of_the_same_weights_in_transformers(name, options):
    sounds = make_sounds(9_001, 5_000)
    found = make_encoder(name, **options).encode(sounds)
    expected = make_twin(name, **options).encode(sounds)
    for one, other in zip(found, expected, strict=True):
        # The two normalise sound with another epsilon.
        np.testing.assert_allclose(one.embedding, other.embedding, atol=1e-3)
        assert np.array_equal(one.start_seconds, other.start_seconds)


@every_bundle
def test_sounds_of_unlike_length_in_a_batch_are_as_alone(name):
    encoder = make_encoder(name, layer=[0, -1])
    sounds = make_sounds(9_001, 3_403, 420, 16_000, 9_001)
    alone = encoder.encode(sounds)
    encoder.batcher.budget = 100_000
    for one, other in zip(alone, encoder.encode(sounds), strict=True):
        np.testing.assert_allclose(other.embedding, one.embedding, rtol=1e-4, atol=1e-4)


def test_every_bundle_that_was_not_made_for_letters_can_be_built():
    kind = torchaudio.pipelines.Wav2Vec2Bundle
    bundles = [some for some in vars(torchaudio.pipelines).values() if type(some) is kind]
    assert len(bundles) >= 13
    with torch.device("meta"):
        for bundle in bundles:
            model = MAKERS[bundle._model_type](**{**bundle._params, "aux_num_out": None})
            assert len(model.encoder.transformer.layers) == bundle._params["encoder_num_layers"]
            assert bundle.sample_rate == HZ


def test_a_head_for_letters_is_left_out(tmp_path):
    state = torch.load(tiny_models.save_bundle())
    torch.save({**state, "aux.weight": torch.zeros(5, 14)}, tmp_path / "asr.pth")
    (sound,) = make_sounds(5_000)
    found, expected = (
        make_encoder("TINY_HUBERT", **options).encode([sound])[0].embedding
        for options in ({"weights": str(tmp_path / "asr.pth")}, {})
    )
    assert np.array_equal(found, expected)


def test_what_torchaudio_downloaded_before_is_found(tmp_path, monkeypatch):
    tiny_models.add_bundle("TINY_CACHED")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(ParamsError, match=r"'TINY_CACHED': .*tiny_cached\.pth, found none; downl"):
        make_encoder("TINY_HUBERT", bundle="TINY_CACHED", weights=None)
    cache = tmp_path / "hub" / "checkpoints"
    cache.mkdir(parents=True)
    (cache / "tiny_cached.pth").write_bytes(tiny_models.save_bundle().read_bytes())
    encoder = make_encoder("TINY_HUBERT", bundle="TINY_CACHED", weights=None)
    assert encoder.provenance == make_encoder("TINY_HUBERT").provenance


def test_weights_of_another_bundle_are_refused():
    weights = str(tiny_models.save_bundle("TINY_WAV2VEC2", "Wav2Vec2", "layer"))
    with pytest.raises(ParamsError, match=r"exactly the weights of Wav2Vec2Model, got an unknown"):
        make_encoder("TINY_HUBERT", weights=weights)


def test_weights_of_another_size_are_refused(tmp_path):
    state = torch.load(tiny_models.save_bundle())
    torch.save(
        {**state, "encoder.feature_projection.layer_norm.bias": torch.ones(5)}, tmp_path / "x"
    )
    with pytest.raises(ParamsError, match="expected a state dict of Wav2Vec2Model, got 'size mism"):
        make_encoder("TINY_HUBERT", weights=str(tmp_path / "x"))


def test_a_file_that_is_no_state_dict_is_refused(tmp_path):
    (tmp_path / "x").write_bytes(b"not one")
    with pytest.raises(ParamsError, match="expected a state dict of Wav2Vec2Model, got"):
        make_encoder("TINY_HUBERT", weights=str(tmp_path / "x"))


def test_an_unknown_bundle_is_refused_with_the_nearest():
    with pytest.raises(
        ParamsError, match="unknown bundle 'HUBERT_BAS'; did you mean 'HUBERT_BASE'"
    ):
        make_encoder("TINY_HUBERT", bundle="HUBERT_BAS")
