"""Heads that run BEiT encoder layers over the joint sequence of all streams.

BEiT: Bao et al., BEiT: BERT pre-training of image transformers, ICLR 2022. Its layers see rows
of embeddings here, not patches of an image, so its relative position bias is left out. With
`cross_attention` it is MoodX as its paper has it: streams ask each other, and what they are told is
refined by BEiT's layers in series. Corrected: rows know when they are, padding is seen by none, and
what is trained is what predicts.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
import transformers
from jaxtyping import Bool, Float
from torch import Tensor, nn

from pipeline.errors import ParamsError
from pipeline.heads import base
from pipeline.heads.params import BeitParams
from pipeline.heads.reading import StreamRows
from pipeline.heads.recipes import name_source
from pipeline.heads.shared.asking import Asking
from pipeline.heads.shared.params import Per
from pipeline.heads.shared.positions import time_positions
from pipeline.heads.shared.sequences import project_each
from pipeline.modalities import RowShape
from pipeline.networks.pretrained import digest_folder, find_folder, load_pretrained

SHAPE = {
    "width": "hidden_size",
    "layers": "num_hidden_layers",
    "heads": "num_attention_heads",
    "inner width": "intermediate_size",
}
"""What a checkpoint must share with the head → its name in the checkpoint's configuration."""


class Head(base.Head):
    """A learned summary token and every row of every modality, encoded together.

    Clip outputs read the summary. Frame outputs read the mean over the modalities present at a
    grid time, or the summary where none is.
    """

    def __init__(
        self, params: BeitParams, shapes: Mapping[str, RowShape], outputs: Sequence[base.Output]
    ) -> None:
        super().__init__(params, shapes, outputs)
        width = params.width
        self.pretrained, self.revision = params.pretrained, params.revision
        self.projections = nn.ModuleDict(
            {name: nn.Linear(dim, width) for name, dim in self.dims.items()}
        )
        self.marks = nn.ParameterDict(
            {name: nn.Parameter(0.02 * torch.randn(width)) for name in self.dims}
        )
        self.summary = nn.Parameter(0.02 * torch.randn(width))
        self.config = _config(params)
        self.layers = nn.ModuleList(
            transformers.models.beit.modeling_beit.BeitLayer(self.config)
            for _ in range(params.layers)
        )
        self.norm = nn.LayerNorm(width)
        self.asking = Asking(self.dims, params) if params.cross_attention else None
        self.readouts = base.read_out(outputs, width)

    def start(self) -> None:
        """Load the checkpoint's layers, if one is named; raises ParamsError when it does not fit.

        Only training needs them: a trained head has its own weights, and no need of the Hub.
        """
        if self.pretrained is not None:
            folder = find_folder(self.pretrained, self.revision)
            digest = digest_folder(folder)  # which refuses what is packed, waited for, or elsewhere
            layers = _pretrained_layers(folder, self.pretrained, self.config)
            self.layers.load_state_dict(layers.state_dict())
            self.started = {name_source(self.pretrained, self.revision): digest}

    def count_weights(self, times: Mapping[str, int]) -> int:
        """One for each pair of rows, the summary among them, in each head of each layer."""
        tokens = 1 + sum(times.values())
        joint = tokens**2 * self.config.num_attention_heads * self.config.num_hidden_layers
        return joint + (self.asking.count_weights(times) if self.asking else 0)

    def fuse(self, streams: Mapping[str, StreamRows]) -> dict[Per, Tensor]:
        """Vectors `(clips, width)` per clip, `(clips, time, width)` per frame."""
        present = [streams[name].mask for name in self.dims]
        seen = present[0].new_ones(len(present[0]), 1)
        tokens = [self.summary.expand(len(seen), 1, -1)]
        projected = project_each(self.projections, streams)
        told = self.asking(projected) if self.asking else projected
        tokens += [self._place(name, told[name]) for name in self.dims]
        encoded = self._encode(torch.cat(tokens, dim=1), torch.cat([seen, *present], dim=1))
        summary, *parts = torch.split(encoded, [part.shape[1] for part in tokens], dim=1)
        vectors: dict[Per, Tensor] = {"clip": summary[:, 0]}
        if "frame" in self.pers:
            vectors["frame"] = _mean_of_present(parts, present, summary)
        return vectors

    def _place(self, name: str, stream: StreamRows) -> Float[Tensor, "clips time width"]:
        """Rows that know which stream they are of, and when."""
        marked: Tensor = stream.rows + self.marks[name]
        return marked + time_positions(stream.seconds, marked.shape[2])

    def _encode(
        self, tokens: Float[Tensor, "clips tokens width"], mask: Bool[Tensor, "clips tokens"]
    ) -> Float[Tensor, "clips tokens width"]:
        lowest = torch.finfo(tokens.dtype).min
        bias = torch.zeros_like(mask, dtype=tokens.dtype).masked_fill(~mask, lowest)
        for layer in self.layers:
            tokens = layer(tokens, attention_mask=bias[:, None, None])
        normed: Tensor = self.norm(tokens)
        return normed


def _mean_of_present(
    parts: Sequence[Float[Tensor, "clips time width"]],
    masks: Sequence[Bool[Tensor, "clips time"]],
    otherwise: Float[Tensor, "clips 1 width"],
) -> Float[Tensor, "clips time width"]:
    tokens, mask = torch.stack(list(parts), dim=1), torch.stack(list(masks), dim=1)
    means = (tokens * mask[..., None]).sum(dim=1) / mask.sum(dim=1).clamp(min=1)[..., None]
    return torch.where(mask.any(dim=1)[..., None], means, otherwise)


def _config(params: BeitParams) -> transformers.BeitConfig:
    """Configuration of BEiT's own proportions: an inner width of four times the width."""
    config = {
        "hidden_size": params.width,
        "num_hidden_layers": params.layers,
        "num_attention_heads": params.heads,
        "intermediate_size": 4 * params.width,
        "hidden_dropout_prob": params.dropout,
        "attention_probs_dropout_prob": params.dropout,
    }
    return transformers.BeitConfig.from_dict(config, attn_implementation="sdpa")


def _pretrained_layers(folder: Path, source: str, config: transformers.BeitConfig) -> nn.Module:
    """Encoder layers of the checkpoint in `folder`, whose shape must be that of `config`."""
    where = f"pretrained {source!r}"
    _check_shape(load_pretrained(transformers.AutoConfig, folder), config, where)
    model, info = load_pretrained(
        transformers.BeitModel,
        folder,
        use_relative_position_bias=False,
        use_shared_relative_position_bias=False,
        layer_scale_init_value=config.layer_scale_init_value,
        add_pooling_layer=False,
        output_loading_info=True,
    )
    missing = sorted(key for key in info["missing_keys"] if key.startswith("layers."))
    if missing:
        raise ParamsError(f"{where}: {missing[0]} is missing; name a BEiT checkpoint")
    layers: nn.Module = model.layers
    return layers


def _check_shape(
    found: transformers.BeitConfig, config: transformers.BeitConfig, where: str
) -> None:
    for word, key in SHAPE.items():
        expected, got = getattr(config, key), getattr(found, key)
        if expected != got:
            raise ParamsError(
                f"{where}: expected {word} {expected}, as the head is, got {got}; set the head's "
                f"width, layers and heads to the checkpoint's"
            )
