"""Listening: clips of sound → what is said in each, and when.

Sound goes through in windows of 30 s. A window begins where the last whole segment of the one
before it ended; so the windows of a clip follow one another, and a batch holds one of each of
several clips. A clip that has ended makes room for the next. A window sees nothing but its own
sound: what shares its batch changes nothing, and a long clip needs no more memory than its sound.
"""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pipeline.media import AUDIO_HZ
from pipeline.media.audio import loudness_dbfs
from pipeline.networks.batches import Batcher
from pipeline.networks.rehearsing import rehearse_decoding
from pipeline.networks.sound import check_hz
from pipeline.rows import Waveform
from pipeline.words.whisper.alignment import Aligner, Spoken
from pipeline.words.whisper.checkpoint import Checkpoint
from pipeline.words.whisper.decoding import Decoded, Decoder
from pipeline.words.whisper.segments import Segment, split_segments, split_words

LEAST_SECONDS = 0.1
"""Shorter sound holds no word: what is left of a clip, or all of it."""

SILENT_DBFS = -80.0
"""Quieter windows hold no word, whatever Whisper makes up for them."""


@dataclass(frozen=True)
class Stretch:
    """Words said from `start_seconds` to `end_seconds` of a clip."""

    start_seconds: float
    end_seconds: float
    text: str


@dataclass
class Hearing:
    """A clip on its way: what was heard before sample `at`.

    `language` is the token of a language. `log_probability` is the sum over `tokens` tokens.
    """

    clip_id: str
    samples: Float[np.ndarray, " samples"]
    language: int | None
    at: int = 0
    stretches: list[Stretch] = field(default_factory=list)
    log_probability: float = 0.0
    tokens: int = 0
    compression: float = 1.0
    """Of the text of the most repetitive window, how much shorter zlib makes it, its
    `compression_ratio`."""

    @property
    def seconds(self) -> float:
        """Length of the clip's sound."""
        return len(self.samples) / AUDIO_HZ

    @property
    def left_seconds(self) -> float:
        """Sound that is yet to be heard."""
        return self.seconds - self.at / AUDIO_HZ

    @property
    def mean_log_probability(self) -> float:
        """Of all tokens so far; 0 where there are none."""
        return self.log_probability / max(1, self.tokens)


@dataclass(frozen=True)
class WindowCut:
    """What is said in a window of `steps` steps, of which `following` are done with."""

    steps: int
    segments: list[Segment]
    following: int


class Listener:
    """Hears what is said with the network of `checkpoint`, which is loaded here."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.batch = checkpoint.params.batch
        self.model = checkpoint.load_model()
        self.tokenizer = checkpoint.load_tokenizer()
        self.extractor = checkpoint.load_extractor(self.model.config)
        self.marks = checkpoint.read_marks(self.model.generation_config)
        self.language = checkpoint.find_language(self.marks)
        self.codes = {token: code for code, token in self.marks.languages.items()}
        self.decoder = Decoder(self.model, self.marks)
        by_word = checkpoint.params.times == "word"
        self.aligner = Aligner(self.model, self.marks) if by_word else None
        self.window = self.extractor.n_samples
        self.step = self.window // self.model.config.max_source_positions
        self.batcher = Batcher(self.batch)

    def listen(self, clips: Iterable[tuple[str, Waveform]]) -> Iterator[Hearing]:
        """Each of `clips` once all of it was heard, so short ones early.

        Raises StoreError for sound at another rate than AUDIO_HZ.
        """
        source = map(self._begin, clips)
        heard: list[Hearing] = []
        while heard := [*heard, *islice(source, self.batch - len(heard))]:
            yield from (hearing for hearing in heard if hearing.left_seconds < LEAST_SECONDS)
            heard = [hearing for hearing in heard if hearing.left_seconds >= LEAST_SECONDS]
            self.batcher.run(heard, [1] * len(heard), self._hear)

    def name_language(self, hearing: Hearing) -> str | None:
        """Code of a clip's language, None where it is not known."""
        return None if hearing.language is None else self.codes[hearing.language]

    def _begin(self, clip: tuple[str, Waveform]) -> Hearing:
        clip_id, sound = clip
        check_hz(sound)
        return Hearing(clip_id, sound.samples, self.language)

    @torch.inference_mode()
    def _hear(self, batch: Sequence[Hearing]) -> Sequence[Hearing]:
        """`batch`, each one window on."""
        windows = [hearing.samples[hearing.at : hearing.at + self.window] for hearing in batch]
        states = self._encode(windows)
        languages = self._find_languages(states, batch)
        prompts = self.decoder.make_prompts(languages)
        decoded = self.decoder.decode(states, prompts)
        cuts = [self._cut(*pair) for pair in zip(decoded, windows, strict=True)]
        begins = self._align(states, prompts.tolist(), cuts)
        for hearing, language in zip(batch, languages, strict=True):
            hearing.language = language
        for hearing, some, cut, own in zip(batch, decoded, cuts, begins, strict=True):
            self._keep(hearing, some, cut, own)
        return batch

    def _encode(self, windows: list[Float[np.ndarray, " _"]]) -> Float[Tensor, "windows _ dim"]:
        device = self.model.device
        made = self.extractor(
            windows, sampling_rate=AUDIO_HZ, return_tensors="pt", device=device.type
        )
        features = made.input_features.to(device, self.model.dtype)
        states: Tensor = self.model.get_encoder()(features).last_hidden_state
        return states

    def _find_languages(
        self, states: Float[Tensor, "windows _ dim"], batch: Sequence[Hearing]
    ) -> list[int | None]:
        """Token of each clip's language, heard from its first window where it is not asked for."""
        unknown = [number for number, hearing in enumerate(batch) if hearing.language is None]
        languages = [hearing.language for hearing in batch]
        if unknown and self.marks.languages:
            found = self.decoder.detect_languages(states[unknown])
            for number, token in zip(unknown, found, strict=True):
                languages[number] = token
        return languages

    def _cut(self, decoded: Decoded, window: Float[np.ndarray, " _"]) -> WindowCut:
        steps = max(1, len(window) // self.step)
        if decoded.silent or loudness_dbfs(window) < SILENT_DBFS:
            return WindowCut(steps, [], steps)
        return WindowCut(steps, *split_segments(decoded.tokens, self.marks, steps))

    def _align(
        self,
        states: Float[Tensor, "windows _ dim"],
        prompts: list[list[int]],
        cuts: list[WindowCut],
    ) -> list[list[int]]:
        """Step at which each token of a window begins, none where only segments are asked for."""
        if self.aligner is None:
            return [[] for _ in cuts]
        spoken = [
            Spoken(tuple(prompt), sum((part.tokens for part in cut.segments), ()), cut.following)
            for prompt, cut in zip(prompts, cuts, strict=True)
        ]
        return self.aligner.align(states, spoken)

    def _keep(self, hearing: Hearing, decoded: Decoded, cut: WindowCut, begins: list[int]) -> None:
        """Add what is said in a window to what was heard of a clip, and go on behind it."""
        segments = cut.segments
        if segments:
            rehearse_decoding(self.tokenizer, [part.tokens for part in segments])
            hearing.log_probability += decoded.log_probability * len(decoded.tokens)
            hearing.tokens += len(decoded.tokens)
            text = "".join(self._decode(part) for part in segments)
            hearing.compression = max(hearing.compression, measure_compression(text))
        if self.aligner:
            language = self.name_language(hearing)
            segments = split_words(segments, begins, self.tokenizer, language)
        hearing.stretches += filter(None, (self._place(part, hearing) for part in segments))
        hearing.at += cut.following * self.step if cut.following < cut.steps else self.window

    def _place(self, part: Segment, hearing: Hearing) -> Stretch | None:
        """Words of a part of the window at hand; None where it has no letter and no digit."""
        text = self._decode(part).strip()
        start, end = ((hearing.at + step * self.step) / AUDIO_HZ for step in (part.start, part.end))
        return Stretch(start, end, text) if any(map(str.isalnum, text)) else None

    def _decode(self, part: Segment) -> str:
        text: str = self.tokenizer.decode(part.tokens, skip_special_tokens=True)
        return text


def measure_compression(text: str) -> float:
    """How much shorter zlib makes `text`, its `compression_ratio`: it grows with what repeats."""
    data = text.encode()
    return len(data) / len(zlib.compress(data))
