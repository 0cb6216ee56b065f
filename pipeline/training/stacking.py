"""Stacking: heads trained on a part of the training clips, to see what they say of the rest."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from pipeline.errors import TrainingError
from pipeline.heads.base import Head, LabelledBatch
from pipeline.heads.params import JoinedParams
from pipeline.training.descent import descend
from pipeline.training.fitting import begin_head
from pipeline.windows.dataset import WindowDataset, load_batches


def hold_out(
    clip_ids: Sequence[str], train: WindowDataset, val: WindowDataset, live: Path | None
) -> Iterator[tuple[Head, Iterable[LabelledBatch]]]:
    """For each inner fold of `clip_ids`, a head trained on the others, and the fold in batches.

    A fold is clips that follow one another, so few speakers are on both sides. `train` has windows
    of all of these clips; `val` stops and chooses, as it does for the whole. Raises TrainingError
    where no fold has windows, and others to train on.
    """
    params = train.params
    assert isinstance(params, JoinedParams)
    found = 0
    for number, fold in enumerate(np.array_split(np.array(clip_ids), params.inner_folds)):
        held, rest = _lay(train, fold.tolist()), train.leave_out(set(fold.tolist()))
        if not len(held) or not len(rest):
            continue
        head = begin_head(rest, val)
        head.start()
        descend(head, params.training, rest, val, live and live / f"inner-{number}")
        found += 1
        yield head.eval(), load_batches(held)
    if not found:
        raise TrainingError(
            f"join {params.join}: expected windows in some of {params.inner_folds} inner folds, "
            f"got none; set `join: mean`"
        )


def _lay(train: WindowDataset, clip_ids: Sequence[str]) -> WindowDataset:
    """Windows of these clips as they are, whatever views training has of them."""
    held = WindowDataset(train.features, train.labels, train.params)
    held.add_clips(clip_ids)
    held.standards = train.standards
    return held
