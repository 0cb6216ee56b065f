"""Pending: what a stage has yet to make of clips, told before anything is spent."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.labels.clips import Clip
from pipeline.store.work import find_lacking


@dataclass(frozen=True)
class Inputs:
    """What a stage makes something of, by the ids of clips.

    `keys` are those of the inputs, None where one is yet to be made; `read` gives an input's rows,
    or as they would be, None where there are none.
    """

    keys: Mapping[str, str | None]
    read: Callable[[str], pa.Table | None]


@dataclass(frozen=True)
class Pending:
    """What a stage has yet to make: `items`, id → the clip that it is, or is a view of.

    The stage is for `clips` clips, and so many `workers` share the work. `load` gives what an item
    is made of, None where there is nothing; `make` makes those loaded as the stage does, in memory,
    and returns the bytes that the stage would write.
    """

    clips: int
    items: Mapping[str, Clip]
    load: Callable[[str], Any]
    make: Callable[[Mapping[str, Any]], int]
    workers: int = 1


def find_pending(
    clips: Sequence[Clip], fingerprint: str, keys: Mapping[str, str], work: Path
) -> dict[str, Clip]:
    """Those of `clips` that `clean` has not seen, and those whose key the work store lacks."""
    lacking = frozenset(find_lacking(work, fingerprint, keys))
    return {c.clip_id: c for c in clips if not c.cleaned or c.clip_id in lacking}
