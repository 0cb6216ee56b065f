"""Uncertainty of metrics: intervals over resampled clusters, and swap tests of two heads.

Clips of one subject resemble each other, so whole clusters are drawn, never single rows. Every
metric is a function of sums over rows. Summed once per cluster, they give the metrics of any draw
of clusters by one weighted sum: what recomputing from the drawn rows would give, at the cost of
the clusters alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64

from pipeline.evaluation.metrics import Part, Sums, compute_metrics

_CELLS = 2**21
"""Draws times clusters held in memory at once, 16 MB of float64."""

_ROUNDING = 1e-12
"""Differences of two metrics nearer than this are equal: sums of another order round otherwise."""


@dataclass(frozen=True)
class Contrast:
    """First head minus second in one metric, and the two-sided p-value of that difference."""

    difference: float
    p_value: float


def combine(sums: Sums, weights: Float64[np.ndarray, "draws sets"]) -> Sums:
    """Sums of each draw that takes every set as often as its weight says."""
    return {
        target: {name: part.combine(weights) for name, part in parts.items()}
        for target, parts in sums.items()
    }


def bootstrap(
    sums: Sums, *, resamples: int, generator: np.random.Generator
) -> dict[str, Float64[np.ndarray, " resamples"]]:
    """Every metric of `resamples` draws of as many clusters as there are, with replacement.

    Clusters without rows of a metric stay in the draw: how many clusters have it is chance too.
    """
    clusters = _count_sets(sums)
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
    both, clusters = _join(first, second), _count_sets(first)
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


def _count_sets(sums: Sums) -> int:
    return next((len(part.held) for parts in sums.values() for part in parts.values()), 0)


def _join(first: Sums, second: Sums) -> Sums:
    """Sums of the clusters of `first`, then those of `second`, of the targets that both have."""
    return {
        target: {name: _join_part(part, second[target][name]) for name, part in parts.items()}
        for target, parts in first.items()
        if target in second
    }


def _join_part(first: Any, second: Any) -> Part:
    """The sets of both; parts of one name are of one kind."""
    joined: Part = first.join(second)
    return joined


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
