"""Moments: the mean and the scale of rows, of all that trains, of a corpus, or of a person."""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pipeline.errors import TrainingError
from pipeline.heads.base import Head
from pipeline.heads.building import build_head
from pipeline.heads.normalisation import ALL, Standards, corpus_of
from pipeline.windows.dataset import Batch, WindowDataset, load_batches


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
        mean = rows.mean(dim=0)
        self._take(len(rows), mean, (rows - mean).square().sum(dim=0))

    def join(self, other: "Moments") -> None:
        """Take in the rows of `other`."""
        if other.count:
            self._take(other.count, other.mean, other.squares)

    def _take(self, count: int, mean: Tensor, squares: Tensor) -> None:
        before = self.count
        self.count += count
        step, share = mean - self.mean, count / self.count
        self.mean = self.mean + share * step
        self.squares += squares + before * share * step.square()

    @property
    def scale(self) -> Float[torch.Tensor, "*columns"]:
        """Standard deviation; NaN without any rows."""
        return (self.squares / self.count).sqrt()


StreamMoments = dict[str, Moments]
"""Stream → moments of its rows."""

MOST_MOMENTS_BYTES = 8 * 2**30
"""Of the moments of all clips of a side, each number of which takes MOMENTS_BYTES."""

MOMENTS_BYTES = 24
"""A mean and a sum of squares in float64, and what rows are standardised by in float32."""


def measure_moments(dataset: WindowDataset, head: Head) -> StreamMoments:
    """Moments of each stream's columns, as `head` reads them.

    Raises TrainingError where one is NaN or infinite.
    """
    moments = _begin(head)
    for batch in load_batches(dataset):
        _add_rows(moments, batch, head)
    for stream, found in moments.items():
        if not torch.isfinite(found.mean).all():
            raise TrainingError(
                f"{dataset.sources[stream].path}: expected finite embeddings, got NaN or "
                f"infinity; run `moodline verify` and extract the set again"
            )
    return moments


def measure_all(train: WindowDataset) -> Standards:
    """Mean and scale of all rows of `train`, stream by stream, as `ALL`."""
    head = _lay_head(train)
    return {ALL: _standardise(head, measure_moments(train, head))}


def measure_corpora(train: WindowDataset) -> Standards:
    """Mean and scale of the rows of each corpus of `train`, stream by stream."""
    head = _lay_head(train)
    corpora = sorted({corpus_of(window.clip_id) for window in train.windows})
    found = {corpus: measure_moments(train.keep_corpus(corpus), head) for corpus in corpora}
    return {corpus: _standardise(head, own) for corpus, own in found.items()}


class Subjects:
    """Who is in the clips of a data set, and the moments of the rows of each clip.

    No label is looked at. Raises TrainingError for a clip of nobody, and for more moments than
    machines hold.
    """

    def __init__(self, dataset: WindowDataset) -> None:
        self.head = _lay_head(dataset)
        _check_memory(dataset, self.head)
        self.clips = dict(_measure_clips(dataset, self.head))
        self.seed = dataset.params.training.seed
        self.subjects: dict[str, list[str]] = {}
        for clip_id in self.clips:
            subject = dataset.labels.targets[clip_id].subject
            if subject is None:
                raise TrainingError(
                    f"normalisation subject: {clip_id}: expected the subject of each clip, got "
                    f"none; have the corpus name it, or choose another normalisation"
                )
            self.subjects.setdefault(subject, []).append(clip_id)

    def standardise(self, enrolled: int | None = None) -> Standards:
        """Clip → mean and scale of the rows of its subject's clips here, all of them.

        Or of so many others as are `enrolled`, or as there are; they are drawn for each clip, and
        those of a lesser number are among those of a greater. A clip without others has none.
        """
        generator = np.random.default_rng(self.seed)
        found: dict[str, dict[str, Tensor]] = {}
        for listed in self.subjects.values():
            clips = generator.permutation(listed).tolist()
            whole = self._join(clips) if enrolled is None else {}
            for place, clip_id in enumerate(clips):
                others = [*clips[place + 1 :], *clips[:place]][:enrolled]
                found[clip_id] = self._join(others) if enrolled and others else whole
        return found

    def _join(self, clips: Sequence[str]) -> dict[str, Tensor]:
        whole = _begin(self.head)
        for stream, moments in whole.items():
            for clip_id in clips:
                moments.join(self.clips[clip_id][stream])
        return _standardise(self.head, whole)


def add_subjects(shared: Standards, dataset: WindowDataset) -> Standards:
    """`shared`, and for heads that normalise by subject what the clips of `dataset` go by."""
    if dataset.params.normalisation != "subject":
        return shared
    return {**shared, **Subjects(dataset).standardise()}


def _measure_clips(dataset: WindowDataset, head: Head) -> Iterable[tuple[str, StreamMoments]]:
    places: dict[str, list[int]] = {}
    for place, window in enumerate(dataset.windows):
        places.setdefault(window.clip_id, []).append(place)
    for clip_id, own in places.items():
        moments = _begin(head)
        _add_rows(moments, dataset[own], head)
        yield clip_id, moments


def _check_memory(dataset: WindowDataset, head: Head) -> None:
    clips = len({window.clip_id for window in dataset.windows})
    numbers = sum(math.prod(reader.columns) for reader in head.readers.values())
    asked = MOMENTS_BYTES * clips * numbers
    if asked > MOST_MOMENTS_BYTES:
        raise TrainingError(
            f"normalisation subject: expected at most {MOST_MOMENTS_BYTES / 2**30:.0f} GB of means "
            f"and scales, got {asked / 2**30:,.1f} GB for {clips:,} clips of {numbers:,} numbers a "
            f"row; extract one layer, or choose another normalisation"
        )


def _lay_head(dataset: WindowDataset) -> Head:
    """Head of which the readers alone are of use: they know the columns of each stream."""
    with torch.random.fork_rng():
        classes = len(dataset.labels.names.emotion)
        return build_head(dataset.params, dataset.shapes, dataset.per, classes)


def _begin(head: Head) -> StreamMoments:
    return {stream: Moments(reader.columns) for stream, reader in head.readers.items()}


def _add_rows(moments: Mapping[str, Moments], batch: Batch, head: Head) -> None:
    for stream, found in moments.items():
        rows = batch.streams[stream].rows[batch.streams[stream].mask]
        found.add(head.readers[stream].list_columns(rows))


def _standardise(head: Head, measured: Mapping[str, Moments]) -> dict[str, Tensor]:
    """Stream → mean and scale, `(2, *row)`; none of one without a row."""
    found = {}
    for stream, moments in measured.items():
        reader = head.readers[stream]
        if moments.count:
            reader.set_moments(moments.mean.float(), moments.scale.float())
            both = torch.stack([reader.spread("mean"), reader.spread("scale")])
            lead = len(reader.shape.sizes) + 1 - both.ndim  # of places, which share their columns
            found[stream] = both.reshape(2, *[1] * lead, *both.shape[1:])
    return found
