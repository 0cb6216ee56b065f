"""Rehearsing: what a stranger's tokenizer makes of texts is tried in a process of its own first.

Steps of a line each double a text as often as they stand there, an expression may need the fourth
power of its length, and a template name a thousand tokens a thousand times.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from pipeline.apart import Apart, FailedError
from pipeline.errors import ParamsError
from pipeline.files import open_regular
from pipeline.limits import CUTTING_LETTER_SECONDS, CUTTING_SECONDS, LOADING_SECONDS

CODE = """
from tokenizers import Tokenizer

def attempt(asked):
    global tokenizer
    if "tokenizer" in asked:
        tokenizer = Tokenizer.from_str(asked["tokenizer"])
    if tokenizer.normalizer:
        for text in asked.get("added", []):
            tokenizer.normalizer.normalize_str(text)
    try:
        tokenizer.encode_batch(asked.get("texts", []))
        tokenizer.decode_batch(asked.get("tokens", []))
    except MemoryError:
        raise
    except BaseException:  # over a text, which who asks meets as well
        pass
"""

TOKENIZER = "tokenizer.json"
"""File of a fast tokenizer."""

ADDING = ("tokenizer_config.json", "added_tokens.json", "special_tokens_map.json")
"""Files that may name further tokens."""

_KNOWN: "WeakKeyDictionary[Any, Apart]" = WeakKeyDictionary()


def try_loading(folder: Path) -> None:
    """Raise FailedError where the tokenizer of TOKENIZER in `folder` cannot be loaded.

    Tokens that other files add go through its steps as it is. OSError and ValueError are those of
    the files.
    """
    found = [path for name in ADDING if (path := folder / name).is_file()]
    added = [json.dumps(json.loads(_read(path)), ensure_ascii=False) for path in found]
    _load(_read(folder / TOKENIZER), added).ask({}, LOADING_SECONDS)


def _read(path: Path) -> str:
    with open_regular(path) as file:
        return file.read().decode()


def rehearse_cutting(tokenizer: Any, texts: Sequence[str]) -> None:
    """Raise ParamsError where `tokenizer` takes far more for `texts` than any does."""
    letters = sum(map(len, texts))
    _rehearse(tokenizer, f"cuts {letters:,} letters", letters, texts=list(texts))


def rehearse_decoding(tokenizer: Any, tokens: Sequence[Sequence[int]]) -> None:
    """Raise ParamsError where `tokenizer` takes far more for texts of `tokens` than any does."""
    count = sum(map(len, tokens))
    _rehearse(tokenizer, f"writes {count:,} tokens", count, tokens=[list(some) for some in tokens])


def _rehearse(tokenizer: Any, what: str, length: int, **asked: Any) -> None:
    seconds = CUTTING_SECONDS + length * CUTTING_LETTER_SECONDS
    try:
        if tokenizer not in _KNOWN:
            _KNOWN[tokenizer] = _load(tokenizer.backend_tokenizer.to_str())
        _KNOWN[tokenizer].ask(asked, seconds)
    except FailedError as error:
        raise ParamsError(
            f"weights {tokenizer.name_or_path}: expected a tokenizer that {what}, got {error}; "
            f"choose others"
        ) from error


def _load(tokenizer: str, added: Sequence[str] = ()) -> Apart:
    """A process that loads a tokenizer as it begins."""
    return Apart(CODE, {"tokenizer": tokenizer, "added": list(added)})
