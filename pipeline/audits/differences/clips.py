"""Which clips two stores hold, and under which keys."""

from dataclasses import dataclass
from typing import NamedTuple

from pipeline.store.reader import Store


@dataclass(frozen=True)
class ClipDifferences:
    """Clips, or views, of stores A and B by what tells them apart, each list sorted by `clip_id`.

    Of the clips in `shared`, `other_keys` have another key in B and `keyless` a key in one store
    alone; `statuses` (clip_id → what A's and B's index say) have another status, or rows in one
    store alone; `with_rows` have rows in both.
    """

    only_first: tuple[str, ...]
    only_second: tuple[str, ...]
    shared: tuple[str, ...]
    other_keys: tuple[str, ...]
    keyless: tuple[str, ...]
    statuses: dict[str, tuple[str, str]]
    with_rows: tuple[str, ...]

    @property
    def equal_keys(self) -> int:
        """How many clips have the same key in both, or none in both."""
        return len(self.shared) - len(self.other_keys) - len(self.keyless)

    @property
    def found(self) -> bool:
        """Whether there are any."""
        return bool(self.shared or self.only_first or self.only_second)

    @property
    def same(self) -> bool:
        """Whether both stores hold the same clips, whatever their keys."""
        return not (self.only_first or self.only_second or self.statuses)


class _Record(NamedTuple):
    key: str
    status: str
    rows: int

    def describe(self) -> str:
        return f"{self.status}, {self.rows:,} row{'' if self.rows == 1 else 's'}"


def compare_clips(first: Store, second: Store, *, views: bool = False) -> ClipDifferences:
    """Differences between the indexes of A (`first`) and B (`second`), of clips or of views."""
    a, b = _list_records(first, views), _list_records(second, views)
    pairs = {clip_id: (a[clip_id], b[clip_id]) for clip_id in sorted(a.keys() & b.keys())}
    keys = {clip_id: (one.key, other.key) for clip_id, (one, other) in pairs.items()}
    return ClipDifferences(
        only_first=tuple(sorted(a.keys() - b.keys())),
        only_second=tuple(sorted(b.keys() - a.keys())),
        shared=tuple(pairs),
        other_keys=tuple(clip_id for clip_id, pair in keys.items() if len({*pair, ""}) == 3),
        keyless=tuple(clip_id for clip_id, pair in keys.items() if "" in pair and any(pair)),
        statuses={
            clip_id: (one.describe(), other.describe())
            for clip_id, (one, other) in pairs.items()
            if (one.status, one.rows > 0) != (other.status, other.rows > 0)
        },
        with_rows=tuple(
            clip_id for clip_id, (one, other) in pairs.items() if one.rows and other.rows
        ),
    )


def _list_records(store: Store, views: bool) -> dict[str, _Record]:
    index = store.index
    records = map(_Record, index.keys, index.statuses, index.rows.tolist())
    listed = zip(index.clip_ids, records, strict=True)
    return {clip_id: record for clip_id, record in listed if (clip_id in store.views) == views}
