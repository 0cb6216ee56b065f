"""Sections of `params.yaml`: strict, frozen records whose mistakes are told in one sentence."""

from collections.abc import Mapping
from io import StringIO
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from ruamel.yaml import YAML

from pipeline.errors import ParamsError
from pipeline.families import suggest

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$")]
"""Name of a feature set or a head."""


class Section(BaseModel):
    """A section of `params.yaml`; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


SectionT = TypeVar("SectionT", bound=BaseModel)


def parse_section(kind: type[SectionT], value: Any, where: str) -> SectionT:
    """`value` as a `kind`; raises ParamsError for its first mistake, placed below `where`."""
    try:
        return kind.model_validate({} if value is None else value)
    except ValidationError as error:
        raise ParamsError(_explain(kind, error, where)) from error


def write_yaml(value: Mapping[str, Any]) -> str:
    """`value` as YAML in the order of its keys."""
    stream = StringIO()
    YAML().dump(dict(value), stream)
    return stream.getvalue()


def write_flow(value: Any) -> str:
    """`value` as YAML on one line, quoted where it must be: `{emotion: label}`."""
    yaml: Any = YAML(typ="safe", pure=True)
    yaml.default_flow_style, yaml.width = True, 2**31
    yaml.sort_base_mapping_type_on_output = False
    stream = StringIO()
    yaml.dump(value, stream)
    return stream.getvalue().removesuffix("...\n").strip()


def _explain(kind: type[BaseModel], error: ValidationError, where: str) -> str:
    mistake = error.errors()[0]
    path = [str(step) for step in mistake["loc"]]
    place = ".".join([where, *path])
    if mistake["type"] == "extra_forbidden":
        known = _fields_at(kind, path[:-1])
        return f"params.yaml: {place}: unknown key; {suggest(path[-1], known)}"
    if mistake["type"] == "missing":
        return f"params.yaml: {place}: missing; add it"
    # A mistake of several keys together names them itself: their whole section would bury it.
    got = "" if isinstance(mistake["input"], Mapping) else f", got {mistake['input']!r}"
    return f"params.yaml: {place}: {mistake['msg']}{got}"


def _fields_at(kind: type[BaseModel], path: list[str]) -> Mapping[str, Any]:
    """Fields of the section that lies at `path` below `kind`."""
    for step in path:
        field = kind.model_fields.get(step)
        if field is None or not isinstance(field.annotation, type):
            return {}
        if not issubclass(field.annotation, BaseModel):
            return {}
        kind = field.annotation
    return kind.model_fields
