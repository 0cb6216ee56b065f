"""What a head answered and what was right, row by row, of one batch or many."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

from pipeline.heads.base import LabelledBatch


@dataclass(frozen=True)
class Answered:
    """A head's outputs and their labels, row by row: clips, or the points of their grids."""

    outputs: dict[str, Float[Tensor, "rows size"]]
    targets: dict[str, Shaped[Tensor, "rows *classes"]]
    masks: dict[str, Bool[Tensor, " rows"]]

    @classmethod
    def of(cls, outputs: Mapping[str, Tensor], batch: LabelledBatch) -> "Answered":
        """Those of one batch."""
        masks = {target: mask.flatten() for target, mask in batch.target_masks.items()}
        return cls(
            {name: output.flatten(end_dim=-2) for name, output in outputs.items()},
            {
                target: labels.flatten(end_dim=batch.target_masks[target].ndim - 1)
                for target, labels in batch.targets.items()
            },
            masks,
        )


def join_answered(answered: Sequence[Answered]) -> Answered:
    """Those of several batches as of one."""
    first, *_ = answered
    return Answered(
        {name: torch.cat([one.outputs[name] for one in answered]) for name in first.outputs},
        {name: torch.cat([one.targets[name] for one in answered]) for name in first.targets},
        {name: torch.cat([one.masks[name] for one in answered]) for name in first.masks},
    )
