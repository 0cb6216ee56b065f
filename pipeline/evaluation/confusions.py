"""What confusion matrices tell: numbers of rows by (annotated, predicted) class, and their rates.

All take several matrices at once, (sets, classes, classes). A rate that is undefined is NaN.
"""

import numpy as np
from jaxtyping import Float64, Integer, Real

from pipeline.errors import StoreError
from pipeline.limits import MOST_CELLS


def count_confusions(
    labels: Integer[np.ndarray, " rows"],
    predictions: Integer[np.ndarray, " rows"],
    sets: Integer[np.ndarray, " rows"],
    *,
    count: int,
    classes: int,
) -> Float64[np.ndarray, "{count} {classes} {classes}"]:
    """Confusion matrix of each of `count` sets of rows; `sets` is the index of each row's.

    Raises StoreError for more than MOST_CELLS: a few bytes of a table may be very many sets.
    """
    if count * classes**2 > MOST_CELLS:
        raise StoreError(
            f"expected confusion matrices of at most {MOST_CELLS:,} cells, got {count:,} of "
            f"{classes} classes; give clips a subject or a group, or fewer emotions"
        )
    cells = (sets * classes + labels) * classes + predictions
    counts = np.bincount(cells, minlength=count * classes**2)
    return counts.reshape(count, classes, classes).astype(np.float64)


def accuracy(counts: Real[np.ndarray, "sets classes classes"]) -> Float64[np.ndarray, " sets"]:
    """Share of rows predicted as annotated; NaN for no rows."""
    return divide(_hits(counts).sum(axis=1), counts.sum(axis=(1, 2)))


def uar(counts: Real[np.ndarray, "sets classes classes"]) -> Float64[np.ndarray, " sets"]:
    """Unweighted average recall over the classes present in the labels; NaN for no rows.

    Schuller, Steidl and Batliner, The INTERSPEECH 2009 Emotion Challenge. scikit-learn calls it
    `balanced_accuracy_score`; its macro `recall_score` also counts classes only predicted, as 0.
    """
    recalls = recall(counts)
    return divide(np.nansum(recalls, axis=1), np.count_nonzero(~np.isnan(recalls), axis=1))


def weighted_f1(counts: Real[np.ndarray, "sets classes classes"]) -> Float64[np.ndarray, " sets"]:
    """Mean F1 of classes weighted by their number of labels; NaN for no rows."""
    support = counts.sum(axis=2)
    return divide(np.nansum(f1(counts) * support, axis=1), support.sum(axis=1))


def macro_f1(counts: Real[np.ndarray, "sets classes classes"]) -> Float64[np.ndarray, " sets"]:
    """Plain mean F1 over the classes present in labels or predictions; NaN for no rows.

    A class present in one of them only scores 0. This is scikit-learn's
    `f1_score(average="macro")`: the mean of F1 values, not the F1 of mean precision and recall
    (Opitz and Burst, Macro F1 and Macro F1, 2019).
    """
    return _average_present(f1(counts), counts)


def macro_precision(
    counts: Real[np.ndarray, "sets classes classes"],
) -> Float64[np.ndarray, " sets"]:
    """Plain mean precision over the classes present in labels or predictions; NaN for no rows.

    A class that is never predicted scores 0, as in scikit-learn's
    `precision_score(average="macro", zero_division=0)`.
    """
    return _average_present(precision(counts), counts)


def precision(
    counts: Real[np.ndarray, "sets classes classes"],
) -> Float64[np.ndarray, "sets classes"]:
    """Share of the rows predicted as each class that are of it; NaN for one never predicted."""
    return divide(_hits(counts), counts.sum(axis=1))


def recall(counts: Real[np.ndarray, "sets classes classes"]) -> Float64[np.ndarray, "sets classes"]:
    """Share of the rows of each class that are predicted as it; NaN for one never annotated."""
    return divide(_hits(counts), counts.sum(axis=2))


def f1(counts: Real[np.ndarray, "sets classes classes"]) -> Float64[np.ndarray, "sets classes"]:
    """F1 of each class, NaN for one that is neither annotated nor predicted."""
    return divide(2 * _hits(counts), counts.sum(axis=2) + counts.sum(axis=1))


def divide(
    above: Real[np.ndarray, "*shape"], below: Real[np.ndarray, "*shape"]
) -> Float64[np.ndarray, "*shape"]:
    """`above / below`, NaN where `below` is not positive."""
    ratios = np.full(above.shape, np.nan)
    np.divide(above, below, out=ratios, where=below > 0)
    return ratios


def _hits(counts: Real[np.ndarray, "sets classes classes"]) -> Real[np.ndarray, "sets classes"]:
    return np.diagonal(counts, axis1=1, axis2=2)


def _average_present(
    rates: Float64[np.ndarray, "sets classes"],
    counts: Real[np.ndarray, "sets classes classes"],
) -> Float64[np.ndarray, " sets"]:
    present = counts.sum(axis=1) + counts.sum(axis=2) > 0
    return divide(np.nansum(rates, axis=1), np.count_nonzero(present, axis=1))
