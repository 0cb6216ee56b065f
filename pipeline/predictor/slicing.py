"""Slicing: the stretch of a clip around each time, packed as if it were a clip of its own.

An encoder that gives one row for a whole clip says nothing of its parts; it is asked again of each.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.files import digest_json
from pipeline.media import AUDIO_HZ
from pipeline.media.audio import encode_flac
from pipeline.media.inputs import read_sound
from pipeline.modalities import Modality
from pipeline.predictor.timing import Timing, name_time
from pipeline.store.index import Location, rowless
from pipeline.store.provenance import Provenance, derive_key
from pipeline.store.reader import MediaStore
from pipeline.store.writer import Made, StoreWriter

VERSION = 1
"""Raised whenever what is sliced changes."""

Slice = Callable[[float, float], pa.Table]
"""Rows of a clip from one second to another, its own time beginning anew."""


def slice_media(
    modality: Modality, media: MediaStore, timings: Mapping[str, Timing], out: Path, work: Path
) -> None:
    """Make `out` a store of the stretches around the times of each clip of `media`.

    They are called as `name_time` has it; `timings` are by clip. What `work` holds is not made
    again.
    """
    made_by = Provenance("slice", {"version": VERSION}, media.provenance)
    with StoreWriter(work, made_by, "parquet", media.read_schema()) as writer:
        held = media.list_keys()
        locations: dict[str, Location] = {}
        for clip_id, timing in timings.items():
            names = [name_time(clip_id, place) for place in range(len(timing.seconds))]
            if clip_id not in held:
                locations.update((name, rowless(name)) for name in names)
                continue
            stretches = dict(zip(names, timing.stretches.tolist(), strict=True))
            keys = {
                name: derive_key(digest_json([held[clip_id], *stretch]), made_by.fingerprint)
                for name, stretch in stretches.items()
            }
            missing = writer.missing(keys, out)
            for name, made in _slice_clip(modality, media, clip_id, missing, stretches):
                writer.add(name, keys[name], made)
            writer.close_part()
            locations.update(writer.locate(keys))
        writer.publish(out, locations, [])


def _slice_clip(
    modality: Modality,
    media: MediaStore,
    clip_id: str,
    names: list[str],
    stretches: Mapping[str, list[float]],
) -> Iterator[tuple[str, Made]]:
    """Name → rows of its stretch of one clip, of those of `names`."""
    table = media[clip_id] if names else None
    if table is None:
        return
    cut = _cut_sound(table) if modality == "audio" else _cut_frames(table)
    for name in names:
        found = cut(*stretches[name])
        empty = Made(None, "absent", "nothing", "nothing of it lies in this stretch")
        yield name, Made(found) if len(found) else empty


def _cut_frames(table: pa.Table) -> Slice:
    def cut(start: float, end: float) -> pa.Table:
        seconds = table["seconds"]
        inside = pc.and_(pc.greater_equal(seconds, start), pc.less(seconds, end))
        rows = table.filter(inside)
        place = rows.column_names.index("seconds")
        return rows.set_column(place, "seconds", pc.subtract(rows["seconds"], start))

    return cut


def _cut_sound(table: pa.Table) -> Slice:
    samples = read_sound(table).samples

    def cut(start: float, end: float) -> pa.Table:
        own = samples[round(start * AUDIO_HZ) : round(end * AUDIO_HZ)]
        row = {"samples": len(own), "flac": encode_flac(own, AUDIO_HZ)} if len(own) else {}
        rows = [{"clip_id": table["clip_id"][0].as_py(), "hz": AUDIO_HZ, **row}] if row else []
        return pa.Table.from_pylist(rows, schema=table.schema)

    return cut
