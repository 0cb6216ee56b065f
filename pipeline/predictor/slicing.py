"""Slicing: the stretch of a clip around each time, packed as if it were a clip of its own.

An encoder that gives one row for a whole clip says nothing of its parts; it is asked again of each.
"""

from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from itertools import pairwise
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
            last = timing.faces if modality == "face" else None
            fewer = [] if last is None else [last]
            keys = {
                name: derive_key(
                    digest_json([held[clip_id], *stretch, *fewer]), made_by.fingerprint
                )
                for name, stretch in stretches.items()
            }
            missing = {name: stretches[name] for name in writer.missing(keys, out)}
            for name, made in _slice_clip(modality, media, clip_id, missing, last):
                writer.add(name, keys[name], made)
            writer.close_part()
            locations.update(writer.locate(keys))
        writer.publish(out, locations, [])


def _slice_clip(
    modality: Modality,
    media: MediaStore,
    clip_id: str,
    stretches: Mapping[str, Sequence[float]],
    last: int | None,
) -> Iterator[tuple[str, Made]]:
    """Name → rows of each of `stretches` of one clip; of frames the `last` so many, if told."""
    table = media[clip_id] if stretches else None
    if table is None:
        return
    own = [*stretches.values()]
    slices = _slice_sound(table, own) if modality == "audio" else _slice_frames(table, own, last)
    for name, rows in zip(stretches, slices, strict=True):
        empty = Made(None, "absent", "nothing", "nothing of it lies in this stretch")
        yield name, Made(rows) if len(rows) else empty


def _slice_frames(
    table: pa.Table, stretches: Sequence[Sequence[float]], last: int | None
) -> Iterator[pa.Table]:
    """Frames of each stretch, or the `last` of them, whose own time begins with it."""
    seconds, place = table["seconds"], table.column_names.index("seconds")
    for start, end in stretches:
        inside = pc.and_(pc.greater_equal(seconds, start), pc.less(seconds, end))
        rows = table.filter(inside)
        rows = rows.slice(max(0, len(rows) - last)) if last else rows
        yield rows.set_column(place, "seconds", pc.subtract(rows["seconds"], start))


def _slice_sound(table: pa.Table, stretches: Sequence[Sequence[float]]) -> Iterator[pa.Table]:
    """Sound of each stretch.

    All are encoded before any becomes a table: an encoder takes 6 MB for a moment, and what is kept
    in between would leave holes in the heap that the next does not fit into, 12 GB of them an hour.
    """
    samples = read_sound(table).samples
    packed, ends, counts = BytesIO(), [0], []
    for start, end in stretches:
        own = samples[round(start * AUDIO_HZ) : round(end * AUDIO_HZ)]
        packed.write(encode_flac(own, AUDIO_HZ) if len(own) else b"")
        ends.append(packed.tell())
        counts.append(len(own))
    for count, (begin, end) in zip(counts, pairwise(ends), strict=True):
        row = {
            "clip_id": table["clip_id"][0].as_py(),
            "hz": AUDIO_HZ,
            "samples": count,
            "flac": bytes(packed.getbuffer()[begin:end]),
        }
        yield pa.Table.from_pylist([row] if count else [], schema=table.schema)
