"""Uncertainty of metrics: intervals by leaving clusters out, and swap tests of two heads.

Clips of one group resemble each other, so whole clusters are left out or swapped, never single
rows. Every metric is a function of sums over rows. Summed once per cluster, they give the metrics
of any choice of clusters by one weighted sum: what recomputing from those rows would give, at the
cost of the clusters alone.
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from jaxtyping import Float64

from pipeline.evaluation.metrics import (
    Metric,
    Part,
    Sums,
    compute_metrics,
    count_holders,
    find_metric,
)

SIGNIFICANT = 0.05
"""A difference is one where its corrected p-value is below this."""

ENUMERATED = 14
"""Up to this many clusters every one of the 2^n swaps is made."""

_LEAST_CORRECTED = 0.01
"""Swaps are drawn until so low a p-value could remain after correction."""

_MOST_SWAPS = 3 * 10**7
"""Draws times pairs of heads: some minutes of one core."""

_CELLS = 2**21
"""Draws times clusters, or times sums of all heads, in memory at once: 16 MB of float64."""

_CELLS_OF_HEAD = 200
"""About as many sums a head has, kept and swapped."""

_ROUNDING = 1e-12
"""Differences of two metrics nearer than this are equal: sums of another order round otherwise."""


@dataclass(frozen=True)
class Interval:
    """Bounds of a metric, or None and the reason."""

    low: float | None
    high: float | None
    reason: str | None


@dataclass(frozen=True)
class Contrast:
    """First head minus second in one metric, and the two-sided p-value of that difference.

    `least` is the least p-value that any two heads could reach on these clusters.
    """

    difference: float
    p_value: float
    least: float


def combine(sums: Sums, weights: Float64[np.ndarray, "draws sets"]) -> Sums:
    """Sums of each draw that takes every set as often as its weight says."""
    return {
        target: {name: part.combine(weights) for name, part in parts.items()}
        for target, parts in sums.items()
    }


def leave_out(sums: Sums) -> Sums:
    """Sums of all sets but one, for each that is left out."""
    return {
        target: {name: part.leave_out() for name, part in parts.items()}
        for target, parts in sums.items()
    }


def bound_metrics(sums: Sums, confidence: float) -> dict[str, Interval]:
    """Interval of each metric: the jackknife over clusters, studentised, on a scale without ends.

    Of h clusters that hold a metric, each is left out once: (h - 1) / h times the sum of squared
    changes is the variance of the metric, and Student's t of h - 1 degrees bounds it: Tukey, Bias
    and confidence in not-quite large samples, Annals of Mathematical Statistics 29 (1958). Bounds
    are taken where the metric has no ends, as log((x - least) / (most - x)) or log(x - least), for
    its distribution is skewed near them: Miller, The jackknife: a review, Biometrika 61 (1974).
    Percentiles of bootstrap draws, and BCa (DiCiccio and Efron, Bootstrap confidence intervals,
    Statistical Science 11, 1996), cover less of few clusters: `benchmarks/coverage.py`.
    """
    whole = compute_metrics(combine(sums, np.ones((1, _count_sets(sums)))))
    without = compute_metrics(leave_out(sums))
    return {
        metric: _bound(
            find_metric(metric)[1],
            whole[metric].item(),
            _find_errors(without[metric] - whole[metric], held, confidence),
        )
        for metric, held in count_holders(sums).items()
    }


def find_least(clusters: int) -> float:
    """The least p-value that swaps of so many clusters can give: that of 2 among 2^n.

    >>> find_least(4), find_least(6)
    (0.125, 0.03125)
    """
    return 2.0 ** (1 - clusters)


def count_swaps(pairs: int, least: int) -> int:
    """Swaps to draw for tests of so many `pairs` of heads, at `least` so many.

    A p-value of m draws is 1 / (m + 1) at best, and correction multiplies it by the pairs. From
    34 heads on fewer are drawn than that asks for: more would take many minutes.

    >>> count_swaps(1, 999), count_swaps(28, 999)
    (999, 2799)
    """
    enough = round(pairs / _LEAST_CORRECTED) - 1
    return max(least, min(enough, _MOST_SWAPS // max(pairs, 1)))


def swap_tests(
    heads: Mapping[str, Sums],
    *,
    draws: int,
    generator: np.random.Generator,
    wanted: Container[str] | None = None,
) -> dict[tuple[str, str], dict[str, Contrast]]:
    """Contrasts of every two of `heads`, on the same rows, in each metric that both define.

    Were two heads alike, swapping their predictions for any whole clusters would change nothing: p
    is the share of swaps that set them at least as far apart. Of up to `ENUMERATED` clusters all
    swaps are made, and p is exact. Of more, `draws` are drawn, and p is (b + 1) / (m + 1): Phipson
    and Smyth, Permutation p-values should never be zero, Statistical Applications in Genetics and
    Molecular Biology 9 (2010). Swaps that leave a metric undefined count as far apart. `wanted`
    are the metrics to test; all, where it is None.
    """
    clusters = max(map(_count_sets, heads.values()), default=0)
    held = sorted({place for sums in heads.values() for place in list_held(sums)})
    exact = len(held) <= ENUMERATED
    step = max(1, _CELLS // max(clusters, _CELLS_OF_HEAD * len(heads), 1))
    swapping = (
        _list_swaps(held, clusters, step)
        if exact
        else _draw_swaps(draws, clusters, step, generator)
    )
    found = _find_gaps(heads, clusters, wanted)
    farther, made = _count_farther(heads, found, swapping)
    # All swaps hold the heads as they are; those drawn are counted with these beside them.
    seen = 0 if exact else 1
    contrasts: dict[tuple[str, str], dict[str, Contrast]] = {pair: {} for pair in found}
    for pair, gaps in found.items():
        holders = count_holders(heads[pair[0]])
        for metric, gap in gaps.items():
            p_value = (farther[pair][metric] + seen) / (made + seen)
            least = max(find_least(holders[metric]), seen / (made + seen))
            contrasts[pair][metric] = Contrast(gap, p_value, least)
    return contrasts


def list_held(sums: Sums) -> list[int]:
    """Places of the clusters that hold any row."""
    held = np.full(_count_sets(sums), False)
    for parts in sums.values():
        for part in parts.values():
            held |= part.held
    places: list[int] = np.flatnonzero(held).tolist()
    return places


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


def _find_gaps(
    heads: Mapping[str, Sums], clusters: int, wanted: Container[str] | None
) -> dict[tuple[str, str], dict[str, float]]:
    """First of every two heads minus second, in each metric that both define."""
    unswapped = _swap(heads, np.zeros((1, clusters)), wanted)
    return {
        pair: {metric: gap.item() for metric, gap in gaps.items() if not np.isnan(gap.item())}
        for pair, gaps in unswapped
    }


def _count_farther(
    heads: Mapping[str, Sums],
    found: Mapping[tuple[str, str], Mapping[str, float]],
    swapping: Iterator[Float64[np.ndarray, "_ clusters"]],
) -> tuple[dict[tuple[str, str], dict[str, int]], int]:
    """How many swaps set two heads at least as far apart as they are `found`, and of how many."""
    farther, made = {pair: dict.fromkeys(gaps, 0) for pair, gaps in found.items()}, 0
    wanted = {metric for gaps in found.values() for metric in gaps}
    for swaps in swapping if wanted else ():
        made += len(swaps)
        for pair, gaps in _swap(heads, swaps, wanted):
            for metric, gap in found[pair].items():
                nearer = np.abs(gaps[metric]) < abs(gap) - _ROUNDING
                farther[pair][metric] += int(np.count_nonzero(~nearer))
    return farther, made


def _swap(
    heads: Mapping[str, Sums],
    swaps: Float64[np.ndarray, "draws clusters"],
    wanted: Container[str] | None,
) -> Iterator[tuple[tuple[str, str], dict[str, Float64[np.ndarray, " draws"]]]]:
    """First of two heads minus second, in every metric, with the clusters at 1 exchanged."""
    kept = {head: combine(sums, 1 - swaps) for head, sums in heads.items()}
    moved = {head: combine(sums, swaps) for head, sums in heads.items()}
    for first, second in combinations(heads, 2):
        one = compute_metrics(_add(kept[first], moved[second]), wanted)
        other = compute_metrics(_add(kept[second], moved[first]), wanted)
        yield (first, second), {metric: one[metric] - other[metric] for metric in one}


def _add(first: Sums, second: Sums) -> Sums:
    """Sums of each set of both together, of the targets that both have."""
    return {
        target: {name: _add_part(part, second[target][name]) for name, part in parts.items()}
        for target, parts in first.items()
        if target in second
    }


def _add_part(first: Any, second: Any) -> Part:
    """Both together; parts of one name are of one kind."""
    added: Part = first.add(second)
    return added


def _find_errors(changes: Float64[np.ndarray, " clusters"], held: int, confidence: float) -> float:
    """Half the width of the interval on the metric's own scale, NaN where a change is undefined."""
    from scipy.special import stdtrit  # a fifth of a second, which comparing need not wait for

    if held < 2:
        return np.nan
    variance = (held - 1) / held * np.square(changes).sum()
    return float(stdtrit(held - 1, (1 + confidence) / 2) * np.sqrt(variance))


def _bound(row: Metric, value: float, errors: float) -> Interval:
    """Interval of `value`, whose half width is `errors`, on the scale that has no ends."""
    if np.isnan(errors):
        return Interval(None, None, "undefined where one cluster is left out")
    above, below = value - row.least, row.most - value
    if min(above, below) < _ROUNDING:
        return Interval(None, None, "the value is the best or the worst that there is")
    with np.errstate(over="ignore"):
        if np.isinf(row.most):
            low, high = row.least + above * np.exp(errors / above * np.array([-1, 1]))
        else:
            wide = errors * (1 / above + 1 / below) * np.array([-1, 1])
            low, high = row.least + (row.most - row.least) / (1 + below / above * np.exp(-wide))
    if np.isinf(high):
        return Interval(None, None, "one cluster outweighs all others")
    return Interval(float(low), float(high), None)


def _list_swaps(
    held: Sequence[int], clusters: int, step: int
) -> Iterator[Float64[np.ndarray, "draws {clusters}"]]:
    """Every swap of the clusters `held` that leaves the first of them; all others mirror these."""
    others = list(held[1:])
    for start, number in _chunks(2 ** len(others), step):
        swaps = np.zeros((number, clusters))
        places = np.arange(start, start + number)[:, np.newaxis]
        swaps[:, others] = places >> np.arange(len(others)) & 1
        yield swaps


def _draw_swaps(
    draws: int, clusters: int, step: int, generator: np.random.Generator
) -> Iterator[Float64[np.ndarray, "draws {clusters}"]]:
    for _, number in _chunks(draws, step):
        yield generator.integers(2, size=(number, clusters)).astype(np.float64)


def _chunks(draws: int, step: int) -> Iterator[tuple[int, int]]:
    """First of some draws and their number, `step` or fewer, until all are had."""
    for start in range(0, draws, step):
        yield start, min(step, draws - start)
