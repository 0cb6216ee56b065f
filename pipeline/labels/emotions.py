"""Emotion names: moodline's own words, their order, and the map from a corpus's words."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.errors import CorpusError, StoreError, tell_first
from pipeline.families import suggest
from pipeline.files import write_json


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
    """Write `names` to `path` as JSON."""
    write_json(path, names.model_dump())


def read_names(path: Path) -> Names:
    """Names at `path`; raises StoreError when the file is absent or not of this form."""
    try:
        return Names.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise StoreError(f"{path}: no such file; run `dvc repro labels`") from error
    except OSError as error:
        raise StoreError(f"{path}: not a file that can be read ({error.strerror})") from error
    except ValidationError as error:
        raise StoreError(
            f"{path}: not a table of names ({tell_first(error)}); run `dvc repro labels`"
        ) from error
