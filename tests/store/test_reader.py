import numpy as np
import pyarrow as pa
import pytest

from pipeline.errors import StoreError
from pipeline.store import reader, writer
from pipeline.store.index import rowless
from pipeline.store.provenance import Provenance
from pipeline.store.reader import open_features, open_media
from pipeline.store.writer import Made, StoreWriter
from tests.stores import make_rows, write_features

CLIPS = [f"clip-{number}" for number in range(12)]
CLIP_BYTES = 200_000


def pack(root, monkeypatch):
    """A store of 12 clips in parts of two."""
    monkeypatch.setattr(writer, "PART_BYTES", 2 * CLIP_BYTES)
    keys = dict.fromkeys(CLIPS, "key")
    with StoreWriter(root / "work", Provenance("faces", {}), "parquet") as made:
        for clip_id in CLIPS:
            row = {"clip_id": clip_id, "jpeg": np.random.default_rng(0).bytes(CLIP_BYTES)}
            made.add(clip_id, keys[clip_id], Made(pa.Table.from_pylist([row])))
        made.close_part()
        made.publish(root / "media", made.locate(keys), [])
    return open_media(root / "media")


def test_media_take_no_more_memory_the_more_of_them_are_read(tmp_path, monkeypatch):
    store = pack(tmp_path, monkeypatch)
    assert len(store.index.parts) == 6
    before = pa.total_allocated_bytes()
    for clip_id in sorted(CLIPS, key=store.place_of):
        assert len(store[clip_id]["jpeg"][0].as_py()) == CLIP_BYTES
        assert pa.total_allocated_bytes() - before < 3 * 2.5 * CLIP_BYTES


def test_places_bring_clips_of_a_part_together(tmp_path, monkeypatch):
    store = pack(tmp_path, monkeypatch)
    parts = [store.place_of(clip_id)[0] for clip_id in sorted(CLIPS, key=store.place_of)]
    assert parts == sorted(parts)
    assert store.place_of("clip-0")[1] in (0, 1)


def test_a_store_lists_its_clips_and_says_what_it_is(tmp_path, monkeypatch):
    store = pack(tmp_path, monkeypatch)
    assert list(store) == sorted(CLIPS)
    path = str(tmp_path / "media")
    assert repr(store) == f"MediaStore({path!r}, 12 clips, in 6 parquet parts)"


def test_a_feature_set_says_what_a_row_is(tmp_path):
    settings = {"encoder": "toy", "row_shape": [3], "dtype": "float16"}
    with StoreWriter(tmp_path / "work", Provenance("extract", settings), "zarr") as made:
        made.publish(tmp_path / "toy", {}, [])
    told = repr(open_features(tmp_path / "toy"))
    assert told.endswith("toy', 0 clips, in 0 zarr parts, dim (3) a row by toy)")


def test_renamed_clips_have_the_rows_of_theirs_and_others_are_not_there(tmp_path):
    rows = {"a": make_rows(np.arange(6).reshape(1, 2, 3)), "b": make_rows(np.ones((1, 2, 3)))}
    store = write_features(tmp_path / "toy", rows, layer=[0, 1])
    shared = store.rename({"a//0": "a", "a//4": "a", "c//0": "c"})
    assert [name in shared for name in ("a//4", "a", "c//0")] == [True, False, False]
    assert [shared.has_rows(name) for name in ("a//4", "a", "c//0")] == [True, False, False]
    (row,) = shared.take_rows(np.array([shared.first_row("a//4")]))
    assert row.tolist() == shared["a//0"].embedding[0].tolist() == [[0, 1, 2], [3, 4, 5]]
    second = store.take_layer(1).rename({"x": "a"})
    assert (second["x"].embedding.tolist(), str(second.shape)) == ([[3, 4, 5]], "dim (3)")
    with pytest.raises(StoreError, match="no clip 'c//0'"):
        shared.first_row("c//0")


def test_rows_of_a_long_clip_are_read_some_at_once_and_of_its_columns_alone(tmp_path, monkeypatch):
    tables = {"a": range(700), "b": range(700, 2900), "c": []}
    keys = dict.fromkeys(("a", "b"), "key")
    with StoreWriter(tmp_path / "work", Provenance("faces", {}), "parquet") as made:
        for clip_id in keys:
            rows = pa.table(
                {"seconds": [float(n) for n in tables[clip_id]], "jpeg": tables[clip_id]}
            )
            made.add(clip_id, "key", Made(rows))
        made.close_part()
        made.publish(tmp_path / "media", made.locate(keys) | {"c": rowless("c")}, [])
    store = open_media(tmp_path / "media")
    assert len(list(store.read_rows("b"))) == 1  # small parts are read whole
    monkeypatch.setattr(reader, "HELD_BYTES", 0)
    read = list(store.read_rows("b"))
    assert len(read) > 1
    assert pa.concat_tables(read).equals(store["b"])
    assert store.read_columns("a", ["seconds"]).to_pydict() == {"seconds": list(tables["a"])}
    assert store.read_columns("c", ["seconds"]) is None
