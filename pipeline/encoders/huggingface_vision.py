"""Any Hugging Face vision model: pictures → hidden states, pooled per picture or kept per token.

Of a checkpoint of pictures and text, such as CLIP's or SigLIP's, the vision tower is taken.
"""

from collections.abc import Callable
from math import prod
from typing import Any

import transformers
from jaxtyping import Float
from torch import Tensor

from pipeline.encoders.params import HuggingfaceVisionParams
from pipeline.encoders.shared.pictures import PictureEncoder, choose_layout
from pipeline.encoders.shared.preprocessors import load_preparation
from pipeline.errors import ParamsError
from pipeline.networks.layers import number_layers, stack_layers
from pipeline.networks.pretrained import Pretrained, check_names, load_loosely, load_pretrained

POOLINGS: dict[str, Callable[[Tensor, int], Tensor]] = {
    "cls": lambda tokens, prefix: tokens[:, 0],
    "mean": lambda tokens, prefix: tokens[:, prefix:].mean(1),
    "tokens": lambda tokens, prefix: tokens[:, prefix:],
}
"""Rows of pictures from `(pictures, tokens, …)`, of which the first `prefix` are no places."""

PREFIXES = ("cls_token", "class_embedding", "distillation_token", "register_tokens")
"""Names of the weights of tokens that stand before those of the picture."""


class Encoder(PictureEncoder):
    """One row per frame: `(dim,)`, `(layers, dim)` for a list or all, `tokens` in front of these.

    Pictures are prepared as the checkpoint's preprocessor_config.json says.
    """

    version = 1

    def __init__(self, params: HuggingfaceVisionParams, device: str = "cpu") -> None:
        pretrained = Pretrained(params)
        preparation = load_preparation(pretrained.folder).for_pixels(params.pixels)
        model = load_model(pretrained, params)
        model.to(device=device, memory_format=choose_layout(model))
        super().__init__(
            Tower(model, params), preparation, pretrained.provenance, device, params.frames
        )


class Tower:
    """A vision model as one function of pictures."""

    def __init__(self, model: Any, params: HuggingfaceVisionParams) -> None:
        self.model = model
        self.params = params
        self.layout = choose_layout(model)
        self.prefix = count_prefix(model)
        self.options: dict[str, Any] = {"output_hidden_states": params.layer is not None}
        if params.pixels is not None:
            check_patches(model, params.pixels)
            self.options["interpolate_pos_encoding"] = True

    def __call__(
        self, pixels: Float[Tensor, "frames 3 height width"]
    ) -> Float[Tensor, "frames *row"]:
        """Rows of pictures; raises ParamsError for what the network does not have."""
        laid = pixels.to(self.model.dtype).contiguous(memory_format=self.layout)
        output = self.model(pixel_values=laid, **self.options)
        pooling = self.params.pooling
        pooled: Tensor | None = output.get("pooler_output")
        if (pooling == "pooler" and pooled is None) or (pooling == "cls" and not self.prefix):
            raise ParamsError(
                f"pooling: {type(self.model).__name__} has no {pooling}; choose `mean`"
            )
        if pooling == "pooler" and pooled is not None:
            return pooled.flatten(1)
        prefix = 0 if output.last_hidden_state.ndim == 4 else self.prefix
        return POOLINGS[pooling](self._choose_layers(output), prefix)

    def _choose_layers(self, output: Any) -> Float[Tensor, "frames tokens *row"]:
        layer = self.params.layer
        if layer is None:
            return list_places(output.last_hidden_state)
        states = [list_places(state) for state in output.hidden_states]
        number_layers(layer, len(states) - 1)
        if not isinstance(layer, int) and len({state.shape for state in states}) > 1:
            raise ParamsError(
                f"layer: expected one of {type(self.model).__name__}, whose layers differ in "
                f"shape, got {layer}; name one layer"
            )
        return stack_layers(layer, states)


def list_places(
    state: Float[Tensor, "frames _ _"] | Float[Tensor, "frames _ _ _"],
) -> Float[Tensor, "frames tokens dim"]:
    """Tokens as they are, or the places of a map `(channels, height, width)`, row by row."""
    return state if state.ndim == 3 else state.flatten(2).transpose(1, 2)


def load_model(pretrained: Pretrained, params: HuggingfaceVisionParams) -> Any:
    """Frozen vision model of a checkpoint, whose other parts are left out.

    Raises ParamsError for absent weights, and for some of its parts that it does not know.
    """
    config = load_pretrained(transformers.AutoConfig, pretrained.folder)
    loaded = load_loosely(pretrained, getattr(config, "vision_config", config))
    # Checkpoints of classifiers come without a pooler: it matters only where it is used.
    spare = () if params.pooling == "pooler" else ("pooler.",)
    missing = [name for name in [*loaded.missing, *loaded.unfit] if not name.startswith(spare)]
    check_names(pretrained.folder, type(loaded.model).__name__, missing, loaded.unexpected)
    return pretrained.freeze(loaded.model)


def check_patches(model: Any, pixels: int) -> None:
    """Raise ParamsError where patches would leave a rim of the picture out."""
    patch = getattr(model.config, "patch_size", 1)
    if isinstance(patch, int) and pixels % patch:
        raise ParamsError(f"pixels: expected a multiple of {patch}, got {pixels}")


def count_prefix(model: Any) -> int:
    """How many tokens stand before those of the picture."""
    shapes = [value.shape for name, value in model.state_dict().items() if name.endswith(PREFIXES)]
    return sum(prod(shape[:-1]) for shape in shapes)
