"""Moments: the mean and the scale of rows, of all that trains, of a corpus, or of a person."""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pipeline.errors import TrainingError
from pipeline.heads.normalisation import ALL, Standards, corpus_of
from pipeline.heads.reading import TRAINED, Reader, make_reader
from pipeline.windows.dataset import Batch, WindowDataset, pass_over


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
        wide = rows.to(torch.float64, copy=True)
        mean = wide.mean(dim=0)
        self._take(len(wide), mean, wide.sub_(mean).square_().sum(dim=0))

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

Readers = Mapping[str, Reader]
"""Stream → what knows the columns of its rows."""

MOST_MOMENTS_BYTES = 8 * 2**30
"""Of the moments of all clips of a side, each number of which takes MOMENTS_BYTES."""

MOMENTS_BYTES = 24
"""A mean and a sum of squares in float64, and what rows are standardised by in float32."""


def measure_moments(dataset: WindowDataset) -> StreamMoments:
    """Moments of each stream's columns.

    Raises TrainingError where one is NaN or infinite.
    """
    readers = lay_readers(dataset)
    moments = _begin(readers)
    for batch in pass_over(dataset):
        _add_rows(moments, batch, readers)
    for stream, found in moments.items():
        if not torch.isfinite(found.mean).all():
            raise TrainingError(
                f"{dataset.sources[stream].path}: expected finite embeddings, got NaN or "
                f"infinity; run `moodline verify` and extract the set again"
            )
    return moments


def measure_all(train: WindowDataset) -> Standards:
    """Mean and scale of all rows of `train`, stream by stream, as `ALL`."""
    return {ALL: _measure(train)}


def measure_corpora(train: WindowDataset) -> Standards:
    """Mean and scale of the rows of each corpus of `train`, stream by stream."""
    corpora = sorted({corpus_of(window.clip_id) for window in train.windows})
    return {corpus: _measure(train.keep_corpus(corpus)) for corpus in corpora}


def _measure(dataset: WindowDataset) -> dict[str, Tensor]:
    return standardise_rows(lay_readers(dataset), measure_moments(dataset))


class Subjects:
    """Who is in the clips of a data set, and the moments of the rows of each clip.

    Nobody is known where its head does not normalise by subject. No label is looked at. Raises
    TrainingError for a clip of nobody, and for more moments than machines hold.
    """

    def __init__(self, dataset: WindowDataset) -> None:
        asked = dataset.params.normalisation == "subject"
        self.readers = lay_readers(dataset)
        self.clips = dict(_measure_clips(dataset, self.readers)) if asked else {}
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
        whole = _begin(self.readers)
        for stream, moments in whole.items():
            for clip_id in clips:
                moments.join(self.clips[clip_id][stream])
        return standardise_rows(self.readers, whole)


def _measure_clips(dataset: WindowDataset, readers: Readers) -> Iterable[tuple[str, StreamMoments]]:
    places: dict[str, list[int]] = {}
    for place, window in enumerate(dataset.windows):
        places.setdefault(window.clip_id, []).append(place)
    _check_memory(len(places), readers)
    for clip_id, own in places.items():
        moments = _begin(readers)
        _add_rows(moments, dataset[own], readers)
        yield clip_id, moments


def _check_memory(clips: int, readers: Readers) -> None:
    numbers = sum(math.prod(reader.columns) for reader in readers.values())
    asked = MOMENTS_BYTES * clips * numbers
    if asked > MOST_MOMENTS_BYTES:
        raise TrainingError(
            f"normalisation subject: expected at most {MOST_MOMENTS_BYTES / 2**30:.0f} GB of means "
            f"and scales, got {asked / 2**30:,.1f} GB for {clips:,} clips of {numbers:,} numbers a "
            f"row; extract one layer, or choose another normalisation"
        )


def lay_readers(dataset: WindowDataset) -> Readers:
    """Readers of the streams of `dataset`, for their columns, which are the same for all heads."""
    return {
        stream: make_reader(stream, store.shape, TRAINED)
        for stream, store in sorted(dataset.sources.items())
    }


def _begin(readers: Readers) -> StreamMoments:
    return {stream: Moments(reader.columns) for stream, reader in readers.items()}


def _add_rows(moments: Mapping[str, Moments], batch: Batch, readers: Readers) -> None:
    for stream, found in moments.items():
        rows = batch.streams[stream].rows[batch.streams[stream].mask]
        found.add(readers[stream].list_columns(rows))


def standardise_rows(readers: Readers, measured: Mapping[str, Moments]) -> dict[str, Tensor]:
    """Stream → mean and scale, `(2, *row)`; none of one without a row."""
    found = {}
    for stream, moments in measured.items():
        reader = readers[stream]
        if moments.count:
            reader.set_moments(moments.mean.float(), moments.scale.float())
            both = torch.stack([reader.spread("mean"), reader.spread("scale")])
            lead = len(reader.shape.sizes) + 1 - both.ndim  # of places, which share their columns
            found[stream] = both.reshape(2, *[1] * lead, *both.shape[1:])
    return found
