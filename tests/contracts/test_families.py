from collections import Counter
from typing import get_args

import pytest

from pipeline.encoders.params import ENCODERS
from pipeline.engines import ENGINES
from pipeline.errors import ParamsError
from pipeline.faces import DETECTORS
from pipeline.families import Family
from pipeline.heads.params import HEADS
from pipeline.imports import FORMS
from pipeline.labels.corpora.params import CORPORA
from pipeline.store import PART_FORMATS

FAMILIES = (CORPORA, DETECTORS, ENCODERS, ENGINES, FORMS, HEADS, PART_FORMATS)

every_family = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.noun)


@every_family
def test_a_member_is_named_as_its_file(family: Family) -> None:
    files = Counter(member.module for member in family.members.values())
    for name, member in family.members.items():
        shared = files[member.module] > 1  # one file of a table of corpora
        assert shared or member.module.rpartition(".")[2] == name


@pytest.mark.parametrize(("family", "key"), [(ENCODERS, "encoder"), (HEADS, "kind")])
def test_the_options_of_a_member_are_its_own(family: Family, key: str) -> None:
    for name, member in family.members.items():
        assert get_args(member.params.model_fields[key].annotation) == (name,)


@every_family
def test_an_unknown_member_is_refused_with_the_nearest(family: Family) -> None:
    nearest = max(family.members, key=len)
    with pytest.raises(ParamsError, match=f"unknown {family.noun} .*did you mean '{nearest}'"):
        family.find(f"{nearest}x")
