"""What `splits` in params.yaml says."""

from typing import Literal

from pydantic import Field, PositiveInt

from pipeline.sections import Section


class SplitParams(Section):
    """How clips are placed: `splits` in params.yaml.

    `corpus` takes the split or the folds that the corpus ships, `folds` makes that many folds,
    `leave_one_out` a fold of each group, `holdout` one split; these three place whole groups.
    `file` takes places from `data/splits.csv`. `val_share` and `test_share` are shares of the
    labelled clips; an official split without `val` has `val_share` of its train cut out.

    For a quick look, `max_per_class` clips of each class take part, or `max_clips` in all, drawn by
    `seed` from sides, folds and classes alike.
    """

    protocol: Literal["corpus", "folds", "leave_one_out", "holdout", "file"] = "corpus"
    folds: int = Field(5, ge=3)
    val_share: float = Field(0.15, gt=0, lt=0.5)
    test_share: float = Field(0.15, gt=0, lt=0.5)
    seed: int = Field(0, ge=0, lt=2**63)
    max_per_class: PositiveInt | None = None
    max_clips: PositiveInt | None = None
