"""Any Hugging Face language model: its hidden state of a clip under a stated prompt."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
import transformers
from jaxtyping import Float
from torch import Tensor, nn

from pipeline.encoders.params import HuggingfaceLanguageModelParams
from pipeline.encoders.shared.pieces import Inputs, join_pieces, run_pieces
from pipeline.encoders.shared.prompts import PARTS, Kind, Prompt, Shown
from pipeline.errors import ParamsError
from pipeline.media import AUDIO_HZ
from pipeline.modalities import Modality
from pipeline.networks.batches import Batcher
from pipeline.networks.devices import measure_fill
from pipeline.networks.layers import number_layers, shape_layers
from pipeline.networks.pretrained import Pretrained, load_frozen, load_pretrained
from pipeline.networks.sound import check_hz
from pipeline.networks.tokens import check_fast, check_length, load_tokenizer
from pipeline.rows import ClipInput, Frames, Rows, Words

LEAST_ROOM = 8
"""Tokens that a prompt must leave to words."""


KINDS: dict[Modality, Kind] = {
    "face": "image",
    "scene": "image",
    "audio": "audio",
    "text": "text",
}

POOLINGS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "last": lambda states, present: states[torch.arange(len(states)), present.sum(1) - 1].float(),
    "mean": lambda states, present: torch.einsum(
        "ptd,pt->pd", states.float(), present / present.sum(1, keepdim=True)
    ),
}
"""Row of each of a batch's pieces from their states and `present`, 0 where padding is."""


class Encoder:
    """One row per text with its stretch, or one per clip for its frames or its sound.

    A blank text, a clip without frames and a tenth of a second of sound give none. Pictures and
    sound are prepared as the checkpoint's processor says. At `fp16` and `bf16`, a batch equals its
    clips alone only to the rounding of that precision.
    """

    version: ClassVar[int] = 1
    modalities: ClassVar[frozenset[Modality]] = frozenset(KINDS)

    def __init__(self, params: HuggingfaceLanguageModelParams, device: str = "cpu") -> None:
        self.params = params
        self.device = device
        self.pretrained = Pretrained(params)
        self.model = load_model(self.pretrained, KINDS[params.modality])
        self.config = self.model.config.get_text_config()
        self.layers = number_layers(params.layer, self.config.num_hidden_layers)
        drop_blocks(self.model.get_decoder(), self.config.num_hidden_layers, max(self.layers) + 1)
        self.model.to(device)
        self.prompt = load_prompt(self.pretrained, params)
        self.batcher = Batcher(params.tokens, partial(measure_fill, device))
        if params.modality == "text":
            check_room(params.max_tokens, self.prompt, self.config)

    @property
    def row_shape(self) -> tuple[int, ...]:
        """Width of the hidden states, for each layer where several are asked for."""
        config = self.config
        return shape_layers(self.params.layer, config.num_hidden_layers, config.hidden_size)

    @property
    def provenance(self) -> dict[str, Any]:
        """Digest of weights and tokenizer, the prompt in its template, constants of preparation."""
        return {**self.pretrained.provenance, **self.prompt.provenance}

    def encode(self, clips: Sequence[ClipInput]) -> list[Rows]:
        """Rows of each clip; raises StoreError for sound at another rate than AUDIO_HZ."""
        shown = [self._show(clip) for clip in clips]
        pieces = [piece for clip in shown for some in clip for piece in some.pieces]
        found = iter(run_pieces(pieces, self.batcher, self._compute))
        return [self._arrange(clip, found) for clip in shown]

    def _show(self, clip: ClipInput) -> list[Shown]:
        if isinstance(clip, Words):
            return self.prompt.show_words(clip, self.params.max_tokens)
        if isinstance(clip, Frames):
            return self.prompt.show_frames(clip, self.params.frames)
        check_hz(clip)
        return self.prompt.show_sound(clip)

    def _arrange(self, clip: list[Shown], found: Iterator[np.ndarray]) -> Rows:
        rows = [
            np.average([next(found) for _ in some.pieces], axis=0, weights=some.weights)
            for some in clip
        ]
        return Rows(
            np.array(rows, np.float32).reshape(-1, *self.row_shape),
            np.array([some.start_seconds for some in clip], np.float64),
            np.array([some.end_seconds for some in clip], np.float64),
            np.ones(len(clip), bool),
        )

    @torch.inference_mode()
    def _compute(self, pieces: Sequence[Inputs]) -> list[Float[np.ndarray, " *row"]]:
        """Row of each piece."""
        joined = join_pieces(pieces, self.prompt.tokenizer.pad_token_id or 0)
        dtypes = {torch.float32: self.pretrained.dtype}
        inputs = {
            name: tensor.to(self.device, dtypes.get(tensor.dtype))
            for name, tensor in joined.items()
        }
        output = self.model(**inputs, use_cache=False, output_hidden_states=True)
        pool, present = POOLINGS[self.params.pooling], inputs["attention_mask"]
        rows = [pool(output.hidden_states[layer], present) for layer in self.layers]
        single = isinstance(self.params.layer, int)
        return list((rows[0] if single else torch.stack(rows, 1)).cpu().numpy())


def load_model(pretrained: Pretrained, kind: Kind) -> Any:
    """Frozen model without the head that names the next word; raises ParamsError for others."""
    auto = "AutoModelForCausalLM" if kind == "text" else "AutoModelForMultimodalLM"
    return load_frozen(getattr(transformers, auto), pretrained, spare=["lm_head."]).base_model


def load_prompt(pretrained: Pretrained, params: HuggingfaceLanguageModelParams) -> Prompt:
    """The prompt as the checkpoint's tokenizer or processor takes it.

    Raises ParamsError for a model that does not read the modality, or sound at another rate, and
    for a slow tokenizer.
    """
    kind = KINDS[params.modality]
    if kind == "text":
        return Prompt(load_tokenizer(pretrained), params.prompt, kind)
    processor = load_pretrained(transformers.AutoProcessor, pretrained.folder)
    part = getattr(processor, PARTS[kind], None)
    hz = getattr(part, "sampling_rate", AUDIO_HZ)
    if part is None or hz != AUDIO_HZ:
        got = "one that does not" if part is None else f"one of sound at {hz} Hz"
        raise ParamsError(
            f"weights {params.weights!r}: expected a model that reads {params.modality}, at "
            f"{AUDIO_HZ} Hz if sound, got {got}; choose another checkpoint"
        )
    check_fast(processor.tokenizer, pretrained)
    return Prompt(processor, params.prompt, kind)


def drop_blocks(decoder: nn.Module, blocks: int, kept: int) -> None:
    """Take the blocks behind the first `kept` of `blocks` out of a decoder: nobody asks for them.

    What goes into block `n` is hidden state `n`, so the block behind the asked layer stays.
    """
    for child in decoder.children():
        if isinstance(child, nn.ModuleList) and len(child) == blocks:
            del child[kept:]


def check_room(max_tokens: int, prompt: Prompt, config: Any) -> None:
    """Raise ParamsError for more tokens than the model reads, or a prompt that takes them all."""
    check_length(max_tokens, prompt.tokenizer, config)
    taken = prompt.count_tokens()
    if max_tokens - taken < LEAST_ROOM:
        raise ParamsError(
            f"max_tokens: expected at least {taken + LEAST_ROOM}, {LEAST_ROOM} more than the "
            f"prompt takes, got {max_tokens}; raise it or shorten the prompt"
        )
