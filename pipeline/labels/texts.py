"""Texts that corpora and people's decisions come in: regular files, for pipes may say nothing."""

from io import TextIOWrapper
from pathlib import Path

from pipeline.errors import CorpusError
from pipeline.files import open_regular


def open_text(path: Path, *, errors: str = "strict", newline: str | None = None) -> TextIOWrapper:
    """The UTF-8 file at `path`, opened to be read, past the mark that spreadsheets put first.

    `errors` and `newline` are those of `open`. Raises OSError as `open_regular` does; who reads on
    gets UnicodeDecodeError for other bytes.
    """
    return TextIOWrapper(open_regular(path), "utf-8-sig", errors, newline)


def read_shipped(path: Path) -> str:
    """What a file of a corpus says, its bytes that are no UTF-8 as U+FFFD; raises CorpusError."""
    return read_text(path, "restore it as its authors ship it", errors="replace")


def read_text(path: Path, remedy: str, *, errors: str = "strict") -> str:
    """What the UTF-8 file at `path` says; `errors` are those of `open`.

    Raises CorpusError where it is absent or no regular file, which ends in `remedy`, and for bytes
    that are no UTF-8.
    """
    try:
        with open_text(path, errors=errors) as file:
            return file.read()
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path}: expected UTF-8, got other bytes; save it as UTF-8") from error
    except FileNotFoundError as error:
        raise CorpusError(f"{path}: no such file; {remedy}") from error
    except OSError as error:
        raise CorpusError(f"{path}: not a readable file ({error.strerror}); {remedy}") from error


def count_ends(text: str) -> int:
    r"""Ends of lines in `text`, as CSV has them: any of three.

    >>> count_ends("a\rb\r\nc\n")
    3
    """
    return text.count("\n") + text.count("\r") - text.count("\r\n")
