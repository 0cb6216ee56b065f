"""What `moodline import` is asked, and what it says of what came of it."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.errors import ParamsError
from pipeline.families import suggest
from pipeline.imports.ids import TOLD, read_ids
from pipeline.imports.importing import Import, Imported
from pipeline.imports.series import Wanted
from pipeline.labels.clips import LABELS_SCHEMA, Clip, read_clips
from pipeline.modalities import MODALITIES
from pipeline.sections import MOST_LETTERS, is_name, write_flow

NONE = "none"
"""What `--trained-on-labels` is given where no label had a part."""


def find_out(folder: Path, name: str, *, force: bool) -> Path:
    """Folder of the set `name`; raises ParamsError for a wrong name, and for one that is taken."""
    if not is_name(name):
        raise ParamsError(
            f"--name: expected lower-case letters, digits, - and _ that begin with a letter, at "
            f"most {MOST_LETTERS}, got {name!r}"
        )
    if (folder / name).exists() and not force:
        raise ParamsError(f"{folder / name}: it is there already; name another, or add --force")
    return folder / name


def read_asked(
    given: Mapping[str, Any], stated: Mapping[str, Any], trained_on_labels: Sequence[str] | None
) -> Import:
    """What is asked; raises ParamsError for an unknown modality or a number that is none."""
    if given["modality"] not in MODALITIES:
        hint = suggest(given["modality"], MODALITIES)
        raise ParamsError(f"--modality: unknown modality {given['modality']!r}; {hint}")
    for option in ("rate_hz", "fill"):
        if stated[option] is not None and not math.isfinite(stated[option]):
            raise ParamsError(f"--{option.split('_')[0]}: expected a number, got {stated[option]}")
    ids = None if given["ids"] is None else read_ids(given["ids"])
    trained = [one for one in trained_on_labels or () if one != NONE]
    return Import(
        wanted=Wanted(modality=given["modality"], key=given["key"], ids=ids),
        trained_on_labels=trained if trained_on_labels else None,
        **stated,
    )


def read_known(labels: Path) -> dict[str, Clip] | None:
    """clip_id → clip of the corpus whose tables are in the folder `labels`, None for no tables."""
    table = labels / "clips.parquet"
    if not table.is_file():
        return None
    return {clip.clip_id: clip for clip in read_clips(table, LABELS_SCHEMA)}


def list_imported(out: Path, asked: Import, found: Imported) -> Iterator[str]:
    """Lines on what was brought to `out`, and what goes below `features` in params.yaml."""
    shape = " x ".join(map(str, found.row_shape))
    yield f"{out}: {found.clips:,} clips, {found.rows:,} rows of {shape}"
    yield from _list_remarks(found)
    if asked.trained_on_labels is None:
        yield "labels may have had a part in making them; --trained-on-labels says which, or none"
    entry: dict[str, Any] = {
        "modality": asked.wanted.modality,
        "encoder": "imported",
        "store": out.as_posix(),
        "digest": found.digest,
    }
    if asked.trained_on_labels:
        entry["seen_corpora"] = [*asked.trained_on_labels]
    yield "next, in params.yaml:"
    yield "features:"
    yield f"  {out.name}: {write_flow(entry)}"


def _list_remarks(found: Imported) -> Iterator[str]:
    """What was left out, put in place of something, or taken for granted."""
    if not found.timed and found.rows > found.clips:
        yield "rows have no seconds: each counts as one, unless --rate says how many there are"
    if found.padding:
        yield f"{found.padding:,} rows of padding are cut off"
    if found.backward:
        yield f"{found.backward:,} rows end before they begin: left out"
    if found.filled:
        yield f"{found.filled:,} numbers are not finite: --fill stands for them"
    for what, ids in (
        ("ids are of no clip of the corpus", found.strange),
        ("clips of the corpus have no rows", found.lacking),
        ("clips have padding alone", found.empty),
    ):
        if ids:
            more = ", …" if len(ids) > TOLD else ""
            yield f"{len(ids):,} {what}: {', '.join(ids[:TOLD])}{more}"
