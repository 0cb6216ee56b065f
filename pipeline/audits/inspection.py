"""Inspection: what a store, a head or a table holds, as tables and trees for the terminal."""

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree
from safetensors import SafetensorError, safe_open

from pipeline.errors import StoreError
from pipeline.files import measure_tree
from pipeline.heads.recipes import Recipe, read_recipe
from pipeline.store import PART_FORMATS, ROW_FORMATS
from pipeline.store.ledger import SCHEMA as LEDGER_SCHEMA
from pipeline.store.ledger import Entry, read_ledger
from pipeline.store.reader import Store

Kind = Literal["store", "head", "table"]

FIRST = 5
"""Clips and rows that are shown of many."""

RAW = "raw"
"""Folder of corpora: none of moodline's artefacts lies below it."""


def find_artefacts(path: Path) -> Iterator[tuple[Kind, Path]]:
    """Stores, heads and tables at or below `path`, by name; raises StoreError where none is."""
    if not path.exists():
        raise StoreError(f"{path}: no such file or folder; run `dvc repro` or `dvc pull` to get it")
    found = False
    for artefact in _walk(path):
        found = True
        yield artefact
    if not found:
        raise StoreError(f"{path}: expected a store, a head, a table or a folder of them, got none")


def _walk(path: Path) -> Iterator[tuple[Kind, Path]]:
    kind = _kind_of(path)
    if kind is not None:
        yield kind, path
    elif path.is_dir():
        for child in sorted(path.iterdir()):
            if child.name != RAW and not child.name.startswith("."):
                yield from _walk(child)


def _kind_of(path: Path) -> Kind | None:
    """What lies at `path`; one file is enough to tell, for the other may be what is missing."""
    if path.is_file():
        return "table" if path.suffix == ".parquet" else None
    if any((path / name).exists() for name in ("store.json", "index.parquet")):
        return "store"
    if any((path / name).exists() for name in ("recipe.json", "model.safetensors")):
        return "head"
    return None


def inspect_path(path: Path) -> Iterator[RenderableType]:
    """What lies at `path`, or a list of what lies below it; raises StoreError for neither."""
    found = list(find_artefacts(path))
    if [place for _, place in found] == [path]:
        kind = found[0][0]
        yield from _INSPECT[kind](path)
    else:
        yield _list_artefacts(found)


def inspect_store(path: Path) -> Iterator[RenderableType]:
    """Facts of a store, its first clips, its ledger and what made it."""
    store = Store(path)
    yield _list_facts(_describe_store(store))
    yield from _show_clips(store)
    yield from _count_reasons(read_ledger(path / "ledger.parquet"))
    yield _grow_tree("provenance", store.provenance)


def inspect_head(path: Path) -> Iterator[RenderableType]:
    """Facts of a trained head, its inputs, its params and the versions it was made with."""
    recipe = read_recipe(path)
    runs = list(recipe.priors)
    numbers = sum(count_weights(path / "model.safetensors").values())
    yield _list_facts(
        {
            "head": recipe.head,
            "kind": recipe.params["kind"],
            "predicts": ", ".join(f"{target} per {per}" for target, per in recipe.per.items()),
            "emotions": ", ".join(recipe.emotions),
            "runs": ", ".join(runs),
            "weights": f"{numbers // len(runs):,} numbers per run",
            "git revision": recipe.git_revision or "none",
        }
    )
    yield _list_inputs(recipe)
    yield _grow_tree("params", recipe.params)
    yield _grow_tree("versions", recipe.versions)


def inspect_table(path: Path) -> Iterator[RenderableType]:
    """Columns of a Parquet table and its first rows; of a ledger, its reasons counted."""
    table = _read(pq.read_table, path)
    yield _list_facts({"table": path, "rows": f"{len(table):,}"})
    columns = _new_table("column", "type", *(f"row {n}" for n in range(min(FIRST, len(table)))))
    first = table.slice(0, FIRST).to_pylist()
    for field in table.schema:
        columns.add_row(field.name, str(field.type), *(_shorten(row[field.name]) for row in first))
    yield columns
    if table.schema.remove_metadata().equals(LEDGER_SCHEMA):
        yield from _count_reasons(read_ledger(path))


def _read(read: Callable[[Path], Any], path: Path) -> Any:
    """What pyarrow's `read` makes of the file at `path`; raises StoreError where it cannot."""
    try:
        return read(path)
    except (pa.ArrowException, OSError) as error:
        raise StoreError(f"{path}: not a readable Parquet file ({error})") from error


_INSPECT: Mapping[Kind, Callable[[Path], Iterator[RenderableType]]] = {
    "store": inspect_store,
    "head": inspect_head,
    "table": inspect_table,
}


def count_weights(path: Path) -> dict[str, int]:
    """Tensor → how many numbers it holds, from the header of the safetensors file at `path`."""
    try:
        with safe_open(path, framework="numpy") as file:
            names = file.keys()
            return {name: math.prod(file.get_slice(name).get_shape()) for name in names}
    except (SafetensorError, OSError) as error:
        raise StoreError(
            f"{path}: not readable weights ({error}); run `moodline verify`"
        ) from error


def _describe_store(store: Store) -> dict[str, object]:
    index = store.index
    places = _list_places(store)
    statuses: Counter[str] = Counter(index.statuses[place] for place in places)
    rows = int(index.rows.sum())
    return {
        "store": store.path,
        "made by": store.provenance["stage"],
        "clips": ", ".join([f"{len(places):,}", *_count(statuses)]),
        **({"views of them": f"{len(store.views):,}"} if store.views else {}),
        "rows": f"{rows:,}",
        "row": _describe_rows(store)
        if store.part_format in ROW_FORMATS
        else _describe_columns(store),
        "parts": f"{len(index.parts):,} of format {store.part_format}",
        "size": write_bytes(measure_tree(store.path)),
    }


def _list_places(store: Store) -> list[int]:
    """Places of the clips in the index, without those of their views."""
    views = store.views
    return [n for n, clip_id in enumerate(store.index.clip_ids) if clip_id not in views]


def _describe_rows(store: Store) -> str:
    settings = store.provenance["settings"]
    return f"{settings['dtype']} {tuple(settings['row_shape'])}"


def _describe_columns(store: Store) -> str:
    if not store.index.parts:
        return "none"
    path = PART_FORMATS.load("parquet").PARTS.path_of(store.path / "parts", store.index.parts[0])
    return ", ".join(f"{field.name} {field.type}" for field in pq.read_schema(path))


def _show_clips(store: Store) -> Iterator[Table]:
    index, places = store.index, _list_places(store)
    if not places:
        return
    table = _new_table("clip", "status", "rows", "part", "first row in it")
    for place in places[:FIRST]:
        number = index.part_numbers[place]
        part = index.parts[number] if number >= 0 else "none"
        numbers = (str(index.rows[place]), part, str(index.starts[place]))
        table.add_row(index.clip_ids[place], index.statuses[place], *numbers)
    if len(places) > FIRST:
        table.add_row(f"… {len(places) - FIRST:,} more", "", "", "", "")
    yield table


def _count_reasons(entries: Iterable[Entry]) -> Iterator[Table]:
    """Ledger as counts, nothing where it is empty."""
    counts = Counter((entry.status, entry.reason) for entry in entries)
    if counts:
        table = _new_table("in the ledger", "reason", "clips")
        for (status, reason), count in counts.most_common():
            table.add_row(status, reason, f"{count:,}")
        yield table


def _list_inputs(recipe: Recipe) -> Table:
    table = _new_table("modality", "feature set", "row size", "encoder", "index digest")
    for modality, source in recipe.inputs.items():
        encoder = str(source.provenance["settings"]["encoder"])
        table.add_row(modality, source.name, str(source.dim), encoder, source.index_digest)
    return table


def _list_artefacts(found: Iterable[tuple[Kind, Path]]) -> Table:
    table = _new_table("here", "what", "holds")
    for kind, path in found:
        table.add_row(str(path), kind, _SUMMARISE[kind](path))
    return table


def _summarise_store(path: Path) -> str:
    store = Store(path)
    views = f", {len(store.views):,} views of them" if store.views else ""
    return f"{len(_list_places(store)):,} clips{views}, {int(store.index.rows.sum()):,} rows"


def _summarise_head(path: Path) -> str:
    recipe = read_recipe(path)
    return f"{recipe.params['kind']} over {' + '.join(recipe.inputs)}, {len(recipe.priors)} runs"


def _summarise_table(path: Path) -> str:
    metadata = _read(pq.read_metadata, path)
    return f"{metadata.num_rows:,} rows, {metadata.num_columns} columns"


_SUMMARISE: Mapping[Kind, Callable[[Path], str]] = {
    "store": _summarise_store,
    "head": _summarise_head,
    "table": _summarise_table,
}


def _list_facts(facts: Mapping[str, object]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(name, Text(str(value)))
    return table


def _grow_tree(name: str, value: Any) -> Tree:
    """Tree of nested maps, one leaf per value."""
    if not isinstance(value, dict):
        return Tree(Text(f"{name}: {json.dumps(value, ensure_ascii=False)}"))
    tree = Tree(Text(name))
    for key, inner in value.items():
        tree.children.append(_grow_tree(key, inner))
    return tree


def _new_table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _count(counts: Mapping[str, int]) -> list[str]:
    return [f"{word} {count:,}" for word, count in sorted(counts.items())]


def _shorten(value: object, width: int = 40) -> str:
    if isinstance(value, bytes):
        return f"<{len(value):,} bytes>"
    text = "–" if value is None else str(value)
    return text if len(text) <= width else f"{text[: width - 1]}…"


def write_bytes(size: int) -> str:
    """Size for people, in units of 1000: `64.0 MB`."""
    amount, unit = float(size), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if amount < 1000 or unit == "TB":
            break
        amount /= 1000
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
