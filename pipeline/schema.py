"""The JSON schema of `params.yaml`, by which editors complete keys and flag mistakes.

Rules that one section has for another, such as a head's feature sets being there, are beyond a
schema: stage `check` has them.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter

from pipeline.encoders.params import ENCODERS
from pipeline.faces import AUTO, DETECTORS
from pipeline.families import Family, ParamsMember
from pipeline.heads.inputs import NO_FEATURES, JointParams
from pipeline.heads.params import HEADS
from pipeline.labels.corpora.params import CORPORA
from pipeline.params import NAMING_SECTIONS, PLAIN_SECTIONS
from pipeline.sections import Name

SCHEMA_PATH = Path("params.schema.json")

Schema = dict[str, Any]


def describe_params() -> Schema:
    """JSON schema of the whole file: every section, and every member of the families."""
    shared: Schema = {}
    plain = {name: _describe(kind, shared) for name, kind in PLAIN_SECTIONS.items()}
    plain["faces"]["properties"]["detector"]["enum"] = sorted([AUTO, *DETECTORS.members])
    sections = {
        "corpora": _describe_map(_describe_family(CORPORA, "kind", shared)),
        **plain,
        "features": _describe_map(_describe_family(ENCODERS, "encoder", shared)),
        "joint": _describe_map(_describe(JointParams, shared), fewest=0),
        "heads": _describe_map(_describe_family(HEADS, "kind", shared)),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "params.yaml of moodline",
        "type": "object",
        "properties": sections,
        "required": list(NAMING_SECTIONS),
        "additionalProperties": False,
        "$defs": shared,
    }


def _describe_family(family: Family[ParamsMember[Any]], key: str, shared: Schema) -> Schema:
    """One of the members, told apart by `key`."""
    members = []
    for name in sorted(family.members):
        member = _describe(family.members[name].params, shared)
        member["title"] = name
        member["properties"] = {**member["properties"], key: {"const": name}}
        members.append(member)
    return {"oneOf": members}


def _describe_map(entry: Schema, fewest: int = 1) -> Schema:
    names = {**TypeAdapter(Name).json_schema(), "not": {"const": NO_FEATURES}}
    return {
        "type": "object",
        "minProperties": fewest,
        "propertyNames": names,
        "additionalProperties": entry,
    }


def _describe(kind: type[BaseModel], shared: Schema) -> Schema:
    """Schema of `kind`; what it is made of goes to `shared`."""
    described: Schema = _drop_titles(kind.model_json_schema())
    for name, part in described.pop("$defs", {}).items():
        if shared.setdefault(name, part) != part:
            raise ValueError(f"{kind.__module__}: another {name} than elsewhere; rename one")
    return described


def _drop_titles(value: Any) -> Any:
    """`value` without pydantic's titles, which repeat the names; a property may be a title."""
    if isinstance(value, Mapping):
        return {
            key: _drop_titles(inner)
            for key, inner in value.items()
            if key != "title" or not isinstance(inner, str)
        }
    return [_drop_titles(inner) for inner in value] if isinstance(value, list) else value
