"""What made two stores: the settings that differ, through the chain of their sources."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

Record = Mapping[str, Any]
"""A provenance as `store.json` has it."""

NOTHING = "none"
"""Stands for a stage or a setting that one of the two does without."""


@dataclass(frozen=True)
class Change:
    """A setting of `stage` by its dotted path, and its JSON text in A and in B."""

    stage: str
    path: str
    texts: tuple[str, str]


def compare_provenance(first: Record, second: Record) -> Iterator[Change]:
    """Settings that differ, from the stage that made the stores back to their first source.

    No change if the fingerprints agree all the way, and what is stated of views. Where one stage
    stands against another, their names are all that is compared.
    """
    for a, b in zip_longest(_list_chain(first), _list_chain(second)):
        if a is None or b is None or a["stage"] != b["stage"]:
            names = _name_stage(a), _name_stage(b)
            yield Change(names[0] if a else names[1], "stage", names)
            continue
        if a["fingerprint"] != b["fingerprint"]:
            yield from _compare_records(a, b)
        yield from _compare_maps(a, b, "views")


def _list_chain(record: Record | None) -> Iterator[Record]:
    while record is not None:
        yield record
        record = record["source"]


def _name_stage(record: Record | None) -> str:
    return record["stage"] if record else NOTHING


def _compare_records(first: Record, second: Record) -> list[Change]:
    """Settings that differ; where none does, the fingerprints, which then are not theirs."""
    fingerprints = first["fingerprint"], second["fingerprint"]
    changed = _compare_maps(first, second, "settings")
    return changed or [Change(first["stage"], "fingerprint", fingerprints)]


def _compare_maps(first: Record, second: Record, name: str) -> list[Change]:
    """What differs in the maps that two records of a stage have under `name`."""
    a, b = (dict(_flatten(record.get(name, {}), name)) for record in (first, second))
    texts = {path: (a.get(path, NOTHING), b.get(path, NOTHING)) for path in {**a, **b}}
    changed = {path: pair for path, pair in texts.items() if pair[0] != pair[1]}
    return [Change(first["stage"], path, pair) for path, pair in changed.items()]


def _flatten(settings: Record, path: str) -> Iterator[tuple[str, str]]:
    """Dotted path → JSON text of every setting; 1 and 1.0 are two texts, as in a fingerprint."""
    for key, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from _flatten(value, f"{path}.{key}")
        else:
            yield f"{path}.{key}", json.dumps(value, ensure_ascii=False, sort_keys=True)
