"""Prompts: a clip's words, frames or sound as a language model reads them, under a stated text."""

import json
import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from pipeline.encoders.params import PLACE
from pipeline.encoders.shared.pieces import Inputs, arrange_ids
from pipeline.encoders.shared.rendering import render_template
from pipeline.errors import ParamsError
from pipeline.files import digest_json
from pipeline.networks.preparing import limit_preparing
from pipeline.networks.rehearsing import rehearse_cutting
from pipeline.rows import Frames, Waveform, Words

DAY = "{% macro strftime_now(form) -%} 1 January 2026 {%- endmacro %}{{ '' }}"
"""In front of a chat template: one that writes the day gives the same rows on every day."""

SOUND_SECONDS = 30.0
"""Longest sound at once: the window of Whisper, with whose encoder most of these models hear."""

LEAST_SECONDS = 0.1
"""Sound that gives a token at the least."""


Kind = Literal["text", "image", "audio"]
"""What a model reads at the prompt's place."""


FIRST_PLACES: dict[Kind, tuple[int, ...]] = {"text": (0, 1, 2), "image": (1, 2), "audio": (1, 2)}
"""How often the clip is in prompts that are rendered at once."""

PARTS: dict[Kind, str] = {"image": "image_processor", "audio": "feature_extractor"}
"""What of a processor prepares pictures and sound."""


@dataclass(frozen=True)
class Shown:
    """A stretch of a clip in the pieces it is read in, each with its weight in the row."""

    start_seconds: float
    end_seconds: float
    pieces: list[Inputs]
    weights: list[float]


class Prompt:
    """A text with `PLACE` in it, under the chat template of a processor or tokenizer if any."""

    def __init__(self, processor: Any, text: str, kind: Kind) -> None:
        self.processor = processor
        self.tokenizer = getattr(processor, "tokenizer", processor)
        self.template = find_template(processor)
        self.before, self.after = text.split(PLACE)
        self.kind = kind
        self._rendered: dict[int, str] = {}
        start = self.tokenizer.bos_token
        self.special = not (start and self.render().startswith(start))

    @property
    def provenance(self) -> dict[str, Any]:
        """Digest of the prompt in its template, and constants that prepare pictures or sound."""
        found = [getattr(self.processor, name, None) for name in PARTS.values()]
        return {
            "template_digest": digest_json([self.render(1), self.render(2)]),
            "preparation": [list_constants(part) for part in found if part],
        }

    def render(self, places: int = 1) -> str:
        """The whole prompt, for words with `PLACE` in it, else with a mark in `places` places."""
        if self.template is None:
            return f"{self.before}{self._mark() * places}{self.after}"
        if places not in self._rendered:
            asked = sorted({places, *FIRST_PLACES[self.kind]} - self._rendered.keys())
            special = self.tokenizer.special_tokens_map
            tokens = {name: _spell(token) for name, token in special.items()}
            rendered = render_template(
                DAY + self.template,
                [self._compose(count) for count in asked],
                tokens,
                folder=self.tokenizer.name_or_path,
            )
            self._rendered |= zip(asked, rendered, strict=True)
        return self._rendered[places]

    def show_words(self, clip: Words, max_tokens: int) -> list[Shown]:
        """Each text of a clip; a long one in pieces, each under the prompt, by their tokens."""
        shown = []
        times = zip(clip.start_seconds.tolist(), clip.end_seconds.tolist(), strict=True)
        for text, (start, end) in zip(clip.texts, times, strict=True):
            if pieces := self._cut(text.strip(), max_tokens):
                weights = [float(own) for _, own in pieces]
                shown.append(Shown(start, end, [arrange_ids(ids) for ids, _ in pieces], weights))
        return shown

    def show_frames(self, clip: Frames, frames: int) -> list[Shown]:
        """As many frames of a clip, evenly spread, or all that it has."""
        count = min(frames, len(clip.images))
        if not count:
            return []
        places = (np.arange(count) * 2 + 1) * len(clip.images) // (2 * count)
        images = list(clip.images[places])  # copies: processors want arrays they may write to
        inputs = self._prepare(count, images=[images], input_data_format="channels_last")
        stretch = (float(clip.start_seconds[0]), float(clip.end_seconds.max()))
        return [Shown(*stretch, [inputs], [1.0])]

    def show_sound(self, clip: Waveform) -> list[Shown]:
        """The sound of a clip, in pieces of like length where it is long."""
        seconds = len(clip.samples) / clip.hz
        if seconds < LEAST_SECONDS:
            return []
        parts = np.array_split(clip.samples, math.ceil(seconds / SOUND_SECONDS))
        pieces = [self._prepare(1, audio=[part], sampling_rate=clip.hz) for part in parts]
        return [Shown(0.0, seconds, pieces, [float(len(part)) for part in parts])]

    def count_tokens(self) -> int:
        """Tokens of the prompt without a clip."""
        return len(self._tokenise(self.render(0))["input_ids"])

    def _compose(self, places: int) -> Any:
        """Content of the user's message, as chat templates want it."""
        if self.kind == "text":
            return f"{self.before}{PLACE * places}{self.after}"
        before, after = (
            [{"type": "text", "text": text}] if text else [] for text in (self.before, self.after)
        )
        return [*before, *[{"type": self.kind}] * places, *after]

    def _mark(self) -> str:
        if self.kind == "text":
            return PLACE
        mark: str | None = getattr(self.processor, f"{self.kind}_token", None)
        if mark is None:
            raise ParamsError(
                f"weights: expected a chat template, or a processor with a token for {self.kind}, "
                f"got neither; choose another checkpoint"
            )
        return mark

    def _cut(self, text: str, max_tokens: int) -> list[tuple[list[int], int]]:
        """Tokens of the prompt around each piece of `text`, and how many are the text's."""
        before, after = self.render().split(PLACE)
        encoded = self._tokenise(before + text + after, return_offsets_mapping=True)
        ids: list[int] = encoded["input_ids"]
        start, stop = len(before), len(before) + len(text)
        own = [
            n
            for n, (low, high) in enumerate(encoded["offset_mapping"])
            if low < stop and high > start
        ]
        if not own:
            return []
        first, last = own[0], own[-1] + 1
        room = max(1, max_tokens - len(ids) + last - first)
        cuts = [ids[place : min(place + room, last)] for place in range(first, last, room)]
        return [([*ids[:first], *cut, *ids[last:]], len(cut)) for cut in cuts]

    def _tokenise(self, text: str, **options: bool) -> Any:
        rehearse_cutting(self.tokenizer, [text])
        return self.tokenizer(text, add_special_tokens=self.special, verbose=False, **options)

    def _prepare(self, places: int, **media: Any) -> Inputs:
        text = [self.render(places)]
        rehearse_cutting(self.tokenizer, text)
        with limit_preparing(f"weights {self.tokenizer.name_or_path}: "):
            prepared = self.processor(
                text=text, add_special_tokens=self.special, return_tensors="pt", **media
            )
        return dict(prepared)


def _spell(token: Any) -> Any:
    """A special token, or several, as text."""
    return [str(one) for one in token] if isinstance(token, list) else str(token)


def find_template(processor: Any) -> str | None:
    """Chat template of a processor or tokenizer, the default one of several; None without any."""
    found: str | dict[str, str] | None = processor.chat_template
    return found["default"] if isinstance(found, dict) else found


def list_constants(part: Any) -> dict[str, Any]:
    """Settings of an image processor or feature extractor, as JSON, without its own paths."""
    settings = json.loads(json.dumps(part.to_dict()))
    return {name: value for name, value in settings.items() if name != "auto_map"}
