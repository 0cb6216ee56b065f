"""Differences: why two stores are not the same, and by how much their values differ.

Three questions: what made them (`settings`), which clips they hold under which keys (`clips`),
and what they hold of these clips (`values` of feature sets, `media`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.audits.differences.clips import ClipDifferences, compare_clips
from pipeline.audits.differences.media import MediaDifferences, compare_media
from pipeline.audits.differences.settings import Change, compare_provenance
from pipeline.audits.differences.values import ValueDifferences, compare_values
from pipeline.errors import StoreError
from pipeline.store.reader import FeatureStore, MediaStore, Store, open_store

Contents = ValueDifferences | MediaDifferences | None
"""What the clips with rows in both hold; None where a row of A has another shape than one of B."""


@dataclass(frozen=True)
class Differences:
    """What tells store A from store B; `contents` are those of clips and of their views."""

    paths: tuple[Path, Path]
    part_formats: tuple[str, str]
    changes: tuple[Change, ...]
    clips: ClipDifferences
    views: ClipDifferences
    contents: Contents

    @property
    def same(self) -> bool:
        """Whether both hold the same clips with the same content, however it was made."""
        listed = self.clips.same and self.views.same
        return listed and self.contents is not None and self.contents.same


def compare_stores(first: Path, second: Path, tolerance: float) -> Differences:
    """Differences between the stores at `first` (A) and `second` (B), read clip by clip.

    Rows whose relative difference is at most `tolerance` count as the same. Raises StoreError
    where one is no store, or where one holds media and the other features.
    """
    a, b = _open_store(first), _open_store(second)
    clips, views = compare_clips(a, b), compare_clips(a, b, views=True)
    return Differences(
        paths=(first, second),
        part_formats=(a.part_format, b.part_format),
        changes=tuple(compare_provenance(a.provenance, b.provenance)),
        clips=clips,
        views=views,
        contents=_compare_contents(a, b, [*clips.with_rows, *views.with_rows], tolerance),
    )


def _open_store(path: Path) -> FeatureStore | MediaStore:
    if path.is_file():
        raise StoreError(f"{path}: expected the folder of a store, got a file; name its folder")
    return open_store(path)


def _compare_contents(
    first: Store, second: Store, clip_ids: Sequence[str], tolerance: float
) -> Contents:
    match first, second:
        case MediaStore(), MediaStore():
            return compare_media(first, second, clip_ids)
        case FeatureStore(), FeatureStore():
            if first.row_shape != second.row_shape:
                return None
            return compare_values(first, second, clip_ids, tolerance)
    raise StoreError(
        f"{second.path}: expected {_name_kind(first)} as in {first.path}, got "
        f"{_name_kind(second)}; compare two feature sets or two stores of media"
    )


def _name_kind(store: Store) -> str:
    return "media" if isinstance(store, MediaStore) else "features"
