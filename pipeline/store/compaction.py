"""Packing: which parts a store had better have written anew."""

from collections.abc import Iterable
from dataclasses import dataclass

LIVE_SHARE = 0.5
"""A part is written anew when a smaller share of its rows is live."""

MOST_SMALL = 16
"""Small parts of former runs are left as they are, for they were shared, until more gather."""


@dataclass(frozen=True)
class Use:
    """What a store takes of a part; `own` if the part was made by this very run."""

    part: str
    size_bytes: int
    rows: int
    live_rows: int
    own: bool


def choose_parts(uses: Iterable[Use], part_bytes: int) -> set[str]:
    """Parts to write anew: those mostly dead, and small ones where several can be one.

    Small is under half of `part_bytes`. Those of this run are packed as soon as there are two:
    nobody has them yet.
    """
    uses = list(uses)
    dead = {use.part for use in uses if use.live_rows < LIVE_SHARE * use.rows}
    small = [use for use in uses if use.size_bytes < part_bytes / 2]
    former = {use.part for use in small if not use.own}
    gathered = {use.part for use in small if use.own or len(former) > MOST_SMALL}
    return dead | (gathered if len(gathered) > 1 else set())
