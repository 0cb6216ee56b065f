"""Media parts as Parquet files: JPEG, FLAC or text beside the columns that describe them."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import StoreError
from pipeline.files import DIGEST_BYTES, open_regular
from pipeline.store.header import load_json
from pipeline.store.parts import PartClip, parse_clips
from pipeline.store.tables import read_limited

FORMAT_VERSION = 1
ROWS = 1024
"""Rows that are read at once: a part read whole takes twice its size in memory."""
_VERSION_KEY = b"moodline.format_version"
_CLIPS_KEY = b"moodline.clips"


@dataclass(frozen=True)
class ParquetParts:
    """Part format `parquet`: one row group, its clips listed in the file's metadata."""

    def path_of(self, parts: Path, part: str) -> Path:
        """Parquet file of the part."""
        return parts / f"{part}.parquet"

    def write_part(
        self, path: Path, contents: Sequence[pa.Table], clips: Sequence[PartClip]
    ) -> None:
        """Write the tables of `contents` as one file; bytes are compressed already."""
        listed = json.dumps([clip.to_json() for clip in clips])
        metadata = {_VERSION_KEY: str(FORMAT_VERSION).encode(), _CLIPS_KEY: listed.encode()}
        table = pa.concat_tables(contents) if contents else pa.table({})
        marked = table.replace_schema_metadata(metadata)
        pq.write_table(marked, path, compression="none", use_dictionary=False)

    def read_clips(self, path: Path) -> list[PartClip]:
        """Clips listed in the file's metadata."""
        with _open_file(path) as file:
            metadata = file.schema_arrow.metadata or {}
            version = metadata.get(_VERSION_KEY, b"none").decode()
            if version != str(FORMAT_VERSION) or _CLIPS_KEY not in metadata:
                raise StoreError(
                    f"{path}: expected a part of format_version {FORMAT_VERSION}, got {version}"
                )
            return parse_clips(path, load_json(metadata[_CLIPS_KEY], path))

    def open_part(self, path: Path) -> pa.Table:
        """Table of the whole part; raises StoreError when it is not a readable one."""
        with _open_file(path) as file:
            # Values lie there as they are: whatever unpacks to more was written by another program.
            table = read_limited(file, path, most=2 * path.stat().st_size + 2**20)
            return table.replace_schema_metadata()

    def read_rows(
        self, path: Path, start: int, stop: int, columns: Sequence[str] | None
    ) -> Iterator[pa.Table]:
        """Rows `start` to `stop` of the part at `path`, of `columns` alone if told, ROWS at once.

        Nothing else of it is read into memory.
        """
        place = 0
        with _open_file(path) as file:
            for batch in file.iter_batches(ROWS, columns=columns):
                first, last = (min(max(0, end - place), len(batch)) for end in (start, stop))
                if last > first:
                    rows = pa.Table.from_batches([batch.slice(first, last - first)])
                    yield rows.replace_schema_metadata()
                place += len(batch)

    def slice_part(self, opened: pa.Table, start: int, stop: int) -> pa.Table:
        """Rows `start` to `stop`, without a copy."""
        return opened.slice(start, stop - start)

    def digest_content(self, content: pa.Table) -> str:
        """Digest of the column names, and of every value in turn."""
        digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
        for name, column in zip(content.column_names, content.columns, strict=True):
            digest.update(name.encode())
            for start in range(0, len(column), ROWS):
                for value in column.slice(start, ROWS).to_pylist():
                    data = value if type(value) is bytes else json.dumps(value).encode()
                    digest.update(len(data).to_bytes(8, "little"))
                    digest.update(data)
        return digest.hexdigest()

    def mark_parts(self, parts: Path, attributes: Mapping[str, Any]) -> None:
        """Leave the folder as it is: Parquet readers take a folder of files."""


@contextmanager
def _open_file(path: Path) -> Iterator[pq.ParquetFile]:
    """Part at `path` while it is read; raises StoreError for whatever Arrow cannot make of it."""
    try:
        with open_regular(path), pq.ParquetFile(path, memory_map=True, pre_buffer=False) as file:
            yield file
    except (pa.ArrowException, OSError, TypeError, ValueError) as error:
        raise StoreError(f"{path}: not a readable Parquet file ({error})") from error


PARTS = ParquetParts()
