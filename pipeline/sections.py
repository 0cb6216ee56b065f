"""Sections of `params.yaml`: strict, frozen records whose mistakes are told in one sentence."""

from collections.abc import Mapping
from io import StringIO
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML

from pipeline.errors import ParamsError
from pipeline.families import suggest

MOST_LETTERS = 100
"""Of a name, which becomes that of a file."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$", max_length=MOST_LETTERS)]
"""Name of a feature set or a head."""


def is_name(value: Any) -> bool:
    """Whether `value` can name a feature set or a head: it becomes a path, and part of a command.

    >>> is_name("mfcc"), is_name("../mfcc"), is_name("mfcc; ls")
    (True, False, False)
    """
    try:
        _NAME.validate_python(value)
    except ValidationError:
        return False
    return True


_NAME = TypeAdapter(Name)


class Section(BaseModel):
    """A section of `params.yaml`; unknown keys are refused."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        defer_build=True,  # a stage needs few of all
    )


SectionT = TypeVar("SectionT", bound=BaseModel)


def parse_section(kind: type[SectionT], value: Any, where: str) -> SectionT:
    """`value` as a `kind`; raises ParamsError for its mistakes below `where`, one a line."""
    try:
        return kind.model_validate({} if value is None else value)
    except ValidationError as error:
        mistakes: dict[tuple[int | str, ...], ErrorDetails] = {}
        for mistake in error.errors():  # of several types that a value may have, the first will do
            mistakes.setdefault(_find_given(value, mistake["loc"]), mistake)
        told = (_explain(kind, mistake, where) for mistake in mistakes.values())
        raise ParamsError(*told) from error


def _find_given(value: Any, steps: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Those of `steps` that lead through `value`, and one more where a key is missing."""
    for number, step in enumerate(steps):
        if isinstance(value, Mapping):
            if step not in value:
                return steps[: number + 1]
            value = value[step]
        elif isinstance(value, list) and isinstance(step, int):
            value = value[step]
        else:
            return steps[:number]
    return steps


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


def _explain(kind: type[BaseModel], mistake: ErrorDetails, where: str) -> str:
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
