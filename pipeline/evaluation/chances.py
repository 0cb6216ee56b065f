"""What chances of classes tell: how likely the labels are, and how often a head errs where sure.

All take several sets of rows at once. A metric that is undefined is NaN.
"""

import numpy as np
from jaxtyping import Float, Float64, Integer

from pipeline.errors import StoreError
from pipeline.evaluation.confusions import divide
from pipeline.limits import MOST_CELLS

BINS = 15
"""Of equal width, among which rows are parted by how sure a head is: Guo and others, section 4."""

LEAST_CHANCE = float(np.finfo(np.float32).eps)
"""Of a label, as in scikit-learn's `log_loss`: a chance of 0 would make any mean infinite."""


def sum_surprise(
    chances: Float[np.ndarray, "rows classes"],
    labels: Integer[np.ndarray, " rows"],
    sets: Integer[np.ndarray, " rows"],
    count: int,
) -> Float64[np.ndarray, "{count} 2"]:
    """Rows of each of `count` sets, and the sum of -log of the chance of each row's label."""
    own = np.take_along_axis(chances, labels[:, np.newaxis], axis=1)[:, 0].astype(np.float64)
    surprise = -np.log(np.maximum(own, LEAST_CHANCE))
    sums = [np.bincount(sets, minlength=count), np.bincount(sets, surprise, count)]
    return np.stack(sums, axis=1, dtype=np.float64)


def nll(sums: Float64[np.ndarray, "sets 2"]) -> Float64[np.ndarray, " sets"]:
    """Mean negative log-likelihood of the labels, in nats; NaN for no rows."""
    return divide(sums[:, 1], sums[:, 0])


def sum_second(
    chances: Float[np.ndarray, "rows classes"],
    labels: Integer[np.ndarray, " rows"],
    sets: Integer[np.ndarray, " rows"],
    count: int,
) -> Float64[np.ndarray, "{count} 2"]:
    """Misses and hits: a hit has no more than one other class at least as probable.

    So a tie for the second place is a miss.
    """
    own = np.take_along_axis(chances, labels[:, np.newaxis], axis=1)
    hits = (chances >= own).sum(axis=1) <= 2
    cells = np.bincount(sets * 2 + hits, minlength=2 * count)
    return cells.reshape(count, 2).astype(np.float64)


def sum_gaps(
    chances: Float[np.ndarray, "rows classes"],
    labels: Integer[np.ndarray, " rows"],
    sets: Integer[np.ndarray, " rows"],
    count: int,
) -> Float64[np.ndarray, "{count} _"]:
    """Rows of each of `count` sets, and by bin of confidence the hits less the confidences.

    Confidence is the chance of the likeliest class; a bin holds its upper end, not its lower one.
    Raises StoreError for more than MOST_CELLS: a few bytes of a table may be very many sets.
    """
    if count * (BINS + 1) > MOST_CELLS:
        raise StoreError(
            f"expected bins of confidence of at most {MOST_CELLS:,} cells, got {count:,} times "
            f"{BINS + 1}; give clips a subject or a group"
        )
    chosen = chances.argmax(axis=1)
    sure = chances.max(axis=1, initial=0)
    # Of the type of chances: 0.2 of float32 is more than 3 / 15 of float64.
    ends = np.linspace(0, 1, BINS + 1)[1:-1].astype(chances.dtype)
    cells = sets * BINS + np.searchsorted(ends, sure, side="left")
    gaps = np.bincount(cells, (chosen == labels) - sure.astype(np.float64), count * BINS)
    rows = np.bincount(sets, minlength=count)
    return np.column_stack([rows, gaps.reshape(count, BINS)]).astype(np.float64)


def ece(sums: Float64[np.ndarray, "sets cells"]) -> Float64[np.ndarray, " sets"]:
    """Expected calibration error: how far confidence is from accuracy; NaN for no rows.

    The mean over rows of the difference of both within the row's bin: Guo and others, On
    calibration of modern neural networks, ICML 2017, equation 3.
    """
    return divide(np.abs(sums[:, 1:]).sum(axis=1), sums[:, 0])
