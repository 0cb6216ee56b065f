"""A checkpoint of Whisper: network, tokenizer, preprocessor, and the tokens that steer it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import transformers

from pipeline.errors import ParamsError
from pipeline.families import suggest
from pipeline.files import digest_file
from pipeline.media import AUDIO_HZ
from pipeline.networks.pretrained import (
    GENERATION,
    Pretrained,
    check_fit,
    load_frozen,
    load_pretrained,
)
from pipeline.store.provenance import Provenance
from pipeline.words.params import TranscribeParams

VERSION = 1
"""Raised whenever windows, decoding, segments or word times change: part of every key."""

NO_SPEECH_PROBABILITY = 0.6
LEAST_LOG_PROBABILITY = -1.0
"""A window is silent where `<|nospeech|>` is likelier than the one (`no_speech_prob`), and its
tokens' mean log probability (`avg_logprob`) is below the other: `no_speech_threshold` and
`logprob_threshold` of Whisper's authors.
"""

MOST_COMPRESSION = 2.4
"""Text that zlib shortens more repeats itself: their `compression_ratio_threshold`."""


@dataclass(frozen=True)
class NamedWeights:
    """Which weights, and at what precision they run, as encoders are told it."""

    weights: str
    revision: str | None
    precision: Literal["fp32", "fp16", "bf16"]


@dataclass(frozen=True)
class Marks:
    """Numbers of the special tokens, which are no text and all lie from `end` on.

    `start` is `<|startoftranscript|>`, `end` `<|endoftext|>` and `silence` `<|nospeech|>`.
    `languages` are by their codes, empty where Whisper knows English alone; `task` is that of
    writing down what is said, `<|transcribe|>`, None there. `first_time` is `<|0.00|>`, the
    timestamp token of a window's begin, behind `<|notimestamps|>`.
    """

    start: int
    end: int
    task: int | None
    silence: int
    first_time: int
    languages: dict[str, int]


class Checkpoint:
    """Which Whisper `params` name, and what of it shapes the words; nothing of it is loaded yet.

    Raises ParamsError where it is not here, or is no checkpoint of Whisper.
    """

    def __init__(self, params: TranscribeParams) -> None:
        assert params.model is not None
        self.params = params
        named = NamedWeights(params.model, params.revision, params.precision)
        self.pretrained = Pretrained(named)
        self.folder = self.pretrained.folder
        kind = load_pretrained(transformers.AutoConfig, self.folder).model_type
        if kind != "whisper":
            raise ParamsError(
                f"weights {self.folder}: expected a checkpoint of Whisper, got {kind!r}; "
                f"name another as transcribe.model"
            )
        if not (self.folder / GENERATION).is_file():
            raise ParamsError(
                f"weights {self.folder}: expected {GENERATION} beside the weights, got none; "
                f"download the whole repository"
            )

    @cached_property
    def provenance(self) -> Provenance:
        """Of what is heard: all that shapes the words of a sound."""
        language = {"language": self.params.language} if self.params.language else {}
        settings = {
            "source": "whisper",
            "version": VERSION,
            **self.pretrained.provenance,
            "generation_digest": digest_file(self.folder / GENERATION),
            "times": self.params.times,
            "precision": self.params.precision,
            "no_speech_probability": NO_SPEECH_PROBABILITY,
            "least_log_probability": LEAST_LOG_PROBABILITY,
            "most_compression": MOST_COMPRESSION,
            **language,
        }
        return Provenance("transcribe", settings)

    def load_model(self) -> Any:
        """The network on its device; raises ParamsError for absent weights."""
        model = load_frozen(transformers.WhisperForConditionalGeneration, self.pretrained)
        if self.params.times == "word" and not hasattr(model.generation_config, "alignment_heads"):
            raise ParamsError(
                f"weights {self.folder}: expected alignment_heads in {GENERATION} for times of "
                f"words, got none; set transcribe.times to segment, or choose another checkpoint"
            )
        return model.to(self.params.device)

    def load_tokenizer(self) -> Any:
        """Whisper's tokenizer."""
        return load_pretrained(transformers.WhisperTokenizer, self.folder)

    def load_extractor(self, config: Any) -> Any:
        """What makes log-mel frames of a window, for the network of `config`."""
        extractor = load_pretrained(transformers.WhisperFeatureExtractor, self.folder)
        frames = 2 * config.max_source_positions
        check_fit(self.pretrained, "sampling_rate", extractor.sampling_rate, AUDIO_HZ)
        check_fit(self.pretrained, "feature_size", extractor.feature_size, config.num_mel_bins)
        check_fit(self.pretrained, "frames", extractor.nb_max_frames, frames)
        extractor.dither = 0.0  # noise, another one each time
        return extractor

    def read_marks(self, generation: Any) -> Marks:
        """Marks by generation_config.json; raises ParamsError where some are missing."""
        try:
            without_times = generation.no_timestamps_token_id
            return Marks(
                start=generation.decoder_start_token_id,
                end=generation.eos_token_id,
                task=generation.task_to_id["transcribe"] if generation.is_multilingual else None,
                silence=without_times - 1,
                first_time=without_times + 1,
                languages=_list_languages(generation) if generation.is_multilingual else {},
            )
        except (AttributeError, KeyError, TypeError) as error:
            raise ParamsError(
                f"weights {self.folder}: expected all of Whisper's tokens in {GENERATION}, got "
                f"{str(error)!r}; take that file from the checkpoint that this one was made from"
            ) from error

    def find_language(self, marks: Marks) -> int | None:
        """Token of the language that is asked for, None where it is heard from each clip.

        Raises ParamsError for one that the checkpoint does not know.
        """
        asked = self.params.language
        if asked is None or (asked == "en" and not marks.languages):
            return None
        if asked not in marks.languages:
            known = suggest(asked, marks.languages or ("en",))
            raise ParamsError(f"params.yaml: transcribe.language: unknown {asked!r}; {known}")
        return marks.languages[asked]


def _list_languages(generation: Any) -> dict[str, int]:
    return {token.strip("<|>"): number for token, number in generation.lang_to_id.items()}
