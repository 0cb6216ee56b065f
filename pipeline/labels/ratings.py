"""Ratings described: how many, their ends, their mean, and how they spread over their scale."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
import pyarrow as pa
from jaxtyping import Float64, Int64

from pipeline.errors import StoreError
from pipeline.labels.clip_labels import ClipLabels
from pipeline.labels.parts import ALL, Parts
from pipeline.targets import TARGETS, Target

BINS = 10
"""Of a histogram, over the scale of what it is of."""


@dataclass(frozen=True)
class Rated:
    """Numbers on a scale from `low` to `high`: how many, their ends and mean, and BINS counts."""

    low: float
    high: float
    count: int
    least: float
    greatest: float
    mean: float
    histogram: tuple[int, ...]


@dataclass(frozen=True)
class Agreement:
    """Of clips with votes, the share that their first class got; `tied` have several first ones."""

    shares: Rated
    tied: int


def describe_ratings(
    targets: Sequence[ClipLabels], frames: pa.Table, parts: Parts
) -> Iterator[tuple[str, dict[str, Rated]]]:
    """Each rating that any clip or frame has, by part, and ALL; parts without it are left out.

    `frames` has the number of each row's part in the column `part`. Raises StoreError for a rating
    off its scale.
    """
    for name, target in TARGETS.items():
        if not target.behaviour.number:
            continue
        rated = [t for t in targets if name in t.labels]
        numbers = np.array([t.labels[name] for t in rated], np.float64)
        places = parts.number(pa.array([t.clip_id for t in rated], pa.string()))
        if target.framed:
            given = frames.select([name, "part"]).filter(frames[name].is_valid())
            numbers = np.concatenate([numbers, given[name].to_numpy()])
            places = np.concatenate([places, given["part"].to_numpy()])
        _check_scale(target, numbers)
        if len(numbers):
            yield name, dict(_describe_parts(numbers, places, target, parts.names))


def describe(numbers: Float64[np.ndarray, " rows"], low: float, high: float) -> Rated:
    """What can be said of at least one of `numbers`, and of a scale from `low` to `high`."""
    counts, _ = np.histogram(numbers, BINS, (low, high))
    ends = float(numbers.min()), float(numbers.max())
    return Rated(low, high, len(numbers), *ends, float(numbers.mean()), tuple(counts.tolist()))


def measure_agreement(targets: Sequence[ClipLabels]) -> Agreement | None:
    """How far voters agree; None where no clip has votes."""
    labels = [target.labels["votes"] for target in targets if "votes" in target.labels]
    votes = [[count for _, count in label] for label in labels if isinstance(label, tuple)]
    given = [counts for counts in votes if 0 < sum(counts) < inf]
    if not given:
        return None
    shares = np.array([max(counts) / sum(counts) for counts in given])
    return Agreement(
        shares=describe(shares, 0.0, 1.0),
        tied=sum(counts.count(max(counts)) > 1 for counts in given),
    )


def _check_scale(target: Target, numbers: Float64[np.ndarray, " rows"]) -> None:
    off = numbers[~((numbers >= target.low) & (numbers <= target.high))]
    if len(off):
        raise StoreError(
            f"data/targets: {target.name}: expected {target.low:g} to {target.high:g}, got "
            f"{off[0]:g}; run `dvc repro labels`"
        )


def _describe_parts(
    numbers: Float64[np.ndarray, " rows"],
    places: Int64[np.ndarray, " rows"],
    target: Target,
    names: Sequence[str],
) -> Iterator[tuple[str, Rated]]:
    """All `numbers` described, and those of each part that has some."""
    stops = np.cumsum(np.bincount(places, minlength=len(names)))
    pieces = np.split(numbers[np.argsort(places, kind="stable")], stops[:-1])
    for part, piece in [(ALL, numbers), *zip(names, pieces, strict=True)]:
        if len(piece):
            yield part, describe(piece, target.low, target.high)
