"""Labelling: a corpus → the tables of clips, targets and frame labels that every stage reads."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import CorpusError
from pipeline.families import suggest
from pipeline.labels.clips import LABELS_SCHEMA, Clip, write_clips
from pipeline.labels.corpora import Corpus
from pipeline.labels.corpora.params import CORPORA, CorpusParams
from pipeline.labels.emotions import Names, write_names
from pipeline.labels.overrides import SCALES, exclude, find_kept, read_overrides, relabel
from pipeline.labels.runs import find_trained, list_runs
from pipeline.labels.splits import SIDES, SplitParams, assign_splits, overlaps, sides
from pipeline.labels.targets import FRAMES_SCHEMA, Target, write_targets, write_trained
from pipeline.store.ledger import Entry, write_ledger
from pipeline.store.tables import write_table
from pipeline.store.view_ids import is_like_view


@dataclass(frozen=True)
class Labelled:
    """A corpus with its overrides applied and its clips placed.

    `ledger` holds the clips that overrides excluded or relabelled, `kept` those that `clean` must
    keep: a table of its own, so that relabelling never reruns `clean`.
    """

    clips: list[Clip]
    targets: list[Target]
    frames: pa.Table
    names: Names
    ledger: list[Entry]
    kept: list[Entry]


def label_corpus(corpus: CorpusParams, splits: SplitParams, overrides: Path) -> Labelled:
    """Corpus read, relabelled, split and stripped of its excluded clips, in this order.

    Splitting before excluding keeps every group where it is when one clip goes. Raises
    CorpusError or ParamsError that names the corpus, the clip or the line at fault.
    """
    read: Corpus = CORPORA.load(corpus.name).read(corpus)
    check_corpus(read, corpus.name)
    decisions = read_overrides(overrides)
    relabelled, remarks = relabel(read, decisions)
    placed = replace(relabelled, targets=assign_splits(relabelled, splits))
    left, gone = exclude(placed, decisions)
    return Labelled(
        clips=left.clips,
        targets=left.targets,
        frames=left.frames,
        names=left.names,
        ledger=[*remarks, *gone],
        kept=find_kept(decisions),
    )


def find_overlaps(labelled: Labelled) -> list[str]:
    """Sentence for each subject or group overlap between the sides of a run."""
    found = []
    for run in list_runs(labelled.targets) if _is_placed(labelled) else []:
        placed = sides(labelled.targets, run.fold)
        found += [f"{run.name}: {overlap}" for overlap in overlaps(labelled.clips, placed)]
    return found


def _is_placed(labelled: Labelled) -> bool:
    return any(t.split is not None or t.fold is not None for t in labelled.targets)


def write_labels(labelled: Labelled, folder: Path) -> None:
    """Write the tables of `labelled` into `folder`, each whole."""
    write_clips(folder / "clips.parquet", labelled.clips, LABELS_SCHEMA)
    write_targets(folder / "targets.parquet", labelled.targets)
    write_trained(folder / "trained.parquet", find_trained(labelled.targets))
    write_table(folder / "frames.parquet", labelled.frames)
    write_names(folder / "names.json", labelled.names)
    write_ledger(folder / "ledger.parquet", labelled.ledger)
    write_ledger(folder / "kept.parquet", labelled.kept)


def check_corpus(corpus: Corpus, name: str) -> None:
    """Raise CorpusError where `corpus`, called `name`, breaks what a corpus promises."""
    for check in _CHECKS:
        check(corpus, name)


def _check_clips(corpus: Corpus, name: str) -> None:
    if not corpus.clips:
        raise CorpusError(f"{name}: expected clips, got none; mend corpus.root")
    for first, second in pairwise(clip.clip_id for clip in corpus.clips):
        if first == second:
            raise CorpusError(f"{name}: {first}: two clips of this id; tell them apart")
        if first > second:
            raise CorpusError(f"{name}: {second} comes after {first}; sort clips by id")
    for clip in corpus.clips:
        if is_like_view(clip.clip_id):
            raise CorpusError(
                f"{name}: {clip.path}: expected a clip id that does not end like a view's, in "
                f"#view and a number, got {clip.clip_id!r}; rename the file, or give a column "
                f"clip_id"
            )


def _check_targets(corpus: Corpus, name: str) -> None:
    if len(corpus.clips) != len(corpus.targets):
        raise CorpusError(f"{name}: {len(corpus.clips)} clips, but {len(corpus.targets)} targets")
    for clip, target in zip(corpus.clips, corpus.targets, strict=True):
        if clip.clip_id != target.clip_id:
            raise CorpusError(f"{name}: {clip.clip_id}: got the target of {target.clip_id}")


def _check_names(corpus: Corpus, name: str) -> None:
    emotions = corpus.names.emotion
    if len(set(emotions)) < len(emotions):
        raise CorpusError(f"{name}: expected each emotion named once, got {emotions}")
    _check_emotions(set(corpus.names.words.values()), emotions, f"{name}: names")
    for target in corpus.targets:
        scored = [emotion for emotion, _ in target.emotions or ()]
        _check_emotions([target.emotion, *scored], emotions, f"{name}: {target.clip_id}")
    _check_emotions(pc.unique(corpus.frames["emotion"]).to_pylist(), emotions, f"{name}: frames")


def _check_scales(corpus: Corpus, name: str) -> None:
    for target in corpus.targets:
        if target.split is not None and target.split not in SIDES:
            raise CorpusError(f"{name}: {target.clip_id}: unknown split {target.split!r}")
        for label, (low, high) in SCALES.items():
            value = getattr(target, label)
            if value is not None and not low <= value <= high:
                raise CorpusError(
                    f"{name}: {target.clip_id}: {label}: expected {low:g} to {high:g}, got {value}"
                )


def _check_frames(corpus: Corpus, name: str) -> None:
    frames = corpus.frames
    if not frames.schema.equals(FRAMES_SCHEMA):
        raise CorpusError(f"{name}: frames: expected {FRAMES_SCHEMA}, got {frames.schema}")
    strange = set(pc.unique(frames["clip_id"]).to_pylist()) - {c.clip_id for c in corpus.clips}
    if strange:
        raise CorpusError(f"{name}: frames: {min(strange)}: no such clip")
    for label in ("valence", "arousal"):
        low, high = SCALES[label]
        inside = pc.and_(pc.greater_equal(frames[label], low), pc.less_equal(frames[label], high))
        row = pc.index(inside, value=False).as_py()
        if row >= 0:
            clip_id, value = frames["clip_id"][row].as_py(), frames[label][row].as_py()
            raise CorpusError(
                f"{name}: {clip_id}: frames: {label}: expected {low:g} to {high:g}, got {value}"
            )


_CHECKS: tuple[Callable[[Corpus, str], None], ...] = (
    _check_clips,
    _check_targets,
    _check_frames,
    _check_names,
    _check_scales,
)


def _check_emotions(found: Iterable[str | None], known: list[str], where: str) -> None:
    for emotion in found:
        if emotion is not None and emotion not in known:
            raise CorpusError(f"{where}: unknown emotion {emotion!r}; {suggest(emotion, known)}")
