"""Families: how a member of one is found by its name.

There are seven: corpora, detectors, encoders, engines, forms of file, heads and part formats.
"""

import difflib
import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Generic, TypeVar

from pydantic import BaseModel

from pipeline.errors import ParamsError

ParamsT = TypeVar("ParamsT", bound=BaseModel)


@dataclass(frozen=True)
class Member:
    """A row of a family's table: the module, which is loaded only when the member is chosen."""

    module: str


@dataclass(frozen=True)
class ParamsMember(Member, Generic[ParamsT]):
    """A row of a family whose members have options in params.yaml, and the class of these.

    The class stands in the family's `params` module, so that options are known without the
    libraries that the member itself needs.
    """

    params: type[ParamsT]


MemberT_co = TypeVar("MemberT_co", bound=Member, covariant=True)


@dataclass(frozen=True)
class Family(Generic[MemberT_co]):
    """A visible table of members by their names."""

    noun: str
    members: Mapping[str, MemberT_co]

    def find(self, name: str) -> MemberT_co:
        """Row of member `name`; raises ParamsError that lists the known ones and the nearest."""
        if name not in self.members:
            raise ParamsError(f"unknown {self.noun} {name!r}; {suggest(name, self.members)}")
        return self.members[name]

    def load(self, name: str) -> ModuleType:
        """Module of member `name`; raises ParamsError as `find` does."""
        return importlib.import_module(self.find(name).module)


def suggest(word: str, known: Iterable[str]) -> str:
    """Sentence end that offers the nearest known word and lists them all."""
    names = sorted(known)
    nearest = difflib.get_close_matches(word, names, n=1)
    hint = f"did you mean {nearest[0]!r}? " if nearest else ""
    return f"{hint}known: {', '.join(names) or 'none'}"
