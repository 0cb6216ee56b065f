"""Uncertainty of metrics: intervals over resampled clusters, and swap tests of two heads.

Clips of one subject resemble each other, so whole clusters are drawn, never single rows. Every
metric is a function of sums over rows. Summed once per cluster, they give the metrics of any draw
of clusters by one weighted sum: what recomputing from the drawn rows would give, at the cost of
the clusters alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Integer

from pipeline.evaluation.metrics import RATES, Pairs, divide

_CELLS = 2**21
"""Draws times clusters held in memory at once, 16 MB of float64."""

_ROUNDING = 1e-12
"""Differences of two metrics nearer than this are equal: sums of another order round otherwise."""


@dataclass(frozen=True)
class Moments:
    """Covered rows of a rating, summed per set of rows.

    `sums` holds rows, label, prediction, their squares and their product; `lowest` and `highest`
    hold label and prediction, which tell exactly what is constant; they are NaN where `sums` rule
    that out, without meaning for no rows.
    """

    sums: Float64[np.ndarray, "sets 6"]
    lowest: Float64[np.ndarray, "sets 2"]
    highest: Float64[np.ndarray, "sets 2"]


@dataclass(frozen=True)
class Sums:
    """All that the metrics of each set of rows depend on: confusion counts and moments."""

    emotion: Float64[np.ndarray, "sets classes classes"]
    valence: Moments
    arousal: Moments


@dataclass(frozen=True)
class Contrast:
    """First head minus second in one metric, and the two-sided p-value of that difference."""

    difference: float
    p_value: float


def sum_clusters(
    targets: Mapping[str, Pairs],
    clusters: Integer[np.ndarray, " rows"],
    *,
    count: int,
    classes: int,
) -> Sums:
    """Sums of `targets` for each of `count` clusters; `clusters` is the index of each row's."""
    return Sums(
        emotion=_sum_emotion(targets["emotion"], clusters, count=count, classes=classes),
        valence=_sum_moments(targets["valence"], clusters, count),
        arousal=_sum_moments(targets["arousal"], clusters, count),
    )


def combine(sums: Sums, weights: Float64[np.ndarray, "draws sets"]) -> Sums:
    """Sums of each draw that takes every set as often as its weight says."""
    return Sums(
        emotion=np.tensordot(weights, sums.emotion, axes=1),
        valence=_combine_moments(sums.valence, weights),
        arousal=_combine_moments(sums.arousal, weights),
    )


def compute_metrics(sums: Sums) -> dict[str, Float64[np.ndarray, " sets"]]:
    """Every metric of each set of rows, NaN where it is undefined."""
    valence, arousal = _concordance(sums.valence), _concordance(sums.arousal)
    rates = {metric: rate(sums.emotion) for metric, rate in RATES.items()}
    return {
        "ccc_valence": valence,
        "ccc_arousal": arousal,
        "ccc_mean": (valence + arousal) / 2,
        **rates,
    }


def bootstrap(
    sums: Sums, *, resamples: int, generator: np.random.Generator
) -> dict[str, Float64[np.ndarray, " resamples"]]:
    """Every metric of `resamples` draws of as many clusters as there are, with replacement.

    Clusters without rows of a metric stay in the draw: how many clusters have it is chance too.
    """
    clusters = len(sums.emotion)
    draws = [
        compute_metrics(combine(sums, draw_resamples(number, clusters, generator)))
        for number in _chunks(resamples, clusters)
    ]
    return {metric: np.concatenate([draw[metric] for draw in draws]) for metric in draws[0]}


def draw_resamples(
    draws: int, clusters: int, generator: np.random.Generator
) -> Float64[np.ndarray, "{draws} {clusters}"]:
    """How often each cluster is taken in each of `draws` draws with replacement."""
    taken = generator.integers(clusters, size=(draws, clusters))
    cells = taken + np.arange(draws)[:, np.newaxis] * clusters
    counts = np.bincount(cells.ravel(), minlength=draws * clusters)
    return counts.reshape(draws, clusters).astype(np.float64)


def percentile_interval(
    values: Float64[np.ndarray, " resamples"], confidence: float
) -> tuple[float, float] | None:
    """Low and high percentile of resampled `values` that leave equal tails.

    Undefined (NaN) values are left out; None where their share reaches that of the tails, for
    they could then lie beyond either bound.
    """
    if np.isnan(values).mean() >= 1 - confidence:
        return None
    tail = (1 - confidence) / 2
    low, high = np.nanquantile(values, [tail, 1 - tail])
    return float(low), float(high)


def swap_test(
    first: Sums, second: Sums, *, resamples: int, generator: np.random.Generator
) -> dict[str, Contrast]:
    """Contrast of two heads on the same rows, for each metric that both define.

    Were the heads alike, swapping their predictions for any whole clusters would change nothing:
    p is the share of random swaps that set them at least as far apart, (b + 1) / (m + 1) as in
    Phipson and Smyth, Permutation p-values should never be zero, Statistical Applications in
    Genetics and Molecular Biology 9 (2010). Swaps that leave a metric undefined count as far
    apart.
    """
    both, clusters = _stack(first, second), len(first.emotion)
    unswapped = _swap(both, np.zeros((1, clusters)))
    found = {metric: gap.item() for metric, gap in unswapped.items() if not np.isnan(gap.item())}
    farther = dict.fromkeys(found, 0)
    for number in _chunks(resamples, 2 * clusters):
        gaps = _swap(both, generator.integers(2, size=(number, clusters)).astype(np.float64))
        for metric, gap in found.items():
            nearer = np.abs(gaps[metric]) < abs(gap) - _ROUNDING
            farther[metric] += int(np.count_nonzero(~nearer))
    return {
        metric: Contrast(gap, (farther[metric] + 1) / (resamples + 1))
        for metric, gap in found.items()
    }


def correct_holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for their number, in the order given.

    Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of
    Statistics 6 (1979).
    """
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, (len(p_values) - rank) * p_values[index])
        corrected[index] = min(1.0, largest)
    return corrected


def _sum_emotion(
    pairs: Pairs, clusters: Integer[np.ndarray, " rows"], *, count: int, classes: int
) -> Float64[np.ndarray, "{count} {classes} {classes}"]:
    covered = pairs.covered
    place = clusters[covered], pairs.labels[covered], pairs.predictions[covered]
    shape = (count, classes, classes)
    cells = np.ravel_multi_index([axis.astype(np.int64) for axis in place], shape)
    return np.bincount(cells, minlength=count * classes**2).reshape(shape).astype(np.float64)


def _sum_moments(pairs: Pairs, clusters: Integer[np.ndarray, " rows"], count: int) -> Moments:
    covered = pairs.covered
    label, prediction = pairs.labels[covered], pairs.predictions[covered]
    terms = [np.ones_like(label), label, prediction, label**2, prediction**2, label * prediction]
    places = clusters[covered]
    sums = [np.bincount(places, weights=term, minlength=count) for term in terms]
    lowest, highest = np.full((2, count), np.inf), np.full((2, count), -np.inf)
    for row, series in enumerate((label, prediction)):
        np.minimum.at(lowest[row], places, series)
        np.maximum.at(highest[row], places, series)
    # Of no rows at all, bincount gives integers whatever the weights.
    return Moments(np.stack(sums, axis=1, dtype=np.float64), lowest.T, highest.T)


def _combine_moments(moments: Moments, weights: Float64[np.ndarray, "draws sets"]) -> Moments:
    sums = weights @ moments.sums
    lowest, highest = np.full((2, len(weights), 2), np.nan)
    doubtful = _may_be_constant(sums)
    drawn = weights[doubtful, :, np.newaxis] > 0
    lowest[doubtful] = np.where(drawn, moments.lowest, np.inf).min(axis=1, initial=np.inf)
    highest[doubtful] = np.where(drawn, moments.highest, -np.inf).max(axis=1, initial=-np.inf)
    return Moments(sums, lowest, highest)


def _may_be_constant(sums: Float64[np.ndarray, "sets 6"]) -> Bool[np.ndarray, " sets"]:
    """Sets of rows whose labels or predictions vary by no more than rounding could."""
    rows, totals, squares = sums[:, :1], sums[:, 1:3], sums[:, 3:5]
    doubtful: np.ndarray = squares * rows - totals**2 <= 1e-9 * squares * rows
    return (rows[:, 0] > 0) & doubtful.any(axis=1)


def _concordance(moments: Moments) -> Float64[np.ndarray, " sets"]:
    """CCC of each set of rows, as `pipeline.evaluation.metrics.ccc` defines it.

    Raw sums are precise enough for ratings, which lie about [-1, 1]: an error near 1e-15 in a
    variance.
    """
    rows, *totals = moments.sums.T
    label, prediction, label_square, prediction_square, product = (
        divide(total, rows) for total in totals
    )
    covariance = product - label * prediction
    spread = label_square + prediction_square - 2 * label * prediction
    flat = moments.lowest == moments.highest
    values = np.where(flat.any(axis=1), 0.0, divide(2 * covariance, spread))
    return np.where(flat.all(axis=1) | (rows == 0), np.nan, values)


def _stack(first: Sums, second: Sums) -> Sums:
    """Sums of the clusters of `first`, then those of `second`."""
    return Sums(
        emotion=np.concatenate([first.emotion, second.emotion]),
        valence=_stack_moments(first.valence, second.valence),
        arousal=_stack_moments(first.arousal, second.arousal),
    )


def _stack_moments(first: Moments, second: Moments) -> Moments:
    return Moments(
        np.concatenate([first.sums, second.sums]),
        np.concatenate([first.lowest, second.lowest]),
        np.concatenate([first.highest, second.highest]),
    )


def _swap(
    both: Sums, swaps: Float64[np.ndarray, "draws clusters"]
) -> dict[str, Float64[np.ndarray, " draws"]]:
    """First head minus second, in every metric, with the clusters at 1 of `swaps` exchanged."""
    first = compute_metrics(combine(both, np.concatenate([1 - swaps, swaps], axis=1)))
    second = compute_metrics(combine(both, np.concatenate([swaps, 1 - swaps], axis=1)))
    return {metric: first[metric] - second[metric] for metric in first}


def _chunks(draws: int, clusters: int) -> Iterator[int]:
    """Numbers of draws that add up to `draws`, each small enough to hold in memory."""
    step = max(1, _CELLS // max(clusters, 1))
    for start in range(0, draws, step):
        yield min(step, draws - start)
