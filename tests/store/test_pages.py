"""Parquet files that say in a few bytes that they hold gigabytes."""

from io import BytesIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.audits.inspection import inspect_path
from pipeline.errors import CorpusError, StoreError
from pipeline.imports import parquet
from pipeline.imports.series import Wanted
from pipeline.labels.corpora.sheets import read_sheet
from pipeline.store import tables
from pipeline.store.pages import _read_struct, measure_pages

LAYOUTS = (
    {},
    {"data_page_version": "2.0"},
    {"use_dictionary": False, "data_page_size": 100},
    {"row_group_size": 37, "compression": "zstd", "write_statistics": False},
)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_values_of_lists_are_those_of_their_pages(tmp_path, layout):
    lengths = np.random.default_rng(0).integers(0, 7, 211)
    lists = [list(range(length)) for length in lengths]
    table = pa.table({"id": [str(n) for n in range(211)], "l": lists, "m": [[[1], [2, 3]]] * 211})
    pq.write_table(table, tmp_path / "a.parquet", **layout)
    names = {"l": "l.list.element", "m": "m.list.element.list.element"}
    found = {c: measure_pages(tmp_path / "a.parquet", {p}).listed for c, p in names.items()}
    assert found == {"l": sum(max(1, length) for length in lengths), "m": 3 * 211}


def write_list(path, values):
    """One row, whose list has so many zeros."""
    zeros = pa.array(np.zeros(values, np.int8))
    column = pa.ListArray.from_arrays(pa.array([0, values], pa.int32()), zeros)
    pq.write_table(pa.table({"clip_id": ["a"], "x": column}), path, data_page_size=2**30)


def write_text(path):
    """Texts of 1 MB, packed to nothing, of which Arrow holds one of each column."""
    columns = {f"x{number}": ["a" * 2**20] for number in range(3)}
    pq.write_table(pa.table(columns), path, compression="zstd", write_statistics=False)


@pytest.fixture
def _small(monkeypatch):
    """Limits that take no gigabytes to reach."""
    monkeypatch.setattr(tables, "limit_unpacked", lambda size: 2**22 + 100 * size)


@pytest.mark.usefixtures("_small")
def test_a_row_of_very_many_equal_values_is_refused_before_it_is_unpacked(tmp_path):
    path = tmp_path / "a.parquet"
    write_list(path, 300_000)
    assert path.stat().st_size < 2000
    before = pa.total_allocated_bytes()
    for read in (lambda: list(parquet.read(path, Wanted(modality="face"))), lambda: inspect(path)):
        with pytest.raises(StoreError, match=r"unpacks to at most 0\.0 GB, got more"):
            read()
    with pytest.raises(CorpusError, match=r"unpacks to at most 0\.0 GB, got more"):
        read_sheet(path)
    assert pa.total_allocated_bytes() == before
    write_list(path, 7000)
    (series,) = parquet.read(path, Wanted(modality="face"))
    assert series.rows.shape == (1, 7000)


def inspect(path):
    return list(inspect_path(path))


@pytest.mark.usefixtures("_small")
def test_pages_of_very_long_texts_are_refused_before_they_are_unpacked(tmp_path):
    write_text(tmp_path / "a.parquet")
    pool = pa.default_memory_pool()
    before = pool.max_memory()
    with pytest.raises(CorpusError, match=r"unpacks to at most 0\.0 GB, got more"):
        read_sheet(tmp_path / "a.parquet")
    assert pool.max_memory() == before


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"\x15\x02\x05\x02\x04\0", "each field once, got 1"),
        (b"\x05\x86\x80\x08\x02\0", "each field once, got 65539"),
        (b"\x18\xff\xff\xff\xff\x07a", "more bytes, got an end"),
        (b"\x19\xf7\xff\xff\xff\xff\x0f", "more bytes, got an end"),
        (b"\x1c" * 99, "at most 16 structs"),
        (b"\x1b\0", "got one of kind 11"),
        (b"\x15" + b"\xff" * 11, "whole number of 64 bits"),
    ],
)
def test_structs_that_arrow_might_read_otherwise_are_refused(data, told):
    with pytest.raises(ValueError, match=told):
        _read_struct(BytesIO(data))


def test_a_page_that_says_it_ends_elsewhere_is_refused(tmp_path):
    path = tmp_path / "a.parquet"
    write_list(path, 7)
    whole = path.read_bytes()
    place = pq.ParquetFile(path).metadata.row_group(0).column(1).dictionary_page_offset
    for damaged in (whole[: place + 1] + b"\xff" * 11 + whole[place + 12 :], b"PAR1", b""):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="expected"):
            measure_pages(path, {"x.list.element"})
