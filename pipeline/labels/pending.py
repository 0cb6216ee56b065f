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

    `keys` are those of the inputs, None where one is yet to be made; `read` gives the rows of some,
    or as they would be, of those that have any.
    """

    keys: Mapping[str, str | None]
    read: Callable[[Sequence[str]], Mapping[str, pa.Table]]


@dataclass(frozen=True, kw_only=True)
class Pending:
    """What a stage has yet to make: `items`, id → the clip that it is, or is a view of.

    The stage is for `clips` clips, and so many `workers` share the work.
    """

    clips: int
    items: Mapping[str, Clip]
    workers: int = 1


@dataclass(frozen=True, kw_only=True)
class PendingMedia(Pending):
    """What is yet to be made of media.

    `make` makes what the stage does of a clip, and returns the bytes that the stage would write. It
    travels to a process that has a folder for it, and `limit_seconds` of the clip.
    """

    make: Callable[[Clip, Path], int]
    limit_seconds: Callable[[Clip], float]


@dataclass(frozen=True, kw_only=True)
class PendingRows(Pending):
    """What is yet to be made of rows.

    `load` gives what items are made of, of those that there is anything for; `make` makes those
    loaded as the stage does, in memory, and returns the bytes that the stage would write.
    """

    load: Callable[[Sequence[str]], Mapping[str, Any]]
    make: Callable[[Mapping[str, Any]], int]


def find_pending(
    clips: Sequence[Clip], fingerprint: str, keys: Mapping[str, str], work: Path
) -> dict[str, Clip]:
    """Those of `clips` that `clean` has not seen, and those whose key the work store lacks."""
    lacking = frozenset(find_lacking(work, fingerprint, keys))
    return {c.clip_id: c for c in clips if not c.cleaned or c.clip_id in lacking}
