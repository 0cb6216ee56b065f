"""Rebuilding: the `params.yaml` that makes a trained head again, from its recipe alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import ParamsError
from pipeline.faces import AUTO
from pipeline.files import write_text
from pipeline.heads.recipes import (
    Recipe,
    name_source,
    read_recipe,
    refuse_options,
    tell_revision,
)
from pipeline.params import Params, parse_params
from pipeline.sections import write_yaml

HEADING = """\
# yaml-language-server: $schema=params.schema.json
# Makes the head {head} again, as its recipe has it; defaults of then are written out.

"""


@dataclass(frozen=True)
class Weights:
    """Weights that a head needs: who in params.yaml names them, how, and their digest, if known."""

    place: str
    name: str
    digest: str | None


@dataclass(frozen=True)
class Rebuilt:
    """A head's `params.yaml`, as `text`, and what it needs from elsewhere.

    `roots` are those of its corpora; `revision` tells that of code and overrides.
    """

    head: str
    text: str
    roots: list[str]
    weights: list[Weights]
    revision: str


def rebuild_head(folder: Path) -> Rebuilt:
    """What makes the head in `folder` again.

    Raises StoreError where it is no head, or one by options that this version does not have.
    """
    recipe = read_recipe(folder)
    parse_sections(folder, recipe)
    sections = list_sections(recipe)
    return Rebuilt(
        head=recipe.head,
        text=HEADING.format(head=recipe.head) + write_yaml(sections),
        roots=[corpus["root"] for corpus in recipe.sections.corpora.values()],
        weights=list(dict.fromkeys(_list_weights(recipe, sections))),
        revision=tell_revision(recipe),
    )


def write_params(rebuilt: Rebuilt, out: Path, *, force: bool) -> None:
    """Write `params.yaml` of a head to `out`; raises ParamsError where something lies there."""
    if out.is_dir():
        raise ParamsError(f"{out}: expected the name of a file, got a folder; name another --out")
    if out.exists() and not force:
        raise ParamsError(f"{out}: it is there already; name another --out, or add --force")
    try:
        write_text(out, rebuilt.text)
    except (FileExistsError, NotADirectoryError) as error:
        raise ParamsError(f"{out}: expected to lie in a folder; name another --out") from error


def parse_sections(folder: Path, recipe: Recipe) -> Params:
    """Sections of `params.yaml` behind the head with this recipe, in `folder`.

    Raises StoreError where they have options that this version does not have.
    """
    try:
        return parse_params(list_sections(recipe))
    except ParamsError as error:
        raise refuse_options(folder, recipe, error) from error


def list_sections(recipe: Recipe) -> dict[str, Any]:
    """Sections of `params.yaml`: those of the recipe, its feature sets, and its head.

    Sets are told apart by their names: a head may read several of one modality.
    """
    return {
        **recipe.sections.model_dump(),
        # Whoever wrote the recipe says neither whose files are read here nor what DVC asks for.
        "corpora": {
            name: {**corpus, "follow": False, "depends_on": corpus.get("root")}
            for name, corpus in recipe.sections.corpora.items()
        },
        "faces": _settle_detector(recipe),
        "features": {source.name: source.params for source in recipe.inputs.values()},
        "heads": {recipe.head: recipe.params},
    }


def _settle_detector(recipe: Recipe) -> dict[str, Any]:
    """Section `faces`; the detector that `auto` stood for then, where the head has seen faces."""
    faces = recipe.sections.faces
    found = (made["settings"].get("detector") for made in _trace_inputs(recipe))
    detector = next(filter(None, found), AUTO)
    return {**faces, "detector": detector} if faces.get("detector") == AUTO else faces


def _trace_inputs(recipe: Recipe) -> Iterator[Mapping[str, Any]]:
    """Provenance of each store behind a head: its feature sets, and what these were made from."""
    for source in recipe.inputs.values():
        made: Mapping[str, Any] | None = source.provenance
        while made is not None:
            yield made
            made = made.get("source")


def _list_weights(recipe: Recipe, sections: Mapping[str, Any]) -> Iterator[Weights]:
    """Weights that any of the head's inputs was made with, and those its training starts from."""
    for source in recipe.inputs.values():
        for digest in _list_digests(source.provenance["settings"].get("weights_digest")):
            name = source.params.get("weights") or source.params.get("bundle") or source.name
            yield Weights(f"features.{source.name}", name, digest)
        if "store" in source.params:
            yield Weights(
                f"features.{source.name}", source.params["store"], source.params["digest"]
            )
    for made in _trace_inputs(recipe):
        settings = made["settings"]
        model, faces = sections["transcribe"].get("model"), sections["faces"]
        if made["stage"] == "transcribe" and model:
            for digest in _list_digests(settings.get("weights_digest")):
                yield Weights("transcribe", model, digest)
        if made["stage"] == "faces":
            name = faces.get("weights") or faces.get("detector") or AUTO
            for digest in _list_digests(settings.get("weights_digests")):
                yield Weights("faces", name, digest)
    for given in (recipe.params, *_list_members(recipe.params.get("members"))):
        if pretrained := given.get("pretrained"):
            known = recipe.started.get(name_source(pretrained, given.get("revision")))
            yield Weights(f"heads.{recipe.head}", pretrained, known)


def _list_members(members: Any) -> list[Mapping[str, Any]]:
    """Options of the heads within a head, which are a list of some kinds, and a map of others."""
    return list(members.values() if isinstance(members, Mapping) else members or [])


def _list_digests(stated: Any) -> list[str]:
    """Digests among what a recipe, which may be a stranger's, says where one or more belong."""
    listed = stated if isinstance(stated, list) else [stated]
    return [digest for digest in listed if isinstance(digest, str)]
