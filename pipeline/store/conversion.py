"""Conversion: a feature set written anew in another part format, row for row the same."""

import tempfile
from pathlib import Path

from pipeline.errors import ParamsError, StoreError
from pipeline.families import suggest
from pipeline.store import ROW_FORMATS
from pipeline.store.exposure import FeatureProvenance
from pipeline.store.index import rowless
from pipeline.store.ledger import read_ledger
from pipeline.store.reader import open_features
from pipeline.store.writer import Made, StoreWriter


def convert_features(source: Path, out: Path, part_format: str) -> int:
    """Write the feature set at `source` to `out` in `part_format`; returns how many clips it has.

    Keys, rows, statuses and provenance stay. Raises StoreError where `out` is there already.
    """
    if part_format not in ROW_FORMATS:
        raise ParamsError(
            f"unknown part format {part_format!r}; {suggest(part_format, ROW_FORMATS)}"
        )
    if out.exists():
        raise StoreError(f"{out}: expected a folder that is yet to be made, got one; name another")
    store = open_features(source)
    keys: dict[str, str] = {}
    made, index = store.provenance, store.index
    stated = {name: made[name] for name in ("seen_corpora", "views") if name in made}
    provenance = FeatureProvenance(made["stage"], made["settings"], made["source"], **stated)
    columns = zip(index.clip_ids, index.keys, index.rows, index.statuses, strict=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as work,
        StoreWriter(Path(work), provenance, part_format) as writer,
    ):
        locations = {}
        for clip_id, key, rows, status in columns:
            if rows:
                writer.add(clip_id, key, Made(store[clip_id], status))
                keys[clip_id] = key
            else:
                locations[clip_id] = rowless(clip_id, status, key)
        writer.close_part()
        locations |= writer.locate(keys)
        writer.publish(out, locations, read_ledger(source / "ledger.parquet"))
    return len(index) - len(store.views)
