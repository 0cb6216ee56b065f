"""Inspection: what a store, a joint set, a head or a table holds."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from safetensors import SafetensorError, safe_open

from pipeline.audits.artefacts import Kind, find_artefacts
from pipeline.errors import StoreError
from pipeline.files import measure_tree, open_regular
from pipeline.heads.recipes import Recipe, read_recipe
from pipeline.store.joint import Joint, read_joint
from pipeline.store.ledger import SCHEMA as LEDGER_SCHEMA
from pipeline.store.ledger import Entry, read_ledger
from pipeline.store.reader import FeatureStore, MediaStore, open_store
from pipeline.store.tables import read_first

FIRST = 5
"""Clips and rows that are told of many."""

Reasons = Counter[tuple[str, str]]
"""(status, reason) → clips of a ledger."""


@dataclass(frozen=True)
class ClipPlace:
    """Where a clip's rows lie; `part` is None where it has none."""

    clip_id: str
    status: str
    rows: int
    part: str | None
    start: int


@dataclass(frozen=True)
class StoreContent:
    """What a store holds; views are no clips, and counted apart."""

    store: FeatureStore | MediaStore

    @property
    def statuses(self) -> Counter[str]:
        """Status → clips."""
        index = self.store.index
        return Counter(index.statuses[place] for place in self._places)

    @property
    def rows(self) -> int:
        """Rows of clips and views."""
        return int(self.store.index.rows.sum())

    @property
    def bytes(self) -> int:
        """Size on disk."""
        return measure_tree(self.store.path)

    @property
    def first(self) -> list[ClipPlace]:
        """The first few clips."""
        index = self.store.index
        return [
            ClipPlace(
                clip_id=index.clip_ids[place],
                status=index.statuses[place],
                rows=index.rows.item(place),
                part=index.parts[number] if (number := index.part_numbers[place]) >= 0 else None,
                start=index.starts.item(place),
            )
            for place in self._places[:FIRST]
        ]

    @property
    def reasons(self) -> Reasons:
        """The ledger, counted."""
        return _count_reasons(read_ledger(self.store.path / "ledger.parquet"))

    @property
    def _places(self) -> list[int]:
        """Places of the clips in the index."""
        views = self.store.views
        return [n for n, clip_id in enumerate(self.store.index.clip_ids) if clip_id not in views]


@dataclass(frozen=True)
class JointContent:
    """What a joint set names."""

    path: Path
    joint: Joint


@dataclass(frozen=True)
class HeadContent:
    """What the folder of a trained head holds."""

    path: Path
    recipe: Recipe

    @property
    def numbers(self) -> int:
        """Numbers among the weights of one run."""
        return sum(count_weights(self.path / "model.safetensors").values()) // len(self.runs)

    @property
    def runs(self) -> list[str]:
        """Names of the runs."""
        return list(self.recipe.priors)


@dataclass(frozen=True)
class TableContent:
    """What a Parquet table holds: its `first` rows, and of a ledger the reasons."""

    path: Path
    rows: int
    schema: pa.Schema
    first: list[dict[str, Any]]

    @property
    def reasons(self) -> Reasons:
        """The ledger, counted; nothing where the table is none."""
        if not self.schema.remove_metadata().equals(LEDGER_SCHEMA):
            return Counter()
        return _count_reasons(read_ledger(self.path))


Content = StoreContent | JointContent | HeadContent | TableContent


def inspect_path(path: Path) -> list[tuple[Path, Content]]:
    """What lies at `path`, or each that lies below it; raises StoreError for neither."""
    return [(found, _inspect(kind, found)) for kind, found in find_artefacts(path)]


def _inspect(kind: Kind, path: Path) -> Content:
    match kind:
        case "store":
            return StoreContent(open_store(path))
        case "joint":
            return JointContent(path, read_joint(path))
        case "head":
            return HeadContent(path, read_recipe(path))
        case "table":
            return _inspect_table(path)


def _inspect_table(path: Path) -> TableContent:
    try:
        with open_regular(path), pq.ParquetFile(path) as file:
            rows = read_first(file, path, FIRST)
            return TableContent(path, file.metadata.num_rows, file.schema_arrow, rows)
    except (pa.ArrowException, OSError, OverflowError, ValueError) as error:
        raise StoreError(f"{path}: not a readable Parquet file ({error})") from error


def count_weights(path: Path) -> dict[str, int]:
    """Tensor → how many numbers it holds, from the header of the safetensors file at `path`."""
    try:
        with open_regular(path), safe_open(path, framework="numpy") as file:
            names = file.keys()
            return {name: math.prod(file.get_slice(name).get_shape()) for name in names}
    except (SafetensorError, OSError) as error:
        raise StoreError(
            f"{path}: not readable weights ({error}); run `moodline verify`"
        ) from error


def _count_reasons(entries: Iterable[Entry]) -> Reasons:
    return Counter((entry.status, entry.reason) for entry in entries)
