"""What two stores of media hold of the same clips, by the digests that their parts list."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from pipeline.store.reader import MediaStore

READ_CLIPS = 3
"""Clips whose bytes are read to see which columns differ; digests tell of all others."""


@dataclass(frozen=True)
class MediaDifferences:
    """Clips whose content is `equal` or not; `columns` differ in the first few of `other`."""

    equal: tuple[str, ...]
    other: tuple[str, ...]
    columns: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether every clip is equal."""
        return not self.other


def compare_media(
    first: MediaStore, second: MediaStore, clip_ids: Sequence[str]
) -> MediaDifferences:
    """Differences in what A (`first`) and B (`second`) hold of `clip_ids`, with rows in both.

    Raises StoreError where a part is not there, or does not list a clip that the index names.
    """
    a, b = first.list_records(), second.list_records()
    same = {clip_id: a[clip_id].digest == b[clip_id].digest for clip_id in clip_ids}
    other = tuple(clip_id for clip_id in clip_ids if not same[clip_id])
    columns: set[str] = set()
    for clip_id in other[:READ_CLIPS]:
        columns |= _find_columns(first[clip_id], second[clip_id])
    equal = tuple(clip_id for clip_id in clip_ids if same[clip_id])
    return MediaDifferences(equal, other, tuple(sorted(columns)))


def _find_columns(first: pa.Table, second: pa.Table) -> set[str]:
    """Columns that differ in a value, or that one of the two does without."""
    a, b = (
        {(name, repr(table[name].to_pylist())) for name in table.column_names}  # NaN equals NaN
        for table in (first, second)
    )
    return {name for name, _ in a ^ b}
