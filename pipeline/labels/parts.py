"""Parts that clips stand in, sides of the split or folds, and what is counted by them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Int64

from pipeline.errors import StoreError
from pipeline.labels.clip_labels import ClipLabels
from pipeline.labels.clips import Clip
from pipeline.labels.splits import SIDES

NOWHERE = "none"
"""Part of clips that take part in nothing."""

ALL = "all"
"""All parts together."""

Counts = Mapping[str, int]
"""Part, and ALL, → how many."""


class Parts:
    """Where clips stand: `of` is clip id → part, `names` are the parts that hold any, in order."""

    def __init__(self, targets: Sequence[ClipLabels]) -> None:
        self.of = {target.clip_id: name_part(target) for target in targets}
        self.names = _order(self.of.values())

    def count(self, clip_ids: Iterable[str]) -> Counts:
        """How many of `clip_ids` are in each part; unknown ones are passed over."""
        return self.sum(Counter(self.of[name] for name in clip_ids if name in self.of))

    def sum(self, counts: Mapping[str, int]) -> Counts:
        """`counts` of every part, and of all together."""
        found = {part: counts.get(part, 0) for part in self.names}
        return {**found, ALL: sum(found.values())}

    def count_different(self, clips: Iterable[Clip], unit: str) -> Counts:
        """How many different subjects, or groups, clips of each part are of."""
        found: dict[str, set[tuple[str, str]]] = {part: set() for part in (*self.names, ALL)}
        for clip in clips:
            if (name := getattr(clip, unit)) is not None:
                for part in (self.of[clip.clip_id], ALL):
                    found[part].add((clip.corpus, name))
        return {part: len(names) for part, names in found.items()}

    @cached_property
    def _numbers(self) -> Int64[np.ndarray, " clips"]:
        """Place in `names` of the part of each clip, in the order of `of`."""
        places = {part: place for place, part in enumerate(self.names)}
        return np.array([places[part] for part in self.of.values()], np.int64)

    def number(self, clip_ids: pa.Array | pa.ChunkedArray) -> Int64[np.ndarray, " rows"]:
        """Place in `names` of the part of each clip; raises StoreError for an unknown clip."""
        rows = pc.index_in(clip_ids, value_set=pa.array(self.of, pa.string()))
        if rows.null_count:
            strange = clip_ids.filter(rows.is_null())[0].as_py()
            raise StoreError(
                f"data/targets/frames.parquet: expected rows of clips with labels, got some of "
                f"{strange!r}; run `dvc repro labels`"
            )
        numbers: np.ndarray = self._numbers[rows.to_numpy()]
        return numbers


def name_part(target: ClipLabels) -> str:
    """Side or fold of a clip.

    >>> name_part(ClipLabels(clip_id="a", split="val")), name_part(ClipLabels(clip_id="a", fold=0))
    ('val', 'fold-0')
    """
    if target.fold is not None:
        return f"fold-{target.fold}"
    return target.split or NOWHERE


def _order(parts: Iterable[str]) -> list[str]:
    """Sides in their usual order, folds by their number, what is in none last."""
    usual = [*SIDES, NOWHERE]

    def rank(part: str) -> tuple[int, int]:
        if part in usual:
            return (0 if part != NOWHERE else 2), usual.index(part)
        return 1, int(part.removeprefix("fold-"))

    return sorted(set(parts), key=rank)
