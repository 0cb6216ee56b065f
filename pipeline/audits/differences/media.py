"""What two stores of media hold of the same clips, by the digests that their parts list."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from pipeline.errors import StoreError
from pipeline.store.parquet import PARTS
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
    a, b = dict(_read_digests(first)), dict(_read_digests(second))
    other = tuple(clip_id for clip_id in clip_ids if a[clip_id] != b[clip_id])
    columns: set[str] = set()
    for clip_id in other[:READ_CLIPS]:
        columns |= _find_columns(first[clip_id], second[clip_id])
    equal = tuple(clip_id for clip_id in clip_ids if a[clip_id] == b[clip_id])
    return MediaDifferences(equal, other, tuple(sorted(columns)))


def _read_digests(store: MediaStore) -> Iterator[tuple[str, str]]:
    """clip_id → digest of its rows' values, for every clip that has some."""
    index = store.index
    paths = [PARTS.path_of(store.path / "parts", part) for part in index.parts]
    listed = [
        {(clip.clip_id, clip.key): clip.digest for clip in PARTS.read_clips(path)} for path in paths
    ]
    for clip_id, key, number in zip(index.clip_ids, index.keys, index.part_numbers, strict=True):
        if number < 0:
            continue
        if (clip_id, key) not in listed[number]:
            raise StoreError(
                f"{paths[number]}: expected {clip_id} as the index says, found it not listed; "
                f"run `moodline verify`"
            )
        yield clip_id, listed[number][clip_id, key]


def _find_columns(first: pa.Table, second: pa.Table) -> set[str]:
    """Columns that differ in a value, or that one of the two does without."""
    a, b = (
        {(name, PARTS.digest_content(table.select([name]))) for name in table.column_names}
        for table in (first, second)
    )
    return {name for name, _ in a ^ b}
