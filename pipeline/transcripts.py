"""Transcripts: what is said in each clip, packed as a store of text."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from pipeline.clips import Clip
from pipeline.files import digest_json
from pipeline.ledger import Entry
from pipeline.store.index import Location
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

PROVENANCE = Provenance("transcribe", {"source": "corpus", "version": 1})


def pack_transcripts(clips: Sequence[Clip], out: Path, work: Path) -> None:
    """Make `out` a store of the corpus's own transcripts, one row that covers each whole clip."""
    locations: dict[str, Location] = {}
    entries = []
    with StoreWriter(work, PROVENANCE, "parquet") as writer:
        keys = {clip.clip_id: _key_of(clip) for clip in clips}
        for clip in clips:
            if not writer.has(clip.clip_id, keys[clip.clip_id]):
                writer.add(clip.clip_id, keys[clip.clip_id], _pack_clip(clip))
        writer.close_part()
        for clip_id, key in keys.items():
            locations[clip_id] = writer.find(clip_id, key)
            if locations[clip_id].clip.status == "absent":
                detail = "the corpus gives no words for this clip"
                entries.append(Entry(clip_id, "transcribe", "absent", "no_text", detail))
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
