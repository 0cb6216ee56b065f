"""A DVC cache that several clones share: what a stage made is put there whole, before DVC does.

DVC moves a file into its cache by trying a reflink first, which opens the destination with
O_TRUNC; where another clone put the same file a moment before, by a hard link, that empties the
file of both. What is in the cache already, DVC leaves alone.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from pipeline.files import protect, write_whole
from pipeline.store.linking import link_tree


def find_shared_cache(project: Path) -> Path | None:
    """DVC's cache if any configuration names a folder for it; None for the one of `project`."""
    if not any(re.search(r"^\s*dir\s*=", text, re.MULTILINE) for text in _read_configs(project)):
        return None
    from dvc.config import Config  # a third of a second, and most clones have a cache of their own

    configured = Config(str(project / ".dvc")).get("cache", {}).get("dir")
    return Path(configured) if configured else None


def _read_configs(project: Path) -> Iterator[str]:
    """Texts of the configurations that DVC reads: of the clone, of the user, of the machine."""
    import platformdirs  # where DVC looks, by the same names

    named = ("dvc", "iterative")
    user = os.environ.get("DVC_GLOBAL_CONFIG_DIR") or platformdirs.user_config_dir(*named)
    machine = os.environ.get("DVC_SYSTEM_CONFIG_DIR") or platformdirs.site_config_dir(*named)
    paths = (project / ".dvc/config.local", project / ".dvc/config", Path(user, "config"))
    for path in (*paths, Path(machine, "config")):
        if path.is_file():
            yield path.read_text(encoding="utf-8")


def put_in_cache(outs: Iterable[Path], cache: Path) -> None:
    """Put every file of `outs` into the cache under DVC's name for it, its MD5, unless it is there.

    Each appears whole, by a link where the file system has one.
    """
    for out in outs:
        for path in sorted(out.rglob("*")) if out.is_dir() else (out,):
            if path.is_file():
                with path.open("rb") as file:
                    name = hashlib.file_digest(file, "md5").hexdigest()
                _put(path, cache / "files" / "md5" / name[:2] / name[2:])


def _put(path: Path, place: Path) -> None:
    if place.is_file() and place.stat().st_size == path.stat().st_size:
        return  # one of another size was emptied, or half of it was written

    def link(aside: Path) -> None:
        link_tree(path, aside)
        protect(aside)

    write_whole(place, link)
