from types import ModuleType

from pipeline.encoders import ENCODERS, FeatureParams
from pipeline.encoders.shared.facts import PLAIN, WEIGHED, Facts, find_facts, list_needs


def make_member(facts: Facts | None = None) -> ModuleType:
    member = ModuleType("member")
    member.Params = FeatureParams  # type: ignore[attr-defined]
    if facts is not None:
        member.FACTS = facts  # type: ignore[attr-defined]
    return member


def test_a_member_without_facts_has_those_of_its_like() -> None:
    assert find_facts(ENCODERS.load("mfcc")) == PLAIN
    assert find_facts(ENCODERS.load("huggingface_text")) == WEIGHED


def test_a_member_may_state_its_own() -> None:
    research = Facts("research alone")
    assert find_facts(make_member(research)) == research


def test_a_member_needs_weights_where_its_params_name_them() -> None:
    assert list_needs(ENCODERS.load("mfcc")) == []
    assert list_needs(ENCODERS.load("huggingface_text")) == ["weights"]


def test_an_extra_that_is_absent_says_how_to_install_it() -> None:
    assert list_needs(make_member(Facts("MIT", extra="json"))) == ["extra json"]
    (need,) = list_needs(make_member(Facts("MIT", extra="nowhere")))
    assert need == "extra nowhere, not installed: pip install 'moodline[nowhere]'"
