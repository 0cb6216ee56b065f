from pathlib import Path

import pytest

from pipeline.store import writer as writing
from pipeline.store.provenance import Provenance
from pipeline.store.publishing import MOST_SMALL, Use, choose_parts
from pipeline.store.reader import open_features
from pipeline.store.work import WorkParts
from pipeline.store.writer import Made, StoreWriter
from tests.stores import make_rows

PROVENANCE = Provenance("extract", {"encoder": "toy", "row_shape": [1], "dtype": "float16"})


def use(part: str, size: int = 100, rows: int = 10, live: int = 10, own: bool = False) -> Use:
    return Use(part, size, rows, live, own)


def test_two_small_parts_of_one_run_become_one():
    assert choose_parts([use("a", own=True), use("b", own=True)], 1000) == {"a", "b"}
    assert choose_parts([use("a", own=True)], 1000) == set()


def test_large_parts_stay():
    assert choose_parts([use("a", 500, own=True), use("b", 500, own=True)], 1000) == set()


def test_small_parts_of_former_runs_wait_until_more_than_sixteen_have_gathered():
    former = [use(f"{number}") for number in range(MOST_SMALL)]
    assert choose_parts(former, 1000) == set()
    assert len(choose_parts([*former, use("one more")], 1000)) == MOST_SMALL + 1


def test_a_part_of_which_less_than_half_is_live_is_written_anew():
    assert choose_parts([use("a", 999, live=4), use("b", 999, live=5)], 1000) == {"a"}


class Set:
    """A feature set in a folder of its own, brought up to date run by run."""

    def __init__(self, root: Path, out: str = "out", part_format: str = "zarr") -> None:
        self.root, self.out, self.part_format = root, root / out, part_format

    def run(self, *clips: str, parts: int = 1) -> list[str]:
        """Publish `clips`, those that were missing in so many parts; returns the missing."""
        keys = {clip: f"key {clip}" for clip in clips}
        with StoreWriter(self.root / "work", PROVENANCE, self.part_format) as writer:
            missing = writer.missing(keys, self.out)
            for number, clip in enumerate(missing):
                writer.add(clip, keys[clip], Made(make_rows([[ord(clip[0])]] * len(clip))))
                if (number + 1) % max(1, len(missing) // parts) == 0:
                    writer.close_part()
            writer.close_part()
            writer.publish(self.out, writer.locate(keys), [])
        return missing

    @property
    def parts(self) -> set[str]:
        """Parts that the set names."""
        return set(open_features(self.out).index.parts)

    @property
    def made(self) -> set[str]:
        """Parts in the work store."""
        return set(WorkParts(self.root / "work", PROVENANCE.fingerprint, self.part_format).parts)

    def values(self) -> dict[str, list[float]]:
        store = open_features(self.out)
        return {clip: store[clip].embedding[:, 0].tolist() for clip in store.index.clip_ids}


@pytest.mark.parametrize("part_format", ["zarr", "hdf5"])
def test_a_run_leaves_one_part_of_its_small_ones(tmp_path, part_format):
    features = Set(tmp_path, part_format=part_format)
    assert features.run("a", "bb", "ccc", "dddd", parts=4) == ["a", "bb", "ccc", "dddd"]
    assert len(features.parts) == 1
    assert features.made == features.parts
    assert features.values() == {"a": [97], "bb": [98] * 2, "ccc": [99] * 3, "dddd": [100] * 4}


def test_a_clip_more_is_a_part_more_and_moves_no_other(tmp_path):
    features = Set(tmp_path)
    features.run("a", "b")
    before = features.parts
    assert features.run("a", "b", "c") == ["c"]
    assert features.parts > before


def test_seventeen_small_parts_become_one_that_the_next_run_keeps(tmp_path):
    features, clips = Set(tmp_path), [chr(97 + number) for number in range(18)]
    for count in range(1, 18):
        features.run(*clips[:count])
        assert len(features.parts) == count
    features.run(*clips)
    assert len(features.parts) == 1
    before = features.parts
    assert features.run(*clips) == []
    assert features.parts == before
    assert features.values() == {clip: [ord(clip)] for clip in clips}


def test_a_part_mostly_dead_is_left_behind_and_comes_back_whole(tmp_path):
    features = Set(tmp_path)
    features.run("a", "b", "c", "d", "e")
    whole = features.parts
    features.run("a", "b")
    thin = features.parts
    assert thin.isdisjoint(whole)
    assert features.run("a", "b") == []
    assert features.parts == thin
    assert features.run("a", "b", "c", "d", "e") == []
    assert features.parts == whole


def test_two_clones_with_other_clips_do_not_rewrite_each_others_parts(tmp_path):
    one, two = Set(tmp_path, "one"), Set(tmp_path, "two")
    two.run("a", "b", "c", "d", "e", "f")
    one.run("a", "b")
    parts = one.parts, two.parts
    for _ in range(2):
        assert one.run("a", "b") == two.run("a", "b", "c", "d", "e", "f") == []
        assert (one.parts, two.parts) == parts


def test_large_sets_are_cut_by_size(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "PART_BYTES", 8)
    features = Set(tmp_path)
    features.run("a" * 5, "b" * 5, "c" * 3)
    assert len(features.parts) == 3


def test_clips_come_in_one_order_whatever_finished_first(tmp_path):
    Set(tmp_path / "one").run("a", "b", "c")
    Set(tmp_path / "two").run("c", "a", "b")
    assert Set(tmp_path / "one").parts == Set(tmp_path / "two").parts


def test_failures_of_packed_parts_are_still_known(tmp_path):
    with StoreWriter(tmp_path / "work", PROVENANCE, "zarr") as writer:
        for clip in "abc":
            made = Made(None, "left_out", "no_rows") if clip == "b" else Made(make_rows([[1.0]]))
            writer.add(clip, clip, made)
            writer.close_part()
        keys = dict(zip("abc", "abc", strict=True))
        writer.publish(tmp_path / "out", writer.locate(keys), [])
    parts = WorkParts(tmp_path / "work", PROVENANCE.fingerprint, "zarr")
    assert len(parts.parts) == 1
    assert parts.locate({"b": "b"})["b"].clip.reason == "no_rows"


def test_another_part_format_takes_the_rows_that_are_there(tmp_path):
    Set(tmp_path, "one").run("a", "bb")
    other = Set(tmp_path, "two", "hdf5")
    assert other.run("a", "bb", "ccc") == ["ccc"]
    assert other.values() == {"a": [97], "bb": [98] * 2, "ccc": [99] * 3}
