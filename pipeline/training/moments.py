"""Moments: the mean and the scale that a head standardises each stream by."""

import torch
from jaxtyping import Float

from pipeline.errors import TrainingError
from pipeline.heads.base import Head
from pipeline.windows.dataset import WindowDataset, load_batches


def set_moments(head: Head, train: WindowDataset, val: WindowDataset) -> None:
    """Have `head` standardise by the rows of `train`; those of `val` are checked alike."""
    with torch.random.fork_rng():  # a pass over batches draws a number
        measure_moments(val, head)
        moments = measure_moments(train, head)
    for stream, found in moments.items():
        if found.count:
            head.set_moments(stream, found.mean.float(), found.scale.float())
        else:
            head.withhold(stream)


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
                f"{dataset.sources[stream].path}: expected finite embeddings, got NaN or "
                f"infinity; run `moodline verify` and extract the set again"
            )
    return moments
