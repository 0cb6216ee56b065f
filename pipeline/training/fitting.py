"""Fitting: one head trained on one run of the splits."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pipeline.dataset import TARGETS, Labels, WindowDataset, load_batches
from pipeline.errors import TrainingError
from pipeline.heads import HeadParams
from pipeline.heads.base import Head
from pipeline.heads.building import build_head
from pipeline.runs import Run, split_clips
from pipeline.store.reader import FeatureStore

History = list[dict[str, Any]]


@dataclass(frozen=True)
class Fitted:
    """A head after one run: its weights, what each epoch measured, and its training priors."""

    weights: dict[str, torch.Tensor]
    history: History
    priors: dict[str, float]


def fit_run(
    params: HeadParams,
    features: Mapping[str, FeatureStore],
    labels: Labels,
    run: Run,
    live: Path,
) -> Fitted:
    """Head trained on the run's `train`, stopped and chosen on its `val`; `test` is not read.

    `live` is the folder in which DVCLive shows each epoch as it ends.
    """
    clips = split_clips(labels.targets.values(), run)
    train, val = (_load_side(params, features, labels, clips[side]) for side in ("train", "val"))
    for side, dataset in (("train", train), ("val", val)):
        if not len(dataset):
            raise TrainingError(
                f"{run.name}: expected clips with features in {side}, got none of "
                f"{len(clips[side])}; check the head's inputs and `splits` in params.yaml"
            )
        check_rows(dataset)
    priors = measure_priors(labels, clips["train"])
    for target in params.targets:
        if target not in priors:
            raise TrainingError(
                f"{run.name}: {target}: expected labels among the {len(clips['train'])} clips of "
                f"train, got none; leave it out of the head's `targets`, or mend the split"
            )
    torch.manual_seed(params.training.seed)
    head = build_head(params, train.dims, train.per, len(labels.names.emotion))
    set_moments(head, train)
    if head.solved:
        head.fit(load_batches(train), load_batches(val))
        history: History = []
    else:
        # Lightning takes as long to import as a small head takes to train.
        from pipeline.training.descent import descend

        head.start()
        history = descend(head, params.training, train, val, live)
    weights = {name: value.detach().clone() for name, value in head.state_dict().items()}
    return Fitted(weights, history, priors)


def check_rows(dataset: WindowDataset) -> None:
    """Raise TrainingError where a row that a head would see is NaN or infinite."""
    for batch in load_batches(dataset):
        for modality, rows in batch.inputs.items():
            if not torch.isfinite(rows).all():
                raise TrainingError(
                    f"{dataset.features[modality].path}: expected finite embeddings, got NaN or "
                    f"infinity; run `moodline verify` and extract the set again"
                )


def set_moments(head: Head, dataset: WindowDataset) -> None:
    """Give `head` the mean and standard deviation of each modality's rows in `dataset`."""
    for modality, dim in dataset.dims.items():
        count, total, squares = 0, torch.zeros(dim).double(), torch.zeros(dim).double()
        for batch in load_batches(dataset):
            rows = batch.inputs[modality][batch.masks[modality]].double()
            count += len(rows)
            total += rows.sum(dim=0)
            squares += rows.square().sum(dim=0)
        if count:
            mean = total / count
            scale = (squares / count - mean.square()).clamp(min=0).sqrt()
            head.standardise.set_moments(modality, mean.float(), scale.float())


def measure_priors(labels: Labels, clip_ids: Sequence[str]) -> dict[str, float]:
    """What the labels of `clip_ids` alone predict: commonest class, mean valence and arousal."""
    priors: dict[str, float] = {}
    for target in TARGETS:
        values = np.concatenate([labels.values(clip_id, target) for clip_id in clip_ids])
        known = values[~np.isnan(values)]
        if len(known):
            counted = np.bincount(known.astype(int)) if target == "emotion" else None
            priors[target] = float(known.mean() if counted is None else counted.argmax())
    return priors


def write_history(path: Path, history: Mapping[str, History]) -> None:
    """Write `history` (run → epochs) as CSV, one row per epoch; heads solved exactly have none."""
    rows = [{"run": run, **epoch} for run, epochs in history.items() for epoch in epochs]
    columns = dict.fromkeys(["run", "epoch", *(name for row in rows for name in row)])
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def _load_side(
    params: HeadParams,
    features: Mapping[str, FeatureStore],
    labels: Labels,
    clip_ids: Sequence[str],
) -> WindowDataset:
    dataset = WindowDataset(features, labels, params)
    dataset.add_clips(clip_ids)
    return dataset
