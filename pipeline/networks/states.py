"""Hidden states: caught inside a network, of the asked layers alone, and computed no further."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pipeline.networks.layers import number_layers
from pipeline.networks.params import Layers


class HiddenStates:
    """What the asked layers of `blocks` give; blocks behind the last asked one are taken out."""

    def __init__(self, blocks: nn.ModuleList, layers: Layers) -> None:
        self.single = isinstance(layers, int)
        self.last = len(blocks)
        self.numbers = number_layers(layers, self.last)
        self.caught: dict[int, Tensor] = {}
        for number in set(self.numbers) - {self.last}:
            self._watch(blocks, number)
        del blocks[max(1, *self.numbers) :]

    def _watch(self, blocks: nn.ModuleList, number: int) -> None:
        def catch_input(_: nn.Module, inputs: tuple[Any, ...]) -> None:
            self.caught[number] = inputs[0]

        def catch_output(_: nn.Module, __: tuple[Any, ...], output: Any) -> None:
            self.caught[number] = output[0] if isinstance(output, tuple) else output

        if number:
            blocks[number - 1].register_forward_hook(catch_output)
        else:
            blocks[0].register_forward_pre_hook(catch_input)

    def collect(
        self, arrange: Callable[[Tensor], Tensor], last: Tensor
    ) -> Float[Tensor, "batch time *row"]:
        """The asked layers of the batch that went through, each arranged as rows.

        `last` is the network's output, after its final norm, and stands for the last layer.
        """
        self.caught[self.last] = last
        asked = [arrange(self.caught[number]) for number in self.numbers]
        self.caught.clear()
        return asked[0] if self.single else torch.stack(asked, dim=2)
