"""What media are like: a few numbers of each clip, and what most of those that train have."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from unicodedata import name

import numpy as np
import pyarrow as pa

from pipeline.modalities import Modality
from pipeline.store.parts import Facts
from pipeline.store.reader import MediaStore

PERCENTILES = (1, 99)
"""What most clips lie between: of a hundred, all but the least and the greatest."""

LETTERS, LANGUAGE = "letters", "language"
"""Beginnings of the names of shares: `letters LATIN`, `language en`. Of others, a clip has 0."""

_DIGITS = 4

Numbers = Mapping[str, float]


def measure_media(
    modality: Modality, store: MediaStore, clip_ids: Iterable[str]
) -> dict[str, Numbers]:
    """clip_id → numbers of its media, of those of `clip_ids` that have rows in `store`.

    Of sound its `seconds` and `loudness` (RMS, dBFS); of faces the `seconds` up to the last, their
    `pixels` (the shorter side of the box) and the `step` in seconds from one to the next, medians,
    and the `share` of the frames looked at that have one; of whole frames their height in `pixels`;
    of words how many `words`, the share of their letters in each script, and the language that
    Whisper heard, if it was asked.
    """
    facts = {clip_id: record.facts for clip_id, record in store.list_records().items()}
    held = sorted((one for one in clip_ids if store.has_rows(one)), key=store.place_of)
    return {clip_id: _MEASURES[modality](store, clip_id, facts[clip_id]) for clip_id in held}


def bound_numbers(measured: Sequence[Numbers]) -> dict[str, list[float]]:
    """Name → PERCENTILES of the numbers of all that is `measured`; none of what was never there."""
    names = sorted({name for numbers in measured for name in numbers})
    found = {name: [n.get(name, _default(name)) for n in measured] for name in names}
    known = {name: [one for one in own if one is not None] for name, own in found.items()}
    return {
        name: np.percentile(own, PERCENTILES).round(_DIGITS).tolist() for name, own in known.items()
    }


def is_share(name: str) -> bool:
    """Whether a number is a share of letters or languages, which is 0 where nothing is said."""
    return name.startswith((LETTERS, LANGUAGE))


def _default(name: str) -> float | None:
    return 0.0 if is_share(name) else None


def _measure_sound(store: MediaStore, clip_id: str, facts: Facts) -> Numbers:
    named = {"seconds": "duration_seconds", "loudness": "loudness_dbfs"}
    found = {own: _find_number(facts, fact) for own, fact in named.items()}
    return {own: number for own, number in found.items() if number is not None}


def _measure_faces(store: MediaStore, clip_id: str, facts: Facts) -> Numbers:
    rows = _read(store, clip_id)
    seconds = rows["seconds"].to_numpy()
    numbers = {"seconds": float(seconds[-1]), "pixels": float(np.median(rows["size"].to_numpy()))}
    if frames := _find_number(facts, "frames"):
        numbers["share"] = len(rows) / frames
    if len(rows) > 1:
        numbers["step"] = float(np.median(np.diff(seconds)))
    return numbers


def _measure_frames(store: MediaStore, clip_id: str, facts: Facts) -> Numbers:
    height = _find_number(facts, "height")
    return {} if height is None else {"pixels": height}


def _measure_words(store: MediaStore, clip_id: str, facts: Facts) -> Numbers:
    text = " ".join(_read(store, clip_id)["text"].to_pylist())
    scripts = Counter(name(letter, "?").split()[0] for letter in text if letter.isalpha())
    shares = {f"{LETTERS} {script}": n / scripts.total() for script, n in scripts.items()}
    heard = {f"{LANGUAGE} {facts['language']}": 1.0} if facts.get("language") else {}
    return {"words": float(len(text.split())), **shares, **heard}


def _find_number(facts: Facts, name: str) -> float | None:
    fact = facts.get(name)
    return None if fact is None or isinstance(fact, str) else float(fact)


def _read(store: MediaStore, clip_id: str) -> pa.Table:
    """Rows of a clip that has some."""
    rows: Any = store[clip_id]
    return rows


_MEASURES = {
    "audio": _measure_sound,
    "face": _measure_faces,
    "scene": _measure_frames,
    "text": _measure_words,
}
