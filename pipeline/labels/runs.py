"""Runs: the trainings that the splits ask for, and the clips on each side of one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.errors import CorpusError, TrainingError
from pipeline.labels.clip_labels import ClipLabels
from pipeline.labels.clips import Clip
from pipeline.labels.splits import number_folds, number_units, overlaps, sides
from pipeline.limits import MOST_PLACED, MOST_RUNS
from pipeline.paths import TARGETS


@dataclass(frozen=True)
class Run:
    """One training of a head: `fold-0`, … under cross-validation, else `official`."""

    name: str
    fold: int | None


def list_runs(targets: Iterable[ClipLabels]) -> list[Run]:
    """Runs that the splits ask for; raises TrainingError when no clip is on any side.

    And CorpusError for more folds than heads are trained for.
    """
    placed = [target for target in targets if target.fold is not None or target.split]
    folds = number_folds(placed)
    most = min(MOST_RUNS, MOST_PLACED // max(len(placed), 1))
    if len(folds) > most:
        raise CorpusError(
            f"splits: expected at most {most:,} folds of {len(placed):,} clips, got "
            f"{len(folds):,}; choose another protocol, or give clips fewer folds"
        )
    if folds:
        return [Run(f"fold-{fold}", fold) for fold in folds]
    if not any(target.split for target in placed):
        raise TrainingError(
            f"{TARGETS}: expected clips with labels to train on, got none in any split"
        )
    return [Run("official", None)]


def split_clips(targets: Iterable[ClipLabels], run: Run) -> dict[str, list[str]]:
    """`train`, `val` and `test` → clip ids, in the order of the targets."""
    placed = sides(list(targets), run.fold)
    clips: dict[str, list[str]] = {"train": [], "val": [], "test": []}
    for clip_id, side in placed.items():
        clips[side].append(clip_id)
    return clips


def find_trained(targets: Sequence[ClipLabels]) -> list[str]:
    """Clips on the train side of any run, in the order of the targets; none without any split.

    Of folds, which are three at least, each is on that side in all runs but two.
    """
    if not _are_placed(targets):
        return []
    folded = list_runs(targets)[0].fold is not None
    return [
        target.clip_id
        for target in targets
        if (target.fold is not None if folded else target.split == "train")
    ]


def find_overlaps(clips: Sequence[Clip], targets: Sequence[ClipLabels]) -> list[str]:
    """Sentence for each unit that is on two sides of a run, with the run where most of it is."""
    found: dict[str, list[tuple[float, str]]] = {}
    units = number_units(clips)
    for run in list_runs(targets) if _are_placed(targets) else []:
        for overlap in overlaps(units, sides(targets, run.fold)):
            told = (overlap.shared_clips / overlap.total_clips, f"{run.name}: {overlap}")
            found.setdefault(overlap.unit, []).append(told)
    return [f"{max(told)[1]}{_count_more(len(told) - 1)}" for told in found.values()]


def _count_more(pairs: int) -> str:
    return f"; so in {pairs} more pair{'s' if pairs > 1 else ''} of sides" if pairs else ""


def _are_placed(targets: Sequence[ClipLabels]) -> bool:
    return any(target.split is not None or target.fold is not None for target in targets)
