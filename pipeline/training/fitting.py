"""Fitting: one head trained on one run of the splits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from pipeline.errors import TrainingError
from pipeline.heads.base import Head
from pipeline.heads.building import build_head
from pipeline.heads.losses import head_loss
from pipeline.heads.normalisation import NO_STANDARDS, Standards
from pipeline.heads.recipes import Prior
from pipeline.heads.shared.params import HeadParams
from pipeline.heads.training_params import SCORE
from pipeline.labels.runs import Run, split_clips
from pipeline.modalities import modality_of
from pipeline.store.reader import FeatureStore
from pipeline.targets import TARGETS
from pipeline.training.augmenting import count_copies
from pipeline.training.context import check_context
from pipeline.training.history import History, count_epochs
from pipeline.windows.dataset import WindowDataset, pass_over
from pipeline.windows.labels import Labels
from pipeline.windows.moments import Subjects, measure_all, measure_corpora, measure_moments


@dataclass(frozen=True)
class Fitted:
    """After one run: a head ready to predict, what each epoch measured, and training priors.

    `chosen` is the head that validation judged and chose by: the same, unless that one was trained
    on val as well. `subjects` are those of val. `empty` is how many windows of train and val were
    left out, for no row reached them.
    """

    head: Head
    chosen: Head
    history: History
    priors: dict[str, Prior]
    subjects: Subjects
    empty: int


def fit_run(
    params: HeadParams,
    features: Mapping[str, FeatureStore],
    labels: Labels,
    run: Run,
    live: Path | None = None,
) -> Fitted:
    """Head trained on the run's `train`, stopped and chosen on its `val`; `test` is not read.

    With `training.refit` it is trained once more, on both, by what was chosen. Views are of `train`
    alone. `live` is the folder in which DVCLive shows each epoch as it ends, if anybody is to see.
    """
    clips = split_clips(labels.targets.values(), run)
    check_context(params, labels, clips, run.name)
    train, val = (WindowDataset(features, labels, params) for _ in range(2))
    train.add_clips(clips["train"], views=True)
    val.add_clips(clips["val"])
    subjects = Subjects(val)
    val.withhold(train.unreached)
    _check_filled({"train": train, "val": val}, clips, run)
    empty = train.empty + val.empty
    priors = _measure_priors(labels, params.targets, clips["train"], run)
    shared = _measure_shared(train)
    train.standards = {**shared, **Subjects(train).standardise()}
    val.standards = {**shared, **subjects.standardise()}
    head = begin_head(train, val)
    history = [] if head.solved else _descend(head, train, val, clips["train"], live)
    if head.solved:
        head.fit(pass_over(train), pass_over(val))
    head.standards = shared
    both = [*clips["train"], *clips["val"]]
    final = _fit_again(head, train, both, history) if params.training.refit else head
    return Fitted(final.eval(), head.eval(), history, priors, subjects, empty)


def _check_filled(
    sides: Mapping[str, WindowDataset], clips: Mapping[str, Sequence[str]], run: Run
) -> None:
    """Raise TrainingError for one of `sides` that has no window of its `clips`."""
    for side, dataset in sides.items():
        if not len(dataset):
            raise TrainingError(
                f"{run.name}: expected clips with features in {side}, got none of "
                f"{len(clips[side])}; check the head's inputs and `splits` in params.yaml"
            )


def begin_head(train: WindowDataset, val: WindowDataset) -> Head:
    """Untrained head that `train` is laid out for, which standardises by its rows."""
    torch.manual_seed(train.params.training.seed)
    head = build_head(train.params, train.shapes, train.per, len(train.labels.names.emotion))
    _set_moments(head, train, val)
    return head


def _set_moments(head: Head, train: WindowDataset, val: WindowDataset) -> None:
    """Have `head` standardise by the rows of `train`; those of `val` are checked alike."""
    with torch.random.fork_rng():  # a pass over batches draws a number
        measure_moments(val)
        moments = measure_moments(train)
    for stream, found in moments.items():
        if found.count:
            head.set_moments(stream, found.mean.float(), found.scale.float())
        else:
            head.withhold(stream)


def _measure_shared(train: WindowDataset) -> Standards:
    """What rows go by, whoever is in their clip; nothing where readers alone standardise them."""
    asked = train.params.normalisation
    if asked == "train":
        return NO_STANDARDS
    return {**measure_all(train), **(measure_corpora(train) if asked == "corpus" else {})}


def _descend(
    head: Head,
    train: WindowDataset,
    val: WindowDataset,
    clip_ids: Sequence[str],
    live: Path | None,
) -> History:
    """Train `head` by gradient descent; `clip_ids` are those of `train`."""
    # DVCLive takes as long to import as a small head takes to train.
    from pipeline.training.descent import choose_losses, descend

    _check_attention(head, train)
    head.start()
    history = descend(head, train.params.training, train, val, live)
    if head.stacked:
        from pipeline.training.stacking import hold_out

        held_out = hold_out(clip_ids, train, val, live)
        head.stack(held_out, partial(head_loss, choice=choose_losses(train)))
    return history


def _fit_again(
    chosen: Head, train: WindowDataset, clip_ids: Sequence[str], history: History
) -> Head:
    """Head trained on `clip_ids` as `chosen` was on `train`, by the strengths or epochs it had."""
    both = WindowDataset(train.features, train.labels, train.params)
    both.add_clips(clip_ids, views=True)
    both.withhold(train.unreached)
    both.standards = {**chosen.standards, **Subjects(both).standardise()}
    head = begin_head(both, both)
    head.standards = chosen.standards
    if head.solved:
        head.refit(pass_over(both), chosen)
        return head
    from pipeline.training.descent import descend_blindly

    training = both.params.training
    head.start()
    descend_blindly(head, training, both, count_epochs(history, training.monitor or SCORE))
    if head.stacked:
        head.get_submodule("join").load_state_dict(chosen.get_submodule("join").state_dict())
    return head


MOST_ATTENTION_BYTES = 8 * 2**30
"""Of attention weights in a batch: training needs two to three times as much for them."""


def _check_attention(head: Head, train: WindowDataset) -> None:
    """Raise TrainingError where the attention of a batch would ask for more than machines have."""
    longest = {
        stream: max(len(window.alignments[stream].counts) for window in train.windows)
        for stream in train.sources
    }
    training = train.params.training
    modalities = {modality_of(stream) for stream in train.features}
    batch = min(training.batch, len(train)) * count_copies(training, len(modalities))
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
