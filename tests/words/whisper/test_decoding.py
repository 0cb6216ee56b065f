import pytest
import torch

from pipeline.words.whisper.decoding import Decoded
from tests.whispers import HZ, list_tokens, make_listener, make_noise, save_listener


@pytest.mark.parametrize("multilingual", [True, False])
@pytest.mark.parametrize("seed", [3, 5])
def test_a_window_gives_the_tokens_of_transformers(multilingual: bool, seed: int) -> None:
    listener = make_listener(save_listener(multilingual=multilingual))
    samples = make_noise(1.0, seed).samples
    features = listener.extractor([samples], sampling_rate=HZ, return_tensors="pt")
    with torch.inference_mode():
        states = listener._encode([samples])
        languages = listener.decoder.detect_languages(states) if multilingual else [None]
        prompts = listener.decoder.make_prompts(languages)
        (decoded,) = listener.decoder.decode(states, prompts)
        (theirs,) = listener.model.generate(
            features.input_features,
            return_timestamps=True,
            force_unique_generate_call=True,
            max_new_tokens=listener.decoder.most,
            **({"task": "transcribe"} if multilingual else {}),
        )
    expected = [
        token for token in theirs[prompts.shape[1] :].tolist() if token != listener.marks.end
    ]
    assert decoded.tokens == expected
    assert decoded.log_probability < 0
    assert 0 < decoded.no_speech < 1


def test_the_prompt_names_language_and_task() -> None:
    tokens, decoder = list_tokens(True), make_listener(save_listener()).decoder
    names = ("<|startoftranscript|>", "<|ja|>", "<|transcribe|>")
    assert decoder.make_prompts([tokens["<|ja|>"]]).tolist() == [[tokens[n] for n in names]]


def test_a_whisper_of_english_alone_is_told_no_language() -> None:
    tokens, decoder = list_tokens(False), make_listener(save_listener(multilingual=False)).decoder
    assert decoder.make_prompts([None]).tolist() == [[tokens["<|startoftranscript|>"]]]


def test_a_window_is_silent_only_if_its_tokens_are_unlikely() -> None:
    assert Decoded([], -1.1, 0.7).silent
    assert not Decoded([], -0.9, 0.7).silent
    assert not Decoded([], -1.1, 0.5).silent
