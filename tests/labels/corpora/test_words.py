from collections.abc import Iterable
from itertools import islice, product
from pathlib import Path

import pytest

from pipeline.labels.corpora.params import TableParams
from pipeline.labels.corpora.sheets import _check_names
from pipeline.labels.corpora.words import find_meanings

PARAMS = TableParams(kind="table", root="a", depends_on="a")


class Counted(str):
    """A word that counts, for all of them, how often one is folded or compared with another."""

    work = 0

    def casefold(self) -> str:
        Counted.work += 1
        return super().casefold()

    def __eq__(self, other: object) -> bool:
        Counted.work += 1
        return super().__eq__(other)

    __hash__ = str.__hash__


def count_work(words: Iterable[str]) -> int:
    """Work that the meanings of `words` take."""
    Counted.work = 0
    find_meanings({Counted(word): 1 for word in words}, PARAMS)
    return Counted.work


def spell(count: int) -> list[str]:
    """`count` spellings of one word."""
    letters = [(letter, letter.upper()) for letter in "frightened"]
    return ["".join(word) for word in islice(product(*letters), count)]


def test_twice_the_words_take_twice_the_work() -> None:
    few, many = (count_work(f"word {number}" for number in range(n)) for n in (300, 600))
    assert few >= 300
    assert many <= 2.2 * few


def test_twice_the_spellings_of_a_word_take_twice_the_work() -> None:
    few, many = (count_work(spell(n)) for n in (300, 600))
    assert few >= 300
    assert many <= 2.2 * few


def test_all_spellings_of_a_word_are_the_one_with_the_fewest_capitals() -> None:
    meanings = find_meanings(dict.fromkeys(spell(7), 1), PARAMS)
    assert set(meanings.of.values()) == {"frightened"}


@pytest.mark.parametrize("count", [1, 500])
def test_each_column_is_compared_with_few_others(count: int) -> None:
    Counted.work = 0
    _check_names(Path("clips.csv"), [Counted(f"c{number}") for number in range(count)])
    assert Counted.work <= count
