"""Decoding: a window's frames → its tokens, the likeliest one after the other.

Nothing is drawn at random and nothing is tried again, so the same window gives the same tokens.
Whisper's authors draw anew, at a higher temperature, where tokens are unlikely or repeat
themselves; here such a clip is marked instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from transformers import DynamicCache, EncoderDecoderCache
from transformers.generation.logits_process import (
    LogitsProcessor,
    SuppressTokensAtBeginLogitsProcessor,
    SuppressTokensLogitsProcessor,
    WhisperTimeStampLogitsProcessor,
)

from pipeline.words.whisper.checkpoint import LEAST_LOG_PROBABILITY, NO_SPEECH_PROBABILITY, Marks

States = Float[Tensor, "windows positions dim"]


@dataclass(frozen=True)
class Decoded:
    """Tokens of a window after the prompt, times among them, without the end.

    `log_probability` is the mean over them and the end, `no_speech` a probability: what Whisper's
    authors call `avg_logprob` and `no_speech_prob`.
    """

    tokens: list[int]
    log_probability: float
    no_speech: float

    @property
    def silent(self) -> bool:
        """Whether nothing is said in the window."""
        unlikely = self.log_probability < LEAST_LOG_PROBABILITY
        return unlikely and self.no_speech > NO_SPEECH_PROBABILITY


class Decoder:
    """The likeliest tokens, one by one (greedy decoding), by Whisper's rules for timestamp tokens
    and without those it suppresses.
    """

    def __init__(self, model: Any, marks: Marks) -> None:
        self.model = model
        self.marks = marks
        # Half the positions are for what was said before, which is not given here.
        self.most = model.config.max_target_positions // 2

    def detect_languages(self, states: States) -> list[int]:
        """Token of the likeliest language of each window."""
        prompts = torch.full((len(states), 1), self.marks.start, device=states.device)
        logits = self.model(encoder_outputs=(states,), decoder_input_ids=prompts).logits[:, -1]
        known = torch.tensor(sorted(self.marks.languages.values()), device=states.device)
        likeliest: list[int] = known[logits[:, known].argmax(-1)].tolist()
        return likeliest

    def make_prompts(self, languages: Sequence[int | None]) -> Int64[Tensor, "windows prompt"]:
        """What comes before the tokens of each window."""
        start, task = self.marks.start, self.marks.task
        if task is None:
            return torch.tensor([[start] for _ in languages])
        return torch.tensor([[start, language, task] for language in languages])

    def decode(self, states: States, prompts: Int64[Tensor, "windows prompt"]) -> list[Decoded]:
        """Tokens of each window; those of a batch are the same as of each alone."""
        end, width = self.marks.end, prompts.shape[1]
        ids = fresh = prompts.to(states.device)
        rules = self._make_rules(width, states.device)
        cache = EncoderDecoderCache(DynamicCache(), DynamicCache())
        summed = torch.zeros(len(ids), device=states.device)
        no_speech = summed
        ended = summed > 0
        for step in range(self.most):
            logits = self.model(
                encoder_outputs=(states,), decoder_input_ids=fresh, past_key_values=cache
            ).logits.float()
            if step == 0:
                no_speech = logits[:, 0].softmax(-1)[:, self.marks.silence]
            scores = logits[:, -1]
            for rule in rules:
                scores = rule(ids, scores)
            likeliest, chosen = scores.log_softmax(-1).max(-1)
            summed = summed + likeliest.masked_fill(ended, 0)
            fresh = chosen.masked_fill(ended, end)[:, None]
            ids = torch.cat([ids, fresh], 1)
            ended = ended | (chosen == end)
            if ended.all():
                break
        found = zip(ids[:, width:].tolist(), summed.tolist(), no_speech.tolist(), strict=True)
        return [_arrange(tokens, end, *rest) for tokens, *rest in found]

    def _make_rules(self, width: int, device: torch.device) -> list[LogitsProcessor]:
        """Rules of the checkpoint for tokens behind a prompt of `width`."""
        generation, place = self.model.generation_config, str(device)
        first, never = generation.begin_suppress_tokens, generation.suppress_tokens
        rules: list[LogitsProcessor] = []
        if first:
            rules.append(SuppressTokensAtBeginLogitsProcessor(first, width, place))
        if never:
            rules.append(SuppressTokensLogitsProcessor(never, place))
        return [*rules, WhisperTimeStampLogitsProcessor(generation, width)]


def _arrange(tokens: list[int], end: int, summed: float, no_speech: float) -> Decoded:
    own = tokens[: tokens.index(end)] if end in tokens else tokens
    return Decoded(own, summed / (len(own) + 1), no_speech)
