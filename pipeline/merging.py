"""Merging: the lock files of two branches as one, by whole entries.

An entry of `dvc.lock` tells of one run. Lines of two in one entry would describe a run that never
was, and DVC would take its result for up to date.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.tokens import (
    AliasToken,
    AnchorToken,
    BlockEndToken,
    BlockMappingStartToken,
    BlockSequenceStartToken,
    DirectiveToken,
    FlowMappingEndToken,
    FlowMappingStartToken,
    FlowSequenceEndToken,
    FlowSequenceStartToken,
    TagToken,
)

from pipeline.errors import StoreError
from pipeline.files import write_text
from pipeline.limits import MOST_DEPTH
from pipeline.sections import write_yaml

FOREIGN = (AliasToken, AnchorToken, DirectiveToken, TagToken)
"""What no lock of DVC holds: ten of the first two may stand for a billion entries, and YAML of
another version has numbers that cannot be written.
"""

OPENING = (
    *(BlockMappingStartToken, BlockSequenceStartToken),
    *(FlowMappingStartToken, FlowSequenceStartToken),
)
CLOSING = (BlockEndToken, FlowMappingEndToken, FlowSequenceEndToken)
"""Where a map or a list begins, and where it ends."""

Entries = Mapping[str, Any]
"""Stage → what `dvc.lock` says of its last run."""


def merge_locks(base: Path, ours: Path, theirs: Path) -> list[str]:
    """Write to `ours` what both sides have; returns the stages whose entries both changed.

    Of those, theirs is taken: it is the one that was pushed. Raises StoreError where a file is no
    lock file.
    """
    lock = _read_lock(ours)
    known, own, other = (dict(_read_lock(path)["stages"]) for path in (base, ours, theirs))
    both = [stage for stage in own | other if _differ(stage, known, own, other)]
    lock["stages"] = join_entries(known, own, other)
    write_text(ours, write_yaml(lock))
    return both


def join_entries(base: Entries, ours: Entries, theirs: Entries) -> dict[str, Any]:
    """Entries of both sides, in our order: theirs where they changed or removed one, else ours.

    >>> join_entries({"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 1, "c": 3})
    {'a': 2, 'c': 3}
    """
    changed = {stage for stage in {*base, *theirs} if base.get(stage) != theirs.get(stage)}
    gone = {stage for stage in changed if stage not in theirs and ours.get(stage) == base[stage]}
    taken = {stage: entry for stage, entry in theirs.items() if stage in changed}
    return {stage: entry for stage, entry in {**ours, **taken}.items() if stage not in gone}


def _differ(stage: str, base: Entries, ours: Entries, theirs: Entries) -> bool:
    """Whether both sides changed the entry of a stage, each in its way."""
    found = [entries.get(stage) for entries in (base, ours, theirs)]
    return all(found[one] != found[other] for one, other in ((0, 1), (0, 2), (1, 2)))


def _check_tokens(text: str) -> None:
    """Raise ValueError for what no lock of DVC holds; of lists within lists before all are seen."""
    depth = 0
    for token in YAML().scan(text):
        line = token.start_mark.line + 1
        if isinstance(token, FOREIGN):
            raise ValueError(f"line {line}: DVC writes no alias, no tag and no directive")
        depth += isinstance(token, OPENING) - isinstance(token, CLOSING)
        if depth > MOST_DEPTH:  # each of them takes as long as all that it stands in
            raise ValueError(f"line {line}: expected at most {MOST_DEPTH} within one another")


def _read_lock(path: Path) -> dict[str, Any]:
    """Lock file at `path`, one of no stage where it is empty."""
    try:
        text = path.read_text(encoding="utf-8")
        _check_tokens(text)
        lock = YAML().load(text) or {"schema": "2.0", "stages": {}}
        dict(lock["stages"])
    except (
        *(OSError, UnicodeDecodeError, YAMLError, RecursionError),
        *(AttributeError, LookupError, TypeError, ValueError),
    ) as error:
        told = " ".join(str(error).split())
        raise StoreError(
            f"{path}: expected a lock file of DVC, got none ({told}); take it from one of the "
            f"commits with `git checkout --theirs`, then `dvc repro`"
        ) from error
    return dict(lock)
