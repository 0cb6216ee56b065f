"""Fitting: one head trained on one run of the splits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from pipeline.errors import TrainingError
from pipeline.heads.base import Head
from pipeline.heads.building import build_head
from pipeline.heads.params import HeadParams
from pipeline.heads.recipes import Prior
from pipeline.labels.runs import Run, split_clips
from pipeline.store.reader import FeatureStore
from pipeline.targets import TARGETS
from pipeline.training.history import History
from pipeline.training.imports import leave_out
from pipeline.windows.dataset import WindowDataset, load_batches
from pipeline.windows.labels import Labels


@dataclass(frozen=True)
class Fitted:
    """After one run: a head ready to predict, what each epoch measured, and training priors.

    `empty` is how many windows of train and val were left out, for no row reached them.
    """

    head: Head
    history: History
    priors: dict[str, Prior]
    empty: int


def fit_run(
    params: HeadParams,
    features: Mapping[str, FeatureStore],
    labels: Labels,
    run: Run,
    live: Path,
) -> Fitted:
    """Head trained on the run's `train`, stopped and chosen on its `val`; `test` is not read.

    Views are of `train` alone. `live` is the folder in which DVCLive shows each epoch as it ends.
    """
    clips = split_clips(labels.targets.values(), run)
    train, val = (WindowDataset(features, labels, params) for _ in range(2))
    train.add_clips(clips["train"], views=True)
    val.add_clips(clips["val"])
    val.withhold(train.unreached)
    for side, dataset in (("train", train), ("val", val)):
        if not len(dataset):
            raise TrainingError(
                f"{run.name}: expected clips with features in {side}, got none of "
                f"{len(clips[side])}; check the head's inputs and `splits` in params.yaml"
            )
    empty = train.empty + val.empty
    priors = _measure_priors(labels, params.targets, clips["train"], run)
    torch.manual_seed(params.training.seed)
    head = build_head(params, train.shapes, train.per, len(labels.names.emotion))
    _set_moments(head, train, val)
    if head.solved:
        head.fit(load_batches(train), load_batches(val))
        return Fitted(head.eval(), [], priors, empty)
    # Lightning takes as long to import as a small head takes to train.
    with leave_out("scipy", "torchvision", "transformers"):
        from pipeline.training.descent import descend

    _check_attention(head, train)
    head.start()
    history = descend(head, params.training, train, val, live)
    return Fitted(head.eval(), history, priors, empty)


MOST_ATTENTION_BYTES = 8 * 2**30
"""Of attention weights in a batch: training needs two to three times as much for them."""


def _check_attention(head: Head, train: WindowDataset) -> None:
    """Raise TrainingError where the attention of a batch would ask for more than machines have."""
    longest = {
        stream: max(len(window.alignments[stream].counts) for window in train.windows)
        for stream in train.features
    }
    batch = min(train.params.training.batch, len(train))
    asked = 4 * batch * head.count_weights(longest)
    if asked > MOST_ATTENTION_BYTES:
        rows = ", ".join(f"{count:,} rows of {stream}" for stream, count in longest.items())
        raise TrainingError(
            f"expected at most {MOST_ATTENTION_BYTES / 2**30:.0f} GB of attention weights in a "
            f"batch, got {asked / 2**30:,.1f} GB: {batch} windows of up to {rows}; set "
            f"`windows.seconds` or a lower `windows.rate_hz`, or a smaller `training.batch`"
        )


def _measure_priors(
    labels: Labels, targets: Sequence[str], clip_ids: Sequence[str], run: Run
) -> dict[str, Prior]:
    """Prior of each of `targets`; raises TrainingError for one without any label."""
    priors = {target: measure_prior(labels, target, clip_ids) for target in targets}
    for target, prior in priors.items():
        if prior is None:
            raise TrainingError(
                f"{run.name}: {target}: expected labels among the {len(clip_ids)} clips of "
                f"train, got none; leave it out of the head's `targets`, or mend the split"
            )
    return {target: prior for target, prior in priors.items() if prior is not None}


def _set_moments(head: Head, train: WindowDataset, val: WindowDataset) -> None:
    """Have `head` standardise by the rows of `train`; those of `val` are checked alike."""
    with torch.random.fork_rng():  # a pass over batches draws a number
        measure_moments(val, head)
        moments = measure_moments(train, head)
    for stream, found in moments.items():
        if found.count:
            head.readers[stream].set_moments(found.mean.float(), found.scale.float())
        else:
            head.readers[stream].withhold()


class Moments:
    """Mean and standard deviation of rows that come batch by batch.

    Chan, Golub and LeVeque, Updating formulae and a pairwise algorithm for computing sample
    variances, 1979: no difference of large squares, so columns far from zero keep their digits.
    """

    def __init__(self, columns: tuple[int, ...]) -> None:
        self.count = 0
        self.mean = torch.zeros(columns).double()
        self.squares = torch.zeros(columns).double()

    def add(self, rows: Float[torch.Tensor, "rows *columns"]) -> None:
        """Take in more rows."""
        if not len(rows):
            return
        rows = rows.double()
        mean, before = rows.mean(dim=0), self.count
        self.count += len(rows)
        step, share = mean - self.mean, len(rows) / self.count
        self.mean = self.mean + share * step
        self.squares += (rows - mean).square().sum(dim=0) + before * share * step.square()

    @property
    def scale(self) -> Float[torch.Tensor, "*columns"]:
        """Standard deviation; NaN without any rows."""
        return (self.squares / self.count).sqrt()


def measure_moments(dataset: WindowDataset, head: Head) -> dict[str, Moments]:
    """Moments of each stream's columns, as `head` reads them.

    Raises TrainingError where one is NaN or infinite.
    """
    moments = {stream: Moments(reader.columns) for stream, reader in head.readers.items()}
    for batch in load_batches(dataset):
        for stream, found in moments.items():
            rows = batch.streams[stream].rows[batch.streams[stream].mask]
            found.add(head.readers[stream].list_columns(rows))
    for stream, found in moments.items():
        if not torch.isfinite(found.mean).all():
            raise TrainingError(
                f"{dataset.features[stream].path}: expected finite embeddings, got NaN or "
                f"infinity; run `moodline verify` and extract the set again"
            )
    return moments


def measure_prior(labels: Labels, target: str, clip_ids: Sequence[str]) -> Prior | None:
    """What the labels of `clip_ids` alone predict of `target`; None where they have none.

    The commonest class; the mean of ratings, and of what each class has.
    """
    values = np.concatenate([labels.values(clip_id, target) for clip_id in clip_ids])
    known = values[~np.isnan(values).any(axis=tuple(range(1, values.ndim)))]
    if not len(known):
        return None
    if TARGETS[target].kind == "class":
        return float(np.bincount(known.astype(int)).argmax())
    mean: Prior = known.mean(axis=0).tolist()
    return mean
