"""Verification: what artefacts say of themselves, checked against their bytes."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.audits.artefacts import Kind, find_artefacts
from pipeline.errors import MoodlineError
from pipeline.files import digest_file
from pipeline.heads.recipes import read_recipe
from pipeline.store.integrity import verify_store
from pipeline.store.joint import list_members
from pipeline.store.tables import read_limited


@dataclass(frozen=True)
class Verified:
    """One artefact and what is wrong with it: nothing, if `problems` is empty."""

    kind: Kind
    path: Path
    problems: tuple[str, ...]


def verify_paths(paths: Iterable[Path]) -> Iterator[Verified]:
    """Every artefact at or below `paths`, checked; raises StoreError for none."""
    for kind, path in chain.from_iterable(map(find_artefacts, paths)):
        yield Verified(kind, path, tuple(_collect_problems(kind, path)))


def _collect_problems(kind: Kind, path: Path) -> Iterator[str]:
    """Problems of one artefact; what cannot be read at all is the last of them."""
    try:
        yield from _VERIFY[kind](path)
    except MoodlineError as error:
        yield str(error)


def verify_joint(path: Path) -> Iterator[str]:
    """No problems; raises StoreError where the joint set at `path`, or a member, is another."""
    list_members(path)
    yield from ()


def verify_head(path: Path) -> Iterator[str]:
    """Problems of the head in folder `path`; raises MoodlineError where its recipe is no recipe."""
    from pipeline.heads.building import load_heads  # torch: stores and tables do without

    recipe = read_recipe(path)
    yield from _verify_file(path / "predictions.parquet", recipe.predictions_digest)
    if problems := [*_verify_file(path / "model.safetensors", recipe.weights_digest)]:
        yield from problems
    else:
        load_heads(path)


def _verify_file(path: Path, digest: str) -> Iterator[str]:
    if not path.is_file():
        yield f"{path.name}: missing"
    elif digest_file(path) != digest:
        yield f"{path.name}: not the file that the recipe was written with"


def verify_table(path: Path) -> Iterator[str]:
    """Problems of the table at `path`: pages that are not what was written, or a foreign file."""
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            metadata = read_limited(file, path).schema.metadata or {}
    except (pa.ArrowException, OSError, ValueError) as error:
        yield f"not a readable Parquet file ({error})"
        return
    if b"moodline.format_version" not in metadata:
        yield "not a table that moodline wrote"


_VERIFY: Mapping[Kind, Callable[[Path], Iterator[str]]] = {
    "store": verify_store,
    "joint": verify_joint,
    "head": verify_head,
    "table": verify_table,
}
