"""Foresight: what in params.yaml would end or spoil a run hours from now, told by `check`.

Nothing here fails a run: features that a colleague has pushed need no weights.
"""

import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from pipeline.params import Params, expand_set
from pipeline.sections import Section

LEAST_BYTES = 5 * 10**9
"""Free on the project's disk: below it, one large feature set may fill the disk."""


def foresee(params: Params, project: Path) -> Iterator[str]:
    """Sentences on what will be missing when the stages of `project` run."""
    yield from _find_unread(params)
    for place, section in _list_sections(params):
        yield from (f"{place}: {told}" for told in _tell_weights(section))
        yield from (f"{place}: {told}" for told in _tell_import(section))
    yield from _tell_disk(project)


def _find_unread(params: Params) -> Iterator[str]:
    read = {
        member
        for head in params.heads.values()
        for name in head.inputs.sets().values()
        for member in (name, *expand_set(name, params.joint))
    }
    inner = {part for joint in params.joint.values() for part in (joint.first, joint.second)}
    for name in params.features.keys() - read - inner:
        yield f"features.{name}: no head reads it, and it is extracted all the same; drop it if so"
    for name in params.joint.keys() - read - inner:
        yield f"joint.{name}: no head reads it; drop it, or name it in a head's `inputs`"


def _list_sections(params: Params) -> Iterator[tuple[str, Section]]:
    yield "faces", params.faces
    yield "transcribe", params.transcribe
    yield from ((f"features.{name}", section) for name, section in params.features.items())


def _tell_weights(section: Section) -> Iterator[str]:
    """What is amiss with the weights that a section names."""
    given = section.model_dump()
    name = given.get("weights") or given.get("model")
    if name is None or Path(name).exists() or _is_package(name):
        return
    if "revision" not in given:  # a file, or a name that its library knows
        if Path(name).suffix:
            yield f"weights {name!r}: no such file; put it there, or mend the name"
    elif given["revision"] is None:
        yield (
            f"weights {name!r}: expected a folder, an installed package or a Hub id with its "
            f"commit, found none; mend the name, or add `revision: <the commit's 40 digits>`"
        )
    elif not _is_cached(name, given["revision"]):
        yield f"weights {name!r} are not on this machine; `moodline weights` fetches them now"


def _tell_import(section: Section) -> Iterator[str]:
    """Whether the imported features that a section names are missing."""
    store = section.model_dump().get("store")
    if store is not None and not Path(store, "store.json").is_file():
        yield (
            f"imported features {store!r} are not on this machine; `moodline import` writes them, "
            f"`dvc pull` fetches those that were shared"
        )


def _is_package(name: str) -> bool:
    return name.isidentifier() and find_spec(name) is not None


def _is_cached(repository: str, revision: str) -> bool:
    """Whether the Hub's cache has a snapshot of a repository at a commit."""
    from huggingface_hub.constants import HF_HUB_CACHE  # not needed by most

    folder = Path(HF_HUB_CACHE, f"models--{repository.replace('/', '--')}", "snapshots", revision)
    return folder.is_dir()


def _tell_disk(project: Path) -> Iterator[str]:
    if (free := shutil.disk_usage(project).free) < LEAST_BYTES:
        yield (
            f"{project.resolve()}: {free / 1e9:.1f} GB free on its disk; make room, or move the "
            f"cache elsewhere (`dvc cache dir`)"
        )
