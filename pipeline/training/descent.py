"""Descent: a head trained by Lightning, stopped and chosen on validation."""

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import torch
from dvclive.live import Live
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Callback, EarlyStopping, WeightAveraging
from scmrepo.exceptions import SCMError
from scmrepo.git import Git
from torch.optim.swa_utils import get_ema_multi_avg_fn
from torch.utils.data import BatchSampler, DataLoader

from pipeline.errors import TrainingError
from pipeline.heads.base import Head
from pipeline.heads.losses import LossChoice
from pipeline.heads.params import SCORE, TrainingParams
from pipeline.training.augmenting import check_augmentation
from pipeline.training.classes import sample_windows, weigh_classes
from pipeline.training.history import History
from pipeline.training.module import HeadModule
from pipeline.training.optimisers import choose_mode
from pipeline.windows.dataset import Batch, WindowDataset, load_batches


def descend(
    head: Head, params: TrainingParams, train: WindowDataset, val: WindowDataset, live: Path
) -> History:
    """Train `head` by gradient descent and leave it with its best weights; returns the history.

    DVCLive follows each epoch in the folder `live`. Raises TrainingError where what stops training
    is undefined in every epoch.
    """
    module, batches = _prepare(head, params, train)
    monitor = params.monitor or SCORE
    with _quiet_lightning(), _follow(live) as follower:
        recorder, average = _Recorder(follower), _average(params)
        best = _Best(monitor, average)
        stop = EarlyStopping(
            monitor,
            min_delta=params.least_gain,
            patience=params.patience,
            mode=choose_mode(monitor),
            check_finite=False,
        )
        trainer = _make_trainer(params, params.epochs, [recorder, best, stop, average])
        trainer.fit(module, batches, load_batches(val))
    if not best.weights:
        raise TrainingError(
            f"validation: expected labels that define {monitor} in some epoch, got none, as where "
            f"all are the same; name another `training.monitor` or split anew"
        )
    module.load_state_dict(best.weights)
    module.cpu()
    return recorder.epochs


def descend_blindly(head: Head, params: TrainingParams, train: WindowDataset, epochs: int) -> None:
    """Train `head` for so many epochs, with nothing to choose by; it has the last one's weights."""
    module, batches = _prepare(head, params, train)
    average = _average(params)
    with _quiet_lightning():
        _make_trainer(params, epochs, [average]).fit(module, batches)
    if average is not None:
        module.load_state_dict(average.module.state_dict())
    module.cpu()


def _prepare(
    head: Head, params: TrainingParams, train: WindowDataset
) -> tuple[HeadModule, DataLoader[Batch]]:
    check_augmentation(train)
    module = HeadModule(head, params, len(train.labels.names.emotion), choose_losses(train))
    drawn = BatchSampler(sample_windows(train), params.batch, drop_last=False)
    return module, DataLoader(train, sampler=drawn, batch_size=None)


def _average(params: TrainingParams) -> "Average | None":
    return Average(params.weight_average) if params.weight_average else None


def _make_trainer(
    params: TrainingParams, epochs: int, callbacks: Sequence[Callback | None]
) -> Trainer:
    return Trainer(
        max_epochs=epochs,
        gradient_clip_val=params.gradient_clip,
        callbacks=[callback for callback in callbacks if callback is not None],
        accelerator="auto",
        devices=1,
        deterministic=True,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )


def choose_losses(train: WindowDataset) -> LossChoice:
    """Losses that the head of `train` asks for; raises TrainingError as `weigh_classes` does."""
    params = train.params.training
    smoothing, weights = params.label_smoothing, params.target_weights
    return LossChoice(params.losses, weigh_classes(train), smoothing, weights)


class _Recorder(Callback):
    """Keeps what each epoch logged, and lets DVCLive show it meanwhile."""

    def __init__(self, live: Live | None) -> None:
        self.epochs: History = []
        self.live = live

    def on_train_epoch_end(self, trainer: Trainer, pl_module: Any) -> None:
        logged = {name: float(value) for name, value in trainer.logged_metrics.items()}
        self.epochs.append({"epoch": trainer.current_epoch, **logged})
        if self.live is not None:
            for name, value in logged.items():
                self.live.log_metric(name, value)
            self.live.next_step()


class _Best(Callback):
    """Keeps the weights of the first epoch that `monitor` is best at.

    Lightning's own ModelCheckpoint would write files, and import clients of cloud storage.
    """

    def __init__(self, monitor: str, average: "Average | None" = None) -> None:
        self.monitor = monitor
        self.average = average
        self.value = -torch.inf
        self.weights: dict[str, torch.Tensor] = {}

    def on_train_epoch_end(self, trainer: Trainer, pl_module: Any) -> None:
        measured = float(trainer.logged_metrics[self.monitor])
        value = -measured if choose_mode(self.monitor) == "min" else measured
        if value > self.value:
            self.value = value
            judged = self.average.module if self.average else pl_module
            self.weights = {name: kept.clone() for name, kept in judged.state_dict().items()}


class Average(WeightAveraging):
    """The exponential moving average of the weights, which validation measures in their place.

    Polyak and Juditsky, Acceleration of stochastic approximation by averaging, 1992. It begins with
    the weights after the first step; statistics of batches are averaged as weights are.
    """

    def __init__(self, decay: float) -> None:
        averaging = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        super().__init__(multi_avg_fn=averaging)

    @property
    def module(self) -> torch.nn.Module:
        """What is trained, with the averaged weights."""
        assert self._average_model is not None
        return self._average_model.module


@contextmanager
def _follow(folder: Path) -> Iterator[Live | None]:
    """DVCLive in `folder`; None in a git repository without commits, which it cannot bear."""
    if _lacks_commits():
        yield None
        return
    live = Live(dir=str(folder), dvcyaml=None, save_dvc_exp=False, report=None)
    try:
        yield live
    finally:
        if live._dvc_repo is not None:
            live._dvc_repo.close()  # DVCLive leaves git's packs open


def _lacks_commits() -> bool:
    """Whether this is a git repository without commits; asked before DVCLive opens databases."""
    try:
        with closing(Git()) as git:
            return bool(git.no_commits)
    except SCMError:
        return False  # no repository


@contextmanager
def _quiet_lightning() -> Iterator[None]:
    """Lightning without its advice: batches come from memory, and devices are in the recipe."""
    levels = {name: logging.getLogger(name).level for name in _LOGGERS}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        warnings.filterwarnings("ignore", message=".*smaller than the logging interval.*")
        warnings.filterwarnings("ignore", message=".*but have no `val_dataloader`")  # as is meant
        warnings.filterwarnings("ignore", message=".*LeafSpec.* is deprecated")
        for name in _LOGGERS:
            logging.getLogger(name).setLevel(logging.WARNING)
        try:
            yield
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)


_LOGGERS = ("lightning.pytorch.utilities.rank_zero", "lightning.pytorch.accelerators.cuda")
