"""Small files of a project, such as recipes and counts: whole records as JSON."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from pipeline.errors import StoreError, tell_first
from pipeline.files import open_regular
from pipeline.limits import MOST_RECORD

RecordT = TypeVar("RecordT", bound=BaseModel)


def read_record(path: Path, kind: type[RecordT], what: str, remedy: str) -> RecordT:
    """The record at `path`.

    Raises StoreError, which calls it `what` and ends with `remedy`, where it is absent or something
    else.
    """
    data = read_bytes(path, what, remedy)
    if len(data) > MOST_RECORD:
        raise StoreError(
            f"{path}: expected {what} of at most {MOST_RECORD:,} bytes, got {len(data):,}; {remedy}"
        )
    try:
        return kind.model_validate_json(data)
    except ValidationError as error:
        raise StoreError(
            f"{path}: expected {what} of this version, got another ({tell_first(error)}); {remedy}"
        ) from error


def read_bytes(path: Path, what: str, remedy: str) -> bytes:
    """What the file at `path` holds; raises StoreError, as `read_record` does, where it is none."""
    try:
        with open_regular(path) as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise StoreError(f"{path}: expected {what}, found no file; {remedy}") from error
    except OSError as error:
        raise StoreError(
            f"{path}: expected {what}, found what cannot be read ({error.strerror}); {remedy}"
        ) from error
