"""What every part format promises, on the content it is made for."""

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pipeline.errors import StoreError
from pipeline.rows import Rows
from pipeline.store import PART_FORMATS, ROW_FORMATS
from pipeline.store.contract import Content, PartFormat
from pipeline.store.parts import PartClip
from pipeline.store.row_parts import ARRAYS

ROW_SHAPES = [(), (7,), (3, 5), (2, 3, 5)]
DTYPES = ["float16", "float32", "float64", "uint8", "bool"]


def make_rows(count: int, row_shape: tuple[int, ...] = (7,), dtype: str = "float16") -> Rows:
    values = np.random.default_rng(count).normal(size=(count, *row_shape)) * 50
    return set_rows(values.astype(np.int16).astype(dtype))


def set_rows(embedding: np.ndarray) -> Rows:
    starts = np.arange(len(embedding)) * 0.5
    return Rows(embedding, starts, starts + 0.5, np.arange(len(embedding)) % 3 != 1)


def make_table(count: int) -> pa.Table:
    rows = [{"clip_id": "a", "seconds": i / 7, "jpeg": bytes([i]) * (i + 1)} for i in range(count)]
    schema = pa.schema([("clip_id", pa.string()), ("seconds", pa.float64()), ("jpeg", pa.binary())])
    return pa.Table.from_pylist(rows, schema=schema)


CONTENTS = {"hdf5": make_rows, "parquet": make_table, "zarr": make_rows}


def write(part_format: PartFormat, folder: Path, contents: Sequence[Content]) -> Path:
    clips, start = [], 0
    for number, content in enumerate(contents):
        digest = part_format.digest_content(content)
        # Ids that do not sort as they were added.
        clips.append(PartClip(f"clip-{-number}", f"é-{number}", start, len(content), digest))
        start += len(content)
    path = part_format.path_of(folder, "part")
    path.parent.mkdir(parents=True, exist_ok=True)
    part_format.write_part(path, contents, clips)
    return path


def read(part_format: PartFormat, path: Path) -> list[Content]:
    opened = part_format.open_part(path)
    clips = part_format.read_clips(path)
    return [part_format.slice_part(opened, clip.start, clip.start + clip.rows) for clip in clips]


def read_bytes(path: Path) -> dict[str, bytes]:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return {file.relative_to(path.parent).as_posix(): file.read_bytes() for file in files}


def write_foreign_zarr(path: Path, attributes: Mapping[str, object]) -> None:
    zarr.create_group(path, attributes=dict(attributes))


def write_foreign_hdf5(path: Path, attributes: Mapping[str, object]) -> None:
    with h5py.File(path, "w") as file:
        file.attrs.update(attributes)


def write_foreign_parquet(path: Path, attributes: Mapping[str, object]) -> None:
    metadata = {f"moodline.{name}": str(value) for name, value in attributes.items()}
    pq.write_table(pa.table({"a": [1]}).replace_schema_metadata(metadata), path)


FOREIGN = {
    "hdf5": write_foreign_hdf5,
    "parquet": write_foreign_parquet,
    "zarr": write_foreign_zarr,
}


@pytest.fixture(params=PART_FORMATS.members)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def part_format(name: str) -> PartFormat:
    return PART_FORMATS.load(name).PARTS


@pytest.fixture
def make(name: str) -> Callable[[int], Content]:
    return CONTENTS[name]


class TestPartFormat:
    def test_it_has_the_form_of_its_family(self, part_format: PartFormat) -> None:
        assert isinstance(part_format, PartFormat)

    def test_each_clip_comes_back_as_it_went_in_and_in_its_order(
        self, part_format: PartFormat, make: Callable[[int], Content], tmp_path: Path
    ) -> None:
        contents = [make(count) for count in (3, 5, 2)]
        path = write(part_format, tmp_path, contents)
        clips = part_format.read_clips(path)
        assert [clip.clip_id for clip in clips] == ["clip-0", "clip--1", "clip--2"]
        assert [clip.key for clip in clips] == ["é-0", "é-1", "é-2"]
        assert [len(content) for content in read(part_format, path)] == [3, 5, 2]
        digests = [part_format.digest_content(content) for content in read(part_format, path)]
        assert digests == [clip.digest for clip in clips]

    def test_clips_without_rows_may_stand_among_others(
        self, part_format: PartFormat, make: Callable[[int], Content], tmp_path: Path
    ) -> None:
        contents = [make(count) for count in (0, 3, 0, 0, 2, 0)]
        path = write(part_format, tmp_path, contents)
        found = [part_format.digest_content(content) for content in read(part_format, path)]
        assert found == [part_format.digest_content(content) for content in contents]

    def test_the_digest_sees_a_missing_row(
        self, part_format: PartFormat, make: Callable[[int], Content]
    ) -> None:
        digests = {part_format.digest_content(make(count)) for count in (0, 4, 5)}
        assert len(digests) == 3

    def test_a_part_whose_clips_have_no_rows_lists_them(
        self, part_format: PartFormat, tmp_path: Path
    ) -> None:
        path = part_format.path_of(tmp_path, "part")
        facts = {"frames": 5, "seconds": 0.7, "codec": None}
        clips = [PartClip("a", "key", 0, 0, "", "left_out", "no_face", "0 of 5 frames", facts)]
        part_format.write_part(path, [], clips)
        assert part_format.read_clips(path) == clips

    def test_the_same_contents_give_the_same_bytes(
        self, part_format: PartFormat, make: Callable[[int], Content], tmp_path: Path
    ) -> None:
        paths = [write(part_format, tmp_path / at, [make(3), make(5)]) for at in ("a", "b")]
        assert read_bytes(paths[0]) == read_bytes(paths[1])

    def test_the_name_of_a_part_is_that_of_its_path(
        self, part_format: PartFormat, tmp_path: Path
    ) -> None:
        assert part_format.path_of(tmp_path, "part").name.split(".")[0] == "part"

    @pytest.mark.parametrize("data", [None, b"", b"junk"])
    def test_what_its_library_cannot_read_is_refused(
        self, part_format: PartFormat, data: bytes | None, tmp_path: Path
    ) -> None:
        path = part_format.path_of(tmp_path, "part")
        if data is not None:
            path.write_bytes(data)
        with pytest.raises(
            StoreError, match=r"part.*: (not a readable|expected a Zarr (group|array))"
        ):
            part_format.read_clips(path)

    @pytest.mark.parametrize(
        ("attributes", "found"), [({}, "none"), ({"format_version": 2, "clips": "[]"}, "2")]
    )
    def test_what_another_program_or_version_wrote_is_refused(
        self,
        name: str,
        part_format: PartFormat,
        attributes: dict[str, object],
        found: str,
        tmp_path: Path,
    ) -> None:
        path = part_format.path_of(tmp_path, "part")
        FOREIGN[name](path, attributes)
        with pytest.raises(StoreError, match=f"expected a part of format_version 1, got {found}"):
            part_format.read_clips(path)


def read_zarr(path: Path) -> dict[str, np.ndarray]:
    group = zarr.open_group(path, mode="r")
    return {array: group[array][:] for array in ARRAYS}


def read_hdf5(path: Path) -> dict[str, np.ndarray]:
    with h5py.File(path) as file:
        return {array: file[array][:] for array in ARRAYS}


PLAIN = {"hdf5": read_hdf5, "zarr": read_zarr}

BIG_ENDIAN = zarr.codecs.BytesCodec(endian="big")
RELAID = {
    "hdf5": {
        "chunked": {"chunks": (2, 7)},
        "compressed": {"chunks": (3, 7), "compression": "gzip"},
        "big-endian": {"dtype": ">f2"},
    },
    "zarr": {
        "chunked": {"chunks": (2, 7), "compressors": None},
        "compressed": {"chunks": (3, 7)},
        "big-endian": {"chunks": (3, 7), "compressors": None, "serializer": BIG_ENDIAN},
    },
}


def relay_embedding(name: str, path: Path, layout: str) -> None:
    """Write the part's embedding anew, as its library may and moodline does not."""
    values = PLAIN[name](path)["embedding"]
    if name == "zarr":
        group = zarr.open_group(path)
        group.create_array("embedding", data=values, overwrite=True, **RELAID[name][layout])
    else:
        with h5py.File(path, "r+") as file:
            del file["embedding"]
            file.create_dataset("embedding", data=values, **RELAID[name][layout])


def find_zarr(path: Path, array: str) -> tuple[Path, int]:
    (chunk,) = (file for file in (path / array / "c").rglob("*") if file.is_file())
    return chunk, 0


def find_hdf5(path: Path, array: str) -> tuple[Path, int]:
    with h5py.File(path) as file:
        return path, file[array].id.get_offset()


FIND = {"hdf5": find_hdf5, "zarr": find_zarr}
"""Part format → the file in which an array of a part lies, and the offset of its bytes."""


def same_bits(found: np.ndarray, expected: np.ndarray) -> bool:
    same_form = (found.dtype, found.shape) == (expected.dtype, expected.shape)
    return same_form and found.tobytes() == expected.tobytes()


def all_same(found: Rows, expected: Rows) -> bool:
    return all(same_bits(getattr(found, array), getattr(expected, array)) for array in ARRAYS)


@st.composite
def rows_of_clips(draw: st.DrawFn) -> list[Rows]:
    """Rows of several clips, any number each, of one row shape and dtype, with any values."""
    row_shape = draw(arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    counts = draw(st.lists(st.integers(0, 3), min_size=1, max_size=4).filter(any))
    return [set_rows(draw(arrays.arrays(dtype, (count, *row_shape)))) for count in counts]


@pytest.mark.parametrize("name", ROW_FORMATS)
class TestRowFormat:
    @pytest.mark.parametrize("row_shape", ROW_SHAPES)
    @pytest.mark.parametrize("dtype", DTYPES)
    def test_rows_of_any_shape_and_type_come_back(
        self, part_format: PartFormat, row_shape: tuple[int, ...], dtype: str, tmp_path: Path
    ) -> None:
        content = make_rows(5, row_shape, dtype)
        opened = part_format.open_part(write(part_format, tmp_path, [content]))
        assert all_same(opened, content)

    @given(contents=rows_of_clips())
    @settings(max_examples=30)
    def test_values_come_back_bit_for_bit(self, name: str, contents: list[Rows]) -> None:
        part_format = PART_FORMATS.load(name).PARTS
        with tempfile.TemporaryDirectory() as folder:
            found = read(part_format, write(part_format, Path(folder), contents))
            assert all(map(all_same, found, contents))
            assert len(found) == len(contents)

    def test_rows_of_zeros_and_rows_that_are_all_masked_are_kept(
        self, part_format: PartFormat, tmp_path: Path
    ) -> None:
        times = np.zeros(3)
        content = Rows(np.zeros((3, 7), np.float16), times, times, np.zeros(3, bool))
        opened = part_format.open_part(write(part_format, tmp_path, [content]))
        assert all_same(opened, content)

    def test_what_is_mapped_cannot_be_written(
        self, part_format: PartFormat, tmp_path: Path
    ) -> None:
        opened = part_format.open_part(write(part_format, tmp_path, [make_rows(3)]))
        for array in ARRAYS:
            with pytest.raises(ValueError, match="read-only"):
                getattr(opened, array)[0] = 1

    def test_any_number_of_parts_may_be_open_at_once(
        self, part_format: PartFormat, tmp_path: Path
    ) -> None:
        path = write(part_format, tmp_path, [make_rows(3)])
        before = len(os.listdir("/dev/fd"))
        opened = [part_format.open_part(path) for _ in range(3)]
        assert len(opened) == 3
        assert len(os.listdir("/dev/fd")) == before

    def test_the_layout_in_memory_changes_neither_digest_nor_values(
        self, part_format: PartFormat, tmp_path: Path
    ) -> None:
        content = make_rows(3, (2, 5))
        for at, embedding in {
            "columns first": np.asfortranarray(content.embedding),
            "big-endian": content.embedding.astype(">f2"),
        }.items():
            other = set_rows(embedding)
            assert part_format.digest_content(other) == part_format.digest_content(content)
            opened = part_format.open_part(write(part_format, tmp_path / at, [other]))
            assert all_same(opened, content)

    def test_every_flipped_byte_is_seen_through_the_map_and_changes_the_digest(
        self, name: str, part_format: PartFormat, tmp_path: Path
    ) -> None:
        path = write(part_format, tmp_path, [make_rows(3)])
        opened, [clip] = part_format.open_part(path), part_format.read_clips(path)
        for array in ARRAYS:
            found, offset = FIND[name](path, array)
            with found.open("r+b", buffering=0) as file:
                for place in range(offset, offset + getattr(opened, array).nbytes):
                    [byte] = os.pread(file.fileno(), 1, place)
                    os.pwrite(file.fileno(), bytes([byte ^ 255]), place)
                    assert part_format.digest_content(opened) != clip.digest
                    os.pwrite(file.fileno(), bytes([byte]), place)
        assert part_format.digest_content(opened) == clip.digest

    @pytest.mark.parametrize("array", ARRAYS)
    def test_a_truncated_part_is_refused(
        self, name: str, part_format: PartFormat, array: str, tmp_path: Path
    ) -> None:
        path = write(part_format, tmp_path, [make_rows(3)])
        found, offset = FIND[name](path, array)
        os.truncate(found, offset + getattr(part_format.open_part(path), array).nbytes - 1)
        with pytest.raises(StoreError, match=r"part.*(bytes, got|truncated file)"):
            part_format.open_part(path)

    @pytest.mark.parametrize("layout", ["chunked", "compressed", "big-endian"])
    def test_what_cannot_be_mapped_is_refused(
        self, name: str, part_format: PartFormat, layout: str, tmp_path: Path
    ) -> None:
        path = write(part_format, tmp_path, [make_rows(3)])
        relay_embedding(name, path, layout)
        with pytest.raises(
            StoreError, match=r"embedding.* little-endian .*; extract the set again"
        ):
            part_format.open_part(path)

    def test_a_part_without_arrays_is_not_opened(
        self, part_format: PartFormat, tmp_path: Path
    ) -> None:
        with pytest.raises(StoreError, match=r"not a readable|expected a Zarr (group|array)"):
            part_format.open_part(write(part_format, tmp_path, [make_rows(0)]))

    def test_its_own_library_reads_it(
        self, name: str, part_format: PartFormat, tmp_path: Path
    ) -> None:
        content = make_rows(3, (2, 5))
        path = write(part_format, tmp_path, [content])
        part_format.mark_parts(tmp_path, {"stage": "extract"})
        assert all_same(Rows(**PLAIN[name](path)), content)


def test_the_digest_of_rows_does_not_depend_on_the_format() -> None:
    digests = {PART_FORMATS.load(name).PARTS.digest_content(make_rows(3)) for name in ROW_FORMATS}
    assert len(digests) == 1


def test_the_parts_of_a_zarr_set_are_one_group(tmp_path: Path) -> None:
    part_format = PART_FORMATS.load("zarr").PARTS
    write(part_format, tmp_path, [make_rows(3)])
    part_format.mark_parts(tmp_path, {"stage": "extract"})
    group = zarr.open_group(tmp_path, mode="r")
    assert dict(group.attrs) == {"stage": "extract"}
    assert group["part"]["embedding"].shape == (3, 7)
