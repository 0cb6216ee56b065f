"""Positions: when a row is, as a vector."""

import torch
from jaxtyping import Float
from torch import Tensor

PERIODS = (2.0, 1000.0)
"""Seconds of the shortest and the longest sinusoid of a time: a phrase, and a long clip."""


def time_positions(
    seconds: Float[Tensor, "clips time"], width: int
) -> Float[Tensor, "clips time width"]:
    """Sinusoids of a row's time, sine and cosine in turn, of periods `PERIODS`.

    Vaswani et al., Attention is all you need, 2017, section 3.5, with times for numbers of rows:
    rows of streams at other rates meet where they are seen together.
    """
    columns = torch.arange(width, device=seconds.device)
    shortest, longest = PERIODS
    periods = shortest * (longest / shortest) ** ((columns // 2 * 2) / width)
    phases = torch.pi / 2 * (columns % 2)
    return torch.sin(2 * torch.pi * seconds[..., None] / periods + phases)
