"""The Lightning module that trains any head: its loss, its validation metrics, its optimiser."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool
from lightning.pytorch import LightningModule
from torch import Tensor
from torchmetrics import MeanMetric

from pipeline.errors import TrainingError
from pipeline.evaluation.metrics import Pairs, score_targets
from pipeline.heads.base import Head
from pipeline.heads.losses import LossChoice, head_loss
from pipeline.heads.outputs import decode_outputs
from pipeline.heads.params import SCORE, TrainingParams
from pipeline.rows import modality_of
from pipeline.targets import TARGETS, list_means
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
        self.train_losses = MeanMetric()
        self.val_losses = MeanMetric()
        self.collected: dict[str, list[Collected]] = {}

    def training_step(self, batch: Batch, index: int) -> Tensor:
        """Loss of one batch; raises TrainingError when it is not finite."""
        masks = drop_modalities(batch.masks, self.training_params.modality_dropout)
        loss = self._measure_loss(self.head(batch.inputs, masks), batch)
        self._check_loss(loss, "training", index)
        self.train_losses.update(loss.detach())
        return loss

    def validation_step(self, batch: Batch, index: int) -> None:
        """Collect the batch's loss, labels and predictions; raises as `training_step` does."""
        outputs = self.head(batch.inputs, batch.masks)
        loss = self._measure_loss(outputs, batch)
        self._check_loss(loss, "validation", index)
        self.val_losses.update(loss)
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
        losses = {"train_loss": self.train_losses, "val_loss": self.val_losses}
        self.log_dict({**{name: loss.compute() for name, loss in losses.items()}, **values})
        for loss in losses.values():
            loss.reset()
        self.collected = {}

    def _measure_loss(self, outputs: dict[str, Tensor], batch: Batch) -> Tensor:
        return head_loss(outputs, batch.targets, batch.target_masks, self.losses.to(self.device))

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

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW over all parameters of the head."""
        params = self.training_params
        return torch.optim.AdamW(
            self.head.parameters(), lr=params.learning_rate, weight_decay=params.weight_decay
        )


def _pair(target: str, found: Sequence[Collected]) -> Pairs:
    labels, decoded = (torch.cat(parts).numpy() for parts in zip(*found, strict=True))
    if TARGETS[target].kind == "class":
        return Pairs(labels, decoded.argmax(axis=1).astype(np.float64), decoded)
    return Pairs(labels, decoded)


def drop_modalities(
    masks: dict[str, Bool[Tensor, "clips _"]], share: float
) -> dict[str, Bool[Tensor, "clips _"]]:
    """Masks with each modality of each clip, all its streams, withheld at probability `share`.

    A clip that would lose all it has keeps everything.
    """
    streams: dict[str, list[str]] = {}
    for stream in masks:
        streams.setdefault(modality_of(stream), []).append(stream)
    present = torch.stack(
        [
            torch.cat([masks[name] for name in names], dim=1).any(dim=1)
            for names in streams.values()
        ],
        dim=1,
    )
    kept = torch.rand(present.shape, device=present.device) >= share
    kept |= ~(kept & present).any(dim=1, keepdim=True)
    columns = dict(zip(streams, kept.unsqueeze(2).unbind(dim=1), strict=True))
    return {stream: mask & columns[modality_of(stream)] for stream, mask in masks.items()}
