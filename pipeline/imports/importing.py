"""Importing: files made elsewhere into a feature set with its provenance."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from jaxtyping import Float32
from numpy.typing import NDArray

from pipeline.errors import StoreError, show
from pipeline.imports import FORMS, find_form
from pipeline.imports.ids import Matching, refuse_names
from pipeline.imports.series import Series, Wanted, check_size, limit_bytes
from pipeline.labels.clips import Clip
from pipeline.limits import MOST_AXES
from pipeline.rows import Rows
from pipeline.store.header import digest_tree, read_header
from pipeline.store.provenance import Provenance
from pipeline.store.writer import Made, StoreWriter

VERSION = 1
"""Raised whenever other rows are made of the same files."""

DTYPE = np.dtype(np.float32)
"""Others' features may be anything, such as pixels or hertz, which half of it would round."""


@dataclass(frozen=True, kw_only=True)
class Import:
    """What is imported, and what is stated of it.

    Where a file has no seconds, rows come `rate_hz` times a second; without a rate each counts as
    a second. `prefix` is put before ids. `fill` stands for what is no finite number, None refuses
    it. `trained_on_labels` are the corpora whose labels had a part in making the features, None
    where that is not known.
    """

    wanted: Wanted
    rate_hz: float | None = None
    prefix: str = ""
    fill: float | None = None
    made_by: str | None = None
    trained_on_labels: Sequence[str] | None = None


@dataclass
class Imported:
    """What came of an import: `digest` names it in params.yaml.

    `strange` are ids that the corpus lacks, `lacking` clips without rows; `empty` are clips of
    which there was padding alone. The others count rows and numbers.
    """

    digest: str = ""
    clips: int = 0
    rows: int = 0
    row_shape: tuple[int, ...] = ()
    timed: bool = False
    padding: int = 0
    filled: int = 0
    backward: int = 0
    empty: list[str] = field(default_factory=list)
    strange: Sequence[str] = ()
    lacking: Sequence[str] = ()


def import_features(
    paths: Sequence[Path], out: Path, asked: Import, clips: Mapping[str, Clip] | None = None
) -> Imported:
    """Make `out` a feature set of what lies at `paths`; what came of it.

    `clips` (clip_id → clip) are those of the corpus, None where it is not known. Raises StoreError
    for files that cannot be read, numbers that are not finite, rows of different shapes, an id
    that is there twice, and where no id is a clip's.
    """
    matching, found = Matching(clips, asked.prefix), Imported()
    series = _limit(paths, _read_all(paths, asked.wanted))
    matched = (pair for one in series for pair in matching.match(one))
    first = next(matched, None)
    if first is None:
        raise refuse_names(str(paths[0]), matching.strange, list(clips or ()))
    found.row_shape = first[1].rows.shape[1:]
    found.timed = first[1].stretches is not None or asked.rate_hz is not None
    provenance = describe_import(paths, asked, found)
    out.parent.mkdir(parents=True, exist_ok=True)
    with (
        TemporaryDirectory(dir=out.parent, prefix=".", suffix=".work") as work,
        StoreWriter(Path(work), provenance, "zarr") as writer,
    ):
        keys = _add_all(writer, chain([first], matched), asked, found)
        if not keys:
            raise StoreError(f"{paths[0]}: expected rows of clips, got padding alone; name others")
        writer.publish(out, writer.locate(keys), [])
    found.clips, found.digest = len(keys), read_header(out)["digest"]
    found.strange, found.backward = matching.strange, matching.backward
    found.lacking = sorted((clips or {}).keys() - keys.keys())
    return found


def describe_import(paths: Sequence[Path], asked: Import, found: Imported) -> Provenance:
    """Provenance of what is made of `paths`: what they are, and what is stated of them."""
    times = "rate" if asked.rate_hz is not None else "stated" if found.timed else "numbered"
    stated = None if asked.trained_on_labels is None else sorted(asked.trained_on_labels)
    settings: dict[str, Any] = {
        "encoder": "imported",
        "version": VERSION,
        "modality": asked.wanted.modality,
        "files": [
            {"name": show(path.name), "form": find_form(path), "digest": digest_tree(path)}
            for path in paths
        ],
        "key": asked.wanted.key,
        "made_by": asked.made_by,
        "trained_on_labels": stated,
        "times": times,
        "rate_hz": asked.rate_hz,
        "fill": asked.fill,
        "row_shape": [*found.row_shape],
        "dtype": DTYPE.name,
    }
    return Provenance("import", settings)


def _read_all(paths: Iterable[Path], wanted: Wanted) -> Iterator[Series]:
    for path in paths:
        yield from FORMS.load(find_form(path)).read(path, wanted)


def _limit(paths: Iterable[Path], series: Iterable[Series]) -> Iterator[Series]:
    """`series` as long as they, and what is stored of them, are within what files may unpack to."""
    most, size = sum(map(limit_bytes, paths)), 0
    for one in series:
        size += one.rows.size * max(one.rows.itemsize, DTYPE.itemsize)
        check_size(one.told, size, most)
        yield one


def _add_all(
    writer: StoreWriter, matched: Iterable[tuple[str, Series]], asked: Import, found: Imported
) -> dict[str, str]:
    """Add each series to `writer`; clip_id → key of its rows, which is their digest."""
    keys: dict[str, str] = {}
    seen: set[str] = set()
    for clip_id, series in matched:
        if clip_id in seen:
            raise StoreError(f"{series.told}: expected rows of {clip_id} once, got them again")
        seen.add(clip_id)
        found.padding += series.padding
        if not len(series.rows):
            found.empty.append(clip_id)
            continue
        rows = _make_rows(series, asked, found)
        keys[clip_id] = writer.parts.format.digest_content(rows)
        writer.add(clip_id, keys[clip_id], Made(rows))
        found.rows += len(rows)
    writer.close_part()
    return keys


def _make_rows(series: Series, asked: Import, found: Imported) -> Rows:
    """Rows of a clip as they are stored; raises StoreError where they are none."""
    if series.rows.shape[1:] != found.row_shape or len(found.row_shape) not in range(1, MOST_AXES):
        raise StoreError(
            f"{series.told}: expected rows of shape {found.row_shape}, as the first has them, got "
            f"{series.rows.shape[1:]}; import what is alike"
        )
    if (series.stretches is None) is (found.timed and asked.rate_hz is None):
        raise StoreError(
            f"{series.told}: expected seconds of all rows or of none, and --rate for those without "
            f"alone, got others; leave --rate out, or import what is alike"
        )
    values, filled = _make_finite(series, asked.fill)
    found.filled += filled
    stretches = series.stretches
    if stretches is None:
        steps = np.arange(len(values) + 1) / (asked.rate_hz or 1.0)
        stretches = np.stack([steps[:-1], steps[1:]], axis=1)
    starts, ends = np.ascontiguousarray(stretches.T, np.float64)
    return Rows(values, starts, ends, np.ones(len(values), bool))


def _make_finite(
    series: Series, fill: float | None
) -> tuple[Float32[np.ndarray, "rows *row_shape"], int]:
    """Rows as they are stored, and how many of their numbers `fill` stands for."""
    with np.errstate(over="ignore"):
        values: NDArray[Any] = series.rows.astype(DTYPE)
    strange = ~np.isfinite(values)
    count = int(strange.sum())
    if count and fill is None:
        raise StoreError(
            f"{series.told}: expected finite numbers, got {count:,} of {values.size:,} that are "
            f"NaN, infinite or beyond float32; --fill 0 puts a number in their place"
        )
    values[strange] = fill or 0.0
    return values, count
