"""Recipes: everything needed to make a trained head again from media, written beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from pipeline.errors import ParamsError, StoreError
from pipeline.heads.shared.params import HeadParams
from pipeline.limits import (
    MOST_CLASSES,
    MOST_NUMBER,
    MOST_RUNS,
    MOST_SECONDS,
    MOST_SIZE,
    MOST_STREAMS,
)
from pipeline.modalities import RowShape
from pipeline.sections import Name, Section
from pipeline.store.provenance import Record, check_values
from pipeline.store.records import read_record

Stream = Annotated[str, StringConstraints(pattern=r"^[a-z]+(/[a-z][a-z0-9_-]*)?$")]
"""A modality, or one of several sets of it: `audio`, `audio/mfcc`."""


class Sections(Section):
    """Sections of params.yaml behind a head's labels and feature sets, defaults filled in.

    `joint` has the joint sets that it reads alone.
    """

    corpora: dict[str, dict[str, Any]]
    splits: dict[str, Any]
    clean: dict[str, Any]
    faces: dict[str, Any]
    transcribe: dict[str, Any]
    joint: dict[str, dict[str, Any]] = Field(max_length=MOST_STREAMS)


@dataclass(frozen=True)
class AskedHead:
    """A head as params.yaml asks for it, with all that says what it reads and learns from.

    `features` is set → its section, defaults filled in, of the sets that it reads.
    """

    name: str
    params: HeadParams
    features: Mapping[str, dict[str, Any]]
    sections: Sections


Size = Annotated[int, Field(ge=0, le=MOST_SIZE)]


class Input(Section):
    """One feature set that a head reads: its name, row shape, what made it, and its digest.

    `params` are its section of params.yaml, defaults filled in.
    """

    name: Name
    params: dict[str, Any]
    row_shape: list[Size] = Field(min_length=1)
    row_axes: list[Name] = Field(min_length=1)
    index_digest: str
    provenance: Record

    @model_validator(mode="after")
    def _check_layers(self) -> "Input":
        if len(self.row_axes) != len(self.row_shape):
            raise ValueError("expected an axis for each size of a row")
        if self.row_axes[0] == "layers":
            if "layer" not in self.provenance["settings"]:
                raise ValueError("expected its provenance to name the layers of its rows")
            listed = self.layers
            named = all(type(one) is int for one in listed)
            if not named or len(listed) != self.row_shape[0] or not listed:
                raise ValueError("expected its provenance to name a layer for each of its rows")
        return self

    @property
    def shape(self) -> RowShape:
        """Shape of its rows."""
        return RowShape(tuple(self.row_shape), tuple(self.row_axes))

    @property
    def layers(self) -> list[int]:
        """Numbers of its layers, as params.yaml has them; empty where rows have none."""
        if self.row_axes[0] != "layers":
            return []
        listed = self.provenance["settings"]["layer"]
        return listed if isinstance(listed, list) else list(range(self.row_shape[0]))


Prior = float | list[float]
"""A class index or a rating, or a number for each class."""


TEMPERATURES = (0.05, 20.0)
"""Least and most: where all is right, or nothing tells, labels would ask for 0, or for infinity."""


class Adjustment(Section):
    """What validation says of one target's answers; as it begins, they stay as they are.

    Series are smoothed over `width_seconds`, 0 for not at all. A rating becomes `scale` times
    itself plus `shift`, and chances of classes their powers of 1 / `temperature`.
    """

    width_seconds: float = Field(0.0, ge=0, le=MOST_SECONDS)
    scale: float = Field(1.0, ge=0, le=MOST_NUMBER)
    shift: float = Field(0.0, ge=-MOST_NUMBER, le=MOST_NUMBER)
    temperature: float = Field(1.0, ge=TEMPERATURES[0], le=TEMPERATURES[1])


class Recipe(Section):
    """Everything needed to make a head again, and to use it.

    `inputs` are by stream (`modalities.modality_of`). `per` says of each target whether it is
    labelled per clip or per frame; `priors` is run → target → what the training labels alone
    predict; `layer_shares` run → stream → learned weight of each of its layers, where it has
    several and the head weighs them; `unseen` run → streams that the head does not read, for
    training had no row of them; `empty_windows` run → windows of train and val that were left out,
    for no row reached them. `adjustments` is run → target → what was fitted on validation for
    `params.postprocessing`, empty where that asks for nothing. `started` is source
    (`name_source`) → digest of weights that training started from. `frame_seconds` is the usual
    time from one labelled frame to the next, None where no clip has two. `weights_digest` and
    `predictions_digest` are those of the files beside it.
    """

    format_version: Literal[3] = 3
    head: Name
    params: dict[str, Any]
    sections: Sections
    emotions: list[str] = Field(max_length=MOST_CLASSES)
    per: dict[str, Literal["clip", "frame"]]
    inputs: dict[Stream, Input] = Field(max_length=MOST_STREAMS)
    priors: dict[str, dict[str, Prior]] = Field(min_length=1, max_length=MOST_RUNS)
    layer_shares: dict[str, dict[str, list[float]]]
    unseen: dict[str, list[str]]
    empty_windows: dict[str, int]
    adjustments: dict[str, dict[str, Adjustment]] = {}
    started: dict[str, str] = {}
    frame_seconds: float | None = Field(None, gt=0, le=MOST_SECONDS)
    weights_digest: str
    predictions_digest: str
    versions: dict[str, str]
    git_revision: str | None

    @model_validator(mode="after")
    def _check_parts(self) -> "Recipe":
        if not isinstance(self.params.get("kind"), str):
            raise ValueError("expected its params to name the kind of the head")
        inputs = self.inputs.values()
        made = [said for one in inputs for said in (one.params, one.provenance)]
        check_values(self.params, self.sections.model_dump(), *made)
        first = next(iter(self.layer_shares.values()), {})
        for shares in self.layer_shares.values():
            sizes = {name: self.inputs[name].row_shape[0] for name in shares if name in self.inputs}
            found = {name: len(weights) for name, weights in shares.items()}
            if found != sizes or shares.keys() != first.keys():
                raise ValueError("expected a share for each layer of its inputs, in every run")
        return self

    @property
    def kind(self) -> str:
        """Member of the family of heads, which this version may not have."""
        return str(self.params["kind"])


def name_source(pretrained: str, revision: str | None) -> str:
    """Where weights come from that training starts from, in one word.

    >>> name_source("microsoft/beit-base-patch16-224", "9da301148150e37e533abef672062fa49f6bda4f")
    'microsoft/beit-base-patch16-224@9da301148150e37e533abef672062fa49f6bda4f'
    >>> name_source("weights/beit", None)
    'weights/beit'
    """
    return pretrained if revision is None else f"{pretrained}@{revision}"


def read_recipe(folder: Path) -> Recipe:
    """Recipe of the head in `folder`; raises StoreError when it is absent or not one."""
    remedy = (
        f"run `dvc repro models/dvc.yaml:train@{folder.name}`, or check out the commit that made it"
    )
    return read_record(folder / "recipe.json", Recipe, "the recipe of a head", remedy)


def refuse_options(folder: Path, recipe: Recipe, mistakes: ParamsError) -> StoreError:
    """What to raise where the options in the recipe of `folder` are none of this version."""
    told = "; ".join(mistakes.args).replace("params.yaml: ", "")
    return StoreError(
        f"{folder}/recipe.json: expected options that this version has, got others ({told}); check "
        f"out {tell_revision(recipe)}"
    )


def tell_revision(recipe: Recipe) -> str:
    """Words for the commit that `recipe` names, which files may have differed from."""
    if recipe.git_revision is None:
        return "the commit that made it, which was outside git"
    clean = recipe.git_revision.removesuffix("-dirty")
    changed = clean != recipe.git_revision
    return f"{clean}, with changes that were not committed" if changed else clean
