"""Bundling: writing a trained head, and the weights that its rows are made with, to one folder."""

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import chain
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np

from pipeline.audits.weights import Named, Place, locate_weights
from pipeline.errors import ParamsError
from pipeline.evaluation.pairing import select_rows
from pipeline.evaluation.table import HELD_OUT_SCHEMA, NOTHING
from pipeline.files import digest_file, measure_tree, write_json, write_text, write_whole
from pipeline.heads.recipes import Recipe, read_recipe
from pipeline.networks.pretrained import (
    GENERATION,
    SETTINGS,
    WEIGHTS,
    WHOLE,
    digest_folder,
    list_shards,
)
from pipeline.predictor import bundles
from pipeline.predictor.bundles import Bundle, Part, check_head, name_parts, open_bundle
from pipeline.predictor.cards import write_card
from pipeline.predictor.licences import find_licence, may_pass_on, name_licence
from pipeline.predictor.making import refuse_imported
from pipeline.presets.rebuilding import parse_sections, rebuild_head
from pipeline.report.summary import HeadSummary, read_summaries
from pipeline.store.tables import read_table

ATTRIBUTION = ("README.md", "LICEN[CS]E*", "NOTICE*", "COPYING*")
"""Files of a folder of weights that say whose they are, and under what."""

PATHS = frozenset(
    {
        *("root", "depends_on", "metadata", "path", "table", "transcripts"),  # of corpora
        *("model", "pretrained", "weights"),
    }
)
"""Options whose value may be a path."""


@dataclass(frozen=True)
class Written:
    """A bundle as it was written, and its bytes."""

    bundle: Bundle
    recipe: Recipe
    size: int


def bundle_head(folder: Path, reports: Path, out: Path, licence: str | None = None) -> Written:
    """Write the bundle `out` of the head in `folder`, with its card.

    `reports` is the folder of evaluations, where this head's need not be; `licence`, in the Hub's
    words, is that of the head's own weights. Raises ParamsError where `out` is there, where the
    head reads imported features, and for weights other than it was trained on.
    """
    if out.exists():
        raise ParamsError(f"{out}: it is there already; name another folder")
    recipe = read_recipe(folder)
    params = parse_sections(folder, recipe)
    refuse_imported(params.features, recipe.head)
    check_head(folder, recipe)
    digests = _list_digests(folder)
    parts = _share(
        {
            name: _describe(name, named, digests.get(name, ()))
            for name, named in name_parts(params.features, params.faces, params.transcribe).items()
        }
    )
    bundle = Bundle(version=version("moodline"), parts={n: part for n, (part, _) in parts.items()})
    hidden, judged = hide_places(recipe), read_judged(folder, reports)

    def write(aside: Path) -> None:
        aside.mkdir()
        for part, files in parts.values():
            _copy(part, files, aside)
        shutil.copyfile(folder / bundles.HEAD, aside / bundles.HEAD)
        write_json(aside / bundles.RECIPE, hidden.model_dump(mode="json"))
        write_json(aside / bundles.RECORD, bundle.model_dump(mode="json"))
        write_text(aside / bundles.CARD, write_card(hidden, bundle, judged, licence))
        open_bundle(aside)  # what none can read is not written

    write_whole(out, write)
    return Written(bundle, hidden, measure_tree(out))


def read_judged(folder: Path, reports: Path) -> HeadSummary | None:
    """The head in `folder` as it was judged, None where `reports` has nothing of these weights."""
    needed = (reports / folder.name / "evaluation.json", folder / "predictions.parquet")
    if not all(path.is_file() for path in needed):
        return None
    (judged,) = read_summaries(folder.parent, reports, [folder.name])
    held_out = read_table(folder / "predictions.parquet", HELD_OUT_SCHEMA)
    own = select_rows(held_out, split="val", withheld=NOTHING)["predicted"]
    told = select_rows(judged.predictions, split="val")["predicted"]
    return judged if np.array_equal(own, told, equal_nan=True) else None


def _list_digests(folder: Path) -> Mapping[str, Sequence[str]]:
    """Part → digests of the weights that the head in `folder` was trained on."""
    known: dict[str, list[str]] = {}
    for weights in rebuild_head(folder).weights:
        if weights.digest is not None:
            known.setdefault(weights.place, []).append(weights.digest)
    return known


Described = tuple[Part, Sequence[Path]]
"""A part, and the files of it that go along."""


def _describe(name: str, named: Named, digests: Sequence[str]) -> Described:
    """A part of these weights, which goes along where they are here and may be passed on."""
    place = locate_weights(named)
    licence = None if place is None else find_licence(named, place)
    called = shorten_path(named.weights)
    part = Part(name=called, revision=named.revision, licence=licence)
    if place is None:
        told = "they were not on the machine that made it"
    elif licence is None:
        told = "nobody says their licence"
    elif not may_pass_on(licence):
        told = f"their licence, {licence}, is none that is known to let them be passed on"
    else:
        files = _list_files(named, place)
        _check_digests(name, named, place, digests)
        path = PurePosixPath(bundles.WEIGHTS, name)
        single = len(files) == 1 and place.kind == "file"
        path = path / _tidy(files[0].name) if single else path
        return part.model_copy(update={"path": str(path)}), files
    return part.model_copy(update={"left_out": told}), ()


def _list_files(named: Named, place: Place) -> list[Path]:
    """Files of the weights at `place`, and those that say whose they are."""
    if named.list_files is not None:
        return named.list_files()
    kinds = WEIGHTS[:1] if (place.path / WHOLE).is_file() else WEIGHTS
    found = [p for one in (*SETTINGS, GENERATION, *kinds) for p in sorted(place.path.glob(one))]
    said = [path for one in ATTRIBUTION for path in sorted(place.path.glob(one))]
    known = [path for path in said if path.suffix.lower() in bundles.FORMATS]
    files = chain(found, list_shards(found), known)
    return [path for path in dict.fromkeys(files) if path.is_file()]


def _check_digests(name: str, named: Named, place: Place, digests: Sequence[str]) -> None:
    """Raise ParamsError unless the weights at `place` are those that the head was trained on.

    A recipe that tells no digest may be a stranger's, and name any folder of this machine.
    """
    if named.list_files is None:
        found = [digest_folder(place.path)]
    else:
        found = [digest_file(path) for path in named.list_files()]
    if sorted(found) != sorted(digests):
        raise ParamsError(
            f"{name}: expected the weights {named.weights} that the head was trained on, "
            f"{', '.join(digests) or 'of which its recipe tells no digest'}, got "
            f"{', '.join(found)}; bring the same"
        )


def _copy(part: Part, files: Sequence[Path], folder: Path) -> None:
    """Copy the `files` of a part, and what says their licence, below the `folder` of a bundle."""
    if not files:
        return
    top, own, *single = PurePosixPath(part.path or "").parts
    place = folder / top / own
    place.mkdir(parents=True)
    for file in files:
        copied = place / (single[0] if single else file.name)
        shutil.copyfile(file, copied)
        if name_licence(file).is_file():
            shutil.copyfile(name_licence(file), name_licence(copied))


def _share(parts: Mapping[str, Described]) -> dict[str, Described]:
    """`parts`, of which those of the same files lie where the first of them does."""
    first: dict[tuple[Path, ...], Part] = {}
    shared = {}
    for name, (part, files) in parts.items():
        same = first.setdefault(tuple(files), part) if files else part
        own = () if same is not part else files
        shared[name] = part.model_copy(update={"path": same.path}), own
    return shared


def hide_places(recipe: Recipe) -> Recipe:
    """`recipe` without the folders of this machine: of a path out of the project its last name.

    What made its inputs, and all that tells whether rows are the same, stays as it is.
    """
    inputs = {
        stream: source.model_copy(update={"params": _hide(source.params)})
        for stream, source in recipe.inputs.items()
    }
    return Recipe.model_validate(
        {
            **recipe.model_dump(),
            "params": _hide(recipe.params),
            "sections": _hide(recipe.sections.model_dump()),
            "inputs": {stream: source.model_dump() for stream, source in inputs.items()},
            "started": {shorten_path(name): digest for name, digest in recipe.started.items()},
        }
    )


def _hide(value: Any) -> Any:
    if isinstance(value, list):
        return [_hide(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: shorten_path(one) if key in PATHS and isinstance(one, str) else _hide(one)
        for key, one in value.items()
    }


def shorten_path(path: str) -> str:
    r"""The last name of a path that leads out of the project; any other as it is.

    >>> shorten_path("/home/ann/RAVDESS"), shorten_path("C:\\data\\x"), shorten_path("acme/speech")
    ('RAVDESS', 'x', 'acme/speech')
    """
    windows, given = PureWindowsPath(path), PurePosixPath(path)
    if windows.drive or windows.root:
        return windows.name
    away = given.is_absolute() or ".." in given.parts or path.startswith("~")
    return given.name if away else path


def _tidy(name: str) -> str:
    """`name`, or its end, with what `bundles.INSIDE` has no place for as `_`."""
    return re.sub(r"[^\w.-]|^[.-]", "_", name[-120:], flags=re.ASCII)
