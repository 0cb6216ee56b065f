"""Outcomes: what each trial of a sweep had on validation, in a table that is kept."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from math import isfinite
from pathlib import Path

import numpy as np

from pipeline.errors import StoreError
from pipeline.evaluation.ranking import rank_values
from pipeline.files import write_text
from pipeline.store.records import read_bytes
from pipeline.targets import TARGETS, list_metrics

COLUMNS = ("trial", "seed", "seconds", "key", "refused")
"""Of the table, before one for each metric."""


@dataclass(frozen=True)
class Outcome:
    """What a trial gave on validation: metric → value, missing predictions filled by the prior.

    `key` is the digest of all that decides it; `seconds` is how long it took. A trial that a head
    or training refuses has no `values`, and the sentence that says why in `refused`.
    """

    trial: str
    seed: int
    seconds: float
    key: str
    refused: str
    values: Mapping[str, float | None]


def write_outcomes(path: Path, outcomes: Sequence[Outcome], metrics: Sequence[str]) -> None:
    """Write the table of `outcomes` to `path`, whole or not at all."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*COLUMNS, *metrics])
    for one in outcomes:
        said = (one.trial, one.seed, one.seconds, one.key, one.refused)
        numbers = (one.values.get(metric) for metric in metrics)
        writer.writerow([*said, *("" if value is None else repr(value) for value in numbers)])
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, text.getvalue())


def read_outcomes(path: Path) -> list[Outcome]:
    """Outcomes in the table at `path`, none where there is no file.

    Raises StoreError for a file that is no such table.
    """
    if not path.exists():
        return []
    text = read_bytes(path, "the trials of a sweep", "remove it")
    try:
        header, *lines = csv.reader(StringIO(text.decode("utf-8")), strict=True)
        if tuple(header[: len(COLUMNS)]) != COLUMNS:
            raise ValueError(f"expected columns {', '.join(COLUMNS)}")
        if strange := {*header[len(COLUMNS) :]} - {*list_metrics(TARGETS)}:
            raise ValueError(f"unknown metric {min(strange)!r}")
        return [_read_row(line, header[len(COLUMNS) :]) for line in lines]
    except (ValueError, csv.Error) as error:
        told = " ".join(str(error).split())
        raise StoreError(
            f"{path}: expected the trials of a sweep, got another table ({told}); remove it"
        ) from error


def _read_row(line: Sequence[str], metrics: Sequence[str]) -> Outcome:
    trial, seed, seconds, key, refused, *cells = line
    found = {
        metric: float(cell) if cell else None for metric, cell in zip(metrics, cells, strict=True)
    }
    if not all(isfinite(value) for value in (float(seconds), *found.values()) if value is not None):
        raise ValueError("expected finite numbers")
    return Outcome(trial, int(seed), float(seconds), key, refused, {} if refused else found)


@dataclass(frozen=True)
class Ranked:
    """A trial over all its seeds: metric → mean and deviation (None of one seed), and seconds."""

    trial: str
    seeds: int
    seconds: float
    values: Mapping[str, tuple[float | None, float | None]]


def rank_outcomes(outcomes: Iterable[Outcome], targets: Sequence[str]) -> list[Ranked]:
    """Trials by the means over their seeds, best first as heads are ranked.

    Those that were refused are left out.
    """
    grouped: dict[str, list[Outcome]] = {}
    for one in outcomes:
        if not one.refused:
            grouped.setdefault(one.trial, []).append(one)
    found = {trial: _average(trial, own) for trial, own in grouped.items()}
    means = {
        trial: {metric: mean for metric, (mean, _) in one.values.items()}
        for trial, one in found.items()
    }
    return [found[trial] for trial in rank_values(means, targets)]


def _average(trial: str, outcomes: Sequence[Outcome]) -> Ranked:
    values: dict[str, tuple[float | None, float | None]] = {}
    for metric in outcomes[0].values:
        known = [v for one in outcomes if (v := one.values.get(metric)) is not None]
        whole = len(known) == len(outcomes)
        spread = float(np.std(known, ddof=1)) if whole and len(known) > 1 else None
        values[metric] = (float(np.mean(known)) if whole else None, spread)
    return Ranked(trial, len(outcomes), sum(one.seconds for one in outcomes), values)
