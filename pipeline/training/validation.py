"""Validation: what a head is worth in an epoch, on all windows at once, as evaluation measures."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from pipeline.errors import TrainingError
from pipeline.evaluation.metrics import Pairs, score_targets
from pipeline.heads.answered import Answered, join_answered
from pipeline.heads.base import Head
from pipeline.heads.losses import LossChoice, head_loss
from pipeline.heads.outputs import decode_outputs
from pipeline.heads.training_params import SCORE
from pipeline.targets import TARGETS, list_means
from pipeline.windows.dataset import Batch


@dataclass(frozen=True)
class Validation:
    """What heads are judged on: `batches`, by metrics of so many `classes`, and by `losses`.

    `monitor` is the metric that must be among them.
    """

    batches: Iterable[Batch]
    classes: int
    losses: LossChoice
    monitor: str

    def measure(self, head: Head, epoch: int) -> dict[str, float]:
        """`val_loss` and the metrics of `head` after an epoch, to what float32 tells apart.

        Raises TrainingError where the loss is not finite, and where there are no labels to measure
        `monitor` on.
        """
        answered = self._ask(head)
        # One loss over all: a CCC of batches is no CCC of the whole.
        loss = head_loss(answered.outputs, answered.targets, answered.masks, self.losses).item()
        if not math.isfinite(loss):
            raise TrainingError(
                f"epoch {epoch}: expected a finite validation loss, got {loss}; lower "
                f"`training.learning_rate` or look at the inputs with `moodline inspect`"
            )
        values = {"val_loss": loss, **self._score(_pair_targets(answered))}
        return {name: float(np.float32(value)) for name, value in values.items()}

    @torch.inference_mode()
    def _ask(self, head: Head) -> Answered:
        """What `head` answers of all batches, one after another."""
        head.eval()
        device = next(head.parameters()).device
        moved = (batch.to(device) for batch in self.batches)
        return join_answered([Answered.of(head(batch.streams), batch) for batch in moved])

    def _score(self, pairs: Mapping[str, Pairs]) -> dict[str, float]:
        """Metrics of targets that have labels; their mean is `SCORE`."""
        scores = score_targets(pairs, self.classes)
        values = {name: score.value for name, score in scores.items() if score.value is not None}
        if pairs:  # undefined counts as nothing, as where heads are ranked
            values[SCORE] = float(np.mean([values.get(name, 0.0) for name in list_means(pairs)]))
        self._check_monitor({"val_loss", SCORE, *scores} if pairs else {"val_loss"})
        if self.monitor in scores:
            values.setdefault(self.monitor, math.nan)  # never better than another epoch
        return values

    def _check_monitor(self, measured: set[str]) -> None:
        if self.monitor not in measured:
            raise TrainingError(
                f"validation: expected labels to measure {self.monitor} on, got only what gives "
                f"{', '.join(sorted(measured))}; name another `training.monitor` or split anew"
            )


def _pair_targets(answered: Answered) -> dict[str, Pairs]:
    """Target → its labels and what was predicted for them, of targets that have any."""
    pairs = {}
    for target, decoded in decode_outputs(answered.outputs).items():
        mask = answered.masks[target]
        if mask.any():
            labels = answered.targets[target][mask].cpu().double().numpy()
            chances = decoded[mask].cpu().double().numpy()
            if TARGETS[target].kind == "class":
                pairs[target] = Pairs(labels, chances.argmax(axis=1).astype(np.float64), chances)
            else:
                pairs[target] = Pairs(labels, chances)
    return pairs
