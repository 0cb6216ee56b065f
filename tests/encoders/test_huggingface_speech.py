import json
import shutil
from functools import cache

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from pipeline.encoders.huggingface_speech import Encoder
from pipeline.encoders.params import HuggingfaceSpeechParams
from pipeline.errors import ParamsError, StoreError
from pipeline.rows import Waveform
from pipeline.sections import parse_section
from tests import tiny_models

HZ = 16_000
CONVOLUTIONAL = {
    f"{kind} {norm}": (tiny_models.save_speech_model, kind, norm)
    for kind in ("Hubert", "Wav2Vec2", "WavLM")
    for norm in ("group", "layer")
}
OTHERS = {
    "Whisper": (tiny_models.save_whisper,),
    "AST": (tiny_models.save_spectrogram_transformer,),
}
every_network = pytest.mark.parametrize("name", [*CONVOLUTIONAL, *OTHERS])
every_front = pytest.mark.parametrize("name", CONVOLUTIONAL)


def find_folder(name):
    save, *arguments = {**CONVOLUTIONAL, **OTHERS}[name]
    return save(*arguments)


def parse(**options):
    section = {"modality": "audio", "encoder": "huggingface_speech", **options}
    return parse_section(HuggingfaceSpeechParams, section, "features.voice")


def make_encoder(folder, **options):
    return Encoder(parse(weights=str(folder), **options))


@cache
def make_sound(samples, seed=1):
    rng = np.random.default_rng(seed)
    return (0.02 + 0.1 * rng.standard_normal(samples)).astype(np.float32)


def encode(encoder, *sounds):
    return encoder.encode([Waveform(sound, HZ) for sound in sounds])


def embed(folder, sound, **options):
    (rows,) = encode(make_encoder(folder, **options), sound)
    return rows.embedding


def run_transformers(folder, sound):
    """Output and hidden states of one sound by transformers alone."""
    extractor = transformers.AutoFeatureExtractor.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder).eval()
    model = model.get_encoder() if model.config.is_encoder_decoder else model
    inputs = extractor(sound, sampling_rate=HZ, return_tensors="pt")
    inputs.pop("attention_mask", None)
    with torch.inference_mode():
        output = model(**inputs, output_hidden_states=True)
    return output.last_hidden_state[0].numpy(), [some[0].numpy() for some in output.hidden_states]


@every_front
def test_rows_are_those_of_transformers(name):
    sound = make_sound(9_001)
    output, states = run_transformers(find_folder(name), sound)
    np.testing.assert_allclose(embed(find_folder(name), sound), output, atol=1e-4)
    for layer in (0, 1, 2):
        found = embed(find_folder(name), sound, layer=layer)
        np.testing.assert_allclose(found, states[layer], atol=1e-4)


def test_rows_of_whisper_are_those_of_the_sound_in_its_window():
    sound = make_sound(9_001)
    output, states = run_transformers(find_folder("Whisper"), sound)
    found = embed(find_folder("Whisper"), sound, layer=[0, 1, 3])
    assert found.shape == (29, 3, 14)
    expected = np.stack([states[0], states[1], output], axis=1)[:29]
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_rows_of_the_spectrogram_transformer_are_means_over_frequencies():
    sound = make_sound(9_001)
    output, states = run_transformers(find_folder("AST"), sound)
    found = embed(find_folder("AST"), sound, layer=[1, -1])
    assert found.shape == (4, 2, 14)  # of five, one hears what is not there
    bands = [some[2:].reshape(2, 5, 14)[:, :4] for some in (states[1], output)]
    np.testing.assert_allclose(found, np.stack([some.mean(0) for some in bands], 1), atol=1e-4)


@every_network
@pytest.mark.parametrize("options", [{}, {"layer": "all"}, {"pooling": "mean"}])
def test_sounds_of_unlike_length_in_a_batch_are_as_alone(name, options):
    encoder = make_encoder(find_folder(name), **options)
    sounds = [make_sound(samples) for samples in (9_001, 3_403, 420, 16_000, 9_001)]
    alone = encode(encoder, *sounds)
    encoder.batcher.budget = 100_000
    for one, other in zip(alone, encode(encoder, *sounds), strict=True):
        np.testing.assert_allclose(other.embedding, one.embedding, rtol=1e-4, atol=1e-4)


@every_network
def test_what_sounds_otherwise_is_heard_in_the_rows_of_its_time(name):
    encoder = make_encoder(find_folder(name), layer=0)
    for moment in (5_000, 8_888, 12_345):
        changed = make_sound(16_000).copy()
        # Backwards: neither mean nor variance change, by which all rows would.
        changed[moment - 40 : moment + 40] = changed[moment - 40 : moment + 40][::-1]
        one, other = encode(encoder, make_sound(16_000), changed)
        row = int(np.abs(one.embedding - other.embedding).sum(1).argmax())
        start, end = one.start_seconds[row], one.end_seconds[row]
        half = (end - start) / 2
        assert start - half <= moment / HZ <= end + half


@every_front
def test_long_sound_has_the_rows_of_the_whole_on_the_same_grid(name):
    sound = make_sound(16_000 * 9 + 77)
    whole, chunked = (
        encode(make_encoder(find_folder(name), chunk_seconds=seconds), sound)[0]
        for seconds in (30.0, 4.0)
    )
    assert len(whole) == len(chunked) == 449
    assert np.array_equal(whole.start_seconds, chunked.start_seconds)
    assert np.array_equal(whole.end_seconds, chunked.end_seconds)


@pytest.mark.parametrize("kind", ["Hubert", "Wav2Vec2", "WavLM"])
def test_chunks_change_nothing_that_is_heard_within_a_second(kind):
    folder = tiny_models.save_speech_model(kind, "layer")
    sound = make_sound(16_000 * 9 + 77)
    whole, chunked = (embed(folder, sound, layer=0, chunk_seconds=s) for s in (30.0, 4.0))
    np.testing.assert_allclose(chunked, whole, rtol=1e-4, atol=1e-4)


@every_network
def test_the_mean_is_over_all_rows_of_a_clip_whatever_its_chunks(name):
    sound = make_sound(16_000 * 9 + 77)
    rows, mean = (
        embed(find_folder(name), sound, chunk_seconds=4.0, layer=[0, -1], pooling=pooling)
        for pooling in ("none", "mean")
    )
    np.testing.assert_allclose(mean[0], rows.mean(0), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["Hubert group", "Whisper", "AST"])
def test_rows_of_what_is_quiet_are_not_valid_and_not_in_the_mean(name):
    sound = make_sound(16_000 * 5 + 77).copy()
    sound[16_000 * 2 : 16_000 * 3] *= 1e-3
    rows, mean = (
        encode(
            make_encoder(find_folder(name), chunk_seconds=4.0, active_db=20.0, pooling=pooling),
            sound,
        )[0]
        for pooling in ("none", "mean")
    )
    quiet = (rows.start_seconds >= 2) & (rows.end_seconds <= 3)
    assert np.array_equal(rows.valid, ~quiet)
    expected = rows.embedding[rows.valid].mean(0)
    np.testing.assert_allclose(mean.embedding[0], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("pooling", ["none", "mean"])
def test_digital_silence_has_no_valid_row_where_activity_counts(pooling):
    encoder = make_encoder(find_folder("Hubert layer"), active_db=20.0, pooling=pooling)
    (rows,) = encode(encoder, np.zeros(5_000, np.float32))
    assert len(rows)
    assert not rows.valid.any()
    assert np.isfinite(rows.embedding).all()


def test_a_mean_stands_for_the_whole_clip():
    (rows,) = encode(make_encoder(find_folder("AST"), pooling="mean"), make_sound(9_001))
    assert (rows.start_seconds.tolist(), rows.end_seconds.tolist()) == ([0.0], [9_001 / HZ])


def test_sound_is_normalised_where_the_preprocessor_says_so():
    sound = make_sound(9_001)
    normalised, as_is = find_folder("Hubert layer"), find_folder("Hubert group")
    np.testing.assert_allclose(embed(normalised, sound * 0.1), embed(normalised, sound), atol=0.01)
    assert make_encoder(normalised).provenance["normalised_epsilon"] == 1e-7
    assert make_encoder(as_is).provenance["normalised_epsilon"] is None


def test_digital_silence_is_finite():
    assert np.isfinite(embed(find_folder("Hubert layer"), np.zeros(5_000, np.float32))).all()


def test_blocks_behind_the_asked_layer_are_not_computed():
    assert len(make_encoder(find_folder("Hubert group"), layer=1).network.blocks) == 1


@pytest.mark.parametrize("precision", ["fp16", "bf16"])
def test_rows_at_half_precision_are_those_of_full_precision_roughly(precision):
    sound = make_sound(9_001)
    half = embed(find_folder("Hubert group"), sound, precision=precision)
    assert half.dtype == np.float32
    np.testing.assert_allclose(half, embed(find_folder("Hubert group"), sound), atol=0.2)


def test_neither_batch_nor_seconds_nor_known_corpora_shape_the_rows():
    settings = parse(weights="x", seconds=9.0, batch=3, seen_corpora=["ravdess"]).settings()
    assert settings.keys() == {
        "modality", "encoder", "layer", "pooling", "chunk_seconds", "precision"
    }  # fmt: skip


@pytest.fixture
def copied(tmp_path):
    return shutil.copytree(find_folder("Wav2Vec2 group"), tmp_path / "copied")


def edit_weights(folder, change):
    path = folder / "model.safetensors"
    save_file(change(load_file(path)), path, {"format": "pt"})


def edit_json(path, **values):
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_weights_under_a_head_for_letters_are_found(copied):
    edit_weights(
        copied,
        lambda state: {
            **{f"wav2vec2.{name}": value for name, value in state.items()},
            "lm_head.weight": torch.zeros(5, 14),
        },
    )
    edit_json(copied / "config.json", architectures=["Wav2Vec2ForCTC"])
    sound = make_sound(5_000)
    expected = embed(find_folder("Wav2Vec2 group"), sound)
    assert np.array_equal(embed(copied, sound), expected)


def test_weights_by_their_former_names_are_found(copied):
    norm = "parametrizations.weight.original"

    def name_formerly(state):
        return {
            name.replace(f"{norm}0", "weight_g").replace(f"{norm}1", "weight_v"): value
            for name, value in state.items()
            if name != "masked_spec_embed"
        }

    edit_weights(copied, name_formerly)
    assert any(name.endswith("weight_g") for name in load_file(copied / "model.safetensors"))
    sound = make_sound(5_000)
    assert np.array_equal(embed(copied, sound), embed(find_folder("Wav2Vec2 group"), sound))


def test_an_adapter_for_a_decoder_of_text_is_left_out(tmp_path):
    torch.manual_seed(3)
    config = transformers.Wav2Vec2Config(
        **tiny_models.SPEECH, **tiny_models.NORMS["group"], add_adapter=True
    )
    transformers.Wav2Vec2Model(config).save_pretrained(tmp_path)
    transformers.Wav2Vec2FeatureExtractor(do_normalize=False).save_pretrained(tmp_path)
    assert embed(tmp_path, make_sound(9_001)).shape == (27, 14)


def test_a_batch_norm_of_positions_is_never_padded(tmp_path):
    torch.manual_seed(3)
    config = transformers.HubertConfig(
        **tiny_models.SPEECH, **tiny_models.NORMS["layer"], conv_pos_batch_norm=True
    )
    transformers.HubertModel(config).save_pretrained(tmp_path)
    transformers.Wav2Vec2FeatureExtractor().save_pretrained(tmp_path)
    encoder = make_encoder(tmp_path)
    sounds = [make_sound(9_001), make_sound(5_000), make_sound(9_001, seed=2)]
    alone = encode(encoder, *sounds)
    encoder.batcher.budget = 100_000
    for one, other in zip(alone, encode(encoder, *sounds), strict=True):
        np.testing.assert_allclose(other.embedding, one.embedding, rtol=1e-4, atol=1e-4)


def test_a_missing_weight_is_told_in_one_sentence(copied):
    edit_weights(
        copied, lambda state: {name: value for name, value in state.items() if "q_proj" not in name}
    )
    with pytest.raises(ParamsError, match=r"got no .*q_proj\.bias \(6 in all\)"):
        make_encoder(copied)


def test_a_network_of_something_else_is_refused(tmp_path):
    transformers.BertConfig().save_pretrained(tmp_path)
    with pytest.raises(ParamsError, match="unknown network of sound 'bert'; did you mean 'hubert'"):
        make_encoder(tmp_path)


def test_weights_for_another_rate_are_refused(copied):
    edit_json(copied / "preprocessor_config.json", sampling_rate=24_000)
    with pytest.raises(ParamsError, match=r"expected sampling_rate 16000 .* got 24000"):
        make_encoder(copied)


def test_a_preprocessor_of_another_network_is_refused(tmp_path):
    folder = shutil.copytree(find_folder("AST"), tmp_path / "copied")
    edit_json(folder / "preprocessor_config.json", max_length=1024)
    with pytest.raises(ParamsError, match=r"expected max_length 64 .* got 1024"):
        make_encoder(folder)


def test_a_layer_that_is_not_there_is_refused():
    with pytest.raises(ParamsError, match="layer: expected -4 to 3, got 4"):
        make_encoder(find_folder("Whisper"), layer=4)


def test_sound_at_another_rate_is_refused():
    with pytest.raises(StoreError, match="expected 16000 Hz, got 8000 Hz"):
        make_encoder(find_folder("AST")).encode([Waveform(make_sound(5_000), 8_000)])


def test_a_network_that_is_larger_than_its_weights_is_refused(tmp_path):
    folder = shutil.copytree(find_folder("Hubert group"), tmp_path / "wide")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "num_conv_pos_embeddings": 10**8}))
    with pytest.raises(
        ParamsError, match=r"a network of more numbers than weights of [\d,]+ bytes"
    ):
        make_encoder(folder)
