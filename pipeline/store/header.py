"""The header of a store, `store.json`: what made it, and digests of all the rest."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ValidationError

from pipeline.errors import StoreError, tell_first
from pipeline.files import digest_file, digest_json, is_digest, list_tree
from pipeline.store.provenance import Record
from pipeline.store.records import read_bytes

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
    place = path / "store.json"
    return parse_header(read_bytes(place, "a store", "run `dvc repro` or `dvc pull`"), place)


def parse_header(data: bytes, place: Path) -> dict[str, Any]:
    """Header of which `data` is the text; raises StoreError, for the file `place`, if it is none.

    What it has of digests and provenance is of the types that a writer gives them.
    """
    header: dict[str, Any] = load_json(data, place)
    version = header.get("format_version") if isinstance(header, dict) else None
    if version != FORMAT_VERSION:
        raise StoreError(
            f"{place}: expected a store of format_version {FORMAT_VERSION}, got {version}"
        )
    if not _is_sealed(header, data):
        raise StoreError(f"{place}: its text is not what its digest covers; run `moodline verify`")
    try:
        _Header.model_validate(header)
    except ValidationError as error:
        raise StoreError(f"{place}: {tell_first(error)}; `dvc pull` it anew") from error
    return header


def _check_digests(digests: dict[str, Any]) -> dict[str, Any]:
    for name, digest in digests.items():  # pydantic would go on after a mistake, and keep each
        if not isinstance(digest, str) or not is_digest(digest):
            raise ValueError(f"{name}: expected 32 hexadecimal digits, got {digest!r}")
    return digests


class _Header(BaseModel):
    """What every header has."""

    part_format: Literal["hdf5", "parquet", "zarr"]
    provenance: Record
    digests: Annotated[dict[str, Any], AfterValidator(_check_digests)]


def _is_sealed(header: Mapping[str, Any], data: bytes) -> bool:
    body = {key: header[key] for key in header if key not in ("format_version", "digest")}
    try:
        return seal_header(body).encode() == data
    except (ValueError, RecursionError):  # one digit more in an exponent, and a number is infinite
        return False


def load_json(data: bytes | str, place: Path) -> Any:
    """What the JSON in `data` says; raises StoreError, for the file `place`, where it is none."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{place}: not readable JSON ({error}); `dvc pull` it anew") from error


def check_digest(store: Path, header: Mapping[str, Any], name: str) -> None:
    """Raise StoreError unless the file or part `name` of `store` holds what was written."""
    if digest_tree(store / name) != header["digests"].get(name):
        raise StoreError(
            f"{store / name}: not the bytes that were written; run `moodline verify {store}`, "
            f"which says what to do"
        )


def check_bytes(path: Path, digest: str) -> None:
    """Raise StoreError unless the file or folder at `path` has this digest."""
    if digest_tree(path) != digest:
        raise StoreError(f"{path}: not the bytes that its store was written with")


def digest_tree(path: Path) -> str:
    """Digest of a file, or of all files of a folder with their names.

    Raises StoreError for what is neither: a pipe or a device would be waited for without end. And
    for folders that lie too deep within one another.
    """
    if path.is_file():
        return digest_file(path)
    try:
        found = list_tree(path)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}; remove it") from error
    files = sorted(file for file in found if file.is_file())
    if strange := [one for one in found if one.exists() and not (one.is_file() or one.is_dir())]:
        raise StoreError(f"{strange[0]}: expected a file or a folder, got neither; remove it")
    return digest_json({file.relative_to(path).as_posix(): digest_file(file) for file in files})
