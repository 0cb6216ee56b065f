"""Recipes: everything needed to make a trained head again from media, written beside it."""

from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from pipeline.errors import StoreError
from pipeline.rows import RowShape
from pipeline.sections import Section


class Input(Section):
    """One feature set that a head reads: its name, row shape, what made it, and its digest."""

    name: str
    row_shape: list[int]
    row_axes: list[str]
    index_digest: str
    provenance: dict[str, Any]

    @property
    def shape(self) -> RowShape:
        """Shape of its rows."""
        return RowShape(tuple(self.row_shape), tuple(self.row_axes))


Prior = float | list[float]
"""A class index or a rating, or a number for each class."""


class Recipe(Section):
    """Everything needed to make a head again, and to use it.

    `per` says of each target whether it is labelled per clip or per frame; `priors` is run →
    target → what the training labels alone predict. `weights_digest` and `predictions_digest` are
    those of the files beside it.
    """

    format_version: Literal[2] = 2
    head: str
    params: dict[str, Any]
    emotions: list[str]
    per: dict[str, Literal["clip", "frame"]]
    inputs: dict[str, Input]
    priors: dict[str, dict[str, Prior]]
    weights_digest: str
    predictions_digest: str
    versions: dict[str, str]
    git_revision: str | None


def read_recipe(folder: Path) -> Recipe:
    """Recipe of the head in `folder`; raises StoreError when it is absent or not one."""
    try:
        return Recipe.model_validate_json((folder / "recipe.json").read_bytes())
    except FileNotFoundError as error:
        raise StoreError(
            f"{folder}: expected a head, found no recipe.json; run `dvc repro` or `dvc checkout`"
        ) from error
    except ValidationError as error:
        mistake = error.errors()[0]
        raise StoreError(
            f"{folder}/recipe.json: not a head's recipe ({mistake['loc']}: {mistake['msg']})"
        ) from error
