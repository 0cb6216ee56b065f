"""Parquet tables with one Arrow schema each, written whole and refused when they are not it."""

import sys
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.errors import StoreError
from pipeline.files import write_whole
from pipeline.limits import MOST_CLIPS, SHOWN_BYTES, UNPACKED_TIMES, limit_unpacked
from pipeline.store.objects import (
    LISTS,
    POINTER,
    WIDEST,
    list_rows,
    measure_objects,
    measure_words,
)
from pipeline.store.pages import FIXED, TEXT, Pages, measure_pages

FORMAT_VERSION = 1
"""Of tables whose schema does not say another."""

_VERSION_KEY = b"moodline.format_version"
_BUFFER = 2**20
_ROWS = 2**10
_ROW_BYTES = 8
"""A row counts as so many at least: blanks alone take none, and are read one after another."""
_TEXTS = 2**17
_LISTED_BYTES = 16
"""Of a value in a list, while it is unpacked: 4 or 8, and where in the lists it stands."""
_PAGE_TIMES = 2
"""A page that is unpacked is copied."""


class _NoPandas(MetaPathFinder):
    """Says of pandas alone that it cannot be imported."""

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("pandas is left out here")


def leave_pandas_out() -> None:
    """Keep pyarrow from importing pandas, a third of a second, when it first makes an array.

    pyarrow asks for pandas once, to know its types. Whatever imports pandas later gets it, and
    pyarrow's own `to_pandas` and `Table.from_pandas` work; `pa.array` takes a pandas Series for
    a plain sequence.
    """
    if "pandas" in sys.modules:
        return
    refusing = _NoPandas()
    sys.meta_path.insert(0, refusing)
    try:
        pa.array([])
    finally:
        sys.meta_path.remove(refusing)


def write_table(path: Path, table: pa.Table) -> None:
    """Write `table` to `path`; the same rows give the same bytes."""
    marked = table.replace_schema_metadata(version_schema(_version_of(table.schema)))
    write_whole(path, lambda aside: pq.write_table(marked, aside, write_page_checksum=True))


def read_table(path: Path, schema: pa.Schema) -> pa.Table:
    """Table at `path`; raises StoreError when it is absent, or not of `schema` and its version.

    And where the words that recur in it would unpack to too much as objects.
    """
    table = _read_table(path, schema, read_limited)
    most = limit_unpacked(path.stat().st_size)
    if WIDEST * table.nbytes > most and table.nbytes + measure_words(table) > most:
        raise _refuse_size(path, most)
    return table


def read_records(path: Path, schema: pa.Schema, most_rows: int) -> pa.Table:
    """As `read_table`, of rows that become objects: `most_rows` of them at most.

    A row that takes next to nothing in a column is large as an object, so columns and objects
    together keep to the limit of what is unpacked.
    """
    table = _read_table(path, schema, read_objects)
    if table.num_rows > most_rows:
        raise StoreError(f"{path}: expected at most {most_rows:,} rows, got {table.num_rows:,}")
    return table


def _read_table(path: Path, schema: pa.Schema, read: Callable[..., pa.Table]) -> pa.Table:
    if not path.is_file():
        raise StoreError(f"{path}: no such table; run `dvc repro` or `dvc pull` to get it")
    try:
        # pq.read_table would import pyarrow.dataset, and with it pandas. Read by the buffer, not
        # whole columns at once, a table of millions of rows takes a third less at its peak.
        with pq.ParquetFile(
            path, page_checksum_verification=True, pre_buffer=False, buffer_size=_BUFFER
        ) as file:
            _check_schema(path, file.schema_arrow, schema)
            return read(file, path)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise StoreError(f"{path}: not a readable Parquet file ({error})") from error


def read_by_clip(path: Path, schema: pa.Schema) -> pa.Table:
    """Table at `path` that has a row for each clip; raises StoreError as `read_table` does.

    And where a row has no clip, or a clip another row.
    """
    table = read_records(path, schema, MOST_CLIPS)
    clip_ids = table["clip_id"]
    if clip_ids.null_count or len(clip_ids.unique()) < len(table):
        told = "none" if clip_ids.null_count else "one again"
        raise StoreError(
            f"{path}: expected a row for each clip, got {told}; run `dvc repro labels`, or `dvc "
            f"pull` it anew"
        )
    return table


def _check_schema(path: Path, read: pa.Schema, schema: pa.Schema) -> None:
    """Raise StoreError unless the table at `path` is of `schema` and its version."""
    version = (read.metadata or {}).get(_VERSION_KEY, b"none").decode(errors="replace")
    expected = _version_of(schema)
    if version != str(expected):
        raise StoreError(
            f"{path}: expected format_version {expected}, got {version}; run `dvc repro` to make "
            f"it anew"
        )
    if not read.remove_metadata().equals(schema):
        raise StoreError(
            f"{path}: expected columns {describe_schema(schema)}, got {describe_schema(read)}"
        )


def read_limited(file: pq.ParquetFile, path: Path, most: int | None = None) -> pa.Table:
    """All rows of `file`, which is at `path`.

    Raises StoreError where they unpack to more than `most` bytes, by default what `limits` says,
    and ArrowInvalid for values that are not of their type, such as text that is no UTF-8.
    """
    pages = _check_pages(file.schema, path)
    return _read_batches(file, path, pages, most or limit_unpacked(path.stat().st_size))


def _read_batches(file: pq.ParquetFile, path: Path, pages: Pages, most: int) -> pa.Table:
    if max(_ROW_BYTES * pages.rows, pages.unpacked) > most:
        raise _refuse_size(path, most)
    if pages.texts > most and _measure_texts(file.schema, path) > most:
        raise _refuse_size(path, most)
    batches, size = [], 0
    for batch in file.iter_batches(_ROWS):
        batches.append(batch)
        size += batch.nbytes
        if size > most:
            raise _refuse_size(path, most)
    table = pa.Table.from_batches(batches, file.schema_arrow)
    table.validate(full=True)
    return table


def read_objects(file: pq.ParquetFile, path: Path) -> pa.Table:
    """As `read_limited`, of a table whose values become objects: all that together is limited."""
    most = limit_unpacked(path.stat().st_size)
    pages = _check_pages(file.schema, path)
    if POINTER * pages.values > most:
        raise _refuse_size(path, most)
    # No object is smaller than what it is made of.
    table = _read_batches(file, path, pages, most // 2)
    if table.nbytes + measure_objects(table) > most:
        raise _refuse_size(path, most)
    return table


def read_first(file: pq.ParquetFile, path: Path, count: int) -> list[dict[str, Any]]:
    """The first `count` rows of `file`, which is at `path`, to show them.

    Raises StoreError as `read_limited` does, of what few rows need.
    """
    most = SHOWN_BYTES + UNPACKED_TIMES * path.stat().st_size
    pages = _check_pages(file.schema, path)
    lengths = sum(c.length for c in _list_kinds(file.schema) if c.physical_type == FIXED)
    texts = _measure_texts(file.schema, path, count) if pages.texts > most else 0
    if max(count * lengths, texts) > most:
        raise _refuse_size(path, most)
    shown = pa.Table.from_batches([*islice(file.iter_batches(count), 1)], file.schema_arrow)
    if shown.nbytes + measure_objects(shown) > most:
        raise _refuse_size(path, most)
    return list(list_rows(shown))


def _refuse_size(path: Path, most: int) -> StoreError:
    return StoreError(
        f"{path}: expected a table that unpacks to at most {most / 2**30:.1f} GB, got more"
    )


def _check_pages(schema: pq.ParquetSchema, path: Path) -> Pages:
    """What the pages of the table at `path` come to.

    A page is unpacked whole, and a row with all in its lists, so they count before any is. Raises
    StoreError where that is more than `limits` say, ValueError as `measure_pages` does.
    """
    pages = measure_pages(path, _list_kinds(schema))
    most = limit_unpacked(path.stat().st_size)
    if max(_LISTED_BYTES * pages.listed, _PAGE_TIMES * pages.held) > most:
        raise _refuse_size(path, most)
    return pages


def _list_kinds(schema: pq.ParquetSchema) -> list[pq.ColumnSchema]:
    """Columns, or parts of such, that have pages."""
    return [schema.column(number) for number in range(len(schema))]


def _measure_texts(schema: pq.ParquetSchema, path: Path, count: int | None = None) -> int:
    """Bytes of the texts of the table at `path`, of which a dictionary may hold one for many rows.

    They are never unpacked. Those of its first `count` rows, if that is given. Raises ValueError
    for texts of types that can only be read unpacked.
    """
    texts = [kind.path for kind in _list_kinds(schema) if kind.physical_type == TEXT]
    with pq.ParquetFile(path, read_dictionary=texts, pre_buffer=False) as file:
        found = sum(_count_dictionaries(field.type) for field in file.schema_arrow)
        if found < len(texts):  # those of an extension's type would be unpacked
            raise ValueError(f"expected {len(texts)} columns of plain texts, got {found}")
        batches = file.iter_batches(count or _TEXTS, columns=texts)
        return sum(
            _measure_array(column)
            for batch in islice(batches, 1 if count else None)
            for column in batch.columns
        )


def _count_dictionaries(kind: pa.DataType) -> int:
    """Dictionaries in a type, or in those within it."""
    if isinstance(kind, pa.DictionaryType):
        return 1
    inner = range(0 if isinstance(kind, pa.BaseExtensionType) else kind.num_fields)
    return sum(_count_dictionaries(kind.field(number).type) for number in inner)


def _measure_array(array: pa.Array) -> int:
    """Bytes that the dictionaries in an array, or in its lists, would unpack to."""
    if isinstance(array.type, pa.DictionaryType):
        lengths = pc.binary_length(array.dictionary).cast(pa.int64())
        return int(pc.sum(lengths.take(array.indices)).as_py() or 0)
    if isinstance(array, pa.StructArray):
        return sum(map(_measure_array, array.flatten()))
    if isinstance(array, pa.MapArray):
        return _measure_array(array.keys) + _measure_array(array.items)
    if isinstance(array, LISTS):
        return _measure_array(array.flatten())
    return 0


def version_schema(version: int) -> dict[bytes, bytes]:
    """Metadata of a schema whose tables are of another `format_version` than the first."""
    return {_VERSION_KEY: str(version).encode()}


def _version_of(schema: pa.Schema) -> int:
    return int((schema.metadata or {}).get(_VERSION_KEY, FORMAT_VERSION))


def describe_schema(schema: pa.Schema) -> str:
    """Columns with their types, for people."""
    return ", ".join(f"{field.name} {field.type}" for field in schema)
