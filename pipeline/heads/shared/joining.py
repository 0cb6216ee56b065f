"""Joining: what several heads answer, as one answer.

Chances are averaged as chances and ratings as ratings, over the heads that have anything to go on.
A logistic model of the answers is Wolpert's stacked generalization (Neural Networks 5, 1992).
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from pipeline.heads.base import Output
from pipeline.heads.params import JoinName
from pipeline.heads.shared.params import Per
from pipeline.targets import TARGETS, Kind

LEAST_CHANCE = 1e-6
"""Of a class in a mean of chances, whose logarithm is taken."""

PENALTY = 1e-2
"""Of the squared distance from what a join begins with, per example, as the losses are."""

STEPS = 100
"""Of L-BFGS at most, when a join is fitted."""

Answers = Sequence[Mapping[str, Tensor]]
"""Head by head, output name → `(*lead, size)`."""

Present = Mapping[Per, Bool[Tensor, "heads *lead"]]
"""Per clip and per frame, where each head has anything to go on."""


def _soften(outputs: Float[Tensor, "*lead size"]) -> Float[Tensor, "*lead size"]:
    return outputs.softmax(dim=-1)


def _harden(chances: Float[Tensor, "*lead size"]) -> Float[Tensor, "*lead size"]:
    return chances.clamp(min=LEAST_CHANCE).log()


def _keep(numbers: Float[Tensor, "*lead size"]) -> Float[Tensor, "*lead size"]:
    return numbers


def _uncurve(chances: Float[Tensor, "*lead size"]) -> Float[Tensor, "*lead size"]:
    return chances.logit(eps=LEAST_CHANCE)


Change = Callable[[Tensor], Tensor]

SCALES: dict[Kind, tuple[Change, Change]] = {
    "class": (_soften, _harden),
    "votes": (_soften, _harden),
    "scores": (torch.sigmoid, _uncurve),
    "presence": (torch.sigmoid, _uncurve),
    "rating": (_keep, _keep),
}
"""Kind of target → what makes numbers that can be averaged of outputs, and outputs of them."""


class Join(nn.Module):
    """The mean of what `heads` heads answer; a subclass weighs them otherwise, and learns how."""

    def __init__(self, outputs: Sequence[Output], heads: int) -> None:
        super().__init__()
        self.outputs, self.heads = tuple(outputs), heads

    def forward(self, answers: Answers, present: Present) -> dict[str, Tensor]:
        """Output name → `(*lead, size)`, as one head gives; of all heads where none has a row."""
        joined = {}
        for output in self.outputs:
            said = torch.stack([answer[output.name] for answer in answers])
            there = present[output.per]
            there = there | ~there.any(dim=0)
            joined[output.name] = self.mix(output, said, there[..., None])
        return joined

    def mix(
        self,
        output: Output,
        said: Float[Tensor, "heads *lead size"],
        there: Bool[Tensor, "heads *lead 1"],
    ) -> Float[Tensor, "*lead size"]:
        """One output of all heads as one."""
        average, restore = SCALES[TARGETS[output.name].kind]
        weights = self.weigh(output, there)
        return restore((average(said) * weights).sum(dim=0) / weights.sum(dim=0))

    def weigh(
        self, output: Output, there: Bool[Tensor, "heads *lead 1"]
    ) -> Float[Tensor, "heads *lead size"]:
        """Weight of each head, 0 where it has nothing to go on."""
        return there.float()

    def fit(
        self, answers: Answers, present: Present, measure: Callable[[dict[str, Tensor]], Tensor]
    ) -> None:
        """Make `measure` of the joined outputs least, by all of these answers at once."""
        weights = list(self.parameters())
        starts = [weight.detach().clone() for weight in weights]
        descent = torch.optim.LBFGS(weights, max_iter=STEPS, line_search_fn="strong_wolfe")

        def measure_all() -> Tensor:
            descent.zero_grad()
            far = [(w - s).square().sum() for w, s in zip(weights, starts, strict=True)]
            loss = measure(self(answers, present)) + PENALTY * torch.stack(far).sum()
            loss.backward()  # type: ignore[no-untyped-call]
            return loss

        descent.step(measure_all)  # type: ignore[no-untyped-call]


class WeightJoin(Join):
    """A mean by weights of each head and each number of an output, which begin alike."""

    def __init__(self, outputs: Sequence[Output], heads: int) -> None:
        super().__init__(outputs, heads)
        self.logs = nn.ParameterDict(
            {output.name: nn.Parameter(torch.zeros(heads, output.size)) for output in outputs}
        )

    def weigh(
        self, output: Output, there: Bool[Tensor, "heads *lead 1"]
    ) -> Float[Tensor, "heads *lead size"]:
        """Shares of each number, of the heads that have anything to go on."""
        shares = self.logs[output.name].softmax(dim=0)
        between = [1] * (there.ndim - 2)
        weights: Tensor = shares.reshape(self.heads, *between, output.size) * there
        return weights


class LogisticJoin(Join):
    """A linear model of the logits, logarithms of chances and ratings of all heads.

    It begins with their mean. Heads without anything to go on count as their others' mean.
    """

    def __init__(self, outputs: Sequence[Output], heads: int) -> None:
        super().__init__(outputs, heads)
        self.models = nn.ModuleDict()
        for output in outputs:
            model = nn.Linear(heads * output.size, output.size)
            with torch.no_grad():
                model.weight.copy_(torch.eye(output.size).repeat(1, heads) / heads)
                model.bias.zero_()
            self.models[output.name] = model

    def mix(
        self,
        output: Output,
        said: Float[Tensor, "heads *lead size"],
        there: Bool[Tensor, "heads *lead 1"],
    ) -> Float[Tensor, "*lead size"]:
        """One output of all heads as one."""
        if TARGETS[output.name].kind in ("class", "votes"):
            said = said.log_softmax(dim=-1)
        kept = said * there
        filled = torch.where(there, said, kept.sum(dim=0) / there.sum(dim=0))
        joined: Tensor = self.models[output.name](filled.movedim(0, -2).flatten(start_dim=-2))
        return joined


JOINS: dict[JoinName, type[Join]] = {"mean": Join, "weights": WeightJoin, "logistic": LogisticJoin}
"""Name in params.yaml → what joins."""
