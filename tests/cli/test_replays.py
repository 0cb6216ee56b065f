from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.audits.differences.settings import Change
from pipeline.audits.differences.values import ClipGap, Largest, ValueDifferences
from pipeline.audits.replaying import Replay
from pipeline.cli.replays import conclude, list_replay
from pipeline.errors import StoreError

SET = Path("features/mfcc")


def make_gap(clip_id: str, amount: float, *, other_times: bool = False) -> ClipGap:
    largest = Largest(amount, clip_id, 3)
    return ClipGap(amount == 0, largest, largest, other_times, other_valid=False)


def make_replay(*gaps: ClipGap, other_rows: tuple[str, ...] = ()) -> Replay:
    named = {gap.relative.clip_id: gap for gap in gaps}
    return Replay((), 11, (), ValueDifferences(1e-3, named, other_rows))


def test_rows_that_are_the_same_are_counted() -> None:
    same = make_replay(make_gap("a", 0.0), make_gap("b", 5e-4))
    lines = list(list_replay(SET, same))
    assert lines[0] == "features/mfcc: 2 of 11 clips encoded again"
    assert lines[-1] == "  largest |a - b| / max(|a|, |b|) of a row: 0.0005 (b, row 3)"
    conclude(SET, same)


def test_every_clip_that_differs_is_named() -> None:
    gaps = [make_gap(name, 0.02) for name in "abcde"]
    found = make_replay(*gaps, make_gap("f", 0.0, other_times=True), other_rows=("g",))
    lines = list(list_replay(SET, found))
    assert lines[-7] == "  differs: g, another number of rows"
    assert lines[-6:-1] == [f"  differs: {name}, 0.02 in row 3" for name in "abcde"]
    assert lines[-1] == "  differs: f, other times"
    with pytest.raises(StoreError, match=r"expected the same rows within 0\.001, got others"):
        conclude(SET, found)


def test_a_set_made_otherwise_says_in_what() -> None:
    change = Change("extract", "settings.coefficients", ("20", "13"))
    lines = list(list_replay(SET, Replay((change,), 2, ("a", "b"), None)))
    assert lines[1] == "B: what params.yaml and the media make now"
    assert lines[3] == "  extract  settings.coefficients: 20 → 13"
    assert lines[-1] == "2 of 2 clips are made of something else"


def test_nothing_to_encode_again_is_an_error() -> None:
    nothing = replace(make_replay(), values=None)
    with pytest.raises(StoreError, match=r"by `dvc repro extract@mfcc`"):
        conclude(SET, nothing)
