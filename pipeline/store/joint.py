"""Joint sets: several feature sets that a head reads as one input, each as a stream of its own.

A folder `features/<name>` that holds one file, `joint.json`: its members, and the digest of each
one's header. No row lies there twice, and what depends on the folder depends on all its members.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from pipeline.errors import StoreError
from pipeline.files import digest_file, write_json
from pipeline.store.records import read_record

FILE = "joint.json"

SetName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$")]
"""A folder beside the joint set, never one elsewhere."""


class Joint(BaseModel):
    """What a joint set holds: member → digest of its header, in the order they were named."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    format_version: Literal[1] = 1
    members: dict[SetName, str] = Field(min_length=2)


def join_sets(out: Path, members: Sequence[str]) -> None:
    """Make the folder `out` a joint set of `members`, which lie beside it.

    A member that is a joint set itself gives its own members. Raises StoreError for one that is
    not there, and for a set that is in it twice.
    """
    found: list[Path] = []
    for path in (out.parent / member for member in members):
        found += list_members(path) or [path]
    names = [path.name for path in found]
    for name in names:
        if names.count(name) > 1:
            raise StoreError(f"{out}: expected each feature set once, got {name!r} twice; drop one")
    digests = {path.name: digest_header(path) for path in found}
    write_json(out / FILE, Joint(members=digests).model_dump(mode="json"))


def list_members(path: Path) -> list[Path]:
    """Feature sets that the joint set at `path` holds, in their order; none where it is a set.

    Raises StoreError where a member is gone, or another than it was when they were joined.
    """
    if not (path / FILE).is_file():
        return []
    members = {path.parent / name: digest for name, digest in read_joint(path).members.items()}
    for member, digest in members.items():
        found = "another" if os.path.isfile(member / "store.json") else "none"
        if found == "none" or digest_header(member) != digest:
            raise StoreError(
                f"{path}: expected the feature set {member.name!r} that was joined, got {found}; "
                f"run `dvc repro join@{path.name}`"
            )
    return list(members)


def read_joint(path: Path) -> Joint:
    """The joint set at `path`; raises StoreError where it is none."""
    return read_record(path / FILE, Joint, "a joint set", f"run `dvc repro join@{path.name}`")


def digest_header(path: Path) -> str:
    """Digest of the header of the feature set at `path`, which holds digests of all the rest.

    Raises StoreError where it is not there.
    """
    try:
        return digest_file(path / "store.json")
    except OSError as error:
        found = "none" if isinstance(error, FileNotFoundError) else f"another ({error.strerror})"
        raise StoreError(
            f"{path}: expected a feature set, found {found}; run `dvc repro` or `dvc pull`"
        ) from error
