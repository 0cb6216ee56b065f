"""Targets: what a clip or a frame is labelled as, and on which side of a split it stands."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa

from pipeline.store.tables import read_table, write_table

SCORES = pa.map_(pa.string(), pa.float64())

TARGETS_SCHEMA = pa.schema(
    [
        ("clip_id", pa.string()),
        ("split", pa.string()),
        ("fold", pa.int64()),
        ("emotion", pa.string()),
        ("intensity", pa.float64()),
        ("valence", pa.float64()),
        ("arousal", pa.float64()),
        ("dominance", pa.float64()),
        ("sentiment", pa.float64()),
        ("emotions", SCORES),
        ("votes", SCORES),
    ]
)
"""Columns of `data/labels/targets.parquet`; a label that is not given is null."""

FRAMES_SCHEMA = pa.schema(
    [
        ("clip_id", pa.string()),
        ("frame", pa.int64()),
        ("seconds", pa.float64()),
        ("valence", pa.float64()),
        ("arousal", pa.float64()),
        ("emotion", pa.string()),
    ]
)
"""Columns of `data/labels/frames.parquet`, sorted by clip and frame; `seconds` counts from the
clip's start."""


TRAINED_SCHEMA = pa.schema([("clip_id", pa.string())])
"""Columns of `data/labels/trained.parquet`: the clips that are on the train side of any run."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """One clip's labels; None where a label is not given.

    `split` is `train`, `val` or `test` (official splits), `fold` the cross-validation fold that
    tests this clip; both are None for a clip that takes part in neither.
    Valence, arousal, dominance and sentiment are scaled to [-1, 1], `intensity` to [0, 1].
    """

    clip_id: str
    split: str | None = None
    fold: int | None = None
    emotion: str | None = None
    intensity: float | None = None
    valence: float | None = None
    arousal: float | None = None
    dominance: float | None = None
    sentiment: float | None = None
    emotions: tuple[tuple[str, float], ...] | None = None
    votes: tuple[tuple[str, float], ...] | None = None


def write_targets(path: Path, targets: Iterable[Target]) -> None:
    """Write `targets`, in the order given."""
    rows = [asdict(target) for target in targets]
    write_table(path, pa.Table.from_pylist(rows, schema=TARGETS_SCHEMA))


def read_targets(path: Path) -> list[Target]:
    """Targets of the table at `path`, in its order; raises StoreError as `read_table` does."""
    return [
        Target(**{**row, "emotions": _pairs(row["emotions"]), "votes": _pairs(row["votes"])})
        for row in read_table(path, TARGETS_SCHEMA).to_pylist()
    ]


def write_trained(path: Path, clip_ids: Iterable[str]) -> None:
    """Write the clips that are on the train side of any run, in the order given."""
    rows = [{"clip_id": clip_id} for clip_id in clip_ids]
    write_table(path, pa.Table.from_pylist(rows, schema=TRAINED_SCHEMA))


def read_trained(path: Path) -> frozenset[str]:
    """Clips of the table at `path`; raises StoreError as `read_table` does."""
    return frozenset(read_table(path, TRAINED_SCHEMA)["clip_id"].to_pylist())


def _pairs(scores: list[tuple[str, float]] | None) -> tuple[tuple[str, float], ...] | None:
    return None if scores is None else tuple(scores)
