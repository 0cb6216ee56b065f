"""Weights: where those that params.yaml names lie, and how they get there, once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Literal

from huggingface_hub import snapshot_download

from pipeline.encoders.params import ENCODERS, FeatureParams
from pipeline.errors import ParamsError
from pipeline.faces import AUTO, DETECTORS, searching
from pipeline.faces.params import FacesParams
from pipeline.networks.pretrained import (
    GENERATION,
    SETTINGS,
    WEIGHTS,
    find_folder,
    list_shards,
)
from pipeline.params import Params
from pipeline.words.params import TranscribeParams


@dataclass(frozen=True)
class Named:
    """Weights as params.yaml names them; `revision` is the commit of a Hub id.

    `list_files` is the member's own way to their files (`place_weights`), None where it has none.
    `beside` are files that must lie with them. `licence` asks the member what its published
    weights are under, None where it does not know.
    """

    weights: str
    revision: str | None
    list_files: Callable[[], list[Path]] | None = None
    beside: tuple[str, ...] = ("config.json",)
    licence: Callable[[], str | None] = lambda: None


@dataclass(frozen=True)
class Place:
    """Where weights lie on this machine."""

    kind: Literal["file", "folder", "package", "Hub cache"]
    path: Path


def name_all(params: Params) -> dict[str, Named]:
    """Place in params.yaml, such as `features.words` or `transcribe` → the weights it names."""
    sets = {f"features.{name}": named for name, named in name_weights(params.features).items()}
    return name_detector(params.faces) | name_model(params.transcribe) | sets


def name_detector(params: FacesParams) -> dict[str, Named]:
    """The weights of the detector that `faces` names, if it names one that needs some."""
    if params.detector == AUTO or not DETECTORS.find(params.detector).needs_weights:
        return {}
    list_files = partial(searching.list_weights, params)
    detector = DETECTORS.load(params.detector)

    def licence() -> str | None:
        return _ask_licence(detector, list_files()[0])

    name = params.weights or params.detector
    return {"faces": Named(name, None, list_files, licence=licence)}


def name_model(params: TranscribeParams) -> dict[str, Named]:
    """The Whisper that `transcribe` names, if it names one."""
    if params.model is None:
        return {}
    beside = ("config.json", GENERATION)
    return {"transcribe": Named(params.model, params.revision, beside=beside)}


def name_weights(features: Mapping[str, FeatureParams]) -> dict[str, Named]:
    """Feature set → the weights it names; sets that name none are left out."""
    found = {name: _name(params) for name, params in features.items()}
    return {name: named for name, named in found.items() if named is not None}


def locate_weights(named: Named) -> Place | None:
    """Where the weights lie, None where they do not; neither loaded nor looked for elsewhere."""
    if named.list_files is not None:
        return _locate_own(named.list_files)
    path = Path(named.weights)
    if path.exists():
        return Place("folder" if path.is_dir() else "file", path)
    try:
        return Place("package", find_folder(named.weights, None))
    except ParamsError:
        return _locate_cached(named)


def fetch_weights(named: Named) -> Place:
    """Where the weights lie once they are fetched; raises ParamsError where they cannot be."""
    if named.list_files is not None:
        return _find_place(named.list_files())
    folder = find_folder(named.weights, named.revision)
    place = locate_weights(named)
    if place is None:
        raise ParamsError(
            f"weights {named.weights!r}: expected a configuration and whole weights, got a part "
            f"of them in {folder}; try again with a network, or choose another checkpoint"
        )
    return place


def _name(params: FeatureParams) -> Named | None:
    given = params.model_dump()
    member = ENCODERS.load(params.encoder)
    place = getattr(member, "place_weights", None)
    if place is not None:

        def list_files() -> list[Path]:
            return [place(params)]

        name = given.get("weights") or params.encoder
        return Named(name, None, list_files, licence=partial(_ask_licence, member, params))
    return Named(given["weights"], given.get("revision")) if given.get("weights") else None


def _ask_licence(member: ModuleType, asked: FeatureParams | Path) -> str | None:
    find = getattr(member, "find_licence", None)
    return None if find is None else find(asked)


def _locate_own(list_files: Callable[[], list[Path]]) -> Place | None:
    try:
        return _find_place(list_files())
    except ParamsError:
        return None


def _find_place(files: Sequence[Path]) -> Place:
    """The file, or the folder of several."""
    return Place("file", files[0]) if len(files) == 1 else Place("folder", files[0].parent)


def _locate_cached(named: Named) -> Place | None:
    """Place in the Hub's cache of all that would be fetched."""
    for kind in WEIGHTS if named.revision else ():
        patterns = [*SETTINGS, GENERATION, kind]
        try:
            found = snapshot_download(
                named.weights,
                revision=named.revision,
                allow_patterns=patterns,
                local_files_only=True,
            )
        except (OSError, ValueError):  # not there, or not whole
            continue
        if is_whole(Path(found), kind, named.beside):
            return Place("Hub cache", Path(found))
    return None


def is_whole(folder: Path, kind: str, beside: Sequence[str] = ("config.json",)) -> bool:
    """Whether `folder` holds all weights of this kind, each shard of them, and what is `beside`.

    Raises ParamsError as `list_shards` does.
    """
    files = [path for path in folder.glob(kind) if path.is_file()]
    needed = [*list_shards(files), *(folder / name for name in beside)]
    return bool(files) and all(path.is_file() for path in needed)
