"""Losses: how far a head's outputs are from what clips or frames are labelled as.

Labels are taken where their mask is True, over the whole batch. An output without any label
in the batch adds a zero that still has a graph, so that every parameter gets a gradient.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from pipeline.heads.outputs import polar_parts, polar_plane

FEWEST_FOR_CCC = 8
"""Below this many labels a batch says too little of means and variances: no CCC term."""

CCC_EPSILON = 1e-8
"""Added to CCC's denominator, which is zero where labels and predictions are one constant."""


def head_loss(
    outputs: Mapping[str, Tensor],
    targets: Mapping[str, Tensor],
    masks: Mapping[str, Tensor],
    *,
    class_weights: Float[Tensor, " classes"] | None = None,
) -> Float[Tensor, ""]:
    """Sum of one loss per output.

    `targets` holds `emotion` (class index), `valence` and `arousal`, of one shape with their
    mask: `(clips,)` or `(clips, time)`, as the output is. `class_weights` are in the order of
    the class index.
    """
    losses = [
        value_loss(outputs[name][..., 0], targets[name], masks[name])
        for name in ("valence", "arousal")
        if name in outputs
    ]
    if "emotion" in outputs:
        logits, labels, mask = outputs["emotion"], targets["emotion"], masks["emotion"]
        losses.append(emotion_loss(logits, labels, mask, class_weights=class_weights))
    if "polar" in outputs:
        truth = torch.stack([targets["valence"], targets["arousal"]], dim=-1)
        losses.append(polar_loss(outputs["polar"], truth, masks["valence"] & masks["arousal"]))
    return torch.stack(losses).sum()


def emotion_loss(
    logits: Float[Tensor, "*lead classes"],
    labels: Int[Tensor, "*lead"],
    mask: Bool[Tensor, "*lead"],
    *,
    class_weights: Float[Tensor, " classes"] | None = None,
) -> Float[Tensor, ""]:
    """Cross-entropy, averaged over the labels by the weight of their class."""
    logits, labels = logits[mask], labels[mask]
    if len(labels) == 0:
        return logits.sum()
    return F.cross_entropy(logits, labels, weight=class_weights)


def value_loss(
    predictions: Float[Tensor, "*lead"],
    labels: Float[Tensor, "*lead"],
    mask: Bool[Tensor, "*lead"],
) -> Float[Tensor, ""]:
    """Mean squared error, plus 1 - CCC where there are `FEWEST_FOR_CCC` labels or more."""
    predictions, labels = predictions[mask], labels[mask]
    if len(labels) == 0:
        return predictions.sum()
    return F.mse_loss(predictions, labels) + discordance(predictions, labels)


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
