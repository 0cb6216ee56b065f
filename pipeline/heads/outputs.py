"""Outputs: which ones a head has, and how they become probabilities, valence and arousal."""

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from pipeline.errors import ParamsError
from pipeline.heads.base import Output, Per
from pipeline.heads.params import TargetName

WIDEST_INTENSITY = 2**0.5
"""Intensity of the corners of the square [-1, 1]² in which valence and arousal lie."""

DIRECTION_EPSILON = 1e-6
"""Added to the squared length of (cos, sin): its direction has a finite gradient at (0, 0)."""


def head_outputs(
    targets: Sequence[TargetName],
    coordinates: Literal["cartesian", "polar"],
    classes: int,
    *,
    per: Mapping[str, Per],
) -> tuple[Output, ...]:
    """Outputs that predict `targets`, in their order, valence and arousal as one if polar.

    Raises ParamsError for an emotion of fewer than two classes, and for polar coordinates when
    valence and arousal are not both wanted, or one is per clip and the other per frame.
    """
    if "emotion" in targets and classes < 2:
        raise ParamsError(
            f"target emotion: expected two classes or more, got {classes}; leave it out of "
            f"`targets` or use a corpus that has them"
        )
    outputs: list[Output] = []
    for target in targets:
        if target == "emotion":
            outputs.append(Output(target, classes, per[target]))
        elif coordinates == "cartesian":
            outputs.append(Output(target, 1, per[target]))
    plane = [target for target in targets if target != "emotion"]
    if coordinates == "polar" and plane:
        outputs.append(Output("polar", 3, _shared_per(plane, per)))
    return tuple(outputs)


def _shared_per(plane: Sequence[TargetName], per: Mapping[str, Per]) -> Per:
    found = [f"{target} per {per[target]}" for target in plane]
    if len(plane) < 2 or per[plane[0]] != per[plane[1]]:
        raise ParamsError(
            f"coordinates polar: expected valence and arousal, both per clip or both per frame, "
            f"got {' and '.join(found)}; name both or use cartesian"
        )
    return per[plane[0]]


def decode_outputs(outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """`emotion` as class probabilities `(…, classes)`, `valence` and `arousal` `(…,)` in [-1, 1].

    Holds what the outputs predict. Only here are valence and arousal clamped: a loss needs their
    gradient outside the range, too.
    """
    plane = {name: outputs[name][..., 0] for name in ("valence", "arousal") if name in outputs}
    if "polar" in outputs:
        plane["valence"], plane["arousal"] = polar_plane(outputs["polar"])
    decoded = {name: value.clamp(-1.0, 1.0) for name, value in plane.items()}
    if "emotion" in outputs:
        decoded["emotion"] = outputs["emotion"].softmax(dim=-1)
    return decoded


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
