"""The objective: the loss of a batch as training sees it, and what is learned beside the head."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pipeline.heads.base import Head
from pipeline.heads.losses import (
    EpochMoments,
    LossChoice,
    head_loss,
    inconsistency,
    output_losses,
)
from pipeline.heads.training_params import TrainingParams
from pipeline.training.augmenting import Augmented, Labelling, augment
from pipeline.training.balancing import Balance
from pipeline.training.optimisers import group_rates
from pipeline.windows.dataset import Batch


class Objective(nn.Module):
    """Loss of a batch that `head` is trained by; `losses` are on the batch's device."""

    def __init__(self, head: Head, params: TrainingParams, losses: LossChoice) -> None:
        super().__init__()
        self.head, self.params, self.losses = head, params, losses
        self.readers = dict(head.readers.items())  # one mapping: ModuleDict is none
        self.balance = Balance(head.outputs) if params.learned_weights else None
        self.epochs: dict[tuple[int, int], EpochMoments] = defaultdict(EpochMoments)

    def group_parameters(self) -> list[dict[str, Any]]:
        """What there is to learn, as optimisers take it; raises TrainingError as `group_rates`."""
        groups = group_rates(self.head, self.params.learning_rates)
        if self.balance is not None:  # decay would draw all weights to 1
            groups.append({"params": list(self.balance.parameters()), "weight_decay": 0.0})
        return groups

    def begin_epoch(self) -> None:
        """Learn anew, and forget what the epoch before has seen."""
        self.train()
        self.epochs.clear()

    def forward(self, batch: Batch) -> Float[Tensor, ""]:
        """Loss of the windows of `batch`, augmented anew in each call."""
        seen = augment(batch, self.readers, self.params)
        parts = self._answer(seen)
        loss = self._measure_parts(parts, seen)
        if self.params.consistency:
            again, masks = self._answer(seen), seen.labels[0].masks
            apart = [inconsistency(*pair, masks) for pair in zip(parts, again, strict=True)]
            loss = (loss + self._measure_parts(again, seen)) / 2
            loss = loss + self.params.consistency * torch.stack(apart).sum()
        return loss

    def _answer(self, seen: Augmented) -> list[dict[str, Tensor]]:
        """Parts of what the head answers at the precision that is asked for, as fp32."""
        kind = next(self.head.parameters()).device.type
        with torch.autocast(kind, torch.bfloat16, enabled=self.params.precision == "bf16"):
            parts = self.head.parts(seen.streams)
        return [{name: output.float() for name, output in part.items()} for part in parts]

    def _measure_parts(self, parts: Sequence[Mapping[str, Tensor]], seen: Augmented) -> Tensor:
        # What an epoch sees is each part's own, and of mixed windows that of either label.
        losses = [
            self._measure(outputs, labels, self.epochs[part, own])
            for part, outputs in enumerate(parts)
            for own, labels in enumerate(seen.labels)
        ]
        return torch.stack(losses).sum()

    def _measure(
        self, outputs: Mapping[str, Tensor], labels: Labelling, epoch: EpochMoments
    ) -> Tensor:
        choice = replace(self.losses, epoch=epoch)
        if self.balance is None:
            return labels.share * head_loss(outputs, labels.targets, labels.masks, choice)
        losses = output_losses(outputs, labels.targets, labels.masks, choice)
        whole: Tensor = self.balance(losses, labels.masks)
        return labels.share * whole
