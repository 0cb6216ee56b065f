"""Classes: what training does for the rare ones, in the loss or in what it draws."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.data import RandomSampler, Sampler, WeightedRandomSampler

from pipeline.errors import TrainingError
from pipeline.targets import TARGETS
from pipeline.windows.dataset import WindowDataset


def sample_windows(train: WindowDataset) -> Sampler[int]:
    """Indices of the windows of an epoch, drawn as the head of `train` asks: as many as there are.

    Raises TrainingError where windows are drawn by classes that they have none of.
    """
    params = train.params.training
    generator = torch.Generator().manual_seed(params.seed)
    if params.sampler == "shuffled":
        return RandomSampler(train, generator=generator)
    weights = weigh_windows(train).tolist()
    return WeightedRandomSampler(weights, len(train), replacement=True, generator=generator)


def weigh_windows(train: WindowDataset) -> Float[Tensor, " windows"]:
    """Chance of each window, relative to others, by which all classes of `emotion` are as common.

    Windows without a class are drawn as often as their number has it. Raises TrainingError where
    classes are those of frames.
    """
    if train.per["emotion"] == "frame":
        raise TrainingError(
            "training.sampler: expected windows of one class each to draw by, got a class for each "
            "frame; use `class_weights`"
        )
    labels = torch.tensor([float(example.targets["emotion"]) for example in train.examples])
    weights = balance_classes(train, "emotion", len(train.labels.names.emotion))
    known = ~labels.isnan()
    return torch.where(known, weights[labels.nan_to_num().long()], 1.0)


def weigh_classes(train: WindowDataset) -> dict[str, Float[Tensor, " classes"]]:
    """Target of kind `class` → weight of each class, as the head of `train` asks; none for `none`.

    Balanced: labels / (classes x its labels), 1 for one that does not occur. Raises TrainingError
    for a weight of a class that the labels do not have.
    """
    asked, names = train.params.training.class_weights, train.labels.names.emotion
    targets = [name for name in train.params.targets if TARGETS[name].kind == "class"]
    if asked == "none":
        return {}
    if asked == "balanced":
        return {target: balance_classes(train, target, len(names)) for target in targets}
    if strange := asked.keys() - set(names):
        raise TrainingError(
            f"training.class_weights: expected classes of the corpus, got {min(strange)}; known: "
            f"{', '.join(names)}"
        )
    weights = torch.tensor([asked.get(name, 1.0) for name in names])
    return dict.fromkeys(targets, weights)


def balance_classes(train: WindowDataset, target: str, classes: int) -> Float[Tensor, " classes"]:
    """Labels / (classes x those of a class) of each class, 1 for one that does not occur."""
    labels = np.concatenate([example.targets[target].ravel() for example in train.examples])
    known = torch.from_numpy(labels[~np.isnan(labels)]).long()
    counts = torch.bincount(known, minlength=classes)
    return torch.where(counts > 0, counts.sum() / (classes * counts), 1.0)
