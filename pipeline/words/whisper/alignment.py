"""Alignment: when each token of a window is said, by where the decoder looks while it writes.

The attention of the heads that follow the sound, which the checkpoint names, is a matrix of
tokens by steps; the path of most attention through it, which dynamic time warping (DTW) finds, says
when one token gives way to the next. So do Whisper's authors (`timing.py`).
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad
from torch.nn.utils.rnn import pad_sequence

from pipeline.words.whisper.checkpoint import Marks

LEAST_DEVIATION = 1e-8
"""Of a head's attention over tokens, by which it is divided."""


@dataclass(frozen=True)
class Spoken:
    """Text of a window, behind its prompt; the window sounds for `steps` steps."""

    prompt: tuple[int, ...]
    tokens: tuple[int, ...]
    steps: int


class Aligner:
    """When tokens are said, by a network whose alignment heads are known."""

    def __init__(self, model: Any, marks: Marks) -> None:
        self.model = model
        self.marks = marks
        self.heads: dict[int, list[int]] = {}
        for layer, head in model.generation_config.alignment_heads:
            self.heads.setdefault(layer, []).append(head)

    def align(
        self, states: Float[Tensor, "windows positions dim"], spoken: Sequence[Spoken]
    ) -> list[list[int]]:
        """Step at which each token of a window begins, and one more: where the last one ends."""
        without_times, end = self.marks.first_time - 1, self.marks.end  # <|notimestamps|>
        rows = [torch.tensor([*s.prompt, without_times, *s.tokens, end]) for s in spoken]
        # Padding stands behind, where no token looks.
        ids = pad_sequence(rows, batch_first=True, padding_value=end).to(states.device)
        with self._watch() as queries:
            self.model(encoder_outputs=(states,), decoder_input_ids=ids)
        scores = torch.cat([self._score(states, n, queries[n]) for n in self.heads], 1)
        found = []
        for some, row, own in zip(scores, rows, spoken, strict=True):
            attention = self._smooth(some[:, : len(row), : own.steps])
            path = attention[len(own.prompt) : -1].cpu().double().numpy()
            found.append(find_path(-path))
        return found

    @contextmanager
    def _watch(self) -> Iterator[dict[int, Tensor]]:
        """Layer → queries of its cross-attention, once the network has run."""
        queries: dict[int, Tensor] = {}
        with ExitStack() as hooks:
            for number in self.heads:

                def keep(_: Any, __: Any, made: Tensor, number: int = number) -> None:
                    queries[number] = made

                module = self._attention_of(number).q_proj
                hooks.callback(module.register_forward_hook(keep).remove)
            yield queries

    def _attention_of(self, layer: int) -> Any:
        return self.model.model.decoder.layers[layer].encoder_attn

    def _score(
        self,
        states: Float[Tensor, "windows positions dim"],
        layer: int,
        queries: Float[Tensor, "windows tokens dim"],
    ) -> Float[Tensor, "windows heads tokens positions"]:
        """How much each token looks at each position, before the softmax."""
        attention = self._attention_of(layer)
        asking, offered = (
            vectors.unflatten(2, (attention.num_heads, -1))[:, :, self.heads[layer]].float()
            for vectors in (queries, attention.k_proj(states))
        )
        return torch.einsum("wthd,wphd->whtp", asking * attention.scaling, offered)

    def _smooth(self, scores: Float[Tensor, "heads tokens steps"]) -> Float[Tensor, "tokens steps"]:
        """Attention of the mean head, each head's evened out over tokens, then over steps."""
        attention = scores.softmax(-1)
        deviation, mean = torch.std_mean(attention, dim=1, keepdim=True, correction=0)
        evened = (attention - mean) / deviation.clamp_min(LEAST_DEVIATION)
        width = self.model.config.median_filter_width
        if scores.shape[2] > width // 2:
            framed = pad(evened, (width // 2, width // 2), mode="reflect")
            evened = framed.unfold(2, width, 1).median(-1).values
        return evened.mean(0)


def find_path(costs: Float[np.ndarray, "tokens steps"]) -> list[int]:
    """First step of each token on the cheapest way from the first token and step to the last.

    A way goes on by one token, by one step, or by both: dynamic time warping (DTW).
    """
    tokens, steps = costs.shape
    total = np.full((tokens + 1, steps + 1), np.inf)
    total[0, 0] = 0.0
    for token, row in enumerate(costs):
        sums = np.cumsum(row)
        entered = np.minimum(total[token, :-1], total[token, 1:])  # from the token before
        total[token + 1, 1:] = sums + np.minimum.accumulate(entered - (sums - row))
    first = [0] * tokens
    token, step = tokens, steps
    while token > 0:
        first[token - 1] = step - 1
        both, down, along = (
            total[token - 1, step - 1],
            total[token - 1, step],
            total[token, step - 1],
        )
        if both < min(down, along):
            token, step = token - 1, step - 1
        elif down < min(both, along):
            token -= 1
        else:
            step -= 1
    return first
