import stat
from pathlib import Path

import numpy as np
import pytest
import zarr

from pipeline.rows import Rows
from pipeline.store.index import rowless
from pipeline.store.ledger import Entry
from pipeline.store.provenance import Provenance
from pipeline.store.reader import open_features, open_media
from pipeline.store.work import WorkParts
from pipeline.store.writer import Made, StoreWriter

PROVENANCE = Provenance("extract", {"encoder": "toy", "row_shape": [3], "dtype": "float16"})


def make_rows(count: int, value: float) -> Rows:
    starts = np.arange(count, dtype=float)
    embedding = np.full((count, 3), value, np.float16)
    return Rows(embedding, starts, starts + 1, np.ones(count, bool))


def build(work: Path, out: Path, clips: dict[str, int]) -> list[str]:
    """Bring a store of these clips (name → rows) up to date; returns the clips that were made."""
    with StoreWriter(work, PROVENANCE, "zarr") as writer:
        keys = {name: f"key {name}" for name in clips}
        missing = writer.missing(keys, out)
        for name in missing:
            writer.add(name, f"key {name}", Made(make_rows(clips[name], len(name))))
        writer.close_part()
        writer.publish(out, writer.locate(keys), [])
    return missing


def open_parts(work: Path) -> WorkParts:
    return WorkParts(work, PROVENANCE.fingerprint, "zarr")


def test_a_clip_comes_back_by_its_id(tmp_path: Path) -> None:
    build(tmp_path / "work", tmp_path / "out", {"a": 2, "bb": 5})
    store = open_features(tmp_path / "out")
    np.testing.assert_array_equal(store["bb"].embedding, np.full((5, 3), 2.0))
    assert store.row_shape == (3,)
    assert len(store) == 2


def test_what_is_there_is_not_made_again(tmp_path: Path) -> None:
    assert build(tmp_path / "work", tmp_path / "one", {"a": 2, "bb": 5}) == ["a", "bb"]
    assert build(tmp_path / "work", tmp_path / "two", {"a": 2, "bb": 5, "ccc": 1}) == ["ccc"]


def test_parts_are_written_once_and_an_out_has_copies_of_its_own(tmp_path: Path) -> None:
    build(tmp_path / "work", tmp_path / "out", {"a": 2})
    for folder, mode in (("work", 0o444), ("out", 0o644)):
        (chunk,) = (tmp_path / folder).rglob("embedding/c/0/0")
        assert chunk.stat().st_nlink == 1
        assert stat.S_IMODE(chunk.stat().st_mode) == mode


def test_the_same_clips_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        build(tmp_path / name / "work", tmp_path / name / "out", {"a": 2, "bb": 5})
    files = sorted(p.relative_to(tmp_path / "one") for p in (tmp_path / "one/out").rglob("*.*"))
    assert files
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_what_was_added_before_an_error_is_kept(tmp_path: Path) -> None:
    def interrupted() -> None:
        with StoreWriter(tmp_path / "work", PROVENANCE, "zarr") as writer:
            writer.add("a", "key a", Made(make_rows(2, 1.0)))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert ("a", "key a") in open_parts(tmp_path / "work")


def test_a_part_half_written_is_no_part(tmp_path: Path) -> None:
    build(tmp_path / "work", tmp_path / "out", {"a": 2})
    aside = open_parts(tmp_path / "work").folder / ".abc.1.partial"
    aside.mkdir()
    assert build(tmp_path / "work", tmp_path / "again", {"a": 2}) == []
    assert not aside.exists()


def test_a_clip_without_rows_is_remembered_with_its_reason(tmp_path: Path) -> None:
    with StoreWriter(tmp_path, PROVENANCE, "zarr") as writer:
        writer.add("a", "key a", Made(None, "left_out", "no_rows", "too short"))
    found = open_parts(tmp_path).locate({"a": "key a"})["a"]
    assert (found.clip.status, found.clip.reason) == ("left_out", "no_rows")


def test_a_store_without_any_row_is_valid(tmp_path: Path) -> None:
    ledger = [Entry("a", "extract", "absent", "no_audio", "no audio stream")]
    with StoreWriter(tmp_path / "work", PROVENANCE, "zarr") as writer:
        writer.publish(tmp_path / "out", {"a": rowless("a")}, ledger)
    store = open_features(tmp_path / "out")
    assert store["a"].embedding.shape == (0, 3)
    assert not store.has_rows("a")


def test_zarr_itself_opens_the_parts_without_a_warning(tmp_path: Path) -> None:
    build(tmp_path / "work", tmp_path / "out", {"a": 2, "bb": 5})
    group = zarr.open_group(tmp_path / "out" / "parts", mode="r")
    assert group.attrs["settings"]["encoder"] == "toy"
    ((_, part),) = group.groups()
    assert part["embedding"].shape == (7, 3)


def test_rows_of_many_clips_are_taken_at_once(tmp_path: Path) -> None:
    build(tmp_path / "work", tmp_path / "one", {"a": 2})
    build(tmp_path / "work", tmp_path / "two", {"a": 2, "bb": 5})
    store = open_features(tmp_path / "two")
    numbers = np.array([store.first_row("bb") + 4, store.first_row("a"), store.first_row("bb")])
    np.testing.assert_array_equal(store.take_rows(numbers)[:, 0], [2.0, 1.0, 2.0])
    assert store.take_rows(numbers[:0]).shape == (0, 3)


def test_a_store_of_features_is_not_read_as_media(tmp_path: Path) -> None:
    build(tmp_path / "work", tmp_path / "out", {"a": 2})
    with pytest.raises(Exception, match=r"expected a store of parquet parts, got zarr parts"):
        open_media(tmp_path / "out")


def test_an_unknown_clip_is_named(tmp_path: Path) -> None:
    build(tmp_path / "work", tmp_path / "out", {"a": 2})
    with pytest.raises(Exception, match="no clip 'b' among 1"):
        open_features(tmp_path / "out")["b"]


def test_the_empty_set_in_git_is_a_feature_set_without_clips() -> None:
    store = open_features(Path(__file__).parents[2] / "features" / "none")
    assert len(store) == 0
    assert store.row_shape == (0,)
