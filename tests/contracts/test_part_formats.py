"""What every part format promises, on the content it is made for."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pipeline.errors import StoreError
from pipeline.rows import Rows
from pipeline.store import PART_FORMATS
from pipeline.store.parts import PartClip


def make_rows(count: int, row_shape: tuple[int, ...] = (7,), dtype: str = "float16") -> Rows:
    values = np.random.default_rng(count).normal(size=(count, *row_shape)).astype(dtype)
    starts = np.arange(count) * 0.5
    return Rows(values, starts, starts + 0.5, np.arange(count) % 3 != 1)


def make_table(count: int) -> pa.Table:
    rows = [{"clip_id": "a", "seconds": i / 7, "jpeg": bytes([i]) * (i + 1)} for i in range(count)]
    schema = pa.schema([("clip_id", pa.string()), ("seconds", pa.float64()), ("jpeg", pa.binary())])
    return pa.Table.from_pylist(rows, schema=schema)


FORMATS = {"zarr": make_rows, "parquet": make_table}


def write(name: str, folder: Path, contents: list) -> Path:
    part_format = PART_FORMATS.load(name).PARTS
    clips, start = [], 0
    for number, content in enumerate(contents):
        digest = part_format.digest_content(content)
        clips.append(PartClip(f"clip-{number}", f"key-{number}", start, len(content), digest))
        start += len(content)
    path = part_format.path_of(folder, "part")
    path.parent.mkdir(parents=True, exist_ok=True)
    part_format.write_part(path, contents, clips)
    return path


@pytest.mark.parametrize("name", FORMATS)
class TestPartFormat:
    def test_each_clip_comes_back_as_it_went_in(self, name: str, tmp_path: Path) -> None:
        part_format, contents = PART_FORMATS.load(name).PARTS, [FORMATS[name](n) for n in (3, 5)]
        path = write(name, tmp_path, contents)
        opened = part_format.open_part(path)
        for clip, content in zip(part_format.read_clips(path), contents, strict=True):
            found = part_format.slice_part(opened, clip.start, clip.start + clip.rows)
            assert part_format.digest_content(found) == clip.digest
            assert len(found) == len(content)

    def test_the_digest_sees_every_value(self, name: str, tmp_path: Path) -> None:
        part_format = PART_FORMATS.load(name).PARTS
        whole, shorter = FORMATS[name](5), FORMATS[name](4)
        assert part_format.digest_content(whole) != part_format.digest_content(shorter)

    def test_a_part_whose_clips_have_no_rows_lists_them(self, name: str, tmp_path: Path) -> None:
        part_format = PART_FORMATS.load(name).PARTS
        path = part_format.path_of(tmp_path, "part")
        clips = [PartClip("a", "key", 0, 0, "", "left_out", "no_face", "0 of 5 frames")]
        part_format.write_part(path, [], clips)
        assert part_format.read_clips(path) == clips

    def test_a_foreign_file_is_refused(self, name: str, tmp_path: Path) -> None:
        part_format = PART_FORMATS.load(name).PARTS
        with pytest.raises(StoreError, match="not a readable"):
            part_format.read_clips(part_format.path_of(tmp_path, "nothing"))

    def test_what_is_read_is_not_a_copy_that_can_be_written(
        self, name: str, tmp_path: Path
    ) -> None:
        part_format = PART_FORMATS.load(name).PARTS
        opened = part_format.open_part(write(name, tmp_path, [FORMATS[name](3)]))
        if name == "zarr":
            with pytest.raises(ValueError, match="read-only"):
                opened.embedding[0] = 1


@pytest.mark.parametrize("row_shape", [(), (7,), (3, 5), (2, 3, 5)])
@pytest.mark.parametrize("dtype", ["float16", "float32", "uint8"])
def test_zarr_maps_rows_of_any_shape_and_type(
    row_shape: tuple[int, ...], dtype: str, tmp_path: Path
) -> None:
    content = make_rows(5, row_shape, dtype)
    opened = PART_FORMATS.load("zarr").PARTS.open_part(write("zarr", tmp_path, [content]))
    assert isinstance(opened.embedding, np.memmap)
    np.testing.assert_array_equal(opened.embedding, content.embedding)
    assert opened.embedding.dtype == dtype


def test_zarr_keeps_an_array_of_zeros_as_a_file_to_map(tmp_path: Path) -> None:
    zeros = Rows(np.zeros((3, 7), np.float16), np.zeros(3), np.ones(3), np.zeros(3, bool))
    opened = PART_FORMATS.load("zarr").PARTS.open_part(write("zarr", tmp_path, [zeros]))
    assert not opened.embedding.any()
    assert not opened.valid.any()


def test_zarr_refuses_a_chunk_of_another_length(tmp_path: Path) -> None:
    path = write("zarr", tmp_path, [make_rows(3)])
    (path / "embedding" / "c" / "0" / "0").write_bytes(b"short")
    with pytest.raises(StoreError, match=r"expected 42 bytes, got 5; run `moodline verify`"):
        PART_FORMATS.load("zarr").PARTS.open_part(path)
