"""Mapping: classes that heads and corpora call otherwise, brought into one vocabulary."""

import reprlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float32
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pipeline.errors import ParamsError
from pipeline.families import suggest
from pipeline.labels.joining import Classes
from pipeline.labels.texts import open_text
from pipeline.predictor.answering import Values
from pipeline.targets import TARGETS

AS_THEY_ARE: Classes = {}

MAPS: Mapping[str, Classes] = {
    "fer2013": {
        "calm": "neutral",
        "fear": "fearful",
        "surprise": "surprised",
        "anger": "angry",
        "sadness": "sad",
        "happiness": "happy",
        "joy": "happy",
    }
}
"""Name → map. `fer2013` leads to the seven classes of FER2013, as moodline calls them: calm is
neutral, as in the RAVDESS test of Nurikman's SOTA_emotion_recognition; other words are synonyms."""

MOST_LETTERS = 1_000_000
"""Of a file of pairs; thousands of classes take less."""


def read_map(name: str) -> Classes:
    """The map of this name, or that in the YAML file `name`: a class, and what it is called here.

    A class that is `null` is left out; those that are not named stay. Raises ParamsError for
    neither, and for a file of more than MOST_LETTERS.
    """
    if name in MAPS:
        return MAPS[name]
    if not Path(name).is_file():
        raise ParamsError(
            f"--map: {name}: no such map, and no such file; {suggest(name, MAPS)}; or name a YAML "
            f"file with lines such as `calm: neutral`"
        )
    try:
        with open_text(Path(name)) as file:
            text = file.read(MOST_LETTERS + 1)
        if len(text) > MOST_LETTERS:
            raise ValueError(f"expected at most {MOST_LETTERS:,} letters, got more")
        found = YAML(typ="safe", pure=True).load(text)
    except (YAMLError, RecursionError, LookupError, ValueError) as error:
        problem = " ".join(str(error).split())
        raise ParamsError(f"--map: {name}: not readable YAML: {problem}") from error
    if not isinstance(found, dict) or not all(map(_is_pair, found.items())):
        raise ParamsError(
            f"--map: {name}: expected lines such as `calm: neutral` or `calm: null`, got "
            f"{reprlib.repr(found)}"  # a few aliases may stand for a billion words
        )
    return found


def _is_pair(pair: tuple[object, object]) -> bool:
    return isinstance(pair[0], str) and isinstance(pair[1], str | None)


def list_mapped(emotions: Iterable[str], classes: Classes) -> list[str]:
    """What `emotions` are called by `classes`, each once, without those that are left out.

    >>> list_mapped(["neutral", "calm", "sad", "other"], {"calm": "neutral", "other": None})
    ['neutral', 'sad']
    """
    return list(dict.fromkeys(own for e in emotions if (own := classes.get(e, e)) is not None))


def map_values(
    values: Values, emotions: Sequence[str], classes: Classes, wanted: Sequence[str]
) -> dict[str, Float32[np.ndarray, "..."]]:
    """`values` of `emotions` as those of `wanted`, which are the same by `classes`.

    Chances of classes that become one are added up, and of what is left out shared among the rest;
    of scores of several at once the greatest counts.
    """
    places = [[e for e, own in enumerate(emotions) if classes.get(own, own) == w] for w in wanted]
    return {target: _map_value(target, value, places) for target, value in values.items()}


def _map_value(
    target: str, value: Float32[np.ndarray, "..."], places: Sequence[Sequence[int]]
) -> Float32[np.ndarray, "..."]:
    if TARGETS[target].behaviour.number:
        return value
    several = TARGETS[target].kind == "scores"
    join = np.max if several else np.sum
    mapped = np.stack([join(value[..., own], axis=-1) for own in places], axis=-1)
    if several:
        return np.asarray(mapped, np.float32)
    total = mapped.sum(axis=-1, keepdims=True)
    return np.asarray(mapped / np.where(total > 0, total, 1), np.float32)
