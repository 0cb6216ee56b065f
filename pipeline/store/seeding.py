"""Seeding: stores that dvc.lock names, or named in a former commit, fetched for what still serves.

In a fresh clone the work store is empty, and DVC has emptied the out before its stage runs. What
the team made is then in DVC's cache or on its remote, and git remembers what it was.
"""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pyarrow as pa
from pydantic import FailFast, StringConstraints, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from pipeline.errors import MoodlineError, StoreError, show_line, tell_first
from pipeline.files import DIGEST
from pipeline.limits import MOST_FOLDERS
from pipeline.store import ROW_FORMATS
from pipeline.store.header import check_bytes, parse_header
from pipeline.store.index import read_index
from pipeline.store.linking import link_tree
from pipeline.store.provenance import Provenance
from pipeline.store.reader import RowsMade, check_table
from pipeline.store.work import WorkParts

if TYPE_CHECKING:
    from dvc.repo import Repo

Check = Callable[[Path, Any], object]
"""Raises StoreError for the part at a path, by what it opens to."""

COMMITS = 20
"""So many commits that changed dvc.lock are looked through, of all branches, newest first."""


def seed_parts(
    work: Path,
    fingerprint: str,
    keys: Mapping[str, str],
    out: Path,
    schema: pa.Schema | None = None,
) -> None:
    """Link into the work store the former parts of `out` that hold any of `keys` (clip_id → key).

    Those of media must be of `schema`, if one is given.

    Where they cannot be fetched, that is said, but not where there is no remote to fetch from; and
    nothing is done: the clips are made.
    """
    project = _find_project(out)
    digests = _find_digests(project, out) if project else []
    if not digests:
        return
    from dvc.config import NoRemoteError  # half a second, and seldom needed
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(project)) as repo:
            stores = [FormerStore(repo, out, digest) for digest in digests]
            _link_former(stores, work, fingerprint, keys, schema)
    except NoRemoteError:
        return
    except (DvcException, OSError, MoodlineError) as error:
        told = show_line(" ".join(str(error).split()))
        print(f"moodline: {out}: not fetched ({told}); its clips are made again", file=sys.stderr)


class FormerStore:
    """What `out` was once; its files are fetched into DVC's cache when asked for.

    `digest` is DVC's, of the list of its files. They come from the `remote` of that name, if `out`
    has one of its own. Raises ConnectionError where a remote fails.
    """

    def __init__(self, repo: "Repo", out: Path, digest: str, remote: str | None = None) -> None:
        self.repo = repo
        self.out = out
        self.digest = digest
        self.remote = remote

    @cached_property
    def files(self) -> dict[str, str]:
        """Path in the store → DVC's digest; empty where the store is nowhere to be had."""
        listing = self._fetch([self.digest])[0]
        return dict(_read_listing(listing)) if listing.is_file() else {}

    def fetch(self, *names: str) -> list[Path]:
        """Paths in DVC's cache of the files of these names."""
        if absent := [name for name in names if name not in self.files]:
            raise StoreError(f"{self.digest}: a store without {absent[0]}")
        return self._fetch([self.files[name] for name in names])

    def _fetch(self, digests: Sequence[str]) -> list[Path]:
        paths = [Path(self.repo.cache.local.oid_to_path(digest)) for digest in digests]
        found = zip(digests, paths, strict=True)
        if absent := [digest for digest, path in found if not path.is_file()]:
            self._pull(absent)
        return paths

    def _pull(self, digests: Sequence[str]) -> None:
        """Fetch what the remote has of `digests`; DVC says what it has not.

        As `cloud.pull` does it, which leaves the database of the remote's index open.
        """
        from dvc.config import NoRemoteError
        from dvc.fs.callbacks import TqdmCallback
        from dvc_data.hashfile.db import get_index
        from dvc_data.hashfile.hash_info import HashInfo

        wanted = [HashInfo("md5", one, str(self.out)) for one in digests]
        cloud, cache = self.repo.cloud, self.repo.cache.local
        try:
            remote = cloud.get_remote_odb(name=self.remote, command="pull")
            told = f"Fetching from {remote.fs.unstrip_protocol(remote.path)}"
            with closing(get_index(remote)) as index, TqdmCallback(desc=told, unit="file") as bar:
                cloud.transfer(
                    remote,
                    cache,
                    wanted,
                    src_index=index,
                    cache_odb=cache,
                    verify=remote.verify,
                    validate_status=cloud._log_missing,
                    callback=bar,
                )
        except NoRemoteError:
            raise
        except Exception as error:  # each kind of remote has errors of its own
            raise ConnectionError(str(error)) from error


def _read_listing(path: Path) -> Iterator[tuple[str, str]]:
    """Path of each file that DVC's list at `path` names, and its digest.

    It may come from a stranger: raises StoreError for what no list of DVC's holds, and for a path
    that leads out of the store, or too deep into it.
    """
    try:
        entries = _LISTING.validate_json(path.read_bytes())
    except ValidationError as error:
        raise StoreError(f"{path}: no list of files by DVC ({tell_first(error)})") from error
    for entry in entries:
        check_relpath(path, entry["relpath"])
        yield entry["relpath"], entry["md5"]


def check_relpath(where: str | Path, relpath: str) -> None:
    """Raise StoreError, for the list `where` it stands, for a path that leads out, or too deep."""
    steps = relpath.split("/")
    if any(step in ("", ".", "..") or "\\" in step or "\0" in step for step in steps):
        raise StoreError(f"{where}: a path that leads out of the store: {relpath!r}")
    if len(steps) > MOST_FOLDERS:
        raise StoreError(f"{where}: a path of {len(steps):,} folders within one another")


class _Listed(TypedDict):
    """A file in a list of DVC's."""

    relpath: str
    md5: Annotated[str, StringConstraints(pattern=f"^{DIGEST}$")]


_LISTING = TypeAdapter(Annotated[list[_Listed], FailFast()])


def _link_former(
    stores: Sequence[FormerStore],
    work: Path,
    fingerprint: str,
    keys: Mapping[str, str],
    schema: pa.Schema | None,
) -> None:
    """Link from each store what is lacking still, until one that could serve does not."""
    lacking = set(keys.items())
    for former in stores:
        if "store.json" not in former.files:
            continue
        path = former.fetch("store.json")[0]
        header = parse_header(path.read_bytes(), path)
        made = header["provenance"]
        # Not the fingerprint that it states: parts are looked at as its settings say.
        if Provenance(made["stage"], made["settings"]).fingerprint == fingerprint:
            parts = WorkParts(work, fingerprint, header["part_format"])
            held = _link_parts(former, parts, header, lacking, _find_check(header, schema))
            lacking -= held
            if not held or not lacking:
                return


def _link_parts(
    former: FormerStore,
    parts: WorkParts,
    header: Mapping[str, Any],
    keys: set[tuple[str, str]],
    check: Check,
) -> set[tuple[str, str]]:
    """Add to `parts` those that hold rows of any of `keys`, pairs of clip_id and key.

    Returns which of `keys` these are. `check` may refuse a part.
    """
    digests, listed = header["digests"], former.fetch("index.parquet")[0]
    check_bytes(listed, digests.get("index.parquet", ""))
    index = read_index(listed)
    clips = zip(index.clip_ids, index.keys, index.part_numbers, strict=True)
    held = {(clip_id, key): number for clip_id, key, number in clips if number >= 0}
    found = keys & held.keys()
    for part in {index.parts[held[clip]] for clip in found} - parts.parts.keys():
        name = f"parts/{parts.path_of(part).name}"
        files = [one for one in former.files if one == name or one.startswith(f"{name}/")]
        sources = dict(zip(files, former.fetch(*files), strict=True))

        def link(aside: Path, name: str = name, sources: Mapping[str, Path] = sources) -> None:
            for file, source in sources.items():
                link_tree(source, aside / Path(file).relative_to(name))

        parts.take_in(part, link, digests.get(name, ""), check)
    return found


def _find_check(header: Mapping[str, Any], schema: pa.Schema | None) -> Check:
    """What refuses a part that no reader of such a set, or of media of `schema`, would take."""
    if header["part_format"] in ROW_FORMATS:
        return RowsMade.of(Path("store.json"), header["provenance"]).check

    def check(path: Path, opened: Any) -> None:
        if schema is not None:
            check_table(path, opened, schema)

    return check


def _find_project(out: Path) -> Path | None:
    """The DVC project that `out` lies in."""
    return next((folder for folder in out.resolve().parents if (folder / ".dvc").is_dir()), None)


def _find_digests(project: Path, out: Path) -> list[str]:
    """DVC's digests of all that `out` was, by the lock files: the latest first, each once."""
    name = re.escape(out.resolve().relative_to(project).as_posix())
    entry = re.compile(rf"path: {name}\n +hash: md5\n +md5: (\w+\.dir)\n")
    return list(dict.fromkeys(entry.findall("".join(_read_locks(project)))))


def _read_locks(project: Path) -> Iterator[str]:
    """dvc.lock as it stands, then as the last commits have it that changed it."""
    lock = project / "dvc.lock"
    yield lock.read_text(encoding="utf-8", errors="replace") if lock.is_file() else ""
    refs = ("HEAD", "--branches", "--remotes", "--full-history", f"-{COMMITS}", "--format=%H")
    for commit in _ask_git(project, "log", *refs, "--", "dvc.lock").split():
        yield _ask_git(project, "show", f"{commit}:./dvc.lock")


def _ask_git(project: Path, *arguments: str) -> str:
    """What git says; nothing where the project is in no repository.

    A branch of somebody else may hold a lock file that is no UTF-8.
    """
    command = ["git", *arguments]
    told = subprocess.run(command, cwd=project, capture_output=True, check=False).stdout
    return told.decode(errors="replace")
