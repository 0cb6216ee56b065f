"""The header of a store, `store.json`: what made it, and digests of all the rest."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import StoreError
from pipeline.files import digest_file, digest_json

FORMAT_VERSION = 1


def seal_header(header: Mapping[str, Any]) -> str:
    """Text of `store.json`, the last file of a store and the mark that it is whole.

    `digests` names every other file or part of the store, and `digest` covers the header itself.
    """
    sealed = {"format_version": FORMAT_VERSION, **header}
    sealed["digest"] = digest_json(sealed)
    return json.dumps(sealed, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def read_header(path: Path) -> dict[str, Any]:
    """Header of the store at `path`.

    Raises StoreError when it is not a store of this version, or not the text that was written.
    """
    try:
        text = (path / "store.json").read_text(encoding="utf-8")
        header: dict[str, Any] = json.loads(text)
    except FileNotFoundError as error:
        raise StoreError(
            f"{path}: expected a store, found no store.json; run `dvc repro` or `dvc pull`"
        ) from error
    except ValueError as error:
        raise StoreError(f"{path}/store.json: not readable JSON ({error}); `dvc pull`") from error
    version = header.get("format_version") if isinstance(header, dict) else None
    if version != FORMAT_VERSION:
        raise StoreError(
            f"{path}/store.json: expected a store of format_version {FORMAT_VERSION}, got {version}"
        )
    if not _is_sealed(header, text):
        raise StoreError(
            f"{path}/store.json: its text is not what its digest covers; run `moodline verify`"
        )
    return header


def _is_sealed(header: Mapping[str, Any], text: str) -> bool:
    body = {key: header[key] for key in header if key not in ("format_version", "digest")}
    try:
        return seal_header(body) == text
    except ValueError:  # one digit more in an exponent, and a number is infinite
        return False


def check_digest(store: Path, header: Mapping[str, Any], name: str) -> None:
    """Raise StoreError unless the file or part `name` of `store` holds what was written."""
    if digest_tree(store / name) != header["digests"].get(name):
        raise StoreError(
            f"{store / name}: not the bytes that were written; run `moodline verify {store}`, "
            f"which says what to do"
        )


def digest_tree(path: Path) -> str:
    """Digest of a file, or of all files of a folder with their names."""
    if path.is_file():
        return digest_file(path)
    files = sorted(file for file in path.rglob("*") if file.is_file())
    return digest_json({file.relative_to(path).as_posix(): digest_file(file) for file in files})
