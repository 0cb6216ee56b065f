"""Heads that are one linear layer on pooled features, solved exactly: the thing to beat."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from pipeline.errors import TrainingError
from pipeline.heads import base
from pipeline.heads.losses import concordance
from pipeline.heads.params import LinearParams
from pipeline.heads.pooling import pool_streams
from pipeline.heads.reading import SOLVED, StreamRows
from pipeline.heads.shared.logistic import COLUMNS, SHARES, Layer, solve_logistic
from pipeline.heads.shared.params import Per
from pipeline.modalities import RowShape
from pipeline.targets import TARGETS, Kind

Examples = tuple[Float[Tensor, "_ width"], Shaped[Tensor, "_ *classes"]]
"""Features and labels of one output."""

Solve = Callable[[Examples, int, Sequence[float]], Iterator[Layer]]
Judge = Callable[[Tensor, Tensor], tuple[float, ...]]


class Head(base.Head):
    """Standardised rows, pooled, and a flag of presence per modality → one linear layer each.

    An absent modality is zeros, which is the mean of training rows, and a flag of zero.
    """

    solved: ClassVar[bool] = True
    reading = SOLVED

    def __init__(
        self, params: LinearParams, shapes: Mapping[str, RowShape], outputs: Sequence[base.Output]
    ) -> None:
        super().__init__(params, shapes, outputs)
        self.strengths = tuple(sorted(params.strengths, reverse=True))
        self.chosen: dict[str, float] = {}
        self.pools, sizes = pool_streams(params.pooling, self.dims)
        self.readouts = base.read_out(outputs, sum(sizes.values()) + len(sizes))

    def fuse(self, streams: Mapping[str, StreamRows]) -> dict[Per, Tensor]:
        """Vectors `(clips, width)` per clip, `(clips, time, width)` per frame."""
        fused: dict[Per, Tensor] = {}
        for per in self.pers:
            parts = []
            for name, pool in self.pools.items():
                vectors, present = pool(streams[name], per)
                parts += [vectors, present[..., None].to(vectors)]
            fused[per] = torch.cat(parts, dim=-1)
        return fused

    @torch.no_grad()
    def fit(self, train: Iterable[base.LabelledBatch], val: Iterable[base.LabelledBatch]) -> None:
        """Solve each output on `train` for every strength, and keep what is best on `val`.

        Best is the highest of the metric that ranks heads by the target (UAR, CCC, mean F1), and
        of equal ones, but for ratings, that of lowest log-loss. Only pooled features of labelled
        clips or frames are held at once. Raises TrainingError for a target without labels in
        either.
        """
        known, unseen = self._examples(train, "train"), self._examples(val, "val")
        for output in self.outputs:
            _, judge = METHODS[TARGETS[output.name].kind]
            features, labels = unseen[output.name]
            solutions = _solve(output, known[output.name], self.strengths)
            judged = (
                (judge(F.linear(features, *found), labels), strength, found)
                for strength, found in zip(self.strengths, solutions, strict=True)
            )
            _, self.chosen[output.name], best = max(judged, key=itemgetter(0))
            self._keep(output, best)

    @torch.no_grad()
    def refit(self, both: Iterable[base.LabelledBatch], chosen: base.Head) -> None:
        """Solve each output on `both` for the strength that `chosen` has of it."""
        assert isinstance(chosen, Head)
        known = self._examples(both, "train and val")
        for output in self.outputs:
            (solution,) = _solve(output, known[output.name], [chosen.chosen[output.name]])
            self._keep(output, solution)

    def _keep(self, output: base.Output, solution: Layer) -> None:
        weight, bias = solution
        self.readouts[output.name].load_state_dict({"weight": weight, "bias": bias})

    def _examples(self, batches: Iterable[base.LabelledBatch], split: str) -> dict[str, Examples]:
        """Features and labels of each output, in float64, of the clips or frames that have one."""
        kept: dict[str, list[Examples]] = {output.name: [] for output in self.outputs}
        for batch in batches:
            fused = self.fused(batch.streams)
            for output in self.outputs:
                mask, labels = batch.target_masks[output.name], batch.targets[output.name]
                kept[output.name].append((fused[output.per][mask], labels[mask]))
        return {name: _join(parts, f"{split}: {name}") for name, parts in kept.items()}


def _solve(output: base.Output, known: Examples, strengths: Sequence[float]) -> Iterator[Layer]:
    """Weights and bias of `output` for each of `strengths`, which fall."""
    solve, _ = METHODS[TARGETS[output.name].kind]
    mean, reduced, basis = reduce_features(known[0])
    for weight, bias in solve((reduced, known[1]), output.size, strengths):
        yield weight @ basis.mT, bias - weight @ basis.mT @ mean


def reduce_features(
    features: Float[Tensor, "examples width"],
) -> tuple[
    Float[Tensor, " width"], Float[Tensor, "examples reduced"], Float[Tensor, "width reduced"]
]:
    """Mean of `features`, and what they are without it along their principal axes.

    Penalised weights lie in the span of the examples, so with fewer examples than columns the
    solution is the same in as many dimensions as there are examples.
    """
    mean = features.mean(dim=0)
    if features.shape[1] <= len(features):  # and then there may be no room for another copy
        _, axes = torch.linalg.eigh(features.mT @ features - len(features) * mean.outer(mean))
        return mean, (features @ axes).sub_(mean @ axes), axes
    basis, reduced = torch.linalg.qr((features - mean).mT)
    _, axes = torch.linalg.eigh(reduced @ reduced.mT)
    return mean, reduced.mT @ axes, basis @ axes


def solve_ridge(known: Examples, size: int, strengths: Sequence[float]) -> Iterator[Layer]:
    """Least squares with penalised weights and a free bias, for each strength; `size` is 1.

    Columns of the features have a mean of 0 and no correlation, so each is solved by itself.
    """
    features, labels = known
    mean = labels.to(features).mean()
    products = features.mT @ (labels.to(features) - mean) / len(labels)
    squares = features.square().mean(dim=0)
    for strength in strengths:
        yield (products / (squares + strength)).expand(size, -1), mean.expand(size)


def solve_classes(known: Examples, size: int, strengths: Sequence[float]) -> Iterator[Layer]:
    """Multinomial logistic regression with penalised weights and free biases.

    `strengths` fall, and each solution starts from the one before. A class without examples
    gets a bias low enough to be never predicted.
    """
    features, labels = known
    return solve_logistic(SHARES, features, F.one_hot(labels, size), strengths)


def solve_votes(known: Examples, _size: int, strengths: Sequence[float]) -> Iterator[Layer]:
    """As for classes, with the shares of the votes as the chance of each class."""
    return solve_logistic(SHARES, *known, strengths)


def solve_scores(known: Examples, _size: int, strengths: Sequence[float]) -> Iterator[Layer]:
    """A binary logistic regression for each column, present where its number is above zero."""
    features, labels = known
    there = labels.reshape(len(labels), -1) > 0
    return solve_logistic(COLUMNS, features, there, strengths)


def judge_classes(
    logits: Float[Tensor, "examples classes"], labels: Int[Tensor, " examples"]
) -> tuple[float, float]:
    """UAR (mean recall of the classes that occur) and minus log-loss."""
    return _mean_recall(logits, labels), -float(F.cross_entropy(logits, labels))


def judge_votes(
    logits: Float[Tensor, "examples classes"], shares: Float[Tensor, "examples classes"]
) -> tuple[float, float]:
    """UAR of the class that most chose, ties left out, and minus log-loss; 0 where all tie."""
    untied = (shares == shares.amax(dim=1, keepdim=True)).sum(dim=1) == 1
    chosen = shares[untied].argmax(dim=1)
    recall = _mean_recall(logits[untied], chosen) if len(chosen) else 0.0
    return recall, -float(F.cross_entropy(logits, shares.to(logits)))


def _mean_recall(
    logits: Float[Tensor, "examples classes"], labels: Int[Tensor, " examples"]
) -> float:
    classes = logits.shape[1]
    hits = torch.bincount(labels[logits.argmax(dim=1) == labels], minlength=classes)
    counts = torch.bincount(labels, minlength=classes)
    return float((hits / counts)[counts > 0].mean())


def judge_scores(
    logits: Float[Tensor, "examples classes"], labels: Float[Tensor, "examples *classes"]
) -> tuple[float, float]:
    """Mean F1 of the columns that are there or predicted, and minus log-loss; 0 for none."""
    there, predicted = labels.view_as(logits) > 0, logits > 0
    hits, both = (there & predicted).sum(dim=0), there.sum(dim=0) + predicted.sum(dim=0)
    f1 = (2 * hits / both)[both > 0]
    unlikeliness = F.binary_cross_entropy_with_logits(logits, there.to(logits))
    return float(f1.mean()) if len(f1) else 0.0, -float(unlikeliness)


def judge_ratings(
    predictions: Float[Tensor, "examples 1"], labels: Float[Tensor, " examples"]
) -> tuple[float]:
    """CCC, alone."""
    return (float(concordance(predictions[:, 0], labels)),)


METHODS: dict[Kind, tuple[Solve, Judge]] = {
    "class": (solve_classes, judge_classes),
    "rating": (solve_ridge, judge_ratings),
    "presence": (solve_scores, judge_scores),
    "scores": (solve_scores, judge_scores),
    "votes": (solve_votes, judge_votes),
}
"""Kind of target → how its weights are solved, and how those of each strength are judged."""


def _join(parts: Sequence[Examples], where: str) -> Examples:
    if not any(len(labels) for _, labels in parts):
        raise TrainingError(
            f"{where}: expected labels to solve a linear head with, got none; leave the target "
            f"out of the head's `targets`, or mend the split"
        )
    features, labels = zip(*parts, strict=True)
    return torch.cat(features).double(), torch.cat(labels)
