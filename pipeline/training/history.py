"""History: what each epoch of a training measured."""

import csv
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.training.optimisers import choose_mode

History = list[dict[str, Any]]


def count_epochs(history: History, monitor: str) -> int:
    """Epochs up to the first of those in which `monitor` is best.

    >>> count_epochs([{"uar": 0.2}, {"uar": 0.5}, {"uar": 0.5}], "uar")
    2
    """
    sign = -1.0 if choose_mode(monitor) == "min" else 1.0
    values = [sign * epoch.get(monitor, math.nan) for epoch in history]
    best = max(value for value in values if not math.isnan(value))
    return values.index(best) + 1


def write_history(path: Path, history: Mapping[str, History]) -> None:
    """Write `history` (run → epochs) as CSV, one row per epoch; heads solved exactly have none."""
    rows = [{"run": run, **epoch} for run, epochs in history.items() for epoch in epochs]
    columns = dict.fromkeys(["run", "epoch", *(name for row in rows for name in row)])
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
