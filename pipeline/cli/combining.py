"""Combining: which options of `moodline predict` go together, and a sentence where not."""

from collections.abc import Collection, Mapping
from enum import Enum

import typer

from pipeline.errors import ParamsError

MEDIA, CORPUS = "MEDIA", "--corpus"
"""What is predicted: one or the other."""

NEEDS: Mapping[str, str] = {
    **dict.fromkeys(("--every", "--hop", "--window", "--frames", "--faces", "--smooth"), MEDIA),
    **dict.fromkeys(("--plot", "--no-plot", "--save-plot", "--annotations"), MEDIA),
    **dict.fromkeys(("--root", "--max-per-emotion", "--num-frames"), CORPUS),
}
"""Option → what it is for."""

APART = (
    ("--hop", "--every", "one of the two to say when answers are"),
    ("--faces all", "--join", "heads by themselves, for each may see other people"),
    ("--save-plot", "--no-plot", "pictures"),
)
"""Two options that do not go together, and what the first expects."""


def list_given(context: typer.Context) -> list[str]:
    """What was given of a command, as people write it: `--no-plot`, `--faces all`, `MEDIA`."""
    found = []
    for param in context.command.params:
        source = context.get_parameter_source(name := str(param.name))
        if source is None or source.name == "DEFAULT":
            continue
        value = context.params[name]
        option = name.upper() if param.param_type_name == "argument" else param.opts[0]
        if value is False:
            option = param.secondary_opts[0]
        found.append(f"{option} {value.value}" if isinstance(value, Enum) else option)
    return found


def check_given(given: Collection[str]) -> None:
    """Raise ParamsError unless what is `given` has an effect, all of it.

    >>> check_given(["MEDIA", "--head", "--faces all"])
    """
    if (MEDIA in given) == (CORPUS in given):
        raise ParamsError("predict: expected MEDIA or a --corpus, got both or neither; give one")
    for name in given:
        needed = NEEDS.get(name.partition(" ")[0], name)
        if needed not in given:
            raise ParamsError(f"{name}: is for {needed}, got none; leave it out")
    for first, second, expected in APART:
        if first in given and second in given:
            raise ParamsError(f"{first}: expected {expected}, got {second}; leave one of them out")
