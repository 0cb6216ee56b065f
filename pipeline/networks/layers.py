"""Layers of a network: one, several or all of its hidden states."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from pipeline.errors import ParamsError
from pipeline.networks.params import Layers


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
