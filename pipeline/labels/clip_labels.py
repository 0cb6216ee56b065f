"""Labels of clips and of frames as tables: one column for each target that there is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.errors import StoreError
from pipeline.store.objects import list_rows
from pipeline.store.tables import read_by_clip, version_schema, write_table
from pipeline.targets import TARGETS, Kind

Label = str | float | tuple[tuple[str, float], ...]
"""A class, a rating, or a number for each class."""

_COLUMNS: dict[Kind, pa.DataType] = {
    "class": pa.string(),
    "rating": pa.float64(),
    "presence": pa.float64(),
    "scores": pa.map_(pa.string(), pa.float64()),
    "votes": pa.map_(pa.string(), pa.float64()),
}

TARGETS_SCHEMA = pa.schema(
    [
        ("clip_id", pa.string()),
        ("split", pa.string()),
        ("fold", pa.int64()),
        ("subject", pa.string()),
        *((name, _COLUMNS[target.kind]) for name, target in TARGETS.items()),
    ],
    metadata=version_schema(2),
)
"""Columns of `data/targets/targets.parquet`; a label that is not given is null."""

FRAMES_SCHEMA = pa.schema(
    [
        ("clip_id", pa.string()),
        ("frame", pa.int64()),
        ("seconds", pa.float64()),
        *((name, _COLUMNS[target.kind]) for name, target in TARGETS.items() if target.framed),
    ]
)
"""Columns of `data/targets/frames.parquet`, sorted by clip and frame; `seconds` counts from the
clip's start."""

TRAINED_SCHEMA = pa.schema([("clip_id", pa.string())])
"""Columns of `data/labels/trained.parquet`: the clips that are on the train side of any run."""


@dataclass(frozen=True, kw_only=True)
class ClipLabels:
    """What one clip is labelled as: target → label, of those that are given.

    `split` is `train`, `val` or `test` (official splits), `fold` the cross-validation fold that
    tests this clip; both are None for a clip that takes part in neither. `subject` is who is in it,
    if the corpus names anybody. Ratings lie within the bounds of their target.
    """

    clip_id: str
    split: str | None = None
    fold: int | None = None
    subject: str | None = None
    labels: Mapping[str, Label] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        clip_id: str,
        labels: Mapping[str, Label | None],
        *,
        split: str | None = None,
        fold: int | None = None,
    ) -> "ClipLabels":
        """What a clip is labelled as, where None stands for a label that is not given."""
        given = {name: label for name, label in labels.items() if label is not None}
        return cls(clip_id=clip_id, split=split, fold=fold, labels=given)


def write_targets(path: Path, clips: Iterable[ClipLabels]) -> None:
    """Write the labels of `clips`, in the order given."""
    rows = [
        {
            "clip_id": clip.clip_id,
            "split": clip.split,
            "fold": clip.fold,
            "subject": clip.subject,
            **clip.labels,
        }
        for clip in clips
    ]
    write_table(path, pa.Table.from_pylist(rows, schema=TARGETS_SCHEMA))


def read_targets(path: Path) -> list[ClipLabels]:
    """Labels in the table at `path`, in its order.

    Raises StoreError as `read_by_clip` does, and for labels with a class of no number.
    """
    return [_read_row(path, row) for row in list_rows(read_by_clip(path, TARGETS_SCHEMA))]


def _read_row(path: Path, row: Mapping[str, Any]) -> ClipLabels:
    labels = {name: _freeze(row[name]) for name in TARGETS if row[name] is not None}
    vectors = (label for label in labels.values() if isinstance(label, tuple))
    if any(number is None for label in vectors for _, number in label):
        raise StoreError(
            f"{path}: expected each class of a label with a number, got {row['clip_id']!r} "
            f"with blanks; run `dvc repro labels`"
        )
    return ClipLabels(
        clip_id=row["clip_id"],
        split=row["split"],
        fold=row["fold"],
        subject=row["subject"],
        labels=labels,
    )


def list_classes(label: Label) -> list[str]:
    """Classes that a label names; none where it is a rating."""
    if isinstance(label, str):
        return [label]
    return [name for name, _ in label] if isinstance(label, tuple) else []


def write_trained(path: Path, clip_ids: Iterable[str]) -> None:
    """Write the clips that are on the train side of any run, in the order given."""
    rows = [{"clip_id": clip_id} for clip_id in clip_ids]
    write_table(path, pa.Table.from_pylist(rows, schema=TRAINED_SCHEMA))


def read_trained(path: Path) -> frozenset[str]:
    """Clips of the table at `path`; raises StoreError as `read_by_clip` does."""
    return frozenset(read_by_clip(path, TRAINED_SCHEMA)["clip_id"].to_pylist())


def _freeze(label: str | float | list[tuple[str, float]]) -> Label:
    return tuple(label) if isinstance(label, list) else label
