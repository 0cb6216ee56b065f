"""Words of a table: what each of them means as a class, however it is spelled."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

from pipeline.errors import ParamsError
from pipeline.families import suggest
from pipeline.labels.corpora.cells import is_nothing
from pipeline.labels.corpora.params import TableParams
from pipeline.labels.emotions import Names

SPELLED = 3
"""Letters from which on a word may be spelled in capitals or not; shorter ones are codes."""


@dataclass(frozen=True)
class Meanings:
    """The table's word → its class, None for no label; a word that is unknown is not in it."""

    of: Mapping[str, str | None]
    names: Names
    remarks: list[str]


def find_meanings(counts: Mapping[str, int], params: TableParams) -> Meanings:
    """What the words of a table mean, `counts` saying how often each occurs.

    Raises ParamsError where `words` lead to a class that is none.
    """
    stated = {**{name: name for name in params.emotions or ()}, **params.words}
    if params.emotions is not None and (strange := _list_strange(params)):
        raise ParamsError(f"words: {strange[0]!r}: {suggest(strange[0], params.emotions)}")
    remarks: list[str] = []
    of: dict[str, str | None] = {}
    open_words = []
    for word in sorted(counts):
        if word in stated:
            of[word] = stated[word]
        elif (key := _find_spelling(word, stated)) is not None:
            of[word] = stated[key]
            remarks.append(f"{word!r} ({counts[word]}) is taken as {key!r}")
        elif is_nothing(word):
            of[word] = None
            remarks.append(f"{word!r} ({counts[word]}) is taken as no label")
        elif params.emotions is None:
            open_words.append(word)
    spellings = {word.casefold(): word for word in open_words}  # the last has the fewest capitals
    for word in open_words:
        of[word] = spellings[word.casefold()] if len(word) >= SPELLED else word
        if of[word] != word:
            remarks.append(f"{word!r} ({counts[word]}) is taken as {of[word]!r}")
    return Meanings(of, _make_names(params, of), remarks)


def _list_strange(params: TableParams) -> list[str]:
    """Classes that `words` lead to and `emotions` lack."""
    led = {name for name in params.words.values() if name is not None}
    return sorted(led - set(params.emotions or ()))


def _find_spelling(word: str, stated: Mapping[str, str | None]) -> str | None:
    """The stated word that `word` is but for its capitals; None where there is none, or doubt."""
    if len(word) < SPELLED:
        return None
    folded = word.casefold()
    found = [key for key in stated if key.casefold() == folded]
    return found[0] if len({stated[key] for key in found}) == 1 else None


def _make_names(params: TableParams, of: Mapping[str, str | None]) -> Names:
    if params.emotions is not None:
        emotions = params.emotions
    else:
        emotions = sorted({name for name in of.values() if name is not None})
    words = {**params.words, **of}
    return Names(
        emotion=emotions,
        words={**{name: name for name in emotions}, **dict(_keep_known(words, set(emotions)))},
    )


def _keep_known(words: Mapping[str, str | None], emotions: Set[str]) -> Iterable[tuple[str, str]]:
    return ((word, name) for word, name in words.items() if name is not None and name in emotions)
