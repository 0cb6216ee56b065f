"""Logistic regressions with penalised weights and free biases, solved by Newton's method."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Shaped
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from torch import Tensor

MOST_STEPS = 100
"""Of the search for a layer, which takes about ten."""

LEAST_GRADIENT = 1e-6
"""At which the search stops: its norm, each column in its unit."""

LEAST_CURVATURE = 1e-3
"""Of the mean log-loss, by logits, that columns are scaled by: where nearly all chances are 0 or 1,
as of a class without examples, biases would be searched in ever larger units."""

Layer = tuple[Float[Tensor, "size width"], Float[Tensor, " size"]]
"""Weights, and biases."""


@dataclass(frozen=True)
class Link:
    """What logits are worth, `(size, examples)` as all else here.

    `judge` takes them and what is true; it gives the summed log-loss, and the chances, whose
    difference from what is true is its gradient. `bend` gives its Hessian at `chances`, times a
    change of logits.
    """

    judge: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
    bend: Callable[[Tensor, Tensor], Tensor]


def solve_logistic(
    link: Link,
    features: Float[Tensor, "examples width"],
    chances: Shaped[Tensor, "examples size"],
    strengths: Sequence[float],
) -> Iterator[Layer]:
    """Layer of least penalised mean log-loss for each of `strengths`, which fall.

    `chances` are what is true. Each layer is searched from the one before, by Newton steps in a
    region of trust, whose equations are solved by conjugate gradients (Steihaug, SIAM Journal on
    Numerical Analysis 20, 1983). These take fewest steps where the columns of `features` have a
    mean of 0 and no correlation.
    """
    from scipy.optimize import minimize  # half a second, which only training needs to wait

    truth = chances.mT.to(features).contiguous()
    layer = torch.zeros(len(truth), features.shape[1] + 1).to(features)
    for strength in strengths:
        objective = Objective(link, features, truth, strength, layer)
        with threadpool_limits(1):  # for steps of microseconds, waking a thread takes longer
            found = minimize(
                objective.measure,
                (layer / objective.units).flatten().numpy(),
                jac=True,
                hessp=objective.multiply_hessian,
                method="trust-ncg",
                options={"maxiter": MOST_STEPS, "gtol": LEAST_GRADIENT},
            )
        layer = objective.read(found.x)
        yield layer[:, :-1], layer[:, -1]


class Objective:
    """Penalised mean log-loss of layers, their biases as last column.

    They come flat, each column in a unit of its own, in which the Hessian is about that of a unit
    sphere; chances for that are those at the layer `near`.
    """

    def __init__(
        self, link: Link, features: Tensor, truth: Tensor, strength: float, near: Tensor
    ) -> None:
        self.link, self.features, self.truth, self.strength = link, features, truth, strength
        _, chances = link.judge(self._answer(near), truth)
        curvature = (chances * (1 - chances)).mean().clamp(min=LEAST_CURVATURE)
        squares = curvature * features.square().mean(dim=0) + strength
        self.units = torch.cat([squares, curvature[None]]).rsqrt()
        self._at: NDArray[np.float64] | None = None
        self._chances = chances

    def read(self, flat: NDArray[np.float64]) -> Float[Tensor, "size columns"]:
        """The layer itself."""
        return torch.from_numpy(flat).view(len(self.truth), -1) * self.units

    def measure(self, flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """The loss of a layer, and its gradient."""
        layer = self.read(flat)
        unlikeliness, self._chances = self.link.judge(self._answer(layer), self.truth)
        self._at = flat
        penalty = self.strength / 2 * layer[:, :-1].square().sum()
        value = penalty + unlikeliness / self.truth.shape[1]
        return float(value), self._lead_back(self._chances - self.truth, layer)

    def multiply_hessian(
        self, flat: NDArray[np.float64], step: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """The Hessian at a layer, times a step from there."""
        if self._at is None or not np.array_equal(flat, self._at):
            self.measure(flat)
        change = self.read(step)
        return self._lead_back(self.link.bend(self._chances, self._answer(change)), change)

    def _answer(self, layer: Tensor) -> Float[Tensor, "size examples"]:
        """Logits; examples come last, for products of so few rows are twice as fast."""
        return torch.addmm(layer[:, -1:], layer[:, :-1], self.features.mT)

    def _lead_back(self, errors: Tensor, layer: Tensor) -> NDArray[np.float64]:
        """Of a layer, what has these errors of logits, summed, as gradient."""
        errors = errors / self.truth.shape[1]
        weights = torch.addmm(layer[:, :-1], errors, self.features, beta=self.strength)
        led = torch.cat([weights, errors.sum(dim=1, keepdim=True)], dim=1) * self.units
        return led.flatten().numpy()


def _judge_shares(logits: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    log_shares = logits.log_softmax(dim=0)
    return -(log_shares * truth).sum(), log_shares.exp()


def _bend_shares(shares: Tensor, change: Tensor) -> Tensor:
    weighed = shares * change
    return weighed - shares * weighed.sum(dim=0)


def _judge_columns(logits: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    unlikeliness = F.binary_cross_entropy_with_logits(logits, truth, reduction="sum")
    return unlikeliness, logits.sigmoid()


def _bend_columns(chances: Tensor, change: Tensor) -> Tensor:
    return chances * (1 - chances) * change


SHARES = Link(_judge_shares, _bend_shares)
"""Softmax: what is true are the shares of classes, which sum to one."""

COLUMNS = Link(_judge_columns, _bend_columns)
"""Sigmoid: each of `size` is a regression by itself."""
