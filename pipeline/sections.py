"""Sections of `params.yaml`: strict, frozen records whose mistakes are told in one sentence."""

import re
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.representer import RoundTripRepresenter, SafeRepresenter

from pipeline.errors import MOST_MISTAKES, ParamsError, tell_first
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
        mistakes = find_mistakes(value, error)
        told = (_explain(kind, path, mistake, where) for path, mistake in mistakes.items())
        raise ParamsError(*told) from error


Steps = tuple[int | str, ...]
"""Keys and places in lists, from a section down to one of its values."""


def find_mistakes(value: Any, error: ValidationError) -> dict[Steps, ErrorDetails]:
    """Where in `value` → the mistake there.

    Where a value may have one of several types, it is what they all expect; but if something within
    is wrong for one of them, only that. Of very many there is one, their number.
    """
    if error.error_count() > MOST_MISTAKES:
        return {(): ErrorDetails(type="many", loc=(), msg=tell_first(error), input={})}
    found: dict[Steps, list[ErrorDetails]] = {}
    for mistake in error.errors():
        found.setdefault(_find_given(value, mistake), []).append(mistake)
    above = {steps[:end] for steps in found for end in range(len(steps))}
    return {steps: _join_expected(own) for steps, own in found.items() if steps not in above}


def _find_given(value: Any, mistake: ErrorDetails) -> Steps:
    """Steps to a mistake that lead through `value`, and one more where a key is missing.

    Between them pydantic names the types that it tried.
    """
    given = []
    for step in mistake["loc"]:
        places = range(len(value)) if isinstance(value, list) else ()
        if step in (value if isinstance(value, Mapping) else places):
            value = value[step]
            given.append(step)
    if mistake["type"] == "missing":
        given.append(mistake["loc"][-1])
    return tuple(given)


EXPECTED = "Input should be "
"""How pydantic begins."""


def _join_expected(mistakes: Sequence[ErrorDetails]) -> ErrorDetails:
    """One mistake of those that several types make of a value."""
    told = list(dict.fromkeys(mistake["msg"] for mistake in mistakes))
    if not all(text.startswith(EXPECTED) for text in told):
        return mistakes[0]
    expected = ", or ".join(text.removeprefix(EXPECTED) for text in told)
    return {**mistakes[0], "msg": EXPECTED + expected}


MISREAD = re.compile("[?:]|.*\x85", re.DOTALL)
"""Texts that ruamel.yaml writes without quotes, or not as escapes, and reads as others."""


def _quote_misread(representer: Any, text: str) -> Any:
    style = '"' if MISREAD.match(text) else None
    return representer.represent_scalar("tag:yaml.org,2002:str", text, style=style)


class _Plain(RoundTripRepresenter):
    """Of YAML on many lines."""


class _Flow(SafeRepresenter):
    """Of YAML on one."""


for _kind in (_Plain, _Flow):
    _kind.add_representer(str, _quote_misread)


def write_yaml(value: Mapping[str, Any]) -> str:
    """`value` as YAML in the order of its keys."""
    yaml, stream = YAML(), StringIO()
    yaml.Representer = _Plain
    yaml.dump(dict(value), stream)
    return stream.getvalue()


def write_flow(value: Any) -> str:
    """`value` as YAML on one line, quoted where it must be: `{emotion: label}`."""
    yaml: Any = YAML(typ="safe", pure=True)
    yaml.Representer = _Flow
    yaml.default_flow_style, yaml.width = True, 2**31
    yaml.sort_base_mapping_type_on_output = False
    stream = StringIO()
    yaml.dump(value, stream)
    return stream.getvalue().removesuffix("...\n").strip()


def _explain(kind: type[BaseModel], steps: Steps, mistake: ErrorDetails, where: str) -> str:
    path = [str(step) for step in steps]
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
