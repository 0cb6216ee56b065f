"""Descent: a head trained by Lightning, stopped and chosen on validation."""

import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint
from torch.utils.data import BatchSampler, DataLoader, RandomSampler

from pipeline.dataset import Batch, WindowDataset, load_batches
from pipeline.heads import SCORE, TrainingParams
from pipeline.heads.base import Head
from pipeline.training.fitting import History
from pipeline.training.module import HeadModule


def descend(
    head: Head, params: TrainingParams, train: WindowDataset, val: WindowDataset
) -> History:
    """Train `head` by gradient descent and leave it with its best weights; returns the history."""
    module = HeadModule(head, params, len(train.labels.names.emotion))
    generator = torch.Generator().manual_seed(params.seed)
    shuffled = RandomSampler(train, generator=generator)
    batches: DataLoader[Batch] = DataLoader(
        train, sampler=BatchSampler(shuffled, params.batch, drop_last=False), batch_size=None
    )
    recorder, monitor = _Recorder(), params.monitor or SCORE
    with tempfile.TemporaryDirectory() as folder, _quiet_lightning():
        best = ModelCheckpoint(folder, monitor=monitor, mode=_mode(monitor), save_weights_only=True)
        stop = EarlyStopping(monitor, patience=params.patience, mode=_mode(monitor))
        trainer = Trainer(
            max_epochs=params.epochs,
            gradient_clip_val=params.gradient_clip,
            callbacks=[recorder, best, stop],
            accelerator="auto",
            devices=1,
            deterministic=True,
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            default_root_dir=folder,
        )
        trainer.fit(module, batches, load_batches(val))
        module.load_state_dict(torch.load(best.best_model_path, weights_only=True)["state_dict"])
    module.cpu()
    return recorder.epochs


class _Recorder(Callback):
    """Keeps what each epoch logged."""

    def __init__(self) -> None:
        self.epochs: History = []

    def on_train_epoch_end(self, trainer: Trainer, pl_module: Any) -> None:
        logged = {name: float(value) for name, value in trainer.logged_metrics.items()}
        self.epochs.append({"epoch": trainer.current_epoch, **logged})


def _mode(monitor: str) -> str:
    return "min" if monitor.endswith("loss") else "max"


@contextmanager
def _quiet_lightning() -> Iterator[None]:
    """Lightning without its advice: batches come from memory, and devices are in the recipe."""
    levels = {name: logging.getLogger(name).level for name in _LOGGERS}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        warnings.filterwarnings("ignore", message=".*smaller than the logging interval.*")
        warnings.filterwarnings("ignore", message=".*LeafSpec.* is deprecated")
        for name in _LOGGERS:
            logging.getLogger(name).setLevel(logging.WARNING)
        try:
            yield
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)


_LOGGERS = ("lightning.pytorch.utilities.rank_zero", "lightning.pytorch.accelerators.cuda")
