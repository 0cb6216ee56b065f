"""Layers of a network: one, several or all of its hidden states."""

from collections.abc import Sequence
from typing import Annotated, Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from pipeline.errors import ParamsError

Layers = int | Annotated[list[int], Field(min_length=1)] | Literal["all"]
"""Counted as in transformers' `hidden_states`: 0 what goes into the first block, -1 the last."""


def number_layers(layers: Layers, blocks: int) -> list[int]:
    """Places of `layers` among the `blocks + 1` hidden states.

    Raises ParamsError for a layer that a network of so many blocks does not have.
    """
    if layers == "all":
        return list(range(blocks + 1))
    asked = [layers] if isinstance(layers, int) else layers
    for layer in asked:
        if not -blocks - 1 <= layer <= blocks:
            raise ParamsError(f"layer: expected {-blocks - 1} to {blocks}, got {layer}")
    return [layer % (blocks + 1) for layer in asked]


def shape_layers(layers: Layers, blocks: int, dim: int) -> tuple[int, ...]:
    """Shape of a row: `(dim,)` for one layer, `(layers, dim)` for a list or all."""
    return (dim,) if isinstance(layers, int) else (len(number_layers(layers, blocks)), dim)


def stack_layers(
    layers: Layers, states: Sequence[Float[Tensor, "batch time dim"]]
) -> Float[Tensor, "batch time *row"]:
    """The asked hidden states of `states`, one row shape per `shape_layers`."""
    if isinstance(layers, int):
        return states[layers]
    return torch.stack([states[place] for place in number_layers(layers, len(states) - 1)], dim=2)
