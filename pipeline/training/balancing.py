"""Balancing: weights of several targets' losses that are learned with the head."""

from collections.abc import Iterable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pipeline.heads.base import POLAR, Output
from pipeline.targets import TARGETS


class Balance(nn.Module):
    """One learned log variance s for each output, 0 to begin with.

    Kendall, Gal and Cipolla, Multi-task learning using uncertainty to weigh losses for scene
    geometry and semantics, CVPR 2018: a loss L counts L / e^s + s / 2, and half of the first for
    ratings. Where it stands at its mean, e^s is twice that (once, for ratings): losses that are
    large by nature weigh less, and none weighs nothing.
    """

    def __init__(self, outputs: Iterable[Output]) -> None:
        super().__init__()
        self.outputs = tuple(outputs)
        self.variances = nn.ParameterDict(
            {output.name: nn.Parameter(torch.zeros(())) for output in self.outputs}
        )

    def forward(
        self, losses: Mapping[str, Tensor], masks: Mapping[str, Tensor]
    ) -> Float[Tensor, ""]:
        """Sum of `losses` (by output), weighed; `masks` tell which targets have any label.

        What has none in a batch teaches nothing of its variance either.
        """
        weighed = []
        for output in self.outputs:
            loss, variance = losses[output.name], self.variances[output.name]
            known = torch.stack([masks[target].any() for target in output.targets]).all()
            factor = 0.5 if is_rating(output.name) else 1.0
            weighed.append(factor * loss * torch.exp(-variance) + known * variance / 2)
        return torch.stack(weighed).sum()


def is_rating(output: str) -> bool:
    """Whether an output is of ratings, alone or two in polar coordinates."""
    return output == POLAR or TARGETS[output].kind == "rating"
