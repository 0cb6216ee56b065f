"""Losses: how far a head's outputs are from what clips or frames are labelled as.

Labels are taken where their mask is True, over the whole batch. An output without any label
in the batch adds a zero that still has a graph, so that every parameter gets a gradient.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from pipeline.heads.base import POLAR
from pipeline.heads.outputs import polar_parts, polar_plane
from pipeline.heads.shared.params import PLANE
from pipeline.targets import TARGETS

FEWEST_FOR_CCC = 8
"""Below this many labels a batch says too little of means and variances: no CCC beside an error."""

HUBER = 0.25
"""Error of a rating above which it counts by its size: an eighth of the scale from -1 to 1."""

CCC_EPSILON = 1e-8
"""Added to CCC's denominator, which is zero where labels and predictions are one constant."""

EPOCH_LOSS = "ccc_epoch"
"""1 - CCC of all that an epoch of training has seen so far: a small batch's own says little."""

Loss = Callable[..., Tensor]
"""Outputs `(labels, size)` and labels → one number; those of class indices also take weights of
classes and the share of labels that is smoothed away."""


@dataclass(frozen=True)
class SeriesMoments:
    """Moments of so many predictions (first) and labels (second): means, and centred products.

    Added up pairwise, as Chan, Golub and LeVeque do (Updating formulae and a pairwise algorithm for
    computing sample variances, 1979).
    """

    count: int
    mean: Float[Tensor, " 2"]
    products: Float[Tensor, "2 2"]

    @classmethod
    def of(
        cls, predictions: Float[Tensor, " labels"], labels: Float[Tensor, " labels"]
    ) -> "SeriesMoments":
        """Those of two series."""
        series = torch.stack([predictions, labels]).double()
        mean = series.mean(dim=1)
        centred = series - mean[:, None]
        return cls(len(labels), mean, centred @ centred.T)

    def add(self, other: "SeriesMoments") -> "SeriesMoments":
        """Those of both."""
        count, step = self.count + other.count, other.mean - self.mean
        between = torch.outer(step, step) * self.count * other.count / count
        mean = self.mean + step * other.count / count
        return SeriesMoments(count, mean, self.products + other.products + between)

    def detach(self) -> "SeriesMoments":
        """The same, without what they were computed from."""
        return SeriesMoments(self.count, self.mean.detach(), self.products.detach())

    @property
    def discordance(self) -> Float[Tensor, ""]:
        """1 - CCC, by population moments."""
        spread = self.products.trace() / self.count + (self.mean[0] - self.mean[1]).square()
        distance: Tensor = 1.0 - 2 * self.products[0, 1] / self.count / (spread + CCC_EPSILON)
        return distance


class EpochMoments:
    """What an epoch of training has seen of each rating: its moments, batch by batch."""

    def __init__(self) -> None:
        self.seen: dict[str, SeriesMoments] = {}

    def discord(
        self, name: str, predictions: Float[Tensor, " labels"], labels: Float[Tensor, " labels"]
    ) -> Float[Tensor, ""]:
        """1 - CCC of all that was seen of target `name`, these among it.

        What was seen before is as it was predicted then, and has no gradient. That of these is
        multiplied by how many more there are in all, so a batch's step is as long as that of a loss
        over the whole, which it stands for.
        """
        own = SeriesMoments.of(predictions, labels)
        whole = self.seen[name].add(own) if name in self.seen else own
        self.seen[name] = whole.detach()
        distance = whole.discordance
        value = distance.detach()
        return (value + (distance - value) * (whole.count / own.count)).to(predictions.dtype)


@dataclass(frozen=True)
class LossChoice:
    """Which loss each target has: one of `names`, or else the first of its kind.

    `class_weights` is target → weights in the order of the class index, of targets of kind `class`,
    whose labels give the share `smoothing` to all classes alike. `target_weights` is target → what
    its loss is multiplied by, 1 for those not named. `epoch` is what `ccc_epoch` has seen so far;
    without, it goes by the labels at hand, as `ccc` does.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    class_weights: Mapping[str, Float[Tensor, " classes"]] = field(default_factory=dict)
    smoothing: float = 0.0
    target_weights: Mapping[str, float] = field(default_factory=dict)
    epoch: EpochMoments | None = None

    def to(self, device: torch.device | str) -> "LossChoice":
        """The same with its weights on `device`."""
        weights = {name: w.to(device) for name, w in self.class_weights.items()}
        return replace(self, class_weights=weights)


def head_loss(
    outputs: Mapping[str, Tensor],
    targets: Mapping[str, Tensor],
    masks: Mapping[str, Tensor],
    choice: LossChoice = LossChoice(),
) -> Float[Tensor, ""]:
    """Sum of one loss per output.

    `targets` holds class indices, ratings, and numbers for each class; `masks` are `(clips,)` or
    `(clips, time)`, as the outputs are.
    """
    return torch.stack(list(output_losses(outputs, targets, masks, choice).values())).sum()


def output_losses(
    outputs: Mapping[str, Tensor],
    targets: Mapping[str, Tensor],
    masks: Mapping[str, Tensor],
    choice: LossChoice = LossChoice(),
) -> dict[str, Float[Tensor, ""]]:
    """Output → its loss, times the weight that `choice` gives it; sizes as of `head_loss`."""
    losses = {}
    for name, output in outputs.items():
        if name == POLAR:
            truth = torch.stack([targets[target] for target in PLANE], dim=-1)
            mask = torch.stack([masks[target] for target in PLANE]).all(dim=0)
            losses[name] = polar_loss(output, truth, mask)
        else:
            loss = target_loss(name, output, targets[name], masks[name], choice)
            losses[name] = choice.target_weights.get(name, 1.0) * loss
    return losses


def target_loss(
    name: str,
    output: Float[Tensor, "*lead size"],
    labels: Tensor,
    mask: Bool[Tensor, "*lead"],
    choice: LossChoice = LossChoice(),
) -> Float[Tensor, ""]:
    """Loss of target `name` over its labels, by `choice`."""
    chosen = choice.names.get(name, TARGETS[name].behaviour.losses[0])
    loss = LOSSES[chosen]
    output, labels = output[mask], labels[mask]
    if len(labels) == 0:
        return output.sum()
    if chosen == EPOCH_LOSS and choice.epoch is not None:
        return choice.epoch.discord(name, output[:, 0], labels)
    if TARGETS[name].kind == "class":
        return loss(output, labels, choice.class_weights.get(name), choice.smoothing)
    return loss(output, labels)


def cross_entropy(
    logits: Float[Tensor, "labels classes"],
    labels: Int[Tensor, " labels"],
    weights: Float[Tensor, " classes"] | None = None,
    smoothing: float = 0.0,
) -> Float[Tensor, ""]:
    """Cross-entropy, averaged over the labels by the weight of their class."""
    return F.cross_entropy(logits, labels, weight=weights, label_smoothing=smoothing)


def focal(
    logits: Float[Tensor, "labels classes"],
    labels: Int[Tensor, " labels"],
    weights: Float[Tensor, " classes"] | None = None,
    smoothing: float = 0.0,
) -> Float[Tensor, ""]:
    """Cross-entropy in which a label of chance p counts (1 - p)^2, averaged as that is.

    Lin et al., Focal loss for dense object detection, ICCV 2017, at their γ of 2; weights of
    classes are their α. The chance is the head's own: a class's weight has no part in it.
    """
    each = F.cross_entropy(logits, labels, reduction="none", label_smoothing=smoothing)
    chance = logits.softmax(dim=-1).gather(1, labels[:, None])[:, 0]
    own = logits.new_ones(len(labels)) if weights is None else weights[labels]
    return (own * (1.0 - chance).square() * each).sum() / own.sum()


def squared_error(
    numbers: Float[Tensor, "labels 1"], labels: Float[Tensor, " labels"]
) -> Float[Tensor, ""]:
    """Mean squared error."""
    return F.mse_loss(numbers[:, 0], labels)


def absolute_error(
    numbers: Float[Tensor, "labels 1"], labels: Float[Tensor, " labels"]
) -> Float[Tensor, ""]:
    """Mean absolute error."""
    return F.l1_loss(numbers[:, 0], labels)


def huber(
    numbers: Float[Tensor, "labels 1"], labels: Float[Tensor, " labels"]
) -> Float[Tensor, ""]:
    """Huber's loss (Robust estimation of a location parameter, 1964): squared up to `HUBER`."""
    return F.huber_loss(numbers[:, 0], labels, delta=HUBER)


def whole_discordance(
    numbers: Float[Tensor, "labels 1"], labels: Float[Tensor, " labels"]
) -> Float[Tensor, ""]:
    """1 - CCC of however few labels: there is no error beside it to learn from."""
    distance: Tensor = 1.0 - concordance(numbers[:, 0], labels)
    return distance


def error_and_discordance(
    numbers: Float[Tensor, "labels 1"], labels: Float[Tensor, " labels"]
) -> Float[Tensor, ""]:
    """Mean squared error, plus 1 - CCC where there are `FEWEST_FOR_CCC` labels or more."""
    return F.mse_loss(numbers[:, 0], labels) + discordance(numbers[:, 0], labels)


def binary_cross_entropy(
    logits: Float[Tensor, "labels classes"],
    labels: Float[Tensor, "labels *classes"],
) -> Float[Tensor, ""]:
    """Cross-entropy of each presence, a number above zero; mean over labels and classes."""
    return F.binary_cross_entropy_with_logits(logits, (labels.view_as(logits) > 0).to(logits))


def soft_cross_entropy(
    logits: Float[Tensor, "labels classes"],
    shares: Float[Tensor, "labels classes"],
) -> Float[Tensor, ""]:
    """Cross-entropy of shares that sum to 1."""
    return F.cross_entropy(logits, shares)


def divergence(
    logits: Float[Tensor, "labels classes"],
    shares: Float[Tensor, "labels classes"],
) -> Float[Tensor, ""]:
    """Kullback-Leibler divergence from the shares: cross-entropy less their own entropy."""
    return F.kl_div(logits.log_softmax(dim=-1), shares, reduction="batchmean")


def inconsistency(
    first: Mapping[str, Tensor], second: Mapping[str, Tensor], masks: Mapping[str, Tensor]
) -> Float[Tensor, ""]:
    """How far two passes' outputs differ in the chances of classes, where `masks` have labels.

    Half the sum of the Kullback-Leibler divergences from each to the other, averaged over labels
    and added up over targets of kind `class`; zero for two that are the same. Liang et al., R-Drop:
    Regularized dropout for neural networks, NeurIPS 2021.
    """
    found = [
        _symmetric_divergence(first[name][masks[name]], second[name][masks[name]])
        for name in first
        if name in TARGETS and TARGETS[name].kind == "class"
    ]
    return torch.stack(found).sum()


def _symmetric_divergence(
    first: Float[Tensor, "labels classes"], second: Float[Tensor, "labels classes"]
) -> Float[Tensor, ""]:
    one, other = first.log_softmax(dim=-1), second.log_softmax(dim=-1)
    # KL(p, q) + KL(q, p) = sum of (p - q) (log p - log q)
    between = ((one.exp() - other.exp()) * (one - other)).sum(dim=-1)
    return between.sum() / (2 * max(1, len(first)))


LOSSES: dict[str, Loss] = {
    "cross_entropy": cross_entropy,
    "focal": focal,
    "mse_ccc": error_and_discordance,
    "mse": squared_error,
    "mae": absolute_error,
    "huber": huber,
    "ccc": whole_discordance,
    EPOCH_LOSS: whole_discordance,
    "binary_cross_entropy": binary_cross_entropy,
    "soft_cross_entropy": soft_cross_entropy,
    "kl": divergence,
}
"""Name in the table of targets and in params.yaml → loss."""


def polar_loss(
    polar: Float[Tensor, "*lead 3"],
    labels: Float[Tensor, "*lead 2"],
    mask: Bool[Tensor, "*lead"],
) -> Float[Tensor, ""]:
    """Mean I (1 - cos Δθ), mean squared error of intensity I, 1 - CCC of valence and of arousal.

    `labels` are (valence, arousal) and I their length. The true direction only occurs times I,
    which is the label itself: no angle is computed, so nothing jumps at ±π, and nothing is
    divided by I, so a neutral label has a finite gradient and no say in the direction.
    """
    polar, labels = polar[mask], labels[mask]
    if len(labels) == 0:
        return polar.sum()
    direction, intensity = polar_parts(polar)
    true_intensity = labels.norm(dim=-1)
    angle_loss = (true_intensity - (direction * labels).sum(dim=-1)).mean()
    valence, arousal = polar_plane(polar)
    plane_loss = discordance(valence, labels[:, 0]) + discordance(arousal, labels[:, 1])
    error: Tensor = angle_loss + F.mse_loss(intensity, true_intensity)
    return error + plane_loss


def discordance(
    predictions: Float[Tensor, " labels"], labels: Float[Tensor, " labels"]
) -> Float[Tensor, ""]:
    """1 - CCC, or zero for fewer than `FEWEST_FOR_CCC` labels."""
    if len(labels) < FEWEST_FOR_CCC:
        return predictions.new_zeros(())
    distance: Tensor = 1.0 - concordance(predictions, labels)
    return distance


def concordance(
    predictions: Float[Tensor, " labels"], labels: Float[Tensor, " labels"]
) -> Float[Tensor, ""]:
    """Concordance correlation coefficient with population moments, differentiable.

    2 cov / (var + var + (mean - mean)²): Lin, A concordance correlation coefficient to evaluate
    reproducibility, Biometrics 45 (1989). Zero for constant predictions or labels.
    """
    shift = predictions.mean() - labels.mean()
    centred, truth = predictions - predictions.mean(), labels - labels.mean()
    spread = centred.square().mean() + truth.square().mean() + shift.square()
    return 2 * (centred * truth).mean() / (spread + CCC_EPSILON)
