"""Holdings: what outs hold of people, told before they are pushed."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal, get_args

from pipeline.encoders.params import FeatureParams
from pipeline.errors import ParamsError
from pipeline.modalities import Modality
from pipeline.store.repository import open_repo

Kind = Literal["faces", "voices", "words", "names", "labels", "paths"]

KINDS: tuple[Kind, ...] = get_args(Kind)
"""All of them: what of an out is known that this pipeline did not make."""

HELD: Mapping[str, tuple[Kind, ...]] = {
    "data/checked": ("paths",),
    "data/premises": ("paths",),
    "data/labels": ("names", "labels", "paths"),
    "data/labels/clips.parquet": ("names", "words", "paths"),
    "data/targets": ("names", "labels"),
    "data/clips": ("names", "words", "paths"),
    "data/audio": ("voices", "names"),
    "data/findings": ("names",),
    "data/face": ("faces", "names", "paths"),
    "data/scene": ("faces", "names", "paths"),
    "data/tracks": ("names", "paths"),
    "data/text": ("words", "names"),
    "features": ("names",),
    "models": ("names", "labels", "paths"),
    "reports/faces.svg": ("faces", "names"),
    "reports/heads": ("names", "labels", "paths"),
    "reports/index.html": ("names", "paths"),
    "reports/labels.html": ("names", "labels", "paths"),
}
"""Out, or folder of outs → what it holds. `names` are ids of clips and subjects, as the corpus has
them; `paths` those of files, which may tell of this machine."""

MAIN = "dvc.yaml"
"""File of stages that are called by their name alone."""

LEDGER = "ledger.parquet"
"""File that lies in an out and tells of clips by their ids, and at times of their files."""

RECORDED: Mapping[Modality, Kind] = {
    "face": "faces",
    "scene": "faces",
    "audio": "voices",
    "text": "words",
}
"""What each modality is a recording of."""


@dataclass(frozen=True)
class Held:
    """An out, the stage that makes it, and what it holds.

    `rebuilt` are kinds of which it holds no recording, but rows that networks turn back into a
    likeness.
    """

    stage: str
    out: str
    kinds: tuple[Kind, ...]
    rebuilt: tuple[Kind, ...] = ()


def list_held(
    project: Path, features: Mapping[str, FeatureParams], targets: Sequence[str]
) -> list[Held]:
    """Outs that `dvc push` with these `targets`, stages or paths, would send; all without any.

    Raises ParamsError for a target that is neither.
    """
    outs = list(_list_outs(project, features))
    found = [_choose(target, outs) for target in targets]
    for target, chosen in zip(targets, found, strict=True):
        if not chosen:
            raise ParamsError(f"{target}: expected a stage or an out, got neither; name one")
    return list(dict.fromkeys(chain(*found))) if targets else outs


def _list_outs(project: Path, features: Mapping[str, FeatureParams]) -> Iterator[Held]:
    with open_repo(project) as repo:
        for stage in sorted(repo.index.stages, key=lambda stage: stage.addressing):
            file = Path(stage.path).relative_to(repo.root_dir).as_posix()
            name = getattr(stage, "name", None)  # `dvc add` leaves files of stages without one
            address = name if name and file == MAIN else f"{file}:{name}" if name else file
            for out in stage.outs:
                if out.use_cache:  # git has the others
                    path = Path(os.path.relpath(out.fs_path, repo.root_dir)).as_posix()
                    yield _describe(address, path, features)


def _describe(stage: str, out: str, features: Mapping[str, FeatureParams]) -> Held:
    folder = max((name for name in HELD if _holds(name, out)), key=len, default="")
    if not folder:
        return Held(stage, out, KINDS)
    kinds, params = HELD[folder], features.get(Path(out).name)
    if folder != "features" or params is None or params.reveals == "little":
        return Held(stage, out, kinds)
    recorded = RECORDED[params.modality]
    if params.reveals == "recording":
        return Held(stage, out, (recorded, *kinds))
    return Held(stage, out, kinds, (recorded,))


def _choose(target: str, outs: Sequence[Held]) -> list[Held]:
    """Those of `outs` that a target means: by stage, file of stages, out, or what is in an out."""
    path = target.rstrip("/")
    within = [one for one in outs if one.out != path and _holds(one.out, path)]
    if within and Path(path).name == LEDGER:
        return [Held(one.stage, path, ("names", "paths")) for one in within]
    meant = [one for one in outs if _holds(path, one.out) or target in _name_stage(one.stage)]
    return within + meant


def _holds(folder: str, path: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _name_stage(address: str) -> tuple[str, ...]:
    """All by which DVC knows a stage: its address, its file, itself, and all that are like it."""
    file, _, name = address.rpartition(":")
    return (address, file or MAIN, name, name.partition("@")[0])
