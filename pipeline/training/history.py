"""History: what each epoch of a training measured."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

History = list[dict[str, Any]]


def write_history(path: Path, history: Mapping[str, History]) -> None:
    """Write `history` (run → epochs) as CSV, one row per epoch; heads solved exactly have none."""
    rows = [{"run": run, **epoch} for run, epochs in history.items() for epoch in epochs]
    columns = dict.fromkeys(["run", "epoch", *(name for row in rows for name in row)])
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
