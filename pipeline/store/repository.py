"""The repository as DVC has it: stages, outs and digests, of files that others may have written."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import StoreError

if TYPE_CHECKING:
    from dvc.repo import Repo


@contextmanager
def open_repo(project: Path) -> Iterator["Repo"]:
    """DVC's own view of `project`; raises StoreError for what it cannot read there."""
    from dvc.exceptions import DvcException  # a second
    from dvc.repo import Repo

    try:
        with Repo(str(project)) as repo:
            yield repo
    except DvcException as error:
        told = " ".join(str(error).split())
        raise StoreError(
            f"{project.resolve()}: expected a project that DVC can read, got: {told}; "
            f"`dvc status` tells more, `git checkout` brings its files back"
        ) from error
