"""Replaying: some clips of a published feature set encoded again, and compared with its rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import numpy as np

from pipeline.audits.differences.settings import Change, compare_provenance
from pipeline.audits.differences.values import ValueDifferences, compare_values
from pipeline.errors import StoreError
from pipeline.extraction.feature_sets import make_clip
from pipeline.extraction.source import Source
from pipeline.progress import track
from pipeline.store.reader import FeatureStore, open_features
from pipeline.store.view_ids import count_views, name_view
from pipeline.store.writer import StoreWriter

Item = TypeVar("Item")

TOLERANCES = {"fp32": 1e-3, "fp16": 1e-2, "bf16": 5e-2}
"""Relative difference of a row, by the encoder's precision, up to which it is the same.

float32 is as good as its float16 storage. Half precisions round in every layer, in another way in
another batch: a few units of their last place (5e-4 and 4e-3), added up.
"""


@dataclass(frozen=True)
class Replay:
    """What came of encoding some clips of a feature set again.

    `changes` are the settings that differ between the set (A) and what params.yaml and the media
    make now (B). `clips` counts the set's clips with rows; `other_inputs` are those of them that
    are now made of something else, and so were not encoded. `values` compares the sample, and
    those `views` of it that are made now as they were then; None where there was nothing to take
    it from.
    """

    changes: tuple[Change, ...]
    clips: int
    other_inputs: tuple[str, ...]
    values: ValueDifferences | None
    views: int = 0


def replay_features(path: Path, source: Source, *, clips: int, seed: int) -> Replay:
    """Replay of at most `clips` clips of the set at `path`, spread evenly over those it holds.

    Raises StoreError for a set without rows.
    """
    published = open_features(path)
    held = published.list_keys()
    recorded = {clip_id: key for clip_id, key in held.items() if clip_id not in published.views}
    if not recorded:
        raise StoreError(f"{path}: expected clips with rows to encode again, got none; name others")
    keys = source.keys
    same = [clip_id for clip_id, key in recorded.items() if keys.get(clip_id) == key]
    chosen = {clip_id: keys[clip_id] for clip_id in sample(same, clips, seed)}
    numbers = range(1, count_views(published.provenance) + 1)
    named = [name_view(clip_id, number) for clip_id in chosen for number in numbers]
    views = {view: keys[view] for view in named if view in keys and held.get(view) == keys[view]}
    return Replay(
        changes=tuple(compare_provenance(published.provenance, source.provenance.to_json())),
        clips=len(recorded),
        other_inputs=tuple(sorted(recorded.keys() - set(same))),
        values=_compare(published, source, chosen | views) if chosen else None,
        views=len(views),
    )


def sample(items: Sequence[Item], count: int, seed: int) -> list[Item]:
    """At most `count` of `items` at even distances; `seed` says how far in the first one lies."""
    count = min(count, len(items))
    shift = int(np.random.default_rng(seed).integers(max(1, len(items))))
    return [items[(number * len(items) + shift) // count] for number in range(count)]


def _compare(published: FeatureStore, source: Source, keys: Mapping[str, str]) -> ValueDifferences:
    tolerance = TOLERANCES[getattr(source.params, "precision", "fp32")]
    with TemporaryDirectory() as folder:
        again = _encode(source, keys, Path(folder))
        return compare_values(published, again, list(keys), tolerance)


def _encode(source: Source, keys: Mapping[str, str], folder: Path) -> FeatureStore:
    """Feature set of the clips of `keys` (clip_id → key), made in `folder` from nothing."""
    params, out = source.params, folder / "again"
    with StoreWriter(folder / "work", source.provenance, params.format) as writer:
        for clip_id, rows in track(source.encode(keys), "replay", len(keys)):
            writer.add(clip_id, keys[clip_id], make_clip(clip_id, rows, source.dtype))
        writer.close_part()
        writer.publish(out, writer.locate(keys), [])
    return open_features(out)
