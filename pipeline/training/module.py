"""The Lightning module that trains any head: its loss, its validation metrics, its optimiser."""

import numpy as np
import torch
from jaxtyping import Bool
from lightning.pytorch import LightningModule
from torch import Tensor
from torchmetrics import MeanMetric

from pipeline.errors import TrainingError
from pipeline.evaluation.metrics import Pairs, score_targets
from pipeline.heads.base import Head
from pipeline.heads.losses import head_loss
from pipeline.heads.outputs import decode_outputs
from pipeline.heads.params import SCORE, TrainingParams
from pipeline.windows.dataset import TARGETS, Batch

SCORED = ("ccc_mean", "uar")


class HeadModule(LightningModule):
    """Trains `head`; logs `train_loss`, `val_loss` and the validation metrics of each epoch."""

    class_weights: Tensor | None

    def __init__(
        self, head: Head, params: TrainingParams, classes: int, class_weights: Tensor | None
    ) -> None:
        super().__init__()
        self.register_buffer("class_weights", class_weights)
        self.head = head
        self.training_params = params
        self.classes = classes
        self.train_losses = MeanMetric()
        self.val_losses = MeanMetric()
        self.collected: dict[str, list[Tensor]] = {}

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
            predicted = decoded.argmax(dim=-1) if target == "emotion" else decoded
            pair = torch.stack([batch.targets[target][mask], predicted[mask]]).double().cpu()
            self.collected.setdefault(target, []).append(pair)

    def on_validation_epoch_end(self) -> None:
        """Log the epoch's losses, and the metrics of all windows pooled, as evaluation has them.

        Raises TrainingError when validation has no labels for the metric that stops training.
        """
        pairs = {target: Pairs(np.empty(0), np.empty(0)) for target in TARGETS}
        for target, found in self.collected.items():
            pairs[target] = Pairs(*torch.cat(found, dim=1).numpy())
        scores = score_targets(pairs, self.classes)
        values = {name: score.value for name, score in scores.items() if score.value is not None}
        headline = [values[name] for name in SCORED if name in values]
        if headline:
            values[SCORE] = float(np.mean(headline))
        self._check_monitor({"val_loss", *values})
        losses = {"train_loss": self.train_losses, "val_loss": self.val_losses}
        self.log_dict({**{name: loss.compute() for name, loss in losses.items()}, **values})
        for loss in losses.values():
            loss.reset()
        self.collected = {}

    def _measure_loss(self, outputs: dict[str, Tensor], batch: Batch) -> Tensor:
        weights = self.class_weights
        return head_loss(outputs, batch.targets, batch.target_masks, class_weights=weights)

    def _check_loss(self, loss: Tensor, side: str, index: int) -> None:
        if not torch.isfinite(loss):
            raise TrainingError(
                f"epoch {self.current_epoch}, batch {index}: expected a finite {side} loss, "
                f"got {loss.item()}; lower `training.learning_rate` or look at the inputs with "
                f"`moodline inspect`"
            )

    def _check_monitor(self, measured: set[str]) -> None:
        monitor = self.training_params.monitor or SCORE
        if monitor not in measured:
            raise TrainingError(
                f"validation: expected labels to measure {monitor} on, got only what gives "
                f"{', '.join(sorted(measured))}; name another `training.monitor` or split anew"
            )

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW over all parameters of the head."""
        params = self.training_params
        return torch.optim.AdamW(
            self.head.parameters(), lr=params.learning_rate, weight_decay=params.weight_decay
        )


def drop_modalities(
    masks: dict[str, Bool[Tensor, "clips _"]], share: float
) -> dict[str, Bool[Tensor, "clips _"]]:
    """Masks with each modality of each clip withheld at probability `share`.

    A clip that would lose all it has keeps everything.
    """
    present = torch.stack([mask.any(dim=1) for mask in masks.values()], dim=1)
    kept = torch.rand(present.shape, device=present.device) >= share
    kept |= ~(kept & present).any(dim=1, keepdim=True)
    return {name: mask & kept[:, [column]] for column, (name, mask) in enumerate(masks.items())}
