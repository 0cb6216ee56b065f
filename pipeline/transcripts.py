"""Transcripts: what is said in each clip, packed as a store of text."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from pipeline.clips import Clip
from pipeline.files import digest_json
from pipeline.ledger import Entry
from pipeline.store.parts import Provenance, derive_key
from pipeline.store.writer import Made, StoreWriter

TEXT_SCHEMA = pa.schema(
    [
        ("clip_id", pa.string()),
        ("start_seconds", pa.float64()),
        ("end_seconds", pa.float64()),
        ("text", pa.string()),
    ]
)
"""One row per stretch of speech, in order; seconds from the clip's start."""

NO_TEXT = "the corpus gives no words for this clip"

PROVENANCE = Provenance("transcribe", {"source": "corpus", "version": 1})


def pack_transcripts(clips: Sequence[Clip], out: Path, work: Path) -> None:
    """Make `out` a store of the corpus's own transcripts, one row that covers each whole clip."""
    with StoreWriter(work, PROVENANCE, "parquet") as writer:
        by_id = {clip.clip_id: clip for clip in clips}
        keys = {clip_id: _key_of(clip) for clip_id, clip in by_id.items()}
        for clip_id in writer.missing(keys, out):
            writer.add(clip_id, keys[clip_id], _pack_clip(by_id[clip_id]))
        writer.close_part()
        locations = writer.locate(keys)
        entries = [
            Entry(clip_id, "transcribe", "absent", "no_text", NO_TEXT)
            for clip_id, place in locations.items()
            if place.clip.status == "absent"
        ]
        writer.publish(out, locations, entries)


def _key_of(clip: Clip) -> str:
    words = digest_json([clip.transcript, clip.duration_seconds])
    return derive_key(words, PROVENANCE.fingerprint)


def _pack_clip(clip: Clip) -> Made:
    text = (clip.transcript or "").strip()
    if not text:
        return Made(None, "absent", "no_text")
    row = {
        "clip_id": clip.clip_id,
        "start_seconds": 0.0,
        "end_seconds": clip.duration_seconds,
        "text": text,
    }
    return Made(pa.Table.from_pylist([row], schema=TEXT_SCHEMA))
