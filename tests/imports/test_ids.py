"""Which clip a series is of, however others write its id."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import StoreError
from pipeline.imports import ids
from pipeline.imports.ids import Matching, read_ids, spell_id
from pipeline.imports.series import Series
from pipeline.labels.clips import NO_MEDIA, Clip


def make_clips(*clip_ids: str, stretches: dict[str, tuple[float, float]] | None = None) -> dict:
    """Clips of MOSEI; of each video `stretches` are segments."""
    clips = {}
    for clip_id in clip_ids:
        corpus, video = clip_id.split("/")[:2]
        start, end = (stretches or {}).get(clip_id, (None, None))
        clips[clip_id] = Clip(
            clip_id=clip_id,
            corpus=corpus,
            path=NO_MEDIA,
            group=video,
            start_seconds=start,
            end_seconds=end,
        )
    return clips


def make_series(name: str, seconds: list[list[float]] | None = None) -> Series:
    """Rows that count from 0, with the seconds that each begins and ends at, if any."""
    rows = np.arange(len(seconds or [0]), dtype=np.float32)[:, None]
    return Series("file.npz", name, rows, None if seconds is None else np.array(seconds, float))


def list_matches(matching: Matching, series: Series) -> dict[str, list[float]]:
    return {clip_id: part.rows[:, 0].tolist() for clip_id, part in matching.match(series)}


@pytest.mark.parametrize(
    ("name", "clip_id"),
    [
        ("mosei/abc/7", "mosei/abc/7"),
        ("abc/7", "mosei/abc/7"),
        ("abc$_$7", "mosei/abc/7"),
        ("abc[7]", "mosei/abc/007"),
    ],
)
def test_an_id_is_known_however_others_write_it(name: str, clip_id: str) -> None:
    matching = Matching(make_clips("mosei/abc/7", "mosei/abc/007"))
    assert list(list_matches(matching, make_series(name))) == [clip_id]
    assert matching.strange == []


def test_an_id_of_clips_of_two_corpora_is_none_without_its_corpus() -> None:
    matching = Matching(make_clips("mosi/abc/7", "mosei/abc/7"))
    assert list_matches(matching, make_series("abc/7")) == {}
    assert list(list_matches(matching, make_series("mosi/abc/7"))) == ["mosi/abc/7"]
    assert matching.strange == ["abc/7"]


def test_a_prefix_is_put_before_ids() -> None:
    matching = Matching(make_clips("mosei/abc/7"), "mosei/abc/")
    assert list(list_matches(matching, make_series("7"))) == ["mosei/abc/7"]


def test_a_number_of_many_digits_is_no_segment() -> None:
    assert spell_id(f"a[{'1' * 5000}]", "") == [f"a[{'1' * 5000}]"]


def test_an_id_of_no_clip_is_told() -> None:
    matching = Matching(make_clips("mosei/abc/7"))
    assert list_matches(matching, make_series("abd$_$7")) == {}
    assert matching.strange == ["abd$_$7"]


def test_without_a_corpus_ids_are_spelt_as_moodline_does() -> None:
    matching = Matching(None, "mosi/")
    assert list(list_matches(matching, make_series("abc$_$7"))) == ["mosi/abc/7"]
    assert spell_id("abc", "") == ["abc"]


def test_a_video_is_cut_by_its_segments_in_their_own_time() -> None:
    stretches = {
        "mosei/abc/000": (1.0, 3.0),
        "mosei/abc/001": (3.0, 4.0),
        "mosei/abc/002": (7.0, 8.0),
    }
    matching = Matching(make_clips(*stretches, stretches=stretches))
    seconds = [[3.0, 3.5], [0.5, 1.4], [0.9, 1.5], [2.0, 3.0], [5.0, 6.0]]
    found = dict(matching.match(make_series("abc", seconds)))
    assert found["mosei/abc/000"].rows[:, 0].tolist() == [2, 3]
    assert found["mosei/abc/000"].stretches.tolist() == [[0.0, 0.5], [1.0, 2.0]]
    assert found["mosei/abc/001"].rows[:, 0].tolist() == [0]
    assert "mosei/abc/002" not in found


def test_aligned_rows_of_a_segment_are_counted_from_its_start() -> None:
    seconds = [[7.5, 8.0], [8.0, 9.0]]
    of_film = Matching(make_clips("mosei/a/003", stretches={"mosei/a/003": (7.0, 9.0)}))
    ((_, found),) = of_film.match(make_series("a[3]", seconds))
    assert found.stretches.tolist() == [[0.5, 1.0], [1.0, 2.0]]
    ((_, found),) = Matching(make_clips("mosei/a/003")).match(make_series("a[3]", seconds))
    assert found.stretches.tolist() == [[0.0, 0.5], [0.5, 1.5]]


def test_rows_that_end_before_they_begin_are_left_out_and_counted() -> None:
    matching = Matching(make_clips("mosei/a/1"))
    seconds = [[1.0, 2.0], [3.0, 2.0], [0.0, 1.0]]
    assert list_matches(matching, make_series("a/1", seconds)) == {"mosei/a/1": [2, 0]}
    assert matching.backward == 1


@pytest.mark.parametrize(
    "seconds",
    [
        np.array([[0.0, np.nan]]),
        np.array([[0.0, np.inf]], np.float16),
        np.array([[np.iinfo(np.int64).min, 5]]),
    ],
)
def test_seconds_that_are_no_numbers_are_refused(seconds: np.ndarray) -> None:
    matching = Matching(make_clips("mosei/a/1"))
    series = replace(make_series("a/1", [[0.0, 1.0]]), stretches=seconds)
    with pytest.raises(StoreError, match=r"of each row up to 1e\+09, got more, NaN or infinity"):
        list_matches(matching, series)


def test_ids_that_would_be_waited_for_are_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "ids.txt")
    with pytest.raises(StoreError, match=r"ids\.txt: not a readable list of ids"):
        read_ids(tmp_path / "ids.txt")


def test_ids_are_lines_of_a_text_or_a_column(tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_text("a\nb c\n")
    (tmp_path / "clips.csv").write_text("clip_id,split\na,train\nb c,test\n")
    (tmp_path / "alone.csv").write_text("name\na\nb c\n")
    (tmp_path / "others.csv").write_text("name,split\na,train\n")
    (tmp_path / "unended.txt").write_text("a\nb c")
    for name in ("ids.txt", "unended.txt", "clips.csv", "alone.csv"):
        assert read_ids(tmp_path / name) == ["a", "b c"]
    with pytest.raises(StoreError, match="expected a column clip_id, got name, split; rename one"):
        read_ids(tmp_path / "others.csv")


def test_more_ids_than_any_table_has_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(ids, "MOST_IDS", 3)
    (tmp_path / "ids.txt").write_text("a\n" * 4)
    with pytest.raises(StoreError, match="expected at most 3 lines, got more"):
        read_ids(tmp_path / "ids.txt")
