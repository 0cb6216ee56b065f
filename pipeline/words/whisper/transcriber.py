"""Packing: what Whisper hears in each clip, and what the corpus says of the others."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.engines.ahead import read_ahead
from pipeline.engines.guard import guard_weights, isolate_clips
from pipeline.errors import MediaError
from pipeline.labels.clips import Clip
from pipeline.labels.pending import Inputs, PendingRows, find_pending
from pipeline.media.inputs import read_sound
from pipeline.progress import track
from pipeline.rows import Waveform
from pipeline.store.reader import MediaStore, open_media
from pipeline.store.writer import Made, StoreWriter
from pipeline.words.params import TranscribeParams
from pipeline.words.texts import (
    CONTEXT_SCHEMA,
    TEXT_SCHEMA,
    Origins,
    add_context,
    add_contexts,
    derive_keys,
    describe_words,
    fill_store,
    gather_contexts,
    is_heard,
    pack_words,
    publish_texts,
    trace_clips,
)
from pipeline.words.whisper.checkpoint import LEAST_LOG_PROBABILITY, MOST_COMPRESSION, Checkpoint
from pipeline.words.whisper.listening import Hearing, Listener

LOG_PROBABILITY_DIGITS = 3
"""A batch rounds its last digits otherwise than a clip alone."""

SILENT = Made(None, "absent", "no_audio", "no words are given, and there is no sound to hear")
UNHEARD = Made(None, "absent", "no_text", "Whisper hears no words")


def pack_heard(
    clips: Sequence[Clip], audio: Path, out: Path, work: Path, params: TranscribeParams
) -> None:
    """Make `out` a store of what the model of `params` hears in `clips`.

    `audio` is the store of their sound. Clips whose words the corpus gives keep those unless
    `params.replace`. With `context_turns`, words without context stay in the work store.
    """
    transcriber = Transcriber(clips, open_media(audio), params)
    with StoreWriter(work, transcriber.provenance, "parquet", TEXT_SCHEMA) as writer:
        filled = fill_store(writer, transcriber.origins, transcriber.make, out)
        if not params.context_turns:
            publish_texts(writer, filled, out)
            return
        made = writer.read(filled.keys)
    transcriber.publish_contexts({**made, **filled.failures}, out, work)


class Transcriber:
    """Where the words of `clips` come from, and how they are made."""

    def __init__(self, clips: Sequence[Clip], media: MediaStore, params: TranscribeParams) -> None:
        self.clips = {clip.clip_id: clip for clip in clips}
        self.media = media
        self.params = params
        self.checkpoint = Checkpoint(params)
        self.provenance = replace(self.checkpoint.provenance, source=media.provenance)
        sounds = media.list_keys()
        self.heard = {c.clip_id: sounds[c.clip_id] for c in find_heard(clips, sounds, params)}

    @property
    def origins(self) -> Origins:
        """Of what is heard the key of its sound, of all else the corpus's words."""
        return trace_clips(self.clips.values(), self.heard)

    def make(self, clip_ids: Sequence[str]) -> Iterator[tuple[str, Made | MediaError]]:
        """Words of each of `clip_ids`; the model is loaded only where some are to be heard.

        A clip over which the model raises what nobody foresaw gives a MediaError.
        """
        to_hear = sorted(self.heard.keys() & set(clip_ids), key=self.media.place_of)
        for clip_id in clip_ids:
            if clip_id not in self.heard:
                made = pack_words(self.clips[clip_id])
                yield clip_id, made if made.content is not None else SILENT
        if to_hear:
            listener = load_listener(self.checkpoint)
            hear = partial(self._hear, listener)
            heard = isolate_clips(hear, to_hear, self.params.batch)
            yield from track(heard, "transcribe", len(to_hear), self._measure)

    def _hear(
        self, listener: Listener, clip_ids: Sequence[str]
    ) -> Iterator[tuple[str, Made | MediaError]]:
        for hearing in listener.listen(read_ahead(self._read(clip_ids))):
            yield hearing.clip_id, pack_hearing(hearing, listener.name_language(hearing))

    def _measure(self, done: tuple[str, Made | MediaError]) -> float:
        """Seconds of a clip that was heard."""
        return self.clips[done[0]].duration_seconds or 0.0

    def publish_contexts(self, made: dict[str, Made | MediaError], out: Path, work: Path) -> None:
        """Make `out` a store of `made` with the turns before each clip."""
        clips = [
            replace(clip, transcript=join_texts(made[name])) for name, clip in self.clips.items()
        ]
        contexts = gather_contexts(clips, self.params.context_turns)
        provenance = describe_words(self.params.context_turns, self.provenance)
        with StoreWriter(work, provenance, "parquet", CONTEXT_SCHEMA) as writer:

            def make(clip_ids: Sequence[str]) -> Iterator[tuple[str, Made | MediaError]]:
                return ((name, add_context(made[name], contexts[name])) for name in clip_ids)

            filled = fill_store(writer, add_contexts(self.origins, contexts), make, out)
            publish_texts(writer, filled, out)

    def _read(self, clip_ids: Sequence[str]) -> Iterator[tuple[str, Waveform]]:
        for clip_id in clip_ids:
            table = self.media[clip_id]
            assert table is not None
            yield clip_id, read_sound(table)


def load_listener(checkpoint: Checkpoint) -> Listener:
    """What hears with `checkpoint`; raises ParamsError for whatever nobody foresaw over it."""
    with guard_weights(f"weights {checkpoint.folder}"):
        return Listener(checkpoint)


def find_heard(
    clips: Iterable[Clip], sounds: Collection[str], params: TranscribeParams
) -> list[Clip]:
    """Those of `clips` that the model is asked to hear; `sounds` are ids of clips with sound."""
    return [clip for clip in clips if clip.clip_id in sounds and is_heard(clip, params)]


def list_unheard(
    clips: Sequence[Clip], sounds: Inputs, params: TranscribeParams, work: Path
) -> PendingRows:
    """Those of `clips` that are to be heard and whose words the work store lacks.

    The corpus's own words are counted with those that are there: to copy them takes no time.
    """
    checkpoint = Checkpoint(params)
    asked = find_heard(clips, sounds.keys, params)
    known = {clip_id: key for clip_id, key in sounds.keys.items() if key is not None}
    fingerprint = checkpoint.provenance.fingerprint
    keys = derive_keys(trace_clips(asked, known), fingerprint)
    items = find_pending(asked, fingerprint, keys, work)

    load = cache(partial(load_listener, checkpoint))

    def hear(loaded: Mapping[str, pa.Table]) -> int:
        clips = ((clip_id, read_sound(table)) for clip_id, table in loaded.items())
        return sum(pack_hearing(heard, None).bytes for heard in load().listen(clips))

    return PendingRows(clips=len(clips), items=items, load=sounds.read, make=hear)


def pack_hearing(hearing: Hearing, language: str | None) -> Made:
    """Words of a clip as rows; marked where Whisper's authors would have drawn others."""
    if not hearing.stretches:
        return UNHEARD
    rows = [
        {
            "clip_id": hearing.clip_id,
            "start_seconds": stretch.start_seconds,
            "end_seconds": stretch.end_seconds,
            "text": stretch.text,
        }
        for stretch in hearing.stretches
    ]
    likelihood = round(hearing.mean_log_probability, LOG_PROBABILITY_DIGITS)
    facts: dict[str, Any] = {"language": language, "log_probability": likelihood}
    made = Made(pa.Table.from_pylist(rows, schema=TEXT_SCHEMA), facts=facts)
    if hearing.compression > MOST_COMPRESSION:
        detail = f"zlib shortens it {hearing.compression:.1f} times, {MOST_COMPRESSION} at most"
        return replace(made, status="marked", reason="repetitive", detail=detail)
    if likelihood < LEAST_LOG_PROBABILITY:
        detail = f"mean log probability {likelihood}, {LEAST_LOG_PROBABILITY:g} at least"
        return replace(made, status="marked", reason="unsure", detail=detail)
    return made


def join_texts(made: Made | MediaError) -> str | None:
    """All words of a clip in one line, None where it has none."""
    if isinstance(made, MediaError) or made.content is None:
        return None
    assert isinstance(made.content, pa.Table)
    return " ".join(made.content["text"].to_pylist())
