"""Transcripts: what is said in each clip, and before it, packed as a store of text."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.labels.clips import Clip
from pipeline.labels.pending import find_pending
from pipeline.store.provenance import Provenance
from pipeline.store.writer import Made, StoreWriter
from pipeline.words.params import TranscribeParams
from pipeline.words.texts import (
    CONTEXT_SCHEMA,
    TEXT_SCHEMA,
    add_context,
    add_contexts,
    derive_keys,
    describe_words,
    fill_store,
    gather_contexts,
    pack_words,
    publish_texts,
    trace_clips,
)


def transcribe_corpus(
    clips: Sequence[Clip], audio: Path, out: Path, work: Path, params: TranscribeParams
) -> None:
    """Make `out` a store of the words of `clips`: the corpus's own, or what Whisper hears.

    `audio` is the store of their sound. Raises ParamsError where the model that `params` name is
    not here, or does not do what they ask.
    """
    if params.model is None:
        pack_transcripts(clips, out, work, context_turns=params.context_turns)
        return
    from pipeline.words.whisper.transcriber import (
        pack_heard,  # torch: seconds, which a corpus's words spare
    )

    pack_heard(clips, audio, out, work, params)


def pack_transcripts(
    clips: Sequence[Clip], out: Path, work: Path, *, context_turns: int = 0
) -> None:
    """Make `out` a store of the corpus's own transcripts, one row that covers each whole clip.

    With `context_turns`, a row has as many turns before its clip as well, see `gather_contexts`.
    """
    contexts = gather_contexts(clips, context_turns)
    by_id = {clip.clip_id: clip for clip in clips}

    def make(clip_ids: Sequence[str]) -> Iterator[tuple[str, Made]]:
        for clip_id in clip_ids:
            yield clip_id, add_context(pack_words(by_id[clip_id]), contexts.get(clip_id))

    schema = CONTEXT_SCHEMA if context_turns else TEXT_SCHEMA
    with StoreWriter(work, describe_words(context_turns), "parquet", schema) as writer:
        filled = fill_store(writer, add_contexts(trace_clips(clips, {}), contexts), make, out)
        publish_texts(writer, filled, out)


def list_unpacked(clips: Sequence[Clip], context_turns: int, work: Path) -> list[Clip]:
    """Those of `clips` whose own words the work store lacks."""
    origins = add_contexts(trace_clips(clips, {}), gather_contexts(clips, context_turns))
    fingerprint = describe_words(context_turns).fingerprint
    return list(find_pending(clips, fingerprint, derive_keys(origins, fingerprint), work).values())


def describe_source(params: TranscribeParams) -> Provenance:
    """Provenance of `data/text`; raises ParamsError where the model is not here."""
    if params.model is None:
        return describe_words(params.context_turns)
    from pipeline.words.whisper.checkpoint import Checkpoint

    return describe_words(params.context_turns, Checkpoint(params).provenance)
