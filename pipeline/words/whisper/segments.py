"""Segments: a window's tokens, cut where Whisper puts times between them, or into words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from transformers.models.whisper.tokenization_whisper import LANGUAGES, _combine_tokens_into_words

from pipeline.words.whisper.checkpoint import Marks


@dataclass(frozen=True)
class Segment:
    """Tokens of text said from step `start` to step `end` of a window."""

    start: int
    end: int
    tokens: tuple[int, ...]


def split_segments(tokens: Sequence[int], marks: Marks, steps: int) -> tuple[list[Segment], int]:
    """Segments of a window that sounds for `steps` steps, and the step that is heard on from.

    Text that no time ends is cut off by the window's end: it is heard again, in the next window,
    from the last time on; where there is no other, it is kept to the end. A single time at the
    end says that nothing follows in the window. So do Whisper's authors (`transcribe.py`). What
    is said to lie behind the sound is left out.
    """
    segments: list[Segment] = []
    start, text = 0, []
    for token in tokens:
        if token < marks.first_time:
            text += [token] if token < marks.end else []
            continue
        time = min(token - marks.first_time, steps)
        if text:
            segments.append(Segment(start, time, tuple(text)))
            text = []
        start = time
    ended = len(tokens) > 1 and tokens[-2] < marks.first_time <= tokens[-1]
    following = segments[-1].end if segments and not ended else steps
    if text and not segments:
        segments.append(Segment(start, steps, tuple(text)))
    return [segment for segment in segments if segment.start < segment.end], following or steps


def split_words(
    segments: Sequence[Segment], begins: Sequence[int], tokenizer: Any, language: str | None
) -> list[Segment]:
    """Words of `segments`, each within its segment, punctuation with the word it belongs to.

    `begins` has the step at which each token of all segments begins, and the step at which the
    last one ends. Where a language does without spaces, a word is a character.
    """
    spoken = None if language is None else LANGUAGES[language]
    words, place = [], 0
    for segment in segments:
        for tokens in _combine_tokens_into_words(tokenizer, list(segment.tokens), spoken)[1]:
            start = min(max(begins[place], segment.start), segment.end - 1)
            place += len(tokens)
            end = min(max(begins[place], start + 1), segment.end)
            words.append(Segment(start, end, tuple(tokens)))
    return words
