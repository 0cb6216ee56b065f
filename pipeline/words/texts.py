"""Texts: the words of clips as rows, and what was said before each."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from pipeline.errors import MediaError, StoreError
from pipeline.files import digest_json
from pipeline.labels.clips import Clip
from pipeline.store.index import rowless
from pipeline.store.ledger import Entry, describe_losses, enter_clips
from pipeline.store.provenance import Provenance, derive_key
from pipeline.store.writer import Made, StoreWriter
from pipeline.words.params import TranscribeParams

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


Origins = Mapping[str, list[Any]]
"""clip_id → what its words come from, as JSON that keys are derived from."""


Words = TypeVar("Words", Made, Made | MediaError)

Make = Callable[[Sequence[str]], Iterable[tuple[str, Made | MediaError]]]
"""What is made of each clip of these ids, or why it could not be."""


def is_heard(clip: Clip, params: TranscribeParams) -> bool:
    """Whether the model is asked for the words of a clip, if it has sound."""
    return params.replace or not get_words(clip)


def describe_words(context_turns: int, words: Provenance = PROVENANCE) -> Provenance:
    """Provenance of `data/text` with so many turns before each clip; 0 packs none."""
    if not context_turns:
        return words
    return replace(words, settings={**words.settings, "context_turns": context_turns})


@dataclass(frozen=True)
class Filled:
    """Keys of the clips whose words a writer holds, and the failures of the others."""

    keys: dict[str, str]
    failures: dict[str, MediaError]


def fill_store(writer: StoreWriter, origins: Origins, make: Make, out: Path) -> Filled:
    """Add to `writer` what it lacks of the clips of `origins`; what came of it.

    `out` is the store that they are for, whose former parts may serve. Failures are not stored:
    they may not hold the next time.
    """
    keys = derive_keys(origins, writer.provenance.fingerprint)
    failures = {}
    for clip_id, made in make(writer.missing(keys, out)):
        if isinstance(made, MediaError):
            failures[clip_id] = made
        else:
            writer.add(clip_id, keys[clip_id], made)
    writer.close_part()
    held = {clip_id: key for clip_id, key in keys.items() if clip_id not in failures}
    return Filled(held, failures)


def derive_keys(origins: Origins, fingerprint: str) -> dict[str, str]:
    """clip_id → key of the clip's words."""
    return {
        clip_id: derive_key(digest_json(made), fingerprint) for clip_id, made in origins.items()
    }


def publish_texts(writer: StoreWriter, filled: Filled, out: Path) -> None:
    """Make `out` the store of the clips that `writer` was `filled` with.

    Raises StoreError where more of the clips failed than did not.
    """
    locations = writer.locate(filled.keys)
    clips = (replace(p.clip, detail=p.clip.detail or NO_TEXT) for p in locations.values())
    entries = enter_clips("transcribe", clips)
    lost = [
        Entry(clip_id, "transcribe", "left_out", failure.reason, failure.detail)
        for clip_id, failure in filled.failures.items()
    ]
    if len(lost) > len(filled.keys):
        raise StoreError(
            f"{out}: expected a model that hears most clips, got {len(lost)} failures "
            f"({describe_losses(lost)}); mend the model's params or the machine"
        )
    locations.update((clip_id, rowless(clip_id, "left_out")) for clip_id in filled.failures)
    writer.publish(out, locations, [*entries, *lost])


def gather_contexts(clips: Sequence[Clip], context_turns: int) -> dict[str, Context]:
    """clip_id → the `context_turns` turns of its dialogue before it, oldest first; empty for 0.

    A turn is "subject: words", or the words alone where nobody is named. Turns without words are
    passed over; those of the same number as the clip's own, or a later one, never come in. A clip
    without a dialogue or a turn has none.
    """
    if not context_turns:
        return {}
    dialogues: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
    for clip in clips:
        if clip.dialogue is not None and clip.turn is not None and (text := get_words(clip)):
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


def add_contexts(origins: Origins, contexts: Mapping[str, Context]) -> Origins:
    """`origins` with the context of each clip, where it is packed."""
    return {
        clip_id: [*origin, contexts[clip_id]] if clip_id in contexts else origin
        for clip_id, origin in origins.items()
    }


def add_context(made: Words, context: Context | None) -> Words:
    """`made` with its context beside each row, where it is packed."""
    if context is None or isinstance(made, MediaError) or made.content is None:
        return made
    assert isinstance(made.content, pa.Table)
    column = pa.array([context] * len(made.content), pa.list_(pa.string()))
    return replace(made, content=made.content.append_column("context", column))


def get_words(clip: Clip) -> str:
    """The corpus's own words, empty where it gives none."""
    return (clip.transcript or "").strip()


def trace_clips(clips: Iterable[Clip], sounds: Mapping[str, str]) -> Origins:
    """Of the clips in `sounds` (clip_id → key of the sound to hear) that key, else their words."""
    return {
        clip.clip_id: [sounds[clip.clip_id]] if clip.clip_id in sounds else trace_words(clip)
        for clip in clips
    }


def trace_words(clip: Clip) -> list[Any]:
    """What the corpus's own words of a clip come from."""
    return [clip.transcript, clip.duration_seconds]


def pack_words(clip: Clip) -> Made:
    """The corpus's own words as one row."""
    text = get_words(clip)
    if not text:
        return Made(None, "absent", "no_text")
    row = {
        "clip_id": clip.clip_id,
        "start_seconds": 0.0,
        "end_seconds": clip.duration_seconds,
        "text": text,
    }
    return Made(pa.Table.from_pylist([row], schema=TEXT_SCHEMA))
