"""Bundles: a head, and the weights that its rows are made with, in a folder that needs no other.

<bundle>/
  README.md          the model card
  bundle.json        which weights lie here, and which were left out
  recipe.json        the head's, without the folders of the machine that trained it
  model.safetensors  the head's weights
  weights/<part>/…   those that may be passed on
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from huggingface_hub import snapshot_download
from huggingface_hub.errors import DryRunError
from pydantic import Field, StringConstraints

from pipeline.audits.weights import (
    Named,
    fetch_weights,
    name_detector,
    name_model,
    name_weights,
)
from pipeline.encoders.params import FeatureParams
from pipeline.errors import ParamsError, StoreError
from pipeline.faces.params import FacesParams
from pipeline.files import digest_file
from pipeline.heads.recipes import Recipe, read_recipe
from pipeline.limits import MOST_BUNDLE, MOST_PARTS, MOST_STREAMS
from pipeline.networks.pretrained import first_line
from pipeline.predictor.making import Making
from pipeline.sections import Section
from pipeline.store.records import read_record
from pipeline.words.params import TranscribeParams

RECORD, RECIPE, HEAD, CARD = "bundle.json", "recipe.json", "model.safetensors", "README.md"

WEIGHTS = "weights"
"""Folder of those that lie in a bundle."""

INSIDE = f"^{WEIGHTS}(/[A-Za-z0-9_][A-Za-z0-9_.-]{{0,119}}){{1,2}}$"
"""Where a part may lie: nothing else leads out of the bundle, or is longer than a file's name."""

REPOSITORY = re.compile(r"[A-Za-z0-9_][\w.-]*(/[\w.-]+)?", re.ASCII)
"""How one of the Hub may be called: a path may be called so as well."""

FORMATS = frozenset(
    {
        *(".safetensors", ".bin", ".pt", ".pth", ".tar"),  # read as tensors alone
        *(".onnx", ".task"),  # networks that OpenCV and MediaPipe read
        *(".json", ".jinja", ".model", ".txt"),  # settings and tokenizers
        *(".md", ".license", ""),  # for people
    }
)
"""Ends of the names of files that a part may have; none of them is code."""

FOLDER, FACES, WORDS = "features.", "faces", "transcribe"
"""How parts are called: `features.<set>`, `faces`, `transcribe`, as in params.yaml."""


class Part(Section):
    """Weights that some rows are made with, called `name` in params.yaml.

    `path` is where they lie in the bundle, None where they were left out, as `left_out` says why.
    `licence` is in the Hub's words, None where nobody knows it.
    """

    name: str
    revision: str | None
    licence: str | None
    path: Annotated[str, StringConstraints(pattern=INSIDE)] | None = None
    left_out: str | None = None


class Bundle(Section):
    """What lies in a bundle, beside the head: the weights that each part of its making needs."""

    format_version: Literal[1] = 1
    version: str
    parts: dict[str, Part] = Field(max_length=MOST_STREAMS + 2)

    def lead(self, making: Making, folder: Path) -> Making:
        """`making`, led to the weights in the bundle at `folder`.

        Raises ParamsError where some that were left out are nowhere to be found, either.
        """
        needed = name_parts(making.features, making.faces, making.transcribe)
        if making.given_detector:
            needed.pop(FACES, None)
        for part in needed.keys() & self.parts.keys():
            check_present(folder, part, self.parts[part], needed[part])
        paths = {
            name: str(folder / part.path)
            for name, part in self.parts.items()
            if part.path is not None and name in needed
        }
        return _lead(making, paths)


def name_parts(
    features: Mapping[str, FeatureParams], faces: FacesParams, transcribe: TranscribeParams
) -> dict[str, Named]:
    """Part → the weights that rows of `features` are made with, and their faces and words."""
    found = {f"{FOLDER}{name}": named for name, named in name_weights(features).items()}
    modalities = {set_.modality for set_ in features.values()}
    detector = name_detector(faces) if modalities & {"face", "scene"} else {}
    return found | detector | (name_model(transcribe) if "text" in modalities else {})


def check_present(folder: Path, name: str, part: Part, named: Named) -> None:
    """Raise ParamsError where a part was left out, and is neither here nor on the Hub."""
    if part.path is not None or named.revision is not None:
        return
    try:
        fetch_weights(named)
    except ParamsError as error:
        raise ParamsError(
            f"{folder}: weights of {name} were left out, for {part.left_out}, and are not here; "
            f"{error}"
        ) from error


def _lead(making: Making, paths: Mapping[str, str]) -> Making:
    """`making` with weights at `paths`, by part; what they are is compared with the recipe yet."""

    def place(name: str, params: FeatureParams) -> FeatureParams:
        path = paths.get(f"{FOLDER}{name}")
        return params if path is None else params.model_copy(update={"weights": path})

    faces, words = paths.get(FACES), paths.get(WORDS)
    return replace(
        making,
        features={name: place(name, params) for name, params in making.features.items()},
        faces=making.faces.model_copy(update={"weights": faces} if faces else {}),
        transcribe=making.transcribe.model_copy(update={"model": words} if words else {}),
    )


def find_bundle(source: Path | str, revision: str | None = None) -> Path:
    """Folder of the bundle `source`: itself, or what is fetched of that repository of the Hub.

    Raises ParamsError where it is neither; the Hub is not asked for what can be a path alone.
    """
    if Path(source).is_dir():
        return Path(source)
    if not REPOSITORY.fullmatch(str(source)):
        raise ParamsError(
            f"{source}: expected the folder of a bundle, got none there; check the path"
        )
    try:
        return _fetch_bundle(str(source), revision)
    except (OSError, ValueError) as error:
        raise ParamsError(
            f"{source}: expected the folder of a bundle, or a repository of the Hub with one, got "
            f"{first_line(error)!r}; check the name and the network"
        ) from error


def _fetch_bundle(repository: str, revision: str | None) -> Path:
    """Folder in the Hub's cache of what belongs to a bundle; its size is asked before."""
    patterns = [RECORD, RECIPE, HEAD, CARD, f"{WEIGHTS}/*"]
    with suppress(DryRunError):  # nobody can be asked: what was fetched before will do
        listed = snapshot_download(
            repository, revision=revision, allow_patterns=patterns, dry_run=True
        )
        _check_amount(Path(repository), [file.file_size or 0 for file in listed])
        revision = (
            listed[0].commit_hash if listed else revision
        )  # what was asked is what is fetched
    return Path(snapshot_download(repository, revision=revision, allow_patterns=patterns))


def open_bundle(folder: Path) -> Bundle:
    """What lies in the bundle at `folder`, whose head's weights are those of its recipe.

    Weights of parts are compared with it when rows are made. Raises StoreError for what is no
    bundle, and for parts that lie elsewhere or are no weights.
    """
    check_own(folder, [folder / name for name in (RECORD, RECIPE, HEAD)])
    remedy = "`moodline bundle` makes one"
    bundle = read_record(folder / RECORD, Bundle, "the record of a bundle", remedy)
    places = [folder / part.path for part in bundle.parts.values() if part.path is not None]
    check_own(folder, list_files(folder, places))
    check_head(folder, read_recipe(folder))
    return bundle


def list_files(folder: Path, places: Iterable[Path]) -> list[Path]:
    """Files of parts of the bundle at `folder`, which lie at `places`.

    Raises StoreError for an absent part, and for files of other kinds than weights have.
    """
    files = [file for place in dict.fromkeys(places) for file in _list_place(folder, place)]
    for file in files:
        if file.suffix.lower() not in FORMATS:
            raise StoreError(
                f"{file}: expected weights or their settings, got a file of another kind; take "
                f"the bundle from elsewhere"
            )
    return files


def _list_place(folder: Path, place: Path) -> Iterator[Path]:
    if place.is_dir():
        yield from sorted(place.iterdir())
    elif place.is_file():
        yield place
    else:
        raise StoreError(f"{folder}: expected weights at {place}, found none; fetch it again")


def check_own(folder: Path, files: list[Path]) -> None:
    """Raise StoreError unless `files` are regular ones of `folder` itself, and not too large.

    Of a repository in the Hub's cache, whose files are links, they may be its own blobs.
    """
    for file in files:
        if not file.is_file():
            raise StoreError(f"{file}: expected a file of a bundle, found none; fetch it again")
        if not _is_own(folder, file):
            raise StoreError(
                f"{file}: expected a file of the bundle's own, got a link that leads elsewhere; "
                f"fetch it again, or copy what it leads to"
            )
    _check_amount(folder, [file.stat().st_size for file in files])


def _is_own(folder: Path, file: Path) -> bool:
    home, real = folder.resolve(), file.resolve()
    blobs = home.parent.name == "snapshots" and real.parent == home.parents[1] / "blobs"
    return blobs or real == home / file.relative_to(folder)


def _check_amount(folder: Path, sizes: list[int]) -> None:
    """Raise StoreError where a bundle has more files, or bytes, than any needs."""
    if len(sizes) > MOST_PARTS or sum(sizes) > MOST_BUNDLE:
        raise StoreError(
            f"{folder}: expected a bundle of at most {MOST_PARTS:,} files and {MOST_BUNDLE:,} "
            f"bytes, got {len(sizes):,} and {sum(sizes):,}; use another"
        )


def check_head(folder: Path, recipe: Recipe) -> None:
    """Raise StoreError unless the weights in `folder` are those that `recipe` was written with."""
    found = digest_file(folder / HEAD)
    if found != recipe.weights_digest:
        raise StoreError(
            f"{folder / HEAD}: expected the weights of its recipe, {recipe.weights_digest}, got "
            f"{found}; fetch it again"
        )
