"""Transcripts: what is said in each clip, and before it, packed as a store of text."""

from bisect import bisect_left
from collections import defaultdict
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

CONTEXT_SCHEMA = TEXT_SCHEMA.append(pa.field("context", pa.list_(pa.string())))
"""The same with the turns before the clip, oldest first, where they are asked for."""

NO_TEXT = "the corpus gives no words for this clip"

PROVENANCE = Provenance("transcribe", {"source": "corpus", "version": 1})

Context = tuple[str, ...]


def describe_words(context_turns: int) -> Provenance:
    """Provenance of `data/text` with so many turns before each clip; 0 packs none."""
    if not context_turns:
        return PROVENANCE
    settings = {**PROVENANCE.settings, "context_turns": context_turns}
    return Provenance(PROVENANCE.stage, settings)


def pack_transcripts(
    clips: Sequence[Clip], out: Path, work: Path, *, context_turns: int = 0
) -> None:
    """Make `out` a store of the corpus's own transcripts, one row that covers each whole clip.

    With `context_turns`, a row has as many turns before its clip as well, see `gather_contexts`.
    """
    provenance = describe_words(context_turns)
    contexts = gather_contexts(clips, context_turns) if context_turns else {}
    with StoreWriter(work, provenance, "parquet") as writer:
        made = {clip.clip_id: (clip, contexts.get(clip.clip_id)) for clip in clips}
        keys = {name: _key_of(*asked, provenance.fingerprint) for name, asked in made.items()}
        for clip_id in writer.missing(keys, out):
            writer.add(clip_id, keys[clip_id], _pack_clip(*made[clip_id]))
        writer.close_part()
        locations = writer.locate(keys)
        entries = [
            Entry(clip_id, "transcribe", "absent", "no_text", NO_TEXT)
            for clip_id, place in locations.items()
            if place.clip.status == "absent"
        ]
        writer.publish(out, locations, entries)


def gather_contexts(clips: Sequence[Clip], context_turns: int) -> dict[str, Context]:
    """clip_id → the `context_turns` turns of its dialogue before it, oldest first.

    A turn is "subject: words", or the words alone where nobody is named. Turns without words are
    passed over; those of the same number as the clip's own, or a later one, never come in. A clip
    without a dialogue or a turn has none.
    """
    dialogues: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
    for clip in clips:
        if clip.dialogue is not None and clip.turn is not None and (text := _text_of(clip)):
            said = text if clip.subject is None else f"{clip.subject}: {text}"
            dialogues[clip.corpus, clip.dialogue].append((clip.turn, said))
    for turns in dialogues.values():
        turns.sort()
    return {clip.clip_id: _find_before(dialogues, clip, context_turns) for clip in clips}


def _find_before(
    dialogues: dict[tuple[str, str], list[tuple[int, str]]], clip: Clip, context_turns: int
) -> Context:
    if clip.dialogue is None or clip.turn is None:
        return ()
    turns = dialogues.get((clip.corpus, clip.dialogue), [])
    end = bisect_left(turns, clip.turn, key=lambda turn: turn[0])
    return tuple(said for _, said in turns[max(0, end - context_turns) : end])


def _text_of(clip: Clip) -> str:
    return (clip.transcript or "").strip()


def _key_of(clip: Clip, context: Context | None, fingerprint: str) -> str:
    before = [] if context is None else [context]
    words = digest_json([clip.transcript, clip.duration_seconds, *before])
    return derive_key(words, fingerprint)


def _pack_clip(clip: Clip, context: Context | None) -> Made:
    text = _text_of(clip)
    if not text:
        return Made(None, "absent", "no_text")
    row = {
        "clip_id": clip.clip_id,
        "start_seconds": 0.0,
        "end_seconds": clip.duration_seconds,
        "text": text,
        "context": context,
    }
    schema = TEXT_SCHEMA if context is None else CONTEXT_SCHEMA
    return Made(pa.Table.from_pylist([row], schema=schema))
