"""The Lightning module that trains any head: its loss, its validation metrics, its optimiser."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from lightning.pytorch import LightningModule
from torch import Tensor
from torchmetrics import MeanMetric

from pipeline.errors import TrainingError
from pipeline.evaluation.metrics import Pairs, score_targets
from pipeline.heads.answered import Answered, join_answered
from pipeline.heads.base import Head
from pipeline.heads.losses import LossChoice, head_loss, inconsistency, output_losses
from pipeline.heads.outputs import decode_outputs
from pipeline.heads.params import SCORE, TrainingParams
from pipeline.targets import TARGETS, list_means
from pipeline.training.augmenting import Augmented, Labelling, augment
from pipeline.training.balancing import Balance
from pipeline.training.optimisers import make_optimiser, schedule_rate
from pipeline.windows.dataset import Batch

Collected = tuple[Tensor, Tensor]
"""Labels of some rows of a target, and what was decoded for them."""


class HeadModule(LightningModule):
    """Trains `head`; logs `train_loss`, `val_loss` and the validation metrics of each epoch."""

    def __init__(
        self, head: Head, params: TrainingParams, classes: int, losses: LossChoice
    ) -> None:
        super().__init__()
        self.losses = losses
        self.head = head
        self.training_params = params
        self.classes = classes
        self.balance = Balance(head.outputs) if params.learned_weights else None
        self.train_losses = MeanMetric()
        self.collected: dict[str, list[Collected]] = {}
        self.answered: list[Answered] = []

    def training_step(self, batch: Batch, index: int) -> Tensor:
        """Loss of one batch; raises TrainingError when it is not finite."""
        seen = augment(batch, dict(self.head.readers.items()), self.training_params)
        parts = self.head.parts(seen.streams)
        loss = self._measure_losses(parts, seen)
        if self.training_params.consistency:
            again, masks = self.head.parts(seen.streams), seen.labels[0].masks
            apart = [inconsistency(*pair, masks) for pair in zip(parts, again, strict=True)]
            loss = (loss + self._measure_losses(again, seen)) / 2
            loss = loss + self.training_params.consistency * torch.stack(apart).sum()
        self._check_loss(loss, "training", index)
        self.train_losses.update(loss.detach())
        return loss

    def validation_step(self, batch: Batch, index: int) -> None:
        """Collect the batch's outputs, labels and predictions; raises as `training_step` does."""
        outputs = self.head(batch.streams)
        labels = Labelling(batch.targets, batch.target_masks)
        self._check_loss(self._measure_loss(outputs, labels), "validation", index)
        self.answered.append(Answered.of(outputs, batch))
        for target, decoded in decode_outputs(outputs).items():
            mask = batch.target_masks[target]
            found = (batch.targets[target][mask].double().cpu(), decoded[mask].double().cpu())
            self.collected.setdefault(target, []).append(found)

    def on_validation_epoch_end(self) -> None:
        """Log the epoch's losses, and the metrics of all windows pooled, as evaluation has them.

        Raises TrainingError when validation has no labels for the metric that stops training.
        """
        pairs = {target: _pair(target, found) for target, found in self.collected.items()}
        known = {target: pair for target, pair in pairs.items() if len(pair.labels)}
        scores = score_targets(known, self.classes)
        values = {name: score.value for name, score in scores.items() if score.value is not None}
        if known:  # undefined counts as nothing, as where heads are ranked
            values[SCORE] = float(np.mean([values.get(name, 0.0) for name in list_means(known)]))
        self._check_monitor({"val_loss", SCORE, *scores} if known else {"val_loss"})
        if self.monitor in scores:
            values.setdefault(self.monitor, math.nan)  # never better than another epoch
        losses = {"train_loss": self.train_losses.compute(), "val_loss": self.measure_loss()}
        self.log_dict({**losses, **values})
        self.train_losses.reset()
        self.collected, self.answered = {}, []

    def _measure_loss(
        self, outputs: dict[str, Tensor], labels: Labelling, balance: Balance | None = None
    ) -> Tensor:
        choice = self.losses.to(self.device)
        if balance is None:
            return labels.share * head_loss(outputs, labels.targets, labels.masks, choice)
        losses = output_losses(outputs, labels.targets, labels.masks, choice)
        whole: Tensor = balance(losses, labels.masks)
        return labels.share * whole

    def _measure_losses(self, parts: Sequence[dict[str, Tensor]], seen: Augmented) -> Tensor:
        losses = [
            self._measure_loss(outputs, labels, self.balance)
            for outputs in parts
            for labels in seen.labels
        ]
        return torch.stack(losses).sum()

    def measure_loss(self) -> Tensor:
        """Loss of all validation at once: a CCC of batches is no CCC of the whole."""
        whole = join_answered(self.answered)
        return self._measure_loss(whole.outputs, Labelling(whole.targets, whole.masks))

    def _check_loss(self, loss: Tensor, side: str, index: int) -> None:
        if not torch.isfinite(loss):
            raise TrainingError(
                f"epoch {self.current_epoch}, batch {index}: expected a finite {side} loss, "
                f"got {loss.item()}; lower `training.learning_rate` or look at the inputs with "
                f"`moodline inspect`"
            )

    @property
    def monitor(self) -> str:
        """Metric that stops training and chooses the weights."""
        return self.training_params.monitor or SCORE

    def _check_monitor(self, measured: set[str]) -> None:
        if self.monitor not in measured:
            raise TrainingError(
                f"validation: expected labels to measure {self.monitor} on, got only what gives "
                f"{', '.join(sorted(measured))}; name another `training.monitor` or split anew"
            )

    def configure_optimizers(self) -> Any:
        """Optimiser of all parameters of the head, and the schedule of its rate."""
        groups: list[dict[str, Any]] = [{"params": list(self.head.parameters())}]
        if self.balance is not None:  # decay would draw all weights to 1
            groups.append({"params": list(self.balance.parameters()), "weight_decay": 0.0})
        optimiser = make_optimiser(groups, self.training_params)
        schedule = schedule_rate(optimiser, self.training_params, self.monitor)
        return [optimiser], [{"scheduler": schedule, "monitor": self.monitor}]


def _pair(target: str, found: Sequence[Collected]) -> Pairs:
    labels, decoded = (torch.cat(parts).numpy() for parts in zip(*found, strict=True))
    if TARGETS[target].kind == "class":
        return Pairs(labels, decoded.argmax(axis=1).astype(np.float64), decoded)
    return Pairs(labels, decoded)
