import json
import re
from pathlib import Path

import pytest

from pipeline.encoders.params import ENCODERS
from pipeline.heads.params import HEADS
from pipeline.labels.corpora.params import CORPORA
from pipeline.params import SECTIONS, read_yaml
from pipeline.presets import find_preset, list_presets
from pipeline.schema import SCHEMA_PATH, describe_params

SCHEMA = describe_params()
TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


def fits(value, schema) -> bool:
    """Whether `value` is what `schema` asks for, by the keywords that the schema uses."""
    if isinstance(schema, bool):
        return schema
    if "$ref" in schema:
        return fits(value, SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")])
    return (
        ("oneOf" not in schema or sum(fits(value, part) for part in schema["oneOf"]) == 1)
        and ("anyOf" not in schema or any(fits(value, part) for part in schema["anyOf"]))
        and ("not" not in schema or not fits(value, schema["not"]))
        and ("type" not in schema or isinstance(value, TYPES[schema["type"]]))
        and ("const" not in schema or value == schema["const"])
        and ("enum" not in schema or value in schema["enum"])
        and ("pattern" not in schema or re.search(schema["pattern"], value) is not None)
        and (not isinstance(value, list) or all(fits(x, schema.get("items", {})) for x in value))
        and (not isinstance(value, dict) or fits_map(value, schema))
    )


def fits_map(value, schema) -> bool:
    known, other = schema.get("properties", {}), schema.get("additionalProperties", {})
    return (
        set(schema.get("required", [])) <= set(value)
        and len(value) >= schema.get("minProperties", 0)
        and all(fits(name, schema.get("propertyNames", {})) for name in value)
        and all(
            fits(inner, known[name]) if name in known else other is not False and fits(inner, other)
            for name, inner in value.items()
        )
    )


@pytest.fixture
def demo() -> dict:
    return read_yaml(find_preset("demo").path)


def test_the_file_in_git_is_what_the_code_gives() -> None:
    written = json.loads((Path(__file__).parents[1] / SCHEMA_PATH).read_text())
    assert written == SCHEMA, "run `moodline schema`"


@pytest.mark.parametrize("name", [preset.name for preset in list_presets()])
def test_every_preset_fits(name: str) -> None:
    preset = find_preset(name)
    assert fits(read_yaml(preset.path), SCHEMA)
    assert preset.path.read_text().startswith(f"# yaml-language-server: $schema={SCHEMA_PATH}\n")


def test_every_section_and_member_is_there() -> None:
    sections = SCHEMA["properties"]
    assert set(sections) == set(SECTIONS)
    for family, members in (
        (CORPORA, sections["corpora"]["additionalProperties"]["oneOf"]),
        (ENCODERS, sections["features"]["additionalProperties"]["oneOf"]),
        (HEADS, sections["heads"]["additionalProperties"]["oneOf"]),
    ):
        assert [member["title"] for member in members] == sorted(family.members)
        assert all(member["additionalProperties"] is False for member in members)
        assert all(member["description"] for member in members)


@pytest.mark.parametrize(
    "place",
    [
        ("unknown",),
        ("corpora", "demo", "unknown"),
        ("clean", "unknown"),
        ("features", "mfcc", "unknown"),
        ("heads", "mlp", "unknown"),
        ("heads", "mlp", "inputs", "unknown"),
    ],
)
def test_an_unknown_key_is_flagged_wherever_it_is(place: tuple[str, ...], demo: dict) -> None:
    inner = demo
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = 1
    assert not fits(demo, SCHEMA)


def test_an_option_of_another_member_is_flagged(demo: dict) -> None:
    demo["heads"]["linear"]["dropout"] = 0.1
    assert not fits(demo, SCHEMA)


def test_an_unknown_member_is_flagged(demo: dict) -> None:
    demo["faces"]["detector"] = "eyes"
    assert not fits(demo, SCHEMA)


@pytest.mark.parametrize("name", ["none", "Upper", "1st", "a b"])
def test_a_name_that_no_stage_can_carry_is_flagged(name: str, demo: dict) -> None:
    demo["features"][name] = demo["features"]["mfcc"]
    assert not fits(demo, SCHEMA)


def test_a_map_without_entries_is_flagged(demo: dict) -> None:
    demo["heads"] = {}
    assert not fits(demo, SCHEMA)


def test_a_property_called_title_is_kept() -> None:
    assert "title" in SCHEMA["properties"]["report"]["properties"]
