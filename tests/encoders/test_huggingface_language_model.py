import shutil

import numpy as np
import pytest
import torch
from transformers import (
    AutoProcessor,
    AutoTokenizer,
    LlamaForCausalLM,
    LlavaForConditionalGeneration,
    PreTrainedTokenizerFast,
    Qwen2AudioForConditionalGeneration,
    WhisperFeatureExtractor,
)

from pipeline.encoders.huggingface_language_model import Encoder
from pipeline.encoders.params import HuggingfaceLanguageModelParams
from pipeline.errors import ParamsError, StoreError
from pipeline.rows import Frames, Waveform, Words
from pipeline.sections import parse_section
from tests.tiny_models import save_language_model, save_picture_model, save_sound_model

HZ = 16_000
ASKED = "Is it sad? {clip} Say:"
FOLDERS = {
    "text": save_language_model,
    "face": save_picture_model,
    "scene": save_picture_model,
    "audio": save_sound_model,
}


def make_encoder(modality="text", weights=None, **options):
    section = {
        "modality": modality,
        "encoder": "huggingface_language_model",
        "weights": str(weights or FOLDERS[modality]()),
        "prompt": ASKED,
        **options,
    }
    return Encoder(parse_section(HuggingfaceLanguageModelParams, section, "features.asked"))


def make_words(*texts):
    starts = np.arange(len(texts)) * 2.0
    return Words(texts, starts, starts + 1.5)


def make_frames(count, shade=3):
    starts = np.arange(count) / 5
    grey = np.arange(count)[:, None, None, None] * shade + np.arange(31)[:, None, None] * 4
    images = np.broadcast_to(grey, (count, 31, 29, 3)).astype(np.uint8)
    return Frames(images, starts, starts + 0.2)


def make_sound(seconds, hz=HZ):
    times = np.arange(round(seconds * hz)) / hz
    return Waveform((np.sin(2000 * times**2) / 3).astype(np.float32), hz)


def encode(encoder, clip):
    (rows,) = encoder.encode([clip])
    return rows


def run_alone(kind, folder, inputs, layer=-1):
    """Hidden states of one sequence by transformers alone."""
    model = kind.from_pretrained(folder).eval()
    with torch.inference_mode():
        return model(**inputs, output_hidden_states=True).hidden_states[layer][0].numpy()


def read_text(text, layer=-1):
    tokenizer = AutoTokenizer.from_pretrained(save_language_model())
    said = [{"role": "user", "content": text}]
    inputs = tokenizer.apply_chat_template(
        said, add_generation_prompt=True, return_dict=True, return_tensors="pt"
    )
    return run_alone(LlamaForCausalLM, save_language_model(), inputs, layer)


def read_media(kind, modality, parts, **media):
    processor = AutoProcessor.from_pretrained(FOLDERS[modality]())
    places = [{"type": part} for part in parts]
    content = [
        {"type": "text", "text": "Is it sad? "},
        *places,
        {"type": "text", "text": " Say:"},
    ]
    text = processor.apply_chat_template(
        [{"role": "user", "content": content}], add_generation_prompt=True
    )
    inputs = processor(text=[text], add_special_tokens=False, return_tensors="pt", **media)
    return run_alone(kind, FOLDERS[modality](), inputs)


def assert_close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def copy_folder(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "copied")


def save_template(folder, template):
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    tokenizer.chat_template = template
    (folder / "chat_template.jinja").unlink(missing_ok=True)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("modality", ["text", "audio"])
def test_a_slow_tokenizer_is_refused(modality, tmp_path):
    folder = copy_folder(FOLDERS[modality](), tmp_path)
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "ByT5Tokenizer"}')
    with pytest.raises(ParamsError, match="copied: expected a fast tokenizer, got a slow one"):
        make_encoder(modality, folder)


def test_a_text_is_the_state_of_the_last_token_of_the_chat():
    rows = encode(make_encoder(), make_words("We go.", "Up?"))
    assert_close(rows.embedding[0], read_text("Is it sad? We go. Say:")[-1])
    assert_close(rows.embedding[1], read_text("Is it sad? Up? Say:")[-1])
    assert rows.end_seconds.tolist() == [1.5, 3.5]


def test_mean_is_over_the_prompt_and_the_text():
    rows = encode(make_encoder(pooling="mean"), make_words("We go, up and down.", "Up?"))
    assert_close(rows.embedding[1], read_text("Is it sad? Up? Say:").mean(0))


@pytest.mark.parametrize("layer", [0, 1, 2, 3, -1, -3])
def test_layer_counts_as_in_hidden_states(layer):
    rows = encode(make_encoder(layer=layer), make_words("We go."))
    assert_close(rows.embedding[0], read_text("Is it sad? We go. Say:", layer)[-1])


def test_several_layers_are_side_by_side():
    encoder = make_encoder(layer=[2, 0])
    rows = encode(encoder, make_words("We go."))
    expected = [read_text("Is it sad? We go. Say:", layer)[-1] for layer in (2, 0)]
    assert encoder.row_shape == (2, 12)
    assert_close(rows.embedding[0], np.stack(expected))


def test_blocks_that_nobody_asks_for_are_not_run():
    assert len(make_encoder(layer=1).model.layers) == 2


def test_a_long_text_is_pieces_under_the_same_prompt():
    encoder = make_encoder(max_tokens=49)
    room = 49 - encoder.prompt.count_tokens()
    text = "go" * room  # one token a letter: two full pieces
    rows = encode(encoder, make_words(text, text + "up"))
    first, second = (
        read_text(f"Is it sad? {some} Say:")[-1] for some in (text[:room], text[room:])
    )
    rest = read_text("Is it sad? up Say:")[-1]
    assert_close(rows.embedding[0], (first + second) / 2)
    assert_close(rows.embedding[1], (room * (first + second) + 2 * rest) / (2 * room + 2))


def test_blank_texts_give_no_row():
    rows = encode(make_encoder(), make_words("", "We", " \n"))
    assert rows.start_seconds.tolist() == [2]


def test_a_small_budget_of_tokens_changes_nothing():
    clip = make_words("so", "we go up and down", "so we", "up")
    few, many = (encode(make_encoder(tokens=budget), clip) for budget in (5, 9999))
    assert_close(few.embedding, many.embedding)


def test_half_precision_is_near_full():
    full = encode(make_encoder(), make_words("We go."))
    half = encode(make_encoder(precision="bf16"), make_words("We go."))
    assert half.embedding.dtype == np.float32
    np.testing.assert_allclose(half.embedding, full.embedding, atol=0.1)


def test_without_a_chat_template_the_prompt_is_read_as_it_is(tmp_path):
    folder = save_template(copy_folder(save_language_model(), tmp_path), None)
    rows = encode(make_encoder(weights=folder), make_words("Up?"))
    inputs = AutoTokenizer.from_pretrained(folder)("Is it sad? Up? Say:", return_tensors="pt")
    assert_close(rows.embedding[0], run_alone(LlamaForCausalLM, folder, inputs)[-1])


@pytest.mark.parametrize(
    ("template", "told"),
    [
        (
            "{% for a in range(9999) %}" * 4 + "{% endfor %}" * 4,
            "one that ends its process, or takes more than 1 s or 4 GB",
        ),
        ("{{ 'a' * 5000000000 }}", "MemoryError"),
        ("{{ 'a' * 2000000 }}", "ValueError: more than 1,048,576 letters"),
        ("{{ ''.__class__.__mro__ }}", "SecurityError"),
    ],
)
def test_a_template_that_never_ends_or_fills_the_memory_is_refused(
    tmp_path, monkeypatch, template, told
):
    monkeypatch.setattr("pipeline.encoders.shared.rendering.TEMPLATE_SECONDS", 1.0)
    folder = save_template(copy_folder(save_language_model(), tmp_path), template)
    with pytest.raises(ParamsError, match=f"expected a chat template that renders .*, got {told}"):
        make_encoder(weights=folder)


def test_a_template_that_writes_the_day_gives_the_same_every_day(tmp_path):
    template = "{{ strftime_now('%d %B %Y') }}: {{ messages[0].content }}"
    folder = save_template(copy_folder(save_language_model(), tmp_path), template)
    rendered = make_encoder(weights=folder).prompt.render()
    assert rendered == "1 January 2026: Is it sad? {clip} Say:"


def test_frames_are_evenly_spread_and_read_in_order():
    clip = make_frames(9)
    rows = encode(make_encoder("face", frames=3), clip)
    images = [[clip.images[place].copy() for place in (1, 4, 7)]]
    states = read_media(LlavaForConditionalGeneration, "face", ["image"] * 3, images=images)
    assert_close(rows.embedding, states[-1:])
    assert (rows.start_seconds.tolist(), rows.end_seconds.tolist()) == ([0], [1.8])


def test_a_clip_of_fewer_frames_gives_all_of_them():
    clip = make_frames(2)
    rows = encode(make_encoder("scene", frames=3), clip)
    images = [[image.copy() for image in clip.images]]
    states = read_media(LlavaForConditionalGeneration, "face", ["image"] * 2, images=images)
    assert_close(rows.embedding, states[-1:])


def test_pictures_that_differ_give_rows_that_differ():
    encoder = make_encoder("face", pooling="mean")
    first, second = (encode(encoder, make_frames(4, shade)).embedding for shade in (3, 40))
    assert not np.allclose(first, second, atol=0.01)


def test_sound_is_read_at_the_prompt_s_place():
    clip = make_sound(0.7)
    rows = encode(make_encoder("audio"), clip)
    media = {"audio": [clip.samples], "sampling_rate": HZ}
    states = read_media(Qwen2AudioForConditionalGeneration, "audio", ["audio"], **media)
    assert_close(rows.embedding, states[-1:])
    assert rows.end_seconds.tolist() == [0.7]


def test_long_sound_is_the_mean_of_its_pieces():
    clip = make_sound(31.0)
    encoder = make_encoder("audio")
    half = len(clip.samples) // 2
    pieces = [Waveform(clip.samples[:half], HZ), Waveform(clip.samples[half:], HZ)]
    first, second = (rows.embedding[0] for rows in encoder.encode(pieces))
    assert_close(encode(encoder, clip).embedding, [(first + second) / 2])


def test_sound_of_another_rate_is_refused():
    with pytest.raises(StoreError, match="expected 16000 Hz, got 8000 Hz"):
        encode(make_encoder("audio"), make_sound(0.5, hz=8000))


def test_a_model_that_hears_another_rate_is_refused(tmp_path):
    folder = copy_folder(save_sound_model(), tmp_path)
    processor = AutoProcessor.from_pretrained(folder)
    processor.feature_extractor = WhisperFeatureExtractor(feature_size=16, sampling_rate=24_000)
    processor.save_pretrained(folder)
    with pytest.raises(ParamsError, match="at 16000 Hz if sound, got one of sound at 24000 Hz"):
        make_encoder("audio", folder)


def test_the_prompt_is_in_the_key_and_the_budget_is_not():
    settings = make_encoder().params.settings()
    assert settings["prompt"] == ASKED
    assert make_encoder(tokens=7).params.settings() == settings


def test_provenance_changes_with_the_prompt_and_its_template(tmp_path):
    usual = make_encoder().provenance["template_digest"]
    assert make_encoder(prompt="Or {clip}?").provenance["template_digest"] != usual
    folder = save_template(
        copy_folder(save_language_model(), tmp_path), "{{ messages[0].content }}"
    )
    assert make_encoder(weights=folder).provenance["template_digest"] != usual


def test_provenance_holds_how_pictures_and_sound_are_prepared():
    (pictures,) = make_encoder("face").provenance["preparation"]
    assert pictures["image_mean"] == pytest.approx([0.4815, 0.4578, 0.4082], abs=1e-4)
    (sound,) = make_encoder("audio").provenance["preparation"]
    assert sound["sampling_rate"] == HZ


def test_loading_and_encoding_print_nothing(capfd):
    for modality, clip in (("text", make_words("Up")), ("face", make_frames(3))):
        weights = FOLDERS[modality]()
        capfd.readouterr()
        encode(make_encoder(modality, weights), clip)
        assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("prompt", ["Is it sad?", "{clip} or {clip}?"])
def test_a_prompt_without_one_place_is_refused(prompt):
    with pytest.raises(ParamsError, match=r"features\.asked\.prompt: .*expected \{clip\} once"):
        make_encoder(prompt=prompt)


def test_a_prompt_that_leaves_no_room_is_refused():
    with pytest.raises(ParamsError, match="8 more than the prompt takes, got 30"):
        make_encoder(max_tokens=30)


def test_a_layer_or_a_length_beyond_the_model_is_refused():
    with pytest.raises(ParamsError, match="layer: expected -4 to 3, got 4"):
        make_encoder(layer=4)
    with pytest.raises(ParamsError, match="max_tokens: expected at most 547"):
        make_encoder(max_tokens=600)


def test_a_model_of_text_alone_is_refused_for_pictures():
    with pytest.raises(ParamsError, match="expected what AutoModelForMultimodalLM can load"):
        make_encoder("face", save_language_model())


@pytest.mark.parametrize(("modality", "other"), [("audio", "face"), ("face", "audio")])
def test_a_model_of_another_modality_is_refused(modality, other):
    with pytest.raises(ParamsError, match=f"a model that reads {modality}.* one that does not"):
        make_encoder(modality, FOLDERS[other]())


def test_without_a_chat_template_marks_stand_for_frames(tmp_path):
    folder = copy_folder(save_picture_model(), tmp_path)
    (folder / "chat_template.jinja").unlink()
    prompt = make_encoder("face", folder).prompt
    assert prompt.render(2) == "Is it sad? <image><image> Say:"
    del prompt.processor.image_token
    with pytest.raises(ParamsError, match="a processor with a token for image"):
        prompt.render()


def test_of_several_chat_templates_the_default_is_taken(tmp_path):
    several = {"default": "{{ messages[0].content }}!", "tool_use": "?"}
    folder = save_template(copy_folder(save_language_model(), tmp_path), several)
    assert make_encoder(weights=folder).prompt.render() == f"{ASKED}!"
