"""Descent: a head trained by gradient descent, stopped and chosen on validation."""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.amp.autocast_mode import is_autocast_available
from torch.optim.lr_scheduler import LambdaLR, ReduceLROnPlateau
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import BatchSampler, DataLoader

from pipeline.errors import TrainingError
from pipeline.heads.base import Head
from pipeline.heads.losses import LossChoice
from pipeline.heads.training_params import SCORE, TrainingParams
from pipeline.training.augmenting import check_augmentation
from pipeline.training.classes import sample_windows, weigh_classes
from pipeline.training.following import follow
from pipeline.training.history import History
from pipeline.training.objective import Objective
from pipeline.training.optimisers import choose_mode, make_optimiser, schedule_rate
from pipeline.training.validation import Validation
from pipeline.windows.dataset import Batch, WindowDataset, load_batches


def descend(
    head: Head,
    params: TrainingParams,
    train: WindowDataset,
    val: WindowDataset,
    live: Path | None,
) -> History:
    """Train `head` by gradient descent and leave it with its best weights; returns the history.

    DVCLive follows each epoch in the folder `live`, if there is one. Raises TrainingError where
    what stops training is undefined in every epoch.
    """
    descent, monitor = Descent(head, params, train), params.monitor or SCORE
    classes = len(train.labels.names.emotion)
    validation = Validation(load_batches(val), classes, descent.losses, monitor)
    watch, history = Watch(params), []
    with _deterministic(), follow(live) as show:
        for epoch in range(params.epochs):
            loss = descent.run_epoch(epoch)
            measured = {"train_loss": loss, **validation.measure(descent.judged, epoch)}
            history.append({"epoch": epoch, **measured})
            show(measured)
            watch.look(measured[monitor], descent.judged)
            if watch.over:
                break
            descent.end_epoch(measured[monitor])
    if not watch.weights:
        raise TrainingError(
            f"validation: expected labels that define {monitor} in some epoch, got none, as where "
            f"all are the same; name another `training.monitor` or split anew"
        )
    head.load_state_dict(watch.weights)
    head.cpu()
    return history


def descend_blindly(head: Head, params: TrainingParams, train: WindowDataset, epochs: int) -> None:
    """Train `head` for so many epochs, with nothing to choose by; it has the last one's weights."""
    descent = Descent(head, params, train)
    with _deterministic():
        for epoch in range(epochs):
            descent.run_epoch(epoch)
            descent.end_epoch(math.nan)
    head.load_state_dict(descent.judged.state_dict())
    head.cpu()


def choose_losses(train: WindowDataset) -> LossChoice:
    """Losses that the head of `train` asks for; raises TrainingError as `weigh_classes` does."""
    params = train.params.training
    smoothing, weights = params.label_smoothing, params.target_weights
    return LossChoice(params.losses, weigh_classes(train), smoothing, weights)


def choose_device() -> torch.device:
    """The accelerator that is there, or else the processor."""
    return torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")


def check_precision(params: TrainingParams, device: torch.device) -> None:
    """Raise TrainingError where `device` has no precision that `params` ask for."""
    known = is_autocast_available(device.type)
    if device.type == "cuda":
        known = torch.cuda.is_bf16_supported(including_emulation=False)
    if params.precision == "bf16" and not known:
        raise TrainingError(
            f"training.precision: expected one that {device.type} has, got bf16; set it to fp32"
        )


class Descent:
    """A head on its way: its objective over the windows of `train`, and what takes it downhill."""

    def __init__(self, head: Head, params: TrainingParams, train: WindowDataset) -> None:
        check_augmentation(train)
        self.device = choose_device()
        check_precision(params, self.device)
        self.losses = choose_losses(train).to(self.device)
        self.objective = Objective(head, params, self.losses).to(self.device)
        self.weights, self.clip = list(self.objective.parameters()), params.gradient_clip
        self.optimiser = make_optimiser(self.objective.group_parameters(), params)
        self.average = average_weights(head, params.weight_average)
        drawn = BatchSampler(sample_windows(train), params.batch, drop_last=False)
        self.batches = DataLoader(train, sampler=drawn, batch_size=None)
        self.schedule = schedule_rate(self.optimiser, params, len(self.batches))

    @property
    def judged(self) -> Head:
        """The head as it is judged and kept: with averaged weights, where these are asked for."""
        judged = self.objective.head if self.average is None else self.average.module
        assert isinstance(judged, Head)
        return judged

    def run_epoch(self, epoch: int) -> float:
        """Mean loss of the batches of an epoch, a step for each.

        Raises TrainingError when one is not finite.
        """
        self.objective.begin_epoch()
        # Asked for one batch more, the sampler would draw the next epoch's order from further on.
        batches = islice(self.batches, len(self.batches))
        losses = [self.step(batch.to(self.device)) for batch in batches]
        # Looked at once: each look would have the processor wait for the accelerator.
        finite = torch.stack(losses).isfinite()
        if not finite.all():
            index = int((~finite).nonzero()[0])
            raise TrainingError(
                f"epoch {epoch}, batch {index}: expected a finite training loss, got "
                f"{losses[index].item()}; lower `training.learning_rate` or look at the inputs "
                f"with `moodline inspect`"
            )
        return float(sum(losses) / len(losses))

    def step(self, batch: Batch) -> Tensor:
        """Loss of a batch, after which a step was taken."""
        loss: Tensor = self.objective(batch)
        for weight in self.weights:
            weight.grad = None  # as `zero_grad` has it, without a mark for profilers
        loss.backward()  # type: ignore[no-untyped-call]
        if self.clip is not None:
            torch.nn.utils.clip_grad_norm_(self.weights, self.clip, foreach=True)
        self.optimiser.step()
        if isinstance(self.schedule, LambdaLR):
            self.schedule.step()
        if self.average is not None:
            self.average.update_parameters(self.objective.head)
        return loss.detach()

    def end_epoch(self, monitored: float) -> None:
        """Set the learning rate of the next epoch, if a plateau of what is `monitored` does."""
        if isinstance(self.schedule, ReduceLROnPlateau):
            self.schedule.step(monitored)


def average_weights(head: Head, decay: float) -> AveragedModel | None:
    """A copy of `head` for the exponential moving average of its weights; None for no `decay`.

    Polyak and Juditsky, Acceleration of stochastic approximation by averaging, 1992. It begins with
    the weights after the first step; statistics of batches are averaged as weights are.
    """
    if not decay:
        return None
    averaging = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
    return AveragedModel(head, multi_avg_fn=averaging, use_buffers=True)


class Watch:
    """What is made of a monitored metric: the `weights` of the first epoch at which it is best.

    Training is `over` where it was no better for some epochs, by more than the least gain.
    """

    def __init__(self, params: TrainingParams) -> None:
        self.sign = -1.0 if choose_mode(params.monitor or SCORE) == "min" else 1.0
        self.least_gain, self.patience = params.least_gain, params.patience
        self.best = self.gained = -math.inf
        self.waited = 0
        self.weights: dict[str, Tensor] = {}

    def look(self, monitored: float, judged: Head) -> None:
        """Take in an epoch of `judged`."""
        value = self.sign * monitored
        if value > self.best:
            self.best = value
            self.weights = {name: kept.clone() for name, kept in judged.state_dict().items()}
        if value - self.least_gain > self.gained:
            self.gained, self.waited = value, 0
        else:
            self.waited += 1

    @property
    def over(self) -> bool:
        """Whether patience is at its end."""
        return self.waited >= self.patience


BLANKS: Any = torch.utils.deterministic
"""What says whether new memory is filled where kernels are deterministic."""


@contextmanager
def _deterministic() -> Iterator[None]:
    """Kernels that sum in one order, so that a seed gives the same weights on one machine."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # which cuBLAS asks for
    mode, filled = torch.get_deterministic_debug_mode(), BLANKS.fill_uninitialized_memory
    # `use_deterministic_algorithms` would import PyTorch's compiler, to tell it the same.
    torch.set_deterministic_debug_mode("error")
    BLANKS.fill_uninitialized_memory = False  # each copy would be written twice
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode(mode)
        BLANKS.fill_uninitialized_memory = filled
