"""Parquet: a table of clips."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import StoreError
from pipeline.files import open_regular
from pipeline.imports.columns import read_batches
from pipeline.imports.series import Series, Wanted, limit_bytes
from pipeline.store.tables import read_limited


def read(path: Path, wanted: Wanted) -> Iterator[Series]:
    """Series of the table; raises StoreError where it is none, or unpacks beyond the limit."""
    try:
        with open_regular(path), pq.ParquetFile(path, pre_buffer=False) as file:
            table = read_limited(file, path)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise StoreError(f"{path}: not a readable Parquet file ({error})") from error
    yield from read_batches(str(path), table.to_batches(), wanted, limit_bytes(path))
