from pipeline.encoders.params import PretrainedParams
from pipeline.sections import parse_section
from pipeline.store.provenance import FeatureProvenance, Provenance
from tests.tones import make_mfcc


def make_params(**options: object) -> PretrainedParams:
    given = {"modality": "audio", "encoder": "any", "weights": "folder", **options}
    return parse_section(PretrainedParams, given, "features.any")


def test_what_was_seen_is_stated_and_changes_no_fingerprint() -> None:
    plain = Provenance("extract", {"version": 1})
    seen = FeatureProvenance("extract", {"version": 1}, None, ["meld"])
    assert seen.to_json() == {**plain.to_json(), "seen_corpora": ["meld"]}
    assert seen.fingerprint == plain.fingerprint


def test_a_set_that_states_nothing_is_described_as_ever() -> None:
    plain = Provenance("extract", {"version": 1})
    assert FeatureProvenance("extract", {"version": 1}).to_json() == plain.to_json()


def test_what_was_seen_is_no_setting() -> None:
    assert make_params(seen_corpora=["meld"]).settings() == make_params().settings()


def test_an_encoder_without_weights_has_seen_nothing() -> None:
    assert make_mfcc().list_seen() == []
    assert make_params(seen_corpora=["meld"]).list_seen() == ["meld"]
