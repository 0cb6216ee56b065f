"""Heads that are one linear layer on pooled features, solved exactly: the thing to beat."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int, Shaped
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from torch import Tensor

from pipeline.errors import TrainingError
from pipeline.heads import base
from pipeline.heads.losses import concordance
from pipeline.heads.params import LinearParams

MOST_STEPS = 500
"""Of the search for logistic weights; it stops before where the gradient is below 1e-6."""

Examples = tuple[Float[Tensor, "_ width"], Shaped[Tensor, " _"]]
"""Features and labels of one output."""

Solution = tuple[Float[Tensor, "size width"], Float[Tensor, " size"]]
"""Weight and bias of one readout."""

Solve = Callable[[Examples, int, Sequence[float]], Iterator[Solution]]
Judge = Callable[[Tensor, Tensor], tuple[float, ...]]


class Head(base.Head):
    """Standardised rows, pooled, and a flag of presence per modality → one linear layer each.

    An absent modality is zeros, which is the mean of training rows, and a flag of zero.
    """

    solved: ClassVar[bool] = True

    def __init__(
        self, params: LinearParams, dims: Mapping[str, int], outputs: Sequence[base.Output]
    ) -> None:
        super().__init__(params, dims, outputs)
        self.strengths = tuple(sorted(params.strengths, reverse=True))
        self.readouts = base.read_out(outputs, sum(self.dims.values()) + len(self.dims))

    def fuse(
        self,
        rows: Mapping[str, Float[Tensor, "clips _ _"]],
        masks: Mapping[str, Bool[Tensor, "clips _"]],
    ) -> dict[base.Per, Tensor]:
        """Vectors `(clips, width)` per clip, `(clips, time, width)` per frame."""
        fused: dict[base.Per, Tensor] = {}
        for per in self.pers:
            parts = []
            for name in self.dims:
                vectors, present = base.summarise(rows[name], masks[name], per)
                parts += [vectors, present[..., None].to(vectors)]
            fused[per] = torch.cat(parts, dim=-1)
        return fused

    @torch.no_grad()
    def fit(self, train: Iterable[base.LabelledBatch], val: Iterable[base.LabelledBatch]) -> None:
        """Solve each output on `train` for every strength, and keep what is best on `val`.

        Best is the highest UAR for emotion, of equal ones that of lowest log-loss, and the
        highest CCC for valence and arousal. Only pooled features of labelled clips or frames are
        held at once. Raises TrainingError for a target without labels in either.
        """
        known, unseen = self._examples(train, "train"), self._examples(val, "val")
        for output in self.outputs:
            weight, bias = self._solve(output, known[output.name], unseen[output.name])
            self.readouts[output.name].load_state_dict({"weight": weight, "bias": bias})

    def _solve(self, output: base.Output, known: Examples, unseen: Examples) -> Solution:
        solve, judge = METHODS[output.name]
        features, labels = unseen
        mean, reduced, basis = reduce_features(known[0])
        solutions = (
            (weight @ basis.mT, bias - weight @ basis.mT @ mean)
            for weight, bias in solve((reduced, known[1]), output.size, self.strengths)
        )
        return max(solutions, key=lambda found: judge(F.linear(features, *found), labels))

    def _examples(self, batches: Iterable[base.LabelledBatch], split: str) -> dict[str, Examples]:
        """Features and labels of each output, in float64, of the clips or frames that have one."""
        kept: dict[str, list[Examples]] = {output.name: [] for output in self.outputs}
        for batch in batches:
            fused = self.fused(batch.inputs, batch.masks)
            for output in self.outputs:
                mask, labels = batch.target_masks[output.name], batch.targets[output.name]
                kept[output.name].append((fused[output.per][mask], labels[mask]))
        return {name: _join(parts, f"{split}: {name}") for name, parts in kept.items()}


def reduce_features(
    features: Float[Tensor, "examples width"],
) -> tuple[
    Float[Tensor, " width"], Float[Tensor, "examples reduced"], Float[Tensor, "width reduced"]
]:
    """Mean of `features`, and what they are without it in an orthonormal basis of their own.

    Penalised weights lie in the span of the examples, so with fewer examples than columns the
    solution is the same in as many dimensions as there are examples.
    """
    mean = features.mean(dim=0)
    centred = features - mean
    if features.shape[1] <= len(features):
        return mean, centred, torch.eye(features.shape[1]).to(features)
    basis, reduced = torch.linalg.qr(centred.mT)
    return mean, reduced.mT, basis


def solve_ridge(known: Examples, size: int, strengths: Sequence[float]) -> Iterator[Solution]:
    """Least squares with penalised weights and a free bias, for each strength; `size` is 1."""
    features, labels = known
    centred, mean = features - features.mean(dim=0), features.mean(dim=0)
    moments = centred.mT @ centred / len(labels)
    products = centred.mT @ (labels - labels.mean()).to(centred) / len(labels)
    for strength in strengths:
        penalty = strength * torch.eye(len(moments)).to(moments)
        weight = torch.linalg.solve(moments + penalty, products).expand(size, -1)
        yield weight, labels.mean() - weight @ mean


def solve_logistic(known: Examples, size: int, strengths: Sequence[float]) -> Iterator[Solution]:
    """Multinomial logistic regression with penalised weights and free biases.

    `strengths` fall, and each solution starts from the one before. A class without examples
    gets a bias low enough to be never predicted.
    """
    from scipy.optimize import minimize  # half a second, which only training needs to wait

    features, labels = known
    layer = np.zeros(size * (features.shape[1] + 1))
    truth = F.one_hot(labels, size).to(features)
    for strength in strengths:
        with threadpool_limits(1):  # for steps of microseconds, waking a thread takes longer
            layer = minimize(
                _logistic_loss,
                layer,
                args=(features, truth, strength),
                jac=True,
                method="L-BFGS-B",
                options={"maxiter": MOST_STEPS, "gtol": 1e-6, "ftol": 0.0},
            ).x
        weight, bias = torch.from_numpy(layer).reshape(size, -1).tensor_split([-1], dim=1)
        yield weight, bias[:, 0]


def _logistic_loss(
    layer: NDArray[np.float64],
    features: Float[Tensor, "examples width"],
    truth: Float[Tensor, "examples size"],
    strength: float,
) -> tuple[float, NDArray[np.float64]]:
    """Penalised mean log-loss of weights with their biases as last column, and its gradient."""
    weight, bias = torch.from_numpy(layer).reshape(truth.shape[1], -1).tensor_split([-1], dim=1)
    log_shares = F.linear(features, weight, bias[:, 0]).log_softmax(dim=1)
    value = strength / 2 * weight.square().sum() - (log_shares * truth).sum(dim=1).mean()
    error = (log_shares.exp() - truth) / len(truth)
    slope = torch.cat([error.mT @ features + strength * weight, error.sum(0)[:, None]], dim=1)
    return float(value), slope.flatten().numpy()


def judge_classes(
    logits: Float[Tensor, "examples classes"], labels: Int[Tensor, " examples"]
) -> tuple[float, float]:
    """UAR (mean recall of the classes that occur) and minus log-loss."""
    classes = logits.shape[1]
    hits = torch.bincount(labels[logits.argmax(dim=1) == labels], minlength=classes)
    counts = torch.bincount(labels, minlength=classes)
    recall = (hits / counts)[counts > 0].mean()
    return float(recall), -float(F.cross_entropy(logits, labels))


def judge_values(
    predictions: Float[Tensor, "examples 1"], labels: Float[Tensor, " examples"]
) -> tuple[float]:
    """CCC, alone."""
    return (float(concordance(predictions[:, 0], labels)),)


METHODS: dict[str, tuple[Solve, Judge]] = {
    "emotion": (solve_logistic, judge_classes),
    "valence": (solve_ridge, judge_values),
    "arousal": (solve_ridge, judge_values),
}


def _join(parts: Sequence[Examples], where: str) -> Examples:
    if not any(len(labels) for _, labels in parts):
        raise TrainingError(
            f"{where}: expected labels to solve a linear head with, got none; leave the target "
            f"out of the head's `targets`, or mend the split"
        )
    features, labels = zip(*parts, strict=True)
    return torch.cat(features).double(), torch.cat(labels)
