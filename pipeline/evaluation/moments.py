"""Moments: what ratings and their predictions sum up to, and how well the two agree by that."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Integer

from pipeline.evaluation.confusions import divide


@dataclass(frozen=True)
class Moments:
    """Rows of a rating, summed per set of rows.

    `sums` holds rows, label, prediction, their squares, their product, their absolute and their
    squared difference. The first six are of values less `centre` (label, prediction), which keeps
    the variance of ratings that hardly vary. `lowest` and `highest` hold label and prediction,
    which tell exactly what is constant; they are NaN where `sums` rule that out, infinite for no
    rows.
    """

    sums: Float64[np.ndarray, "sets 8"]
    centre: Float64[np.ndarray, " 2"]
    lowest: Float64[np.ndarray, "sets 2"]
    highest: Float64[np.ndarray, "sets 2"]

    @property
    def held(self) -> Bool[np.ndarray, " sets"]:
        """Sets that hold any row."""
        rows: np.ndarray = self.sums[:, 0] > 0
        return rows

    def combine(self, weights: Float64[np.ndarray, "draws sets"]) -> "Moments":
        """Moments of each draw that takes every set as often as its weight says."""
        sums = weights @ self.sums
        lowest, highest = np.full((2, len(weights), 2), np.nan)
        lowest[sums[:, 0] == 0], highest[sums[:, 0] == 0] = np.inf, -np.inf
        doubtful = _may_be_constant(sums)
        drawn = weights[doubtful, :, np.newaxis] > 0
        lowest[doubtful] = np.where(drawn, self.lowest, np.inf).min(axis=1, initial=np.inf)
        highest[doubtful] = np.where(drawn, self.highest, -np.inf).max(axis=1, initial=-np.inf)
        return Moments(sums, self.centre, lowest, highest)

    def leave_out(self) -> "Moments":
        """Moments of all sets but one, for each that is left out."""
        return Moments(
            self.sums.sum(axis=0) - self.sums,
            self.centre,
            _leave_lowest_out(self.lowest),
            -_leave_lowest_out(-self.highest),
        )

    def add(self, other: "Moments") -> "Moments":
        """Moments of each set of this and the set of `other` in its place together."""
        return Moments(
            self.sums + _move(other, self.centre),
            self.centre,
            np.minimum(self.lowest, other.lowest),
            np.maximum(self.highest, other.highest),
        )


def sum_moments(
    labels: Float64[np.ndarray, " rows"],
    predictions: Float64[np.ndarray, " rows"],
    sets: Integer[np.ndarray, " rows"],
    count: int,
) -> Moments:
    """Moments of each of `count` sets of rows; `sets` is the index of each row's."""
    series = np.stack([labels, predictions])
    centre = series.mean(axis=1) if len(labels) else np.zeros(2)
    label, prediction = series - centre[:, np.newaxis]
    apart = labels - predictions
    terms = [np.ones_like(label), label, prediction, label**2, prediction**2, label * prediction]
    sums = [np.bincount(sets, term, count) for term in (*terms, np.abs(apart), apart**2)]
    lowest, highest = np.full((2, count), np.inf), np.full((2, count), -np.inf)
    for row, values in enumerate(series):
        np.minimum.at(lowest[row], sets, values)
        np.maximum.at(highest[row], sets, values)
    # Of no rows at all, bincount gives integers whatever the weights.
    return Moments(np.stack(sums, axis=1, dtype=np.float64), centre, lowest.T, highest.T)


def ccc(moments: Moments) -> Float64[np.ndarray, " sets"]:
    """Concordance correlation coefficient with population moments, in [-1, 1].

    2 cov / (var + var + (mean - mean)²): Lin, A concordance correlation coefficient to evaluate
    reproducibility, Biometrics 45 (1989). What is below the line is the mean squared difference
    plus 2 cov. Constant predictions score 0. NaN for no rows, and where labels are constant: there
    the formula gives 0 to all predictions but one, and tells nothing of them.
    """
    _, _, covariance = _spread(moments)
    squared = divide(moments.sums[:, 7], moments.sums[:, 0])
    label, prediction = (moments.lowest == moments.highest).T
    values = np.where(prediction, 0.0, divide(2 * covariance, squared + 2 * covariance))
    return np.where(label | ~moments.held, np.nan, values)


def pearson(moments: Moments) -> Float64[np.ndarray, " sets"]:
    """Correlation coefficient, in [-1, 1]; NaN where a series is constant, and for no rows."""
    label, prediction, covariance = _spread(moments)
    flat = (moments.lowest == moments.highest).any(axis=1)
    # Rounding may leave a variance below 0, which has no root.
    values = divide(covariance, np.sqrt(np.maximum(label, 0) * np.maximum(prediction, 0)))
    return np.where(flat, np.nan, np.clip(values, -1, 1))


def mae(moments: Moments) -> Float64[np.ndarray, " sets"]:
    """Mean absolute difference; NaN for no rows."""
    return divide(moments.sums[:, 6], moments.sums[:, 0])


def rmse(moments: Moments) -> Float64[np.ndarray, " sets"]:
    """Root of the mean squared difference; NaN for no rows."""
    return np.asarray(np.sqrt(divide(moments.sums[:, 7], moments.sums[:, 0])))


def _spread(
    moments: Moments,
) -> tuple[
    Float64[np.ndarray, " sets"], Float64[np.ndarray, " sets"], Float64[np.ndarray, " sets"]
]:
    """Variance of labels, of predictions, and their covariance."""
    rows, *totals = moments.sums[:, :6].T
    label, prediction, label_square, prediction_square, product = (
        divide(total, rows) for total in totals
    )
    return (
        label_square - label**2,
        prediction_square - prediction**2,
        product - label * prediction,
    )


def _move(moments: Moments, centre: Float64[np.ndarray, " 2"]) -> Float64[np.ndarray, "sets 8"]:
    """Sums of `moments` as they are about another `centre`."""
    first, second = moments.centre - centre
    rows, label, prediction, label_square, prediction_square, product, *apart = moments.sums.T
    moved = [
        rows,
        label + rows * first,
        prediction + rows * second,
        label_square + 2 * first * label + rows * first**2,
        prediction_square + 2 * second * prediction + rows * second**2,
        product + first * prediction + second * label + rows * first * second,
        *apart,
    ]
    return np.stack(moved, axis=1)


def _leave_lowest_out(values: Float64[np.ndarray, "sets 2"]) -> Float64[np.ndarray, "sets 2"]:
    """Lowest of all sets but one, in each column; infinite for no other set."""
    order = np.sort(np.concatenate([values, np.full((2, 2), np.inf)]), axis=0)
    return np.asarray(np.where(values == order[0], order[1], order[0]))


def _may_be_constant(sums: Float64[np.ndarray, "sets 8"]) -> Bool[np.ndarray, " sets"]:
    """Sets of rows whose labels or predictions vary by no more than rounding could."""
    rows, totals, squares = sums[:, :1], sums[:, 1:3], sums[:, 3:5]
    doubtful: np.ndarray = squares * rows - totals**2 <= 1e-9 * squares * rows
    return (rows[:, 0] > 0) & doubtful.any(axis=1)
