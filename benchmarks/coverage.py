"""How often intervals hold the true value, and how often tests of equal heads are significant.

    python -m benchmarks.coverage --rounds 2000

Corpora are made up whose clips resemble each other within a group: groups differ in their labels'
mean and mix, in how well they are predicted and by what bias, and have 5 to 19 clips each. The true
value is that of 200,000 such groups. Beside the interval of `pipeline/evaluation/statistics.py`
stand SciPy's percentile and BCa intervals from 1,000 bootstrap draws of groups (Efron, Better
bootstrap confidence intervals, Journal of the American Statistical Association 82, 1987). Goal: 93
of 100 at 95 % confidence. Of two heads that are alike at most 5 of 100 tests may find a difference.
"""

import json
import time
import warnings
from collections.abc import Callable, Iterator

import numpy as np
import typer
from jaxtyping import Float64, Int64
from scipy.stats import DegenerateDataWarning, bootstrap

from pipeline.evaluation.metrics import Grouping, Pairs, Sums, compute_metrics, sum_targets
from pipeline.evaluation.statistics import SIGNIFICANT, bound_metrics, combine, swap_tests

GROUPS = (8, 12, 24, 100)
CLASSES = 4
CONFIDENCE = 0.95
DRAWS = 1000
MANY = 20_000
METHODS = ("percentile", "BCa")
"""Names that SciPy has for intervals of bootstrap draws."""


def draw_ratings(groups: int, rng: np.random.Generator) -> tuple[Pairs, Int64[np.ndarray, " rows"]]:
    """Ratings, and the group of each row."""
    index = np.repeat(np.arange(groups), rng.integers(5, 20, groups))
    mean, bias = rng.normal(0, 0.3, groups), rng.normal(0, 0.15, groups)
    slope = rng.uniform(0.2, 0.9, groups)
    labels = np.tanh(mean[index] + rng.normal(0, 0.4, len(index)))
    predictions = slope[index] * labels + bias[index] + rng.normal(0, 0.2, len(index))
    return Pairs(labels, predictions), index


def draw_classes(
    groups: int, rng: np.random.Generator, skill: float = 0.6
) -> tuple[Pairs, Int64[np.ndarray, " rows"]]:
    """Classes, some rarer and harder to tell than others, and the group of each row."""
    index = np.repeat(np.arange(groups), rng.integers(5, 20, groups))
    mix = rng.dirichlet([6, 3, 2.1, 1.5], groups).cumsum(axis=1)
    labels = (rng.random((len(index), 1)) > mix[index]).sum(axis=1).clip(0, CLASSES - 1)
    ease = rng.normal(skill, 0.8, groups)[index] + np.array([0.6, 0, -0.3, -0.6])[labels]
    hit = rng.random(len(index)) < 1 / (1 + np.exp(-ease))
    wrong = (labels + rng.integers(1, CLASSES, len(index))) % CLASSES
    return Pairs(labels.astype(float), np.where(hit, labels, wrong).astype(float)), index


Draw = Callable[[int, np.random.Generator], tuple[Pairs, Int64[np.ndarray, " rows"]]]
CASES: dict[str, tuple[str, str, Draw]] = {
    "CCC": ("intensity", "ccc_intensity", draw_ratings),
    "RMSE": ("intensity", "rmse_intensity", draw_ratings),
    "accuracy": ("emotion", "accuracy", draw_classes),
    "UAR": ("emotion", "uar", draw_classes),
    "UAR of a good head": ("emotion", "uar", lambda n, rng: draw_classes(n, rng, skill=2.5)),
}
"""Case → target, metric, and what draws a corpus."""


def sum_groups(target: str, drawn: tuple[Pairs, Int64[np.ndarray, " rows"]], groups: int) -> Sums:
    """Sums of each group."""
    pairs, index = drawn
    return sum_targets({target: pairs}, {target: Grouping(index, groups)}, CLASSES)


def find_truth(case: str) -> float:
    """Metric of so many groups that chance is gone."""
    target, metric, draw = CASES[case]
    rng = np.random.default_rng(2**32)
    values = []
    for _ in range(10):
        sums = sum_groups(target, draw(MANY, rng), MANY)
        values.append(compute_metrics(combine(sums, np.ones((1, MANY))))[metric].item())
    return float(np.mean(values))


def bound_draws(
    sums: Sums, metric: str, groups: int, rng: np.random.Generator
) -> Iterator[tuple[str, tuple[float, float]]]:
    """SciPy's interval by each of `METHODS`, of the same draws."""

    def compute(places: Int64[np.ndarray, "*draws groups"], axis: int) -> Float64[np.ndarray, "*n"]:
        taken = np.atleast_2d(np.moveaxis(places, axis, -1))
        flat = taken + groups * np.arange(len(taken))[:, np.newaxis]
        weights = np.bincount(flat.ravel(), minlength=groups * len(taken))
        weighed = combine(sums, weights.reshape(-1, groups).astype(float))
        values = compute_metrics(weighed, {metric})[metric]
        return values if places.ndim > 1 else values[0]

    found = None
    for method in METHODS:
        found = bootstrap(
            (np.arange(groups),),
            compute,
            n_resamples=0 if found else DRAWS,
            vectorized=True,
            confidence_level=CONFIDENCE,
            method=method,
            bootstrap_result=found,
            rng=rng,
        )
        yield method, (found.confidence_interval.low, found.confidence_interval.high)


def measure_coverage(case: str, groups: int, rounds: int, truth: float) -> dict[str, float]:
    """Percent of `rounds` in which each interval holds the `truth`; one that is absent does not."""
    target, metric, draw = CASES[case]
    covering: dict[str, int] = {}
    for number in range(rounds):
        rng = np.random.default_rng([groups, number])
        sums = sum_groups(target, draw(groups, rng), groups)
        own = bound_metrics(sums, CONFIDENCE)[metric]
        bounds = {"ours": (np.nan, np.nan) if own.low is None else (own.low, own.high)}
        for method, (low, high) in {
            **bounds,
            **dict(bound_draws(sums, metric, groups, rng)),
        }.items():
            covering[method] = covering.get(method, 0) + int(low <= truth <= high)
    return {method: 100 * count / rounds for method, count in covering.items()}


def measure_tests(groups: int, rounds: int) -> float:
    """Percent of `rounds` in which two heads that are alike differ significantly in UAR."""
    significant = 0
    for number in range(rounds):
        rng = np.random.default_rng([groups, number, 1])
        pairs, index = draw_classes(groups, rng)
        errors = np.random.default_rng([groups, number, 2]).random((2, len(index))) < 0.2
        heads = {
            str(head): sum_groups(
                "emotion",
                (Pairs(pairs.labels, np.where(wrong, 0.0, pairs.predictions)), index),
                groups,
            )
            for head, wrong in enumerate(errors)
        }
        tests = swap_tests(heads, draws=DRAWS - 1, generator=rng, wanted={"uar"})
        significant += tests["0", "1"]["uar"].p_value < SIGNIFICANT
    return 100 * significant / rounds


def main(rounds: int = 2000) -> None:
    """Print a line of JSON for each case and number of groups, then one for the tests."""
    warnings.simplefilter("ignore", DegenerateDataWarning)
    for case in CASES:
        truth = find_truth(case)
        for groups in GROUPS:
            begun = time.perf_counter()
            covered = measure_coverage(case, groups, rounds, truth)
            figures = {name: round(value, 1) for name, value in covered.items()}
            seconds = round(time.perf_counter() - begun, 1)
            line = {"metric": case, "true": round(truth, 3), "groups": groups, **figures}
            print(json.dumps({**line, "seconds": seconds}), flush=True)
    alike = {groups: round(measure_tests(groups, rounds), 1) for groups in GROUPS}
    print(json.dumps({"tests of heads that are alike, significant": alike}), flush=True)


if __name__ == "__main__":
    typer.run(main)
