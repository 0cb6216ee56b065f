"""Augmenting: a batch as training alone sees it, never validation."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from pipeline.errors import TrainingError
from pipeline.heads.reading import Reader, StreamRows
from pipeline.heads.training_params import TrainingParams
from pipeline.modalities import is_picture, modality_of
from pipeline.training.changing import change_pictures
from pipeline.training.masking import mask_stretches
from pipeline.training.mixing import draw_share, mix_windows, pair_windows
from pipeline.training.withholding import copy_windows, drop_modalities, join_copies
from pipeline.windows.dataset import Batch, WindowDataset


@dataclass(frozen=True)
class Labelling:
    """Labels of a batch's windows, as a `Batch` has them, and their `share` of its loss."""

    targets: Mapping[str, Tensor]
    masks: Mapping[str, Tensor]
    share: float = 1.0

    def repeat(self, copies: int) -> "Labelling":
        """The same for `copies` of the windows, one after another."""
        return Labelling(
            {target: torch.cat([labels] * copies) for target, labels in self.targets.items()},
            {target: torch.cat([mask] * copies) for target, mask in self.masks.items()},
            self.share,
        )


@dataclass(frozen=True)
class Augmented:
    """Rows of a batch, and all that they are labelled as: shares of `labels` sum to 1."""

    streams: dict[str, StreamRows]
    labels: tuple[Labelling, ...]


def augment(batch: Batch, readers: Mapping[str, Reader], params: TrainingParams) -> Augmented:
    """`batch` as `params` ask for it; `readers` know the moments of each stream's rows."""
    streams: dict[str, StreamRows] = batch.streams
    labels: tuple[Labelling, ...] = (Labelling(batch.targets, batch.target_masks),)
    if params.picture_augment.on:
        streams = {
            name: change_pictures(stream, readers[name], params.picture_augment)
            if is_picture(name, readers[name].shape)
            else stream
            for name, stream in streams.items()
        }
    if params.mixup.alpha:
        streams, labels = _mix_batch(replace(batch, streams=streams), draw_share(params.mixup))
    if params.spec_augment.masks:
        streams = {
            name: mask_stretches(stream, readers[name], params.spec_augment)
            if modality_of(name) == "audio"
            else stream
            for name, stream in streams.items()
        }
    if isinstance(params.modality_dropout, float):
        streams = drop_modalities(streams, params.modality_dropout)
    else:
        copies = copy_windows(streams, readers, params.modality_dropout)
        streams = join_copies(copies)
        labels = tuple(labelling.repeat(len(copies)) for labelling in labels)
    if params.feature_noise:
        streams = {
            name: add_noise(stream, readers[name], params.feature_noise)
            for name, stream in streams.items()
        }
    return Augmented(streams, labels)


def count_copies(params: TrainingParams, modalities: int) -> int:
    """How often a head passes over each window of a batch before it learns from them."""
    copies = {"soft_hard": modalities + 2, "noise": modalities + 1}
    passes = 2 if params.consistency else 1
    return passes * copies.get(str(params.modality_dropout), 1)


def check_augmentation(train: WindowDataset) -> None:
    """Raise TrainingError where windows of `train` cannot be augmented as their head asks."""
    framed = [target for target, per in train.per.items() if per == "frame"]
    if train.params.training.mixup.alpha and framed:
        raise TrainingError(
            f"training.mixup: expected targets that are labelled clip by clip, got frames of "
            f"{', '.join(framed)}; leave `mixup` out, or these targets"
        )
    seen = ", ".join(f"{name}: {shape}" for name, shape in train.shapes.items())
    pictures = [is_picture(*stream) for stream in train.shapes.items()]
    if train.params.training.picture_augment.on and not any(pictures):
        raise TrainingError(
            f"training.picture_augment: expected maps of faces or scenes among the inputs, got "
            f"{seen}; read pictures (encoder `pixels`), or leave it out"
        )
    heard = {name: shape for name, shape in train.shapes.items() if modality_of(name) == "audio"}
    for name, shape in heard.items():
        if train.params.training.spec_augment.frequency_masks and shape.axes[-1] != "dim":
            raise TrainingError(
                f"training.spec_augment: expected rows of {name} that end in frequencies, got "
                f"{shape}; set `frequency_masks` to 0, or read another set"
            )


def add_noise(stream: StreamRows, reader: Reader, size: float) -> StreamRows:
    """`stream` with normal noise, `size` standard deviations of the training rows."""
    spread = reader.spread("scale") * size
    return replace(stream, rows=stream.rows + spread * torch.randn_like(stream.rows))


def _mix_batch(batch: Batch, share: float) -> tuple[dict[str, StreamRows], tuple[Labelling, ...]]:
    """Rows of `batch` with those of partners, and the labels of both."""
    partners = pair_windows(batch.streams)
    own = Labelling(batch.targets, batch.target_masks, share)
    others = Labelling(
        {target: labels[partners] for target, labels in batch.targets.items()},
        {target: mask[partners] for target, mask in batch.target_masks.items()},
        1.0 - share,
    )
    return mix_windows(batch.streams, partners, share), (own, others)
