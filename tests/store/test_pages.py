"""Parquet files that say in a few bytes that they hold gigabytes."""

from contextlib import contextmanager

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.audits.inspection import inspect_path
from pipeline.errors import CorpusError, StoreError
from pipeline.evaluation.table import HELD_OUT_SCHEMA, WORD
from pipeline.imports import parquet
from pipeline.imports.series import Wanted
from pipeline.labels.corpora import sheets
from pipeline.labels.corpora.sheets import read_sheet
from pipeline.store import pages, tables
from pipeline.store.pages import _LISTS, _Packed, _read_struct, measure_pages
from pipeline.store.parquet import PARTS
from pipeline.store.parts import PartClip
from pipeline.store.tables import read_table

LAYOUTS = (
    {},
    {"data_page_version": "2.0"},
    {"use_dictionary": False, "data_page_size": 100},
    {"row_group_size": 37, "compression": "zstd", "write_statistics": False},
)


def measure(path):
    with pq.ParquetFile(path) as file:
        return measure_pages(path, [file.schema.column(n) for n in range(len(file.schema))])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_values_of_lists_are_those_of_their_pages(tmp_path, layout):
    lengths = np.random.default_rng(0).integers(0, 7, 211)
    lists = [list(range(length)) for length in lengths]
    table = pa.table({"id": [str(n) for n in range(211)], "l": lists, "m": [[[1], [2, 3]]] * 211})
    pq.write_table(table, tmp_path / "a.parquet", **layout)
    found = measure(tmp_path / "a.parquet")
    assert found.listed == sum(max(1, length) for length in lengths) + 3 * 211
    assert (found.rows, found.values) == (211, 211 + found.listed)
    assert found.texts >= sum(len(str(n)) for n in range(211))


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


@contextmanager
def watch_memory():
    """Pool of the memory that Arrow takes within this, and nowhere else."""
    usual = pa.default_memory_pool()
    pool = pa.proxy_memory_pool(usual)
    pa.set_memory_pool(pool)
    try:
        yield pool
    finally:
        pa.set_memory_pool(usual)


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


def test_few_rows_that_are_large_as_objects_are_not_shown(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "SHOWN_BYTES", 2**20)
    write_list(tmp_path / "a.parquet", 200_000)  # of one byte each, and 40 as objects
    with pytest.raises(StoreError, match=r"unpacks to at most 0\.0 GB, got more"):
        inspect(tmp_path / "a.parquet")


def inspect(path):
    return list(inspect_path(path))


@pytest.mark.usefixtures("_small")
def test_pages_of_very_long_texts_are_refused_before_they_are_unpacked(tmp_path):
    write_text(tmp_path / "a.parquet")
    with watch_memory() as pool:
        with pytest.raises(CorpusError, match=r"unpacks to at most 0\.0 GB, got more"):
            read_sheet(tmp_path / "a.parquet")
        assert pool.max_memory() < 2**22


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"\x15\x02\x05\x02\x04\0", "each field once, got 1"),
        (b"\x05\x86\x80\x08\x02\0", "each field once, got 65539"),
        (b"\x18\xff\xff\xff\xff\x07a", "more bytes, got an end"),
        (b"\x29\xfc\xff\xff\xff\xff\x0f", "at most 16,777,216 bytes, got more"),
        (b"\x29\x15\0", "list as Parquet has it, got one of kind 5"),
        (b"\x1c" * 99, "at most 16 structs"),
        (b"\x1b\0", "got one of kind 11"),
        (b"\x15" + b"\xff" * 11, "whole number of 64 bits"),
    ],
)
def test_structs_that_arrow_might_read_otherwise_are_refused(data, told):
    with pytest.raises(ValueError, match=told):
        _read_struct(_Packed(data))


def test_a_page_that_says_it_ends_elsewhere_is_refused(tmp_path):
    path = tmp_path / "a.parquet"
    write_list(path, 7)
    whole = path.read_bytes()
    with pq.ParquetFile(path) as file:
        kinds = [file.schema.column(number) for number in range(2)]
        place = file.metadata.row_group(0).column(1).dictionary_page_offset
    for damaged in (whole[: place + 1] + b"\xff" * 11 + whole[place + 12 :], b"PAR1", b""):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="expected"):
            measure_pages(path, kinds)
    for other in ([], kinds[:1]):
        path.write_bytes(whole)
        with pytest.raises(ValueError, match="expected"):
            measure_pages(path, other)


def test_a_part_may_list_very_many_clips(tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "FOOTER_BYTES", 2**10)
    text = pa.table({"text": ["a"] * 70})
    clips = [PartClip(f"{n:03d}", "0" * 32, n, 1, "0" * 32) for n in range(70)]
    PARTS.write_part(tmp_path / "a.parquet", [text], clips)
    assert PARTS.open_part(tmp_path / "a.parquet").equals(text)
    pq.write_table(pa.table({str(n): [n] for n in range(70)}), tmp_path / "b.parquet")
    with pytest.raises(CorpusError, match="a description of at most 1,024 bytes, got more"):
        read_sheet(tmp_path / "b.parquet")


def pack(fields, path=()):
    """The struct that `_read_struct` would read as `fields`."""
    packed, last = b"", 0
    for (number, kind), value in sorted(fields.items()):
        packed += bytes([(number - last) << 4 | kind]) + pack_value(value, kind, (*path, number))
        last = number
    return packed + b"\0"


def pack_value(value, kind, path):
    if kind in (1, 2):
        return b""
    if kind == 8:
        return pack_count(len(value)) + value
    if kind == 9:
        head = bytes([0xF0 | _LISTS[path]]) + pack_count(len(value))
        return head + b"".join(pack_value(one, _LISTS[path], path) for one in value)
    return pack(value, path) if kind == 12 else pack_count(value << 1 ^ value >> 63)


def pack_count(count):
    packed = b""
    while count > 0x7F:
        packed, count = packed + bytes([count & 0x7F | 0x80]), count >> 7
    return packed + bytes([count])


GROUPS, CHUNKS, COLUMN, PATH, WRITER = (4, 9), (1, 9), (3, 12), (3, 9), (6, 8)
DICTIONARY, DATA, SIZE, COUNT, PACKED = (11, 6), (9, 6), (7, 6), (5, 6), (3, 5)
VALUES = 300_000
TOLD = {(1, 5): 1, (2, 5): 8, (3, 5): 3, (4, 5): 3}
"""What a page says of its values, of which there is one, and that a dictionary has it."""


class Forger:
    """A file of one list of VALUES zeros, of whose pages another account is given.

    `column` is what its description says of the list, `pages` are headers and bytes.
    """

    def __init__(self, path):
        self.path = path
        write_list(path, VALUES)
        whole = path.read_bytes()
        size = int.from_bytes(whole[-8:-4], "little")
        self.data, self.footer = whole[: -8 - size], _read_struct(_Packed(whole[-8 - size : -8]))
        self.column = self.footer[GROUPS][0][CHUNKS][1][COLUMN]
        place, self.pages = self.column[DICTIONARY], []
        for _ in range(2):
            file = _Packed(self.data[place:])
            header = _read_struct(file)
            self.pages.append((header, file.read(header[PACKED])))
            place += file.tell()

    def append(self, pages):
        """Have the column's `pages` be behind all else; where they begin."""
        place = len(self.data)
        self.data += b"".join(pack(header) + data for header, data in pages)
        self.column |= {DATA: place, SIZE: len(self.data) - place}
        self.column.pop(DICTIONARY, None)
        return place

    def save(self):
        packed = pack(self.footer)
        self.path.write_bytes(self.data + packed + len(packed).to_bytes(4, "little") + b"PAR1")


def name_another(forger):
    """The list's column says that it is another."""
    forger.column[PATH] = [b"clip_id"]


def count_dictionary(forger):
    """The dictionary tells of the one value that the column says it has."""
    (header, data), page = forger.pages
    forger.column[COUNT] = 1
    forger.append([({**header, (5, 12): TOLD}, data), page])


def begin_elsewhere(forger):
    """A number of another kind than it should be leads to an empty page of one value."""
    forger.column[COUNT] = 1
    decoy = forger.append([({(1, 5): 0, (2, 5): 0, PACKED: 0, (5, 12): TOLD}, b"")])
    forger.append(forger.pages)
    forger.column[11, 5] = decoy


def kind_beyond(forger):
    """A page's kind whose lower bits are that of data."""
    dictionary, (header, data) = forger.pages
    forger.append([dictionary, ({**header, (1, 5): 2**32}, data)])


def begin_beyond(forger):
    """Where the dictionary is, with a bit that is the 65th, and pages of nothing elsewhere."""
    place = forger.append(forger.pages)
    told = {(1, 5): 0, (2, 5): 0, PACKED: 0, (5, 12): TOLD}
    forger.append([(told, b"")])
    size = len(forger.data) - place
    forger.column |= {DICTIONARY: (place ^ 1) + 2**64, SIZE: size, COUNT: 1}


def end_early(forger):
    """By an old writer, of whose columns Arrow reads on behind their end."""
    forger.append(forger.pages)
    forger.footer[WRITER] = b"parquet-mr version 1.2.8"
    header, data = forger.pages[0]
    forger.column[SIZE] = len(pack(header)) + len(data)


def write_wide(path):
    """A thousand values of one length, which a dictionary holds once."""
    values = pa.array([bytes(20_000)] * 1000, pa.binary(20_000))
    pq.write_table(pa.table({"clip_id": ["a"] * 1000, "x": values}), path)


def write_many(path):
    """Texts that differ, of which each is in a group of rows of its own."""
    with pq.ParquetWriter(path, pa.schema({"x": pa.string()}), compression="zstd") as writer:
        for number in range(70):
            writer.write_table(pa.table({"x": ["a" * 100_000 + str(number)]}))


def write_typed(path):
    """A text in a dictionary, of a type that Arrow would unpack to measure it."""
    texts = pa.array(["a" * 20_000] * 1000)
    typed = pa.ExtensionArray.from_storage(pa.json_(), texts)
    pq.write_table(pa.table({"x": typed}), path)


def write_views(path):
    """The same text in a list whose kind few know."""
    texts = pa.array([["a" * 20_000]] * 1000, pa.list_view(pa.string()))
    pq.write_table(pa.table({"x": texts}), path)


def write_blank(path):
    """Cells of nothing, each of which is an entry in a list."""
    pq.write_table(pa.table({str(number): pa.nulls(10_000) for number in range(70)}), path)


def write_letters(path):
    """A text that takes four bytes a letter as one of Python's, for its last one does."""
    pq.write_table(pa.table({"x": ["a" * 2**19 + "\U0001f600"] * 2}), path, compression="zstd")


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize(
    "write", [write_wide, write_many, write_typed, write_views, write_blank, write_letters]
)
def test_tables_that_are_large_as_objects_are_refused_before_they_are_unpacked(tmp_path, write):
    write(tmp_path / "a.parquet")
    assert (tmp_path / "a.parquet").stat().st_size < 30_000
    with watch_memory() as pool:
        with pytest.raises(
            CorpusError, match=r"unpacks to at most 0\.0 GB, got more|plain texts, got 0"
        ):
            read_sheet(tmp_path / "a.parquet")
        assert pool.max_memory() < 2**22


@pytest.mark.usefixtures("_small")
def test_ids_of_letters_that_take_four_bytes_each_are_refused_before_they_are_texts(
    tmp_path, monkeypatch
):
    ids = ["a" * 100_000 + f"\U0001f600{number}" for number in range(20)]
    table = pa.table({"clip_id": ids, "x": pa.array([1.0] * 20)})
    write_rows(table, tmp_path / "a.parquet")
    monkeypatch.setattr(parquet, "limit_bytes", lambda path: 2**22)
    with pytest.raises(StoreError, match="unpacks to at most"):
        list(parquet.read(tmp_path / "a.parquet", Wanted(modality="face")))
    others = {field.name: pa.nulls(20, field.type) for field in HELD_OUT_SCHEMA}
    words = {"clip_id": pa.array(ids).cast(WORD)}
    write_rows(pa.table({**others, **words}, HELD_OUT_SCHEMA), tmp_path / "b.parquet")
    with pytest.raises(StoreError, match=r"unpacks to at most 0\.0 GB, got more"):
        read_table(tmp_path / "b.parquet", HELD_OUT_SCHEMA)


def write_rows(table, path):
    """Each row in a group of its own."""
    pq.write_table(table, path, compression="zstd", write_statistics=False, row_group_size=1)


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize(
    "forge", [name_another, count_dictionary, begin_elsewhere, kind_beyond, begin_beyond, end_early]
)
def test_what_arrow_reads_is_counted_whatever_else_is_told(tmp_path, forge):
    forger = Forger(tmp_path / "a.parquet")
    forge(forger)
    forger.save()
    with pq.ParquetFile(forger.path) as file:
        assert len(next(file.iter_batches())["x"][0]) == VALUES  # so Arrow believes it
    with pytest.raises(StoreError, match=r"got more|a whole number of its kind"):
        inspect(forger.path)


def test_rows_are_counted_as_they_come_not_as_the_file_says(tmp_path, monkeypatch):
    monkeypatch.setattr(sheets, "MOST_IDS", 7)
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"x": pa.nulls(11)}), path)
    whole = path.read_bytes()
    size = int.from_bytes(whole[-8:-4], "little")
    packed = pack({**_read_struct(_Packed(whole[-8 - size : -8])), (3, 6): 1})
    path.write_bytes(whole[: -8 - size] + packed + len(packed).to_bytes(4, "little") + b"PAR1")
    with pytest.raises(CorpusError, match="expected at most 7 rows, got 11"):
        read_sheet(path)
