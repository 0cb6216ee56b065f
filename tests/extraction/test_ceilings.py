from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import ParamsError
from pipeline.extraction.ceilings import GB, Ceilings, Encoded, measure_bytes
from pipeline.extraction.feature_sets import extract_features
from pipeline.rows import Rows
from pipeline.store.reader import open_features
from tests.tones import make_mfcc, pack_tones

CLIP_BYTES = 3 * (5 * 2 + 8 + 8 + 1)
"""Of a clip of three rows of five float16 values."""


def make_rows(count: int) -> Rows:
    seconds = np.arange(count, dtype=float)
    embedding = np.zeros((count, 5), np.float32)
    return Rows(embedding, seconds, seconds + 1, np.ones(count, bool))


def make_encoded(*counts: int) -> Iterator[Encoded]:
    """Clips of so many rows each."""
    for number, count in enumerate(counts):
        yield Encoded(f"clip {number}", float(count), measure_bytes(make_rows(count), 2))


def count_passed(batch: int, clip_limit: float, *counts: int) -> int:
    """Clips that passed before the ceiling, which lies at `clip_limit` clips of three rows."""
    params = make_mfcc(batch=batch, max_gb=clip_limit * CLIP_BYTES / GB)
    limited = Ceilings("mfcc", params, len(counts)).limit(make_encoded(*counts))
    passed: list[Encoded] = []
    with pytest.raises(ParamsError):
        passed.extend(limited)
    return len(passed)


def test_rows_weigh_what_is_stored_of_them() -> None:
    assert measure_bytes(make_rows(3), 2) == CLIP_BYTES


def test_the_first_batch_foretells_the_others() -> None:
    assert count_passed(2, 6.5, 3, 3, 3, 3, 3, 3, 3) == 2


def test_later_clips_count_as_they_come() -> None:
    assert count_passed(2, 6.5, 3, 0, 0, 12, 12, 3, 3) == 5


def test_what_stays_below_passes_whole() -> None:
    params = make_mfcc(batch=2, max_gb=7 * CLIP_BYTES / GB)
    limited = Ceilings("mfcc", params, 7).limit(make_encoded(*[3] * 7))
    assert len(list(limited)) == 7


def test_nothing_is_refused_after_the_last_clip() -> None:
    params = make_mfcc(batch=2, max_gb=1.5 * CLIP_BYTES / GB)
    assert len(list(Ceilings("mfcc", params, 2).limit(make_encoded(3, 3)))) == 2


def test_ceilings_shape_no_row() -> None:
    assert make_mfcc(max_new_clips=3, max_gb=1.5).settings() == make_mfcc().settings()


def test_more_new_clips_than_allowed_are_refused_before_the_first(tmp_path: Path) -> None:
    media = pack_tones(tmp_path / "audio", {"a": 0.3, "b": 0.5, "c": 0.7})
    work = tmp_path / "work"
    told = r"mfcc\.max_new_clips: expected at most 2 clips and views to encode, got 3; look by"
    with pytest.raises(ParamsError, match=told):
        extract_features(make_mfcc(max_new_clips=2), media, tmp_path / "mfcc", work)
    assert not list(work.glob("*/[!.]*"))
    extract_features(make_mfcc(max_new_clips=3), media, tmp_path / "mfcc", work)
    extract_features(make_mfcc(max_new_clips=0), media, tmp_path / "mfcc", work)


def test_what_came_before_a_ceiling_is_kept(tmp_path: Path) -> None:
    media = pack_tones(tmp_path / "audio", {"a": 0.3, "b": 0.5, "c": 0.7})
    out, work = tmp_path / "mfcc", tmp_path / "work"
    told = r"features\.mfcc\.max_gb: .* GB by the first 1 of 3 clips, which are kept"
    with pytest.raises(ParamsError, match=told):
        extract_features(make_mfcc(batch=1, max_gb=1e-6), media, out, work)
    extract_features(make_mfcc(max_new_clips=2), media, out, work)
    assert len(open_features(out)) == 3
