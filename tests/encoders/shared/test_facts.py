from types import ModuleType

from pipeline.encoders.params import ENCODERS, FeatureParams
from pipeline.encoders.shared.facts import PLAIN, WEIGHED, Facts, find_facts, list_needs


def make_member(facts: Facts | None = None) -> ModuleType:
    member = ModuleType("member")
    if facts is not None:
        member.FACTS = facts  # type: ignore[attr-defined]
    return member


def facts_of(name: str) -> Facts:
    return find_facts(ENCODERS.load(name), ENCODERS.find(name).params)


def needs_of(name: str) -> list[str]:
    return list_needs(ENCODERS.load(name), ENCODERS.find(name).params)


def test_a_member_without_facts_has_those_of_its_like() -> None:
    assert facts_of("mfcc") == PLAIN
    assert facts_of("huggingface_text") == WEIGHED


def test_a_member_may_state_its_own() -> None:
    research = Facts("research alone")
    assert find_facts(make_member(research), FeatureParams) == research


def test_a_member_needs_weights_where_its_params_name_them() -> None:
    assert needs_of("mfcc") == []
    assert needs_of("huggingface_text") == ["weights"]


def test_an_extra_that_is_absent_says_how_to_install_it() -> None:
    assert list_needs(make_member(Facts("MIT", extra="json")), FeatureParams) == ["extra json"]
    (need,) = list_needs(make_member(Facts("MIT", extra="nowhere")), FeatureParams)
    assert need == "extra nowhere, not installed: pip install 'moodline[nowhere]'"
