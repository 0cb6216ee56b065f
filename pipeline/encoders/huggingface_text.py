"""Any Hugging Face text encoder: texts → hidden states, pooled per text or kept per token."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
import transformers
from jaxtyping import Bool, Float
from pydantic import Field
from torch.nn.utils.rnn import pad_sequence

from pipeline.encoders import Modality
from pipeline.encoding.pretrained import Pretrained, PretrainedParams, load_frozen, load_pretrained
from pipeline.errors import ParamsError
from pipeline.rows import Rows, Words

States = Float[np.ndarray, "tokens dim"]
Special = Bool[np.ndarray, " tokens"]

POOLINGS: dict[str, Callable[[States, Special], Float[np.ndarray, "rows dim"]]] = {
    "mean": lambda states, special: states.mean(0, keepdims=True),
    "cls": lambda states, special: states[:1],
    "tokens": lambda states, special: states[~special],
}
"""Rows of a chunk from its tokens, special ones included, padding left out."""


class Params(PretrainedParams):
    """What is taken of the weights.

    `layer` counts as in `hidden_states`: 0 the token embeddings, -1 the last layer. `mean` takes
    in special tokens, `cls` is the first token, `tokens` leaves special ones out. Texts longer
    than `max_tokens` are read in chunks, averaged by their number of tokens.
    """

    encoder: Literal["huggingface_text"]
    modality: Literal["text"]
    layer: int = -1
    pooling: Literal["mean", "cls", "tokens"] = "mean"
    max_tokens: int = Field(256, ge=4)


@dataclass(frozen=True)
class Chunk:
    """At most `max_tokens` tokens of text number `text`, special ones included."""

    text: int
    ids: torch.Tensor
    special: Special


class Encoder:
    """One row per text with the text's stretch, or one per token with an even share of it.

    When a token is said within its text is not known: the even share is an approximation. A
    text without tokens gives no row. At `fp16` and `bf16`, a batch equals its clips alone only
    to the rounding of that precision.
    """

    version: ClassVar[int] = 1
    modalities: ClassVar[frozenset[Modality]] = frozenset({"text"})

    def __init__(self, params: Params, device: str = "cpu") -> None:
        self.params = params
        self.device = device
        self.pretrained = Pretrained(params)
        self.tokenizer, self.model = load_model(self.pretrained)
        self.model.to(device)
        check_limits(params, self.tokenizer, self.model.config)

    @property
    def row_shape(self) -> tuple[int]:
        """Width of the hidden states."""
        return (self.model.config.hidden_size,)

    @property
    def provenance(self) -> dict[str, Any]:
        """Digest of weights, configuration and tokenizer; the commit of a Hub id."""
        return self.pretrained.provenance

    def encode(self, clips: Sequence[Words]) -> list[Rows]:
        """Rows of each clip, its texts in order."""
        embeddings = iter(self._embed([text for clip in clips for text in clip.texts]))
        return [
            arrange_rows(clip, [next(embeddings) for _ in clip.texts], self.row_shape)
            for clip in clips
        ]

    def _embed(self, texts: list[str]) -> list[Float[np.ndarray, "_ dim"]]:
        """Rows of each text; none where it has no token."""
        chunks = self._split(texts)
        pieces: list[list[np.ndarray]] = [[] for _ in texts]
        weights: list[list[int]] = [[] for _ in texts]
        for chunk, piece in zip(chunks, self._run(chunks), strict=True):
            pieces[chunk.text].append(piece)
            weights[chunk.text].append(len(chunk.ids))
        return [self._merge(*text) for text in zip(pieces, weights, strict=True)]

    def _split(self, texts: list[str]) -> list[Chunk]:
        if not texts:
            return []
        encoded = self.tokenizer(
            texts,
            truncation=True,
            max_length=self.params.max_tokens,
            return_overflowing_tokens=True,
            return_special_tokens_mask=True,
        )
        columns = (encoded[name] for name in ("overflow_to_sample_mapping", "input_ids"))
        special = [np.array(mask, bool) for mask in encoded["special_tokens_mask"]]
        chunks = [
            Chunk(text, torch.tensor(ids), mask)
            for text, ids, mask in zip(*columns, special, strict=True)
        ]
        return [chunk for chunk in chunks if not chunk.special.all()]

    def _run(self, chunks: list[Chunk]) -> list[Float[np.ndarray, "_ dim"]]:
        """Rows of each chunk; chunks of like length share a batch, so little is padding."""
        order = sorted(range(len(chunks)), key=lambda place: len(chunks[place].ids))
        rows: dict[int, np.ndarray] = {}
        for first in range(0, len(order), self.params.batch):
            places = order[first : first + self.params.batch]
            rows.update(zip(places, self._run_batch([chunks[p] for p in places]), strict=True))
        return [rows[place] for place in range(len(chunks))]

    @torch.inference_mode()
    def _run_batch(self, chunks: list[Chunk]) -> list[Float[np.ndarray, "_ dim"]]:
        ids = pad([chunk.ids for chunk in chunks], self.tokenizer.pad_token_id or 0)
        mask = pad([torch.ones_like(chunk.ids) for chunk in chunks], 0)
        output = self.model(
            input_ids=ids.to(self.device),
            attention_mask=mask.to(self.device),
            output_hidden_states=True,
        )
        states = output.hidden_states[self.params.layer].float().cpu().numpy()
        pool = POOLINGS[self.params.pooling]
        return [
            pool(some[: len(chunk.ids)], chunk.special)
            for some, chunk in zip(states, chunks, strict=True)
        ]

    def _merge(self, pieces: list[np.ndarray], tokens: list[int]) -> Float[np.ndarray, "_ dim"]:
        if not pieces:
            return np.zeros((0, *self.row_shape), np.float32)
        if self.params.pooling == "tokens":
            return np.concatenate(pieces)
        return np.average(pieces, axis=0, weights=tokens).astype(np.float32)


def arrange_rows(
    clip: Words, embeddings: list[Float[np.ndarray, "_ dim"]], row_shape: tuple[int]
) -> Rows:
    """One clip's rows; each text's stretch is shared evenly among the rows of that text."""
    edges = [
        np.linspace(start, end, len(rows) + 1)
        for start, end, rows in zip(clip.start_seconds, clip.end_seconds, embeddings, strict=True)
    ]
    starts = np.concatenate([np.zeros(0), *(some[:-1] for some in edges)])
    ends = np.concatenate([np.zeros(0), *(some[1:] for some in edges)])
    stacked = np.concatenate([np.zeros((0, *row_shape), np.float32), *embeddings])
    return Rows(stacked, starts, ends, np.ones(len(stacked), bool))


def pad(sequences: list[torch.Tensor], value: int) -> torch.Tensor:
    """Sequences as one `(sequences, longest)` tensor, filled with `value` on the right."""
    return pad_sequence(sequences, batch_first=True, padding_value=value)


def load_model(pretrained: Pretrained) -> tuple[Any, Any]:
    """Tokenizer and frozen encoder; raises ParamsError where the folder does not hold them."""
    tokenizer = load_pretrained(transformers.AutoTokenizer, pretrained.folder)
    if not tokenizer.is_fast:
        raise ParamsError(
            f"weights {pretrained.folder}: expected a fast tokenizer, got a slow one; "
            f"choose another checkpoint"
        )
    # The pooler is never used, and checkpoints trained on masked words come without one.
    model = load_frozen(transformers.AutoModel, pretrained, spare=["pooler."])
    return tokenizer, model.get_encoder() if model.config.is_encoder_decoder else model


def check_limits(params: Params, tokenizer: Any, config: Any) -> None:
    """Raise ParamsError for a layer or a chunk length that the weights do not have."""
    layers = config.num_hidden_layers
    if not -layers - 1 <= params.layer <= layers:
        raise ParamsError(
            f"layer: expected {-layers - 1} to {layers} for {params.weights!r}, got {params.layer}"
        )
    positions = (tokenizer.model_max_length, getattr(config, "max_position_embeddings", 0))
    most = min(limit for limit in positions if limit > 0)
    if params.max_tokens > most:
        raise ParamsError(
            f"max_tokens: expected at most {most} for {params.weights!r}, got {params.max_tokens}"
        )
