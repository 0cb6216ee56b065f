"""Outputs: which ones a head has, and how they become probabilities, shares and ratings."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from pipeline.errors import ParamsError
from pipeline.heads.base import POLAR, Output
from pipeline.heads.shared.params import PLANE, Per
from pipeline.targets import TARGETS, Kind, Target

WIDEST_INTENSITY = 2**0.5
"""Intensity of the corners of the square [-1, 1]² in which valence and arousal lie."""

DIRECTION_EPSILON = 1e-6
"""Added to the squared length of (cos, sin): its direction has a finite gradient at (0, 0)."""

Decode = Callable[[Target, Tensor], Tensor]
"""Output `(…, size)` of a target → what it predicts."""


def head_outputs(
    targets: Sequence[str],
    coordinates: Literal["cartesian", "polar"],
    classes: int,
    *,
    per: Mapping[str, Per],
) -> tuple[Output, ...]:
    """Outputs that predict `targets`, in their order, valence and arousal as one if polar.

    A rating or a presence is one number, all else has one for each class. Raises ParamsError for
    fewer than two classes where a target needs them, and for polar coordinates when valence and
    arousal are not both wanted, or one is per clip and the other per frame.
    """
    plane = [target for target in targets if target in PLANE and coordinates == "polar"]
    outputs = [
        Output(target, _count_numbers(TARGETS[target], classes), per[target])
        for target in targets
        if target not in plane
    ]
    if plane:
        outputs.append(Output(POLAR, 3, _shared_per(plane, per)))
    return tuple(outputs)


def _count_numbers(target: Target, classes: int) -> int:
    if target.behaviour.number:
        return 1
    if classes < 2:
        raise ParamsError(
            f"target {target.name}: expected two classes or more, got {classes}; leave it out of "
            f"`targets` or use a corpus that has them"
        )
    return classes


def _shared_per(plane: Sequence[str], per: Mapping[str, Per]) -> Per:
    found = [f"{target} per {per[target]}" for target in plane]
    if len(plane) < 2 or per[plane[0]] != per[plane[1]]:
        raise ParamsError(
            f"coordinates polar: expected valence and arousal, both per clip or both per frame, "
            f"got {' and '.join(found)}; name both or use cartesian"
        )
    return per[plane[0]]


def decode_outputs(outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What `outputs` predict, by target: one number `(…,)`, else `(…, classes)`.

    Classes and votes have probabilities that sum to 1, scores one of their own for each class.
    Only here are ratings clamped to their range: a loss needs their gradient outside it, too.
    """
    decoded = {
        name: _DECODERS[TARGETS[name].kind](TARGETS[name], output)
        for name, output in outputs.items()
        if name != POLAR
    }
    if POLAR in outputs:
        for name, value in zip(PLANE, polar_plane(outputs[POLAR]), strict=True):
            decoded[name] = _clamp(TARGETS[name], value)
    return decoded


def _clamp(target: Target, value: Float[Tensor, "*lead"]) -> Float[Tensor, "*lead"]:
    return value.clamp(target.low, target.high)


_DECODERS: dict[Kind, Decode] = {
    "class": lambda _, logits: logits.softmax(dim=-1),
    "rating": lambda target, numbers: _clamp(target, numbers[..., 0]),
    "presence": lambda _, logits: logits[..., 0].sigmoid(),
    "scores": lambda _, logits: logits.sigmoid(),
    "votes": lambda _, logits: logits.softmax(dim=-1),
}


def polar_plane(
    polar: Float[Tensor, "*lead 3"],
) -> tuple[Float[Tensor, "*lead"], Float[Tensor, "*lead"]]:
    """Valence and arousal of a polar output, not clamped: I cos θ and I sin θ."""
    direction, intensity = polar_parts(polar)
    return intensity * direction[..., 0], intensity * direction[..., 1]


def polar_parts(
    polar: Float[Tensor, "*lead 3"],
) -> tuple[Float[Tensor, "*lead 2"], Float[Tensor, "*lead"]]:
    """Direction (cos θ, sin θ) of length 1, and intensity I in (0, √2)."""
    squared_length = polar[..., :2].square().sum(dim=-1, keepdim=True)
    direction = polar[..., :2] / (squared_length + DIRECTION_EPSILON).sqrt()
    return direction, WIDEST_INTENSITY * torch.sigmoid(polar[..., 2])
