"""The five families, and how a member of one is found by its name."""

import difflib
import importlib
from collections.abc import Iterable
from dataclasses import dataclass
from types import ModuleType

from pipeline.errors import ParamsError


@dataclass(frozen=True)
class Family:
    """A visible table of members: name → the module that is loaded only when it is chosen."""

    noun: str
    members: dict[str, str]

    def load(self, name: str) -> ModuleType:
        """Module of member `name`; raises ParamsError that lists the known ones and the nearest."""
        if name not in self.members:
            raise ParamsError(f"unknown {self.noun} {name!r}; {suggest(name, self.members)}")
        return importlib.import_module(self.members[name])


def suggest(word: str, known: Iterable[str]) -> str:
    """Sentence end that offers the nearest known word and lists them all."""
    names = sorted(known)
    nearest = difflib.get_close_matches(word, names, n=1)
    hint = f"did you mean {nearest[0]!r}? " if nearest else ""
    return f"{hint}known: {', '.join(names) or 'none'}"
