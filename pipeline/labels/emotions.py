"""Emotion names: moodline's own words, their order, and the map from a corpus's words."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from pipeline.errors import CorpusError, StoreError
from pipeline.families import suggest
from pipeline.files import write_json
from pipeline.limits import MOST_CLASSES
from pipeline.store.records import read_record


class Names(BaseModel):
    """Classes of a corpus in the order of their index, and what its authors call them."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    format_version: Literal[1] = 1
    emotion: list[str]
    words: dict[str, str]

    def emotion_of(self, word: str, where: str) -> str:
        """Class that the corpus's `word` stands for; raises CorpusError that names `where`."""
        if word not in self.words:
            raise CorpusError(f"{where}: unknown emotion {word!r}; {suggest(word, self.words)}")
        return self.words[word]


def write_names(path: Path, names: Names) -> None:
    """Write `names` to `path` as JSON; raises CorpusError for more emotions than any corpus has."""
    if len(names.emotion) > MOST_CLASSES:
        raise CorpusError(
            f"{path}: expected at most {MOST_CLASSES} emotions, got {len(names.emotion):,}, "
            f"{names.emotion[-1]!r} the last; name another column"
        )
    write_json(path, names.model_dump())


def read_names(path: Path) -> Names:
    """Names at `path`; raises StoreError when the file is absent or not of this form."""
    names = read_record(path, Names, "names of emotions", "run `dvc repro labels`")
    if (count := len(names.emotion)) > MOST_CLASSES:
        raise StoreError(f"{path}: expected at most {MOST_CLASSES} emotions, got {count:,}")
    return names
