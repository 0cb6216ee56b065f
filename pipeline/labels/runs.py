"""Runs: the trainings that the splits ask for, and the clips on each side of one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.errors import TrainingError
from pipeline.labels.clip_labels import ClipLabels
from pipeline.labels.splits import number_folds, sides


@dataclass(frozen=True)
class Run:
    """One training of a head: `fold-0`, … under cross-validation, else `official`."""

    name: str
    fold: int | None


def list_runs(targets: Iterable[ClipLabels]) -> list[Run]:
    """Runs that the splits ask for; raises TrainingError when no clip is on any side."""
    placed = list(targets)
    folds = number_folds(placed)
    if folds:
        return [Run(f"fold-{fold}", fold) for fold in folds]
    if not any(target.split for target in placed):
        raise TrainingError("labels: expected clips with labels to train on, got none in any split")
    return [Run("official", None)]


def split_clips(targets: Iterable[ClipLabels], run: Run) -> dict[str, list[str]]:
    """`train`, `val` and `test` → clip ids, in the order of the targets."""
    placed = sides(list(targets), run.fold)
    clips: dict[str, list[str]] = {"train": [], "val": [], "test": []}
    for clip_id, side in placed.items():
        clips[side].append(clip_id)
    return clips


def find_trained(targets: Sequence[ClipLabels]) -> list[str]:
    """Clips on the train side of any run, in the order of the targets; none without any split."""
    if not any(target.split is not None or target.fold is not None for target in targets):
        return []
    sides = [split_clips(targets, run) for run in list_runs(targets)]
    trained = {clip_id for side in sides for clip_id in side["train"]}
    return [target.clip_id for target in targets if target.clip_id in trained]
