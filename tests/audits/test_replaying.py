from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.audits.replaying import TOLERANCES, replay_features, sample
from pipeline.errors import StoreError
from pipeline.extraction.feature_sets import extract_features
from pipeline.extraction.source import Source, open_source
from pipeline.rows import Rows, Waveform
from tests.stores import write_features
from tests.tones import make_mfcc, pack_tones

SECONDS = {"a": 0.3, "b": 0.5, "c": 0.7, "d": 0.9, "e": 1.1}


class Altered:
    """The encoder of `source`, whose rows for the longest clip are multiplied by `factor`."""

    version = 1
    modalities = frozenset({"audio"})

    def __init__(self, source: Source, factor: float, device: str = "cpu") -> None:
        self.own = source.encoder
        self.factor = factor

    @property
    def row_shape(self) -> tuple[int, ...]:
        return self.own.row_shape

    @property
    def provenance(self) -> dict[str, Any]:
        return self.own.provenance

    def encode(self, clips: Sequence[Waveform]) -> list[Rows]:
        return [self.alter(rows) for rows in self.own.encode(clips)]

    def alter(self, rows: Rows) -> Rows:
        longest = rows.end_seconds.max() > 1
        return replace(rows, embedding=rows.embedding * np.float32(self.factor if longest else 1))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of five tones and their published set."""
    root = tmp_path_factory.mktemp("replayed")
    media = pack_tones(root / "audio", SECONDS)
    extract_features(make_mfcc(), media, root / "mfcc", root / "work")
    return root


def alter(source: Source, factor: float) -> Source:
    return replace(source, encoder=Altered(source, factor))


def test_the_same_encoder_gives_the_same_rows(project: Path) -> None:
    source = open_source(make_mfcc(batch=2), project / "audio")
    found = replay_features(project / "mfcc", source, clips=20, seed=0)
    assert (found.changes, found.clips, found.other_inputs) == ((), 5, ())
    assert found.values is not None
    assert found.values.equal == list("abcde")


def test_a_difference_within_the_tolerance_is_none(project: Path) -> None:
    source = alter(open_source(make_mfcc(), project / "audio"), 1.0005)
    values = replay_features(project / "mfcc", source, clips=20, seed=0).values
    assert values is not None
    assert values.same
    assert values.equal == list("abcd")


def test_a_difference_beyond_it_names_its_clip(project: Path) -> None:
    source = alter(open_source(make_mfcc(), project / "audio"), 1.01)
    values = replay_features(project / "mfcc", source, clips=20, seed=0).values
    assert values is not None
    assert values.beyond == ["e"]
    assert values.find_largest()[1].amount == pytest.approx(0.0099, abs=5e-4)


def test_half_precision_is_given_more_room() -> None:
    assert TOLERANCES["fp32"] == 1e-3 < TOLERANCES["fp16"] < TOLERANCES["bf16"]


def test_other_settings_are_told_and_nothing_is_encoded(project: Path) -> None:
    source = open_source(make_mfcc(coefficients=13), project / "audio")
    found = replay_features(project / "mfcc", source, clips=20, seed=0)
    assert found.values is None
    assert found.other_inputs == tuple("abcde")
    assert {change.path for change in found.changes} == {
        "settings.coefficients",
        "settings.row_shape",
    }


def test_a_clip_of_other_media_is_left_out(project: Path, tmp_path: Path) -> None:
    media = pack_tones(tmp_path / "audio", {**SECONDS, "b": 0.6})
    source = open_source(make_mfcc(), media)
    found = replay_features(project / "mfcc", source, clips=20, seed=0)
    assert found.other_inputs == ("b",)
    assert found.values is not None
    assert list(found.values.gaps) == list("acde")


def test_a_set_without_rows_is_refused(project: Path, tmp_path: Path) -> None:
    rows = Rows(np.zeros((0, 3), np.float16), np.zeros(0), np.zeros(0), np.zeros(0, bool))
    write_features(tmp_path / "empty", {"a": rows})
    with pytest.raises(StoreError, match="empty: expected clips with rows to encode again"):
        replay_features(
            tmp_path / "empty", open_source(make_mfcc(), project / "audio"), clips=3, seed=0
        )


def test_a_sample_is_spread_evenly() -> None:
    for seed in range(11):
        drawn = sample(range(100), 5, seed)
        assert set(np.diff(drawn)) == {20}
    assert sample(range(3), 5, 1) == [0, 1, 2]
    assert sample([], 5, 1) == []


def test_a_seed_draws_other_clips() -> None:
    assert sample(range(100), 5, 1) == sample(range(100), 5, 1) != sample(range(100), 5, 2)
