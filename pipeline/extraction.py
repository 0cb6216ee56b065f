"""Extraction: a store of media through an encoder into a feature set, each clip once."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from pipeline.clip_inputs import read_input
from pipeline.encoders import ENCODERS, Encoder, FeatureParams
from pipeline.encoding.ahead import map_ahead
from pipeline.encoding.ceilings import Ceilings
from pipeline.encoding.exposure import FeatureProvenance
from pipeline.encoding.rates import average_rows
from pipeline.errors import StoreError
from pipeline.ledger import Entry
from pipeline.progress import track
from pipeline.rows import ClipInput, Rows
from pipeline.store.index import rowless
from pipeline.store.parts import PartClip, Provenance, derive_key
from pipeline.store.reader import MediaStore, open_media
from pipeline.store.writer import Made, StoreWriter

DTYPE = np.dtype(np.float16)
"""Precision of stored embeddings: half of float32's bytes; errors stay below 0.1 %."""


def extract_features(params: FeatureParams, media: Path, out: Path, work: Path) -> None:
    """Make `out` the feature set of the store of media at `media`.

    Clips that the work store holds under the same key are linked, not encoded. Raises
    StoreError as `make_clip` does, and ParamsError where `Ceilings` are met.
    """
    store = open_media(media)
    encoder: Encoder = ENCODERS.load(params.encoder).Encoder(params, params.device)
    provenance = describe_encoder(params, encoder, store)
    keys = derive_keys(store, provenance)
    with StoreWriter(work, provenance, params.format) as writer:
        missing = writer.missing(keys, out)
        ceilings = Ceilings(out.name, params, len(missing))
        ceilings.check_clips()
        encoded = ceilings.limit(encode_clips(encoder, params, store, missing), DTYPE.itemsize)
        for clip_id, rows in track(encoded, f"extract {out.name}", len(missing), _end_of_clip):
            writer.add(clip_id, keys[clip_id], make_clip(clip_id, rows))
        writer.close_part()
        locations = writer.locate(keys)
        entries = [_enter(clip_id, place.clip) for clip_id, place in locations.items()]
        # Clips whose modality is absent: nothing to encode, and the ledger upstream says why.
        silent = [clip_id for clip_id in store.index.clip_ids if clip_id not in keys]
        locations.update((clip_id, rowless(clip_id)) for clip_id in silent)
        writer.publish(out, locations, [entry for entry in entries if entry])


def describe_encoder(params: FeatureParams, encoder: Encoder, store: MediaStore) -> Provenance:
    """Provenance of a feature set: everything that shapes its rows."""
    settings = {
        **params.settings(),
        "version": encoder.version,
        **encoder.provenance,
        "row_shape": list(encoder.row_shape),
        "dtype": DTYPE.name,
    }
    return FeatureProvenance("extract", settings, store.provenance, params.list_seen())


def derive_keys(store: MediaStore, provenance: Provenance) -> dict[str, str]:
    """clip_id → key of every clip of `store` that has rows, by the index alone."""
    index, fingerprint = store.index, provenance.fingerprint
    return {
        clip_id: derive_key(key, fingerprint)
        for clip_id, key, rows in zip(index.clip_ids, index.keys, index.rows, strict=True)
        if rows
    }


def encode_clips(
    encoder: Encoder, params: FeatureParams, store: MediaStore, clip_ids: Sequence[str]
) -> Iterator[tuple[str, Rows]]:
    """Float32 rows of each of `clip_ids`, batch by batch; the next one is read meanwhile."""
    starts = range(0, len(clip_ids), params.batch)
    batches = [clip_ids[start : start + params.batch] for start in starts]

    def read(batch: Sequence[str]) -> list[ClipInput]:
        return [read_input(params.modality, store[clip_id]) for clip_id in batch]

    for batch, inputs in zip(batches, map_ahead(read, batches), strict=True):
        yield from zip(batch, encode_batch(encoder, params, inputs), strict=True)


def encode_batch(
    encoder: Encoder, params: FeatureParams, inputs: Sequence[ClipInput]
) -> list[Rows]:
    """Float32 rows of each clip, at the rate that is asked for."""
    encoded = encoder.encode(inputs)
    return [average_rows(rows, params.rate_hz) for rows in encoded] if params.rate_hz else encoded


def make_clip(clip_id: str, rows: Rows) -> Made:
    """Rows as they are stored; raises StoreError where one is not finite, or exceeds DTYPE."""
    if not len(rows):
        return Made(None, "left_out", "no_rows", "too short for the encoder, or empty")
    if not np.isfinite(rows.embedding).all():
        raise StoreError(
            f"{clip_id}: expected finite embeddings, got NaN or infinity; check the clip and the "
            f"encoder's precision, or exclude the clip in data/overrides.csv"
        )
    largest = float(np.abs(rows.embedding).max())
    if largest > float(np.finfo(DTYPE).max):
        raise StoreError(
            f"{clip_id}: expected values that {DTYPE.name} can hold, got {largest:g}; "
            f"choose a layer or a scaling with smaller values"
        )
    return Made(replace(rows, embedding=rows.embedding.astype(DTYPE)))


def _end_of_clip(encoded: tuple[str, Rows]) -> float:
    """Seconds of media that a clip's rows reach over."""
    return float(encoded[1].end_seconds.max(initial=0.0))


def _enter(clip_id: str, clip: PartClip) -> Entry | None:
    if clip.status == "ok":
        return None
    return Entry(clip_id, "extract", clip.status, clip.reason, clip.detail)
