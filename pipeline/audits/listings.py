"""Listings: where DVC would write what it fetches, looked at before it does.

DVC takes the paths of outs, and those in its lists of their files, as they stand: what climbs is
written over any file of this machine, the code among them.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import StoreError
from pipeline.files import is_digest
from pipeline.store.repository import open_repo
from pipeline.store.seeding import FormerStore, check_relpath

if TYPE_CHECKING:
    from dvc.output import Output
    from dvc.repo import Repo


def check_listings(project: Path) -> int:
    """How many lists of outs of `project` there are, here or on its remote, all fetched and sound.

    Raises StoreError for one that leads out of its out, and for an out outside of the project.
    """
    with open_repo(project) as repo:
        outs = sorted(repo.index.outs, key=str)
        return sum(
            _check_out(repo, out) for out in outs if out.use_cache or out.stage.is_repo_import
        )


def _check_out(repo: "Repo", out: "Output") -> bool:
    """Whether there is a list of the files of an out."""
    from dvc.config import NoRemoteError

    _check_kind(repo, out)
    digest = out.hash_info.value
    if digest is None:
        return False
    try:
        for entry in out.files or ():  # a list in the lock file itself
            check_relpath(out.stage.addressing, str(entry["relpath"]))
        former = FormerStore(repo, Path(os.path.normpath(out.fs_path)), digest, out.remote)
        return digest.endswith(".dir") and bool(former.files)
    except StoreError as error:
        raise StoreError(
            f"{out}: {error}; do not fetch it, `dvc pull` would write there"
        ) from error
    except NoRemoteError:
        return False
    except ConnectionError as error:
        raise StoreError(
            f"{out}: {error}; `dvc remote list` shows where it was looked for"
        ) from error


def _check_kind(repo: "Repo", out: "Output") -> None:
    """Raise StoreError for an out that lies elsewhere, or whose list cannot be looked at."""
    path = Path(os.path.normpath(out.fs_path))
    if not path.is_relative_to(repo.root_dir) or path == Path(repo.root_dir):
        raise StoreError(
            f"{out.stage.addressing}: expected an out inside the project, got {path}; remove it"
        )
    if out.stage.is_repo_import:
        raise StoreError(
            f"{out.stage.addressing}: expected outs of this project, got one of another, whose "
            f"list DVC alone sees; remove it"
        )
    digest = out.hash_info.value
    if digest is None:
        return
    if out.hash_info.name != "md5":  # DVC has a cache of its own for those of its version 2
        raise StoreError(
            f"{out.stage.addressing}: {out}: expected `hash: md5`, got {out.hash_info.name!r}; do "
            f"not fetch it, nobody has looked at its list"
        )
    if not is_digest(digest.removesuffix(".dir")):
        raise StoreError(
            f"{out.stage.addressing}: {out}: expected an MD5 digest, got {digest!r}; do not fetch "
            f"it, DVC would take it for a path"
        )
