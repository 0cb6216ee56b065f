"""What stores, joint sets, heads and tables hold, as tables and trees for the terminal."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.tree import Tree

from pipeline.audits.inspection import (
    Content,
    HeadContent,
    JointContent,
    Reasons,
    StoreContent,
    TableContent,
)
from pipeline.cli.printing import tabulate, write, write_bytes
from pipeline.heads.recipes import Recipe
from pipeline.labels.overview import Lengths, Overview, read_overview
from pipeline.labels.parts import ALL, Counts
from pipeline.labels.ratings import Rated
from pipeline.paths import CLIPS, TARGETS
from pipeline.store.reader import FeatureStore, MediaStore

BARS = " ▁▂▃▄▅▆▇█"

MOST_COLUMNS = 500
"""Of a table that are shown: a terminal takes half a second for each thousand."""

LONGEST = 40
"""Characters of a value in a table's row."""


def show_found(path: Path, found: Iterable[tuple[Path, Content]]) -> Iterator[RenderableType]:
    """What was found at `path`, or a list of what was found below it."""
    match list(found):
        case [(place, content)] if place == path:
            yield from _show(content)
        case several:
            rows = [(str(place), *_summarise(content)) for place, content in several]
            yield tabulate(("here", "what", "holds"), rows)


def _show(content: Content) -> Iterator[RenderableType]:
    match content:
        case StoreContent():
            return _show_store(content)
        case JointContent(path, joint):
            members = ", ".join(joint.members)
            return iter([_list_facts({"joint set": path, "feature sets": members})])
        case HeadContent():
            return _show_head(content)
        case TableContent():
            return _show_table(content)


def show_labels(folder: Path) -> Iterator[RenderableType]:
    """Overview of the labels in `folder`, and of targets and clips in the folders beside it.

    Raises StoreError where there are none.
    """
    cleaned = folder.with_name(CLIPS.name)
    found = read_overview(
        folder,
        folder.with_name(TARGETS.name),
        cleaned if (cleaned / "clips.parquet").is_file() else None,
    )
    yield _count_parts("", found.counts, found)
    for target, counts in found.classes.items():
        yield _count_parts(target, counts, found)
    if found.ratings:
        rows = [(name, *_write_rated(rated[ALL])) for name, rated in found.ratings.items()]
        yield tabulate(("rating", "labels", "least", "mean", "greatest", "over its scale"), rows)
    if found.agreement is not None:
        shares = found.agreement.shares
        yield write(
            f"voters agree: {shares.mean:.0%} of votes go to a clip's first class; "
            f"{found.agreement.tied:,} of {shares.count:,} clips have several"
        )
    for overlap in found.overlaps:
        yield write(overlap)
    if found.lengths is not None:
        yield _list_lengths(found.lengths)
    yield from _list_reasons(Counter((entry.status, entry.reason) for entry in found.entries))


def _count_parts(title: str, counts: Mapping[str, Counts], overview: Overview) -> Table:
    """Table of `counts`, a column for each part."""
    rows = {name: overview.condense(counted) for name, counted in counts.items()}
    columns = next(iter(rows.values()))
    written = [(name, *(f"{n:,}" for n in row.values())) for name, row in rows.items()]
    table = tabulate((title, *columns), written)
    for column in table.columns[1:]:
        column.justify = "right"
    return table


def _write_rated(rated: Rated) -> tuple[str, ...]:
    numbers = (f"{number:.3f}" for number in (rated.least, rated.mean, rated.greatest))
    return f"{rated.count:,}", *numbers, draw_bars(rated.histogram)


def _list_lengths(lengths: Lengths) -> Table:
    """The longest clips beside the shortest."""
    rows = [
        (f"{long.seconds:.2f} s", long.clip_id, f"{short.seconds:.2f} s", short.clip_id)
        for long, short in zip(lengths.longest, lengths.shortest, strict=True)
    ]
    return tabulate(("longest", "clip", "shortest", "clip"), rows)


def draw_bars(counts: Sequence[int]) -> str:
    """A histogram as a line of blocks, the highest for the largest of `counts`.

    >>> draw_bars([0, 1, 4, 8])
    ' ▁▄█'
    """
    most = max(counts, default=0) or 1
    return "".join(BARS[-(-count * (len(BARS) - 1) // most)] for count in counts)


def _summarise(content: Content) -> tuple[str, str]:
    """What it is, and a few words on what it holds."""
    match content:
        case StoreContent(store):
            views = f", {len(store.views):,} views of them" if store.views else ""
            clips = content.statuses.total()
            return "store", f"{clips:,} clips{views}, {content.rows:,} rows"
        case JointContent(_, joint):
            return "joint", " + ".join(joint.members)
        case HeadContent(_, recipe):
            inputs = " + ".join(recipe.inputs)
            return "head", f"{recipe.kind} over {inputs}, {len(content.runs)} runs"
        case TableContent(_, rows, schema):
            return "table", f"{rows:,} rows, {len(schema)} columns"


def _show_store(content: StoreContent) -> Iterator[RenderableType]:
    """Facts of a store, its first clips, its ledger and what made it."""
    store, statuses = content.store, content.statuses
    counts = [f"{status} {count:,}" for status, count in sorted(statuses.items())]
    yield _list_facts(
        {
            "store": store.path,
            "made by": store.provenance["stage"],
            "clips": ", ".join([f"{statuses.total():,}", *counts]),
            **({"views of them": f"{len(store.views):,}"} if store.views else {}),
            "rows": f"{content.rows:,}",
            "row": _write_row(content),
            "parts": f"{len(store.index.parts):,} of format {store.part_format}",
            "size": write_bytes(content.bytes),
        }
    )
    yield from _list_clips(content)
    yield from _list_reasons(content.reasons)
    yield _grow_tree("provenance", store.provenance)


def _write_row(content: StoreContent) -> str:
    match content.store:
        case FeatureStore() as features:
            return f"{features.provenance['settings']['dtype']} {features.row_shape}"
        case MediaStore() as media:
            fields = media.read_schema() or ()
            return ", ".join(f"{field.name} {field.type}" for field in fields) or "none"


def _list_clips(content: StoreContent) -> Iterator[Table]:
    first = content.first
    rows = [
        (place.clip_id, place.status, str(place.rows), place.part or "none", str(place.start))
        for place in first
    ]
    if (more := content.statuses.total() - len(first)) > 0:
        rows.append((f"… {more:,} more", "", "", "", ""))
    if rows:
        yield tabulate(("clip", "status", "rows", "part", "first row in it"), rows)


def _list_reasons(reasons: Reasons) -> Iterator[Table]:
    """Ledger as counts, nothing where it is empty."""
    if reasons:
        rows = [(*reason, f"{count:,}") for reason, count in reasons.most_common()]
        yield tabulate(("in the ledger", "reason", "clips"), rows)


def _show_head(content: HeadContent) -> Iterator[RenderableType]:
    """Facts of a trained head, its inputs, its params and the versions it was made with."""
    recipe = content.recipe
    yield _list_facts(
        {
            "head": recipe.head,
            "kind": recipe.kind,
            "predicts": ", ".join(f"{target} per {per}" for target, per in recipe.per.items()),
            "emotions": ", ".join(recipe.emotions),
            "runs": ", ".join(content.runs),
            "weights": f"{content.numbers:,} numbers per run",
            "git revision": recipe.git_revision or "none",
        }
    )
    yield _list_inputs(recipe)
    yield _grow_tree("params", recipe.params)
    yield _grow_tree("versions", recipe.versions)


def _list_inputs(recipe: Recipe) -> Table:
    rows = [
        (
            modality,
            source.name,
            str(source.shape),
            str(source.provenance["settings"].get("encoder", "unknown")),
            source.index_digest,
        )
        for modality, source in recipe.inputs.items()
    ]
    return tabulate(("modality", "feature set", "row size", "encoder", "index digest"), rows)


def _show_table(content: TableContent) -> Iterator[RenderableType]:
    """Columns of a Parquet table and its first rows; of a ledger, its reasons counted."""
    fields = [content.schema.field(number) for number in range(len(content.schema))]
    columns = f"{len(fields):,}"
    yield _list_facts({"table": content.path, "rows": f"{content.rows:,}", "columns": columns})
    rows = [
        (field.name, str(field.type), *(_shorten(row[field.name]) for row in content.first))
        for field in fields[:MOST_COLUMNS]
    ]
    if (more := len(fields) - MOST_COLUMNS) > 0:
        rows.append((f"… {more:,} more", "", *("" for _ in content.first)))
    yield tabulate(("column", "type", *(f"row {n}" for n in range(len(content.first)))), rows)
    yield from _list_reasons(content.reasons)


def _list_facts(facts: Mapping[str, object]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(name, write(str(value)))
    return table


def _grow_tree(name: str, value: Any) -> Tree:
    """Tree of nested maps, one leaf per value."""
    if not isinstance(value, dict):
        return Tree(write(f"{name}: {json.dumps(value, ensure_ascii=False)}"))
    tree = Tree(write(name))
    for key, inner in value.items():
        tree.children.append(_grow_tree(key, inner))
    return tree


def _shorten(value: object) -> str:
    if isinstance(value, bytes):
        return f"<{len(value):,} bytes>"
    text = "–" if value is None else str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
