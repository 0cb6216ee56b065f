"""Premises: what each stage rests on, its params as they were parsed and the code that it runs.

Stage `premises` writes them, one file for each stage, feature set and head, and each stage depends
on its own: it runs again where its file says another thing, and nowhere else.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.code import Code
from pipeline.errors import StoreError
from pipeline.faces import AUTO
from pipeline.files import write_json
from pipeline.params import Params
from pipeline.sections import Section
from pipeline.store.header import load_json

PARSER = "pipeline.params"
"""What it makes of params.yaml stands in the premises: its code needs none."""


class Watched(Section):
    """What stage `watch` needs to know of a corpus."""

    depends_on: str


ANYWHERE: dict[str, Collection[str]] = {"engine": ()}
"""Where clips are worked on shapes nothing: no stage rests on the code of an engine."""


@dataclass(frozen=True)
class Stage:
    """A stage: the file of its premises, its program, its sections, and family → members chosen."""

    file: str
    program: str
    sections: Mapping[str, Section] = field(default_factory=dict)
    members: Mapping[str, Collection[str]] = field(default_factory=dict)


def list_stages(params: Params) -> Iterator[Stage]:
    """Every stage after `premises`, those of feature sets and heads one by one.

    Part formats are not told apart: a store that is read may be of any.
    """
    faces = params.faces
    detectors = {} if faces.detector == AUTO else {"detector": [faces.detector]}
    for name, corpus in params.corpora.items():
        yield _stage("watch", {name: Watched(depends_on=corpus.depends_on)}, of=name)
    kinds = sorted({corpus.kind for corpus in params.corpora.values()})
    corpora = {f"corpora.{name}": corpus for name, corpus in params.corpora.items()}
    yield _stage("labels", {**corpora, "splits": params.splits}, {"corpus": kinds})
    yield _stage("clean", {"clean": params.clean})
    yield _stage("overview")
    yield _stage("faces", {"faces": faces}, detectors)
    yield _stage("sheet")
    yield _stage("transcribe", {"transcribe": params.transcribe})
    for name, feature in params.features.items():
        chosen = {"encoder": [feature.encoder]}
        yield _stage("extract", {name: feature}, chosen, of=name)
    for name, joint in params.joint.items():
        yield _stage("join", {name: joint}, of=name)
    for name, head in params.heads.items():
        yield _stage("train", {name: head}, {"head": head.kinds}, of=name)
    yield _stage("evaluate", {"evaluate": params.evaluate})
    yield _stage("report", {"report": params.report, "evaluate": params.evaluate})


def write_premises(params: Params, project: Path, folder: Path) -> None:
    """Write the premises of every stage of the `project` into `folder`."""
    code = read_code(project)
    for stage in list_stages(params):
        write_json(folder / stage.file, lay_premises(stage, code))


def read_code(project: Path) -> Code:
    """Sources of the `project`, as premises digest them."""
    return Code(project, border=[PARSER])


def find_stage(params: Params, name: str, of: str | None) -> Stage:
    """Stage `name`, which `of` may name a feature set or a head for; KeyError if there is none."""
    stages = {stage.file: stage for stage in list_stages(params)}
    return stages.get(f"{name}/{of}.json") or stages[f"{name}.json"]


def hold(stage: Stage, code: Code, folder: Path) -> bool:
    """Whether the premises of `stage` are in `folder`, and are what it rests on by `code`."""
    path = folder / stage.file
    try:
        laid = load_json(path.read_bytes(), path) if path.is_file() else None
    except StoreError:  # DVC may have fetched it, from anybody
        return False
    return bool(laid == lay_premises(stage, code))


def lay_premises(stage: Stage, code: Code) -> dict[str, Any]:
    """What `stage` rests on: `params`, and under `code` the digest of what it runs of each file."""
    return {
        "params": {name: one.model_dump(mode="json") for name, one in stage.sections.items()},
        "code": code.digest(stage.program, {**ANYWHERE, **stage.members}),
    }


def _stage(
    name: str,
    sections: Mapping[str, Section] | None = None,
    members: Mapping[str, Collection[str]] | None = None,
    *,
    of: str | None = None,
) -> Stage:
    """Stage `name`; `of` is its feature set or head."""
    file = f"{name}.json" if of is None else f"{name}/{of}.json"
    return Stage(file, f"stages.{name}", sections or {}, members or {})
