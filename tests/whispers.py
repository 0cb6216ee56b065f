"""Tiny checkpoints of Whisper that hear one second, and sound for them to hear."""

from functools import cache
from pathlib import Path

import numpy as np
import torch
from transformers import (
    GenerationConfig,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperTokenizer,
)

from pipeline.rows import Waveform
from pipeline.sections import parse_section
from pipeline.words.params import TranscribeParams
from pipeline.words.whisper.checkpoint import Checkpoint
from pipeline.words.whisper.listening import Listener
from tests.tiny_models import make_folder

HZ = 16_000
STEPS = 50
"""Steps of 0.02 s in a window."""

WORDS = ("Ġyes", "Ġno", "Ġwe", "ll", "s", "Ġhere", ".", ",", "Ġthe", "re", "!", "Ġsun", "Ġso")
LANGUAGES = ("<|en|>", "<|pt|>", "<|ja|>")
TASKS = ("<|translate|>", "<|transcribe|>")
OTHERS = ("<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>")
TIMES = tuple(f"<|{step * 0.02:.2f}|>" for step in range(STEPS + 1))


def list_tokens(multilingual: bool) -> dict[str, int]:
    """Token → number, in Whisper's own order."""
    names = (*LANGUAGES, *TASKS) if multilingual else TASKS
    marks = ("<|endoftext|>", "<|startoftranscript|>", *names, *OTHERS)
    return {name: number for number, name in enumerate((*WORDS, *marks, *TIMES))}


def make_generation(tokens: dict[str, int], **options: object) -> GenerationConfig:
    """Generation settings as published checkpoints have them."""
    languages = {name: tokens[name] for name in LANGUAGES if name in tokens}
    known = {
        "is_multilingual": bool(languages),
        **({"lang_to_id": languages} if languages else {}),
        "task_to_id": {name.strip("<|>"): tokens[name] for name in TASKS},
        "no_timestamps_token_id": tokens["<|notimestamps|>"],
        "decoder_start_token_id": tokens["<|startoftranscript|>"],
        "eos_token_id": tokens["<|endoftext|>"],
        "pad_token_id": tokens["<|endoftext|>"],
        "bos_token_id": tokens["<|endoftext|>"],
        "suppress_tokens": [tokens[name] for name in (*languages, *TASKS, *OTHERS[:3])],
        "begin_suppress_tokens": [tokens["Ġso"], tokens["<|endoftext|>"]],
        "max_initial_timestamp_index": 20,
        "alignment_heads": [[0, 1], [1, 0]],
        "max_length": 40,
    }
    given = {**known, **options}
    return GenerationConfig(**{name: value for name, value in given.items() if value is not None})


@cache
def save_listener(*, multilingual: bool = True, seed: int = 3) -> Path:
    """Folder of a whole Whisper of two blocks on each side."""
    folder, tokens = make_folder(), list_tokens(multilingual)
    end = tokens["<|endoftext|>"]
    config = WhisperConfig(
        vocab_size=len(tokens),
        num_mel_bins=16,
        d_model=14,
        encoder_layers=2,
        encoder_attention_heads=2,
        encoder_ffn_dim=11,
        decoder_layers=2,
        decoder_attention_heads=2,
        decoder_ffn_dim=11,
        max_source_positions=STEPS,
        max_target_positions=40,
        init_std=0.7,
        decoder_start_token_id=tokens["<|startoftranscript|>"],
        bos_token_id=end,
        eos_token_id=end,
        pad_token_id=end,
    )
    torch.manual_seed(seed)
    model = WhisperForConditionalGeneration(config)
    model.generation_config = make_generation(tokens)
    model.save_pretrained(folder)
    WhisperFeatureExtractor(16, chunk_length=1).save_pretrained(folder)
    save_tokenizer(folder, tokens)
    return folder


def save_tokenizer(folder: Path, tokens: dict[str, int]) -> None:
    """Whisper's tokenizer; times are no special tokens, as in published ones."""
    words = {name: number for name, number in tokens.items() if number < len(WORDS)}
    tokenizer = WhisperTokenizer(words, [])
    marks = [name for name in tokens if name not in words and name not in TIMES]
    tokenizer.add_special_tokens({"additional_special_tokens": marks})
    tokenizer.add_tokens(list(TIMES))
    assert tokenizer.convert_tokens_to_ids(list(tokens)) == list(tokens.values())
    tokenizer.save_pretrained(folder)


def make_params(folder: Path, **options: object) -> TranscribeParams:
    given = {"model": str(folder), **options}
    return parse_section(TranscribeParams, given, "transcribe")


def make_listener(folder: Path, **options: object) -> Listener:
    return Listener(Checkpoint(make_params(folder, **options)))


def make_noise(seconds: float, seed: int = 0) -> Waveform:
    """Noise that swells and fades, so that no two windows are alike."""
    rng = np.random.default_rng(seed)
    count = round(seconds * HZ)
    places = np.linspace(0, count, 2 + int(seconds * 7))
    swell = np.interp(np.arange(count), places, rng.random(len(places)))
    return Waveform((rng.normal(0, 0.1, count) * swell).astype(np.float32), HZ)
