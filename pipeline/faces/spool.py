"""Spools: the rows of one clip in a file of their own, so that a long clip is never in memory."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Bool

BATCH_BYTES = 1_000_000
"""Rows that wait to be written weigh about so much at most; what waits for long lies between frames
that were let go of, and keeps their memory from being used again."""

ROW_BYTES = 1_000
"""About what a row weighs beside its JPEG."""


class Spool:
    """Takes rows of `schema`, one by one, to a new file in `folder`; use it in a `with` block."""

    def __init__(self, schema: pa.Schema, folder: Path) -> None:
        descriptor, name = tempfile.mkstemp(suffix=".arrow", dir=folder)
        os.close(descriptor)
        self.path = Path(name)
        self._writer = pa.ipc.new_file(name, schema)
        self._schema = schema
        self._rows: list[dict[str, Any]] = []
        self._bytes = 0

    def __enter__(self) -> "Spool":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._flush()
        self._writer.close()

    def add(self, row: dict[str, Any]) -> None:
        """Take a row."""
        self._rows.append(row)
        self._bytes += len(row.get("jpeg", b"")) + ROW_BYTES
        if self._bytes >= BATCH_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_batch(pa.RecordBatch.from_pylist(self._rows, schema=self._schema))
        self._rows, self._bytes = [], 0


def keep_rows(path: Path, judge: Callable[[pa.RecordBatch], Bool[np.ndarray, " rows"]]) -> None:
    """Leave in the file of a spool those rows alone that `judge` says to keep."""
    with pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as file:
        batches = [file.get_batch(number) for number in range(file.num_record_batches)]
        kept = [judge(batch) for batch in batches]
        if all(mask.all() for mask in kept):
            return
        aside = path.with_suffix(".kept")
        with pa.ipc.new_file(str(aside), file.schema) as writer:
            for batch, mask in zip(batches, kept, strict=True):
                writer.write_batch(batch.filter(pa.array(mask)))
        aside.replace(path)


def take_rows(path: Path) -> pa.Table:
    """Rows of a spool, mapped: the file is gone as soon as nobody needs them."""
    with pa.memory_map(str(path)) as source:
        table = pa.ipc.open_file(source).read_all()
    path.unlink()
    return table
