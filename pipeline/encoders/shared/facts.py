"""Facts: what is fixed about an encoder, for people who choose one."""

from dataclasses import dataclass
from importlib.util import find_spec
from types import ModuleType

from pipeline.encoders.params import FeatureParams


@dataclass(frozen=True)
class Facts:
    """`licence` of code and weights, where it is fixed; `extra` names both the optional extra of
    moodline that must be installed and the package it brings, None where none is needed.
    """

    licence: str
    extra: str | None = None


PLAIN = Facts("MIT")
"""Of a member without weights that states nothing else."""

WEIGHED = Facts("MIT; weights: their own")
"""Of a member whose weights are chosen in params.yaml."""


def find_facts(member: ModuleType, params: type[FeatureParams]) -> Facts:
    """`FACTS` of a member's module, or those of its like, by its `params`, where it has none."""
    usual = WEIGHED if "weights" in params.model_fields else PLAIN
    facts: Facts = getattr(member, "FACTS", usual)
    return facts


def list_needs(member: ModuleType, params: type[FeatureParams]) -> list[str]:
    """What a member wants besides moodline itself; empty where nothing."""
    extra = find_facts(member, params).extra
    needs = ["weights"] if "weights" in params.model_fields else []
    if extra is None:
        return needs
    absent = "" if find_spec(extra) else f", not installed: pip install 'moodline[{extra}]'"
    return [f"extra {extra}{absent}", *needs]
