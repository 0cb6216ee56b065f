"""Stores: what a stage makes of clips, in immutable parts that are never made twice.

A store is a folder:

    store.json       what made it: stage, settings, fingerprint, part format, and its input's own
    index.parquet    one row per clip: clip_id, key, part, start, rows, status
    ledger.parquet   the clips left out or marked, and why
    parts/           the parts, each named by the digest of what it holds

A part format is a module with one name, `PARTS`, a `store.contract.PartFormat`.
"""

from typing import Literal, get_args

from pipeline.families import Family, Member

PART_FORMATS = Family(
    "part format",
    {
        "hdf5": Member("pipeline.store.hdf5"),
        "parquet": Member("pipeline.store.parquet"),
        "zarr": Member("pipeline.store.zarr"),
    },
)

RowFormat = Literal["zarr", "hdf5"]
ROW_FORMATS: tuple[str, ...] = get_args(RowFormat)
"""Formats of feature sets; media are `parquet`."""
