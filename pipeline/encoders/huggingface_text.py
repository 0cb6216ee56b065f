"""Any Hugging Face text encoder: texts → hidden states, pooled per text or kept per token."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
import transformers
from jaxtyping import Bool, Float

from pipeline.encoders.params import HuggingfaceTextParams
from pipeline.errors import StoreError
from pipeline.modalities import Modality
from pipeline.networks.batches import Batcher
from pipeline.networks.devices import measure_fill
from pipeline.networks.layers import number_layers, shape_layers, stack_layers
from pipeline.networks.pretrained import Pretrained, load_frozen
from pipeline.networks.rehearsing import rehearse_cutting
from pipeline.networks.tokens import (
    Chunk,
    check_length,
    find_separator,
    lead_chunk,
    load_tokenizer,
    pad,
    split_texts,
)
from pipeline.rows import Rows, Words

CHOICES: dict[str, Callable[[Chunk], Bool[np.ndarray, " tokens"]]] = {
    "mean": lambda chunk: chunk.own,
    "cls": lambda chunk: np.arange(len(chunk.ids)) == 0,
    "tokens": lambda chunk: chunk.own & ~chunk.special,
}
"""Tokens of a chunk that its rows are made of."""


class Encoder:
    """One row per text with the text's stretch, or one per token with an even share of it.

    When a token is said within its text is not known: the even share is an approximation. A
    text without tokens gives no row. At `fp16` and `bf16`, a batch equals its clips alone only
    to the rounding of that precision.
    """

    version: ClassVar[int] = 1
    modalities: ClassVar[frozenset[Modality]] = frozenset({"text"})

    def __init__(self, params: HuggingfaceTextParams, device: str = "cpu") -> None:
        self.params = params
        self.device = device
        self.pretrained = Pretrained(params)
        self.tokenizer = load_tokenizer(self.pretrained)
        self.model = load_encoder(self.pretrained).to(device)
        self.batcher = Batcher(params.tokens, partial(measure_fill, device))
        check_length(params.max_tokens, self.tokenizer, self.model.config)
        number_layers(params.layer, self.model.config.num_hidden_layers)
        self.separator = [find_separator(self.tokenizer)] if params.context else []

    @property
    def row_shape(self) -> tuple[int, ...]:
        """Width of the hidden states, for each layer where several are asked for."""
        config = self.model.config
        return shape_layers(self.params.layer, config.num_hidden_layers, config.hidden_size)

    @property
    def provenance(self) -> dict[str, Any]:
        """Digest of weights, configuration and tokenizer; the commit of a Hub id."""
        return self.pretrained.provenance

    def encode(self, clips: Sequence[Words]) -> list[Rows]:
        """Rows of each clip, its texts in order.

        Raises StoreError where context is asked for and `data/text` was packed without.
        """
        texts = [text for clip in clips for text in clip.texts]
        chunks = split_texts(self.tokenizer, texts, self.params.max_tokens)
        if self.params.context:
            chunks = self._add_context(chunks, clips)
        found = self.batcher.run(chunks, [len(chunk.ids) for chunk in chunks], self._run)
        pieces: list[list[tuple[Chunk, np.ndarray]]] = [[] for _ in texts]
        for chunk, rows in zip(chunks, found, strict=True):
            pieces[chunk.text].append((chunk, rows))
        merged = map(self._merge, pieces)
        return [
            arrange_rows(clip, [next(merged) for _ in clip.texts], self.row_shape) for clip in clips
        ]

    def _add_context(self, chunks: list[Chunk], clips: Sequence[Words]) -> list[Chunk]:
        """`chunks` of the texts of `clips`, each after as much of what came before as fits."""
        before = ["\n".join(expect_context(clip)) for clip in clips for _ in clip.texts]
        if not chunks:
            return []
        rehearse_cutting(self.tokenizer, before)
        encoded = self.tokenizer(before, add_special_tokens=False, verbose=False)["input_ids"]
        leads = [[*ids, *self.separator] if ids else [] for ids in encoded]
        return [lead_chunk(c, leads[c.text], self.params.max_tokens) for c in chunks]

    @torch.inference_mode()
    def _run(self, chunks: Sequence[Chunk]) -> list[Float[np.ndarray, "rows *row"]]:
        """Rows of each chunk."""
        masks = [CHOICES[self.params.pooling](chunk) for chunk in chunks]
        columns = [np.stack([c.ids, c.ids >= 0, m], 1) for c, m in zip(chunks, masks, strict=True)]
        inputs = pad([torch.from_numpy(column) for column in columns]).to(self.device)
        ids, present, chosen = inputs.unbind(2)
        ids = ids.masked_fill(present == 0, self.tokenizer.pad_token_id or 0)
        output = self.model(input_ids=ids, attention_mask=present, output_hidden_states=True)
        states = stack_layers(self.params.layer, output.hidden_states).float()
        if self.params.pooling == "tokens":
            rows = states[chosen.bool()].cpu().numpy()
            return np.split(rows, np.cumsum([mask.sum() for mask in masks])[:-1])
        weights = chosen / chosen.sum(1, keepdim=True)
        pooled = torch.einsum("ct...,ct->c...", states, weights).cpu().numpy()
        return list(pooled[:, None])

    def _merge(self, pieces: list[tuple[Chunk, np.ndarray]]) -> Float[np.ndarray, "rows *row"]:
        """Rows of a text from those of its chunks; none where it has no token."""
        if not pieces:
            return np.zeros((0, *self.row_shape), np.float32)
        chunks, rows = zip(*pieces, strict=True)
        if self.params.pooling == "tokens":
            return np.concatenate(rows)
        tokens = [chunk.own.sum() for chunk in chunks]
        return np.average(rows, axis=0, weights=tokens).astype(np.float32)


def arrange_rows(
    clip: Words, texts: list[Float[np.ndarray, "_ *row"]], row_shape: tuple[int, ...]
) -> Rows:
    """One clip's rows; each text's stretch is shared evenly among the rows of that text."""
    edges = [
        np.linspace(start, end, len(rows) + 1)
        for start, end, rows in zip(clip.start_seconds, clip.end_seconds, texts, strict=True)
    ]
    starts = np.concatenate([np.zeros(0), *(some[:-1] for some in edges)])
    ends = np.concatenate([np.zeros(0), *(some[1:] for some in edges)])
    stacked = np.concatenate([np.zeros((0, *row_shape), np.float32), *texts])
    return Rows(stacked, starts, ends, np.ones(len(stacked), bool))


def expect_context(clip: Words) -> tuple[str, ...]:
    """Turns before the clip; raises StoreError where the store was packed without."""
    if clip.context is None:
        raise StoreError(
            "data/text: expected the turns before each clip, got a store without; set "
            "transcribe.context_turns in params.yaml to how many"
        )
    return clip.context


def load_encoder(pretrained: Pretrained) -> Any:
    """Frozen encoder; raises ParamsError where the folder does not hold it."""
    # The pooler is never used, and checkpoints trained on masked words come without one.
    model = load_frozen(transformers.AutoModel, pretrained, spare=["pooler."])
    return model.get_encoder() if model.config.is_encoder_decoder else model
