"""Checks: what every corpus promises of its clips, targets, frames and names."""

from collections.abc import Callable, Iterable
from itertools import pairwise
from math import inf

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import CorpusError
from pipeline.families import suggest
from pipeline.labels.clip_labels import FRAMES_SCHEMA, Label, list_classes
from pipeline.labels.clips import has_stretch
from pipeline.labels.corpora.contract import Corpus
from pipeline.labels.splits import SIDES
from pipeline.limits import MOST_CLASSES
from pipeline.store.view_ids import is_like_view
from pipeline.targets import TARGETS, Target

FRAMED = [target for target in TARGETS.values() if target.framed]
"""Targets that frames may be labelled with."""


def check_corpus(corpus: Corpus, name: str) -> None:
    """Raise CorpusError where `corpus`, called `name`, breaks what a corpus promises."""
    for check in _CHECKS:
        check(corpus, name)


def _check_clips(corpus: Corpus, name: str) -> None:
    if not corpus.clips:
        raise CorpusError(f"{name}: expected clips, got none; mend `root`")
    for first, second in pairwise(clip.clip_id for clip in corpus.clips):
        if first == second:
            raise CorpusError(f"{name}: {first}: two clips of this id; tell them apart")
        if first > second:
            raise CorpusError(f"{name}: {second} comes after {first}; sort clips by id")
    for clip in corpus.clips:
        if not has_stretch(clip.start_seconds, clip.end_seconds):
            raise CorpusError(
                f"{name}: {clip.clip_id}: expected a stretch from 0 s on, or none, got "
                f"{clip.start_seconds} to {clip.end_seconds} s; mend it"
            )
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
    if (count := len(emotions)) > MOST_CLASSES:  # each label is looked for among them
        raise CorpusError(
            f"{name}: expected at most {MOST_CLASSES} emotions, got {count:,}, {emotions[-1]!r} "
            f"the last; name another column"
        )
    if len(set(emotions)) < len(emotions):
        raise CorpusError(f"{name}: expected each emotion named once, got {emotions}")
    _check_emotions(set(corpus.names.words.values()), emotions, f"{name}: names")
    for target in corpus.targets:
        for label in target.labels.values():
            _check_emotions(list_classes(label), emotions, f"{name}: {target.clip_id}")
    for framed in FRAMED:
        if framed.kind == "class":
            found = pc.unique(corpus.frames[framed.name]).to_pylist()
            _check_emotions(found, emotions, f"{name}: frames")


def _check_scales(corpus: Corpus, name: str) -> None:
    for target in corpus.targets:
        if target.split is not None and target.split not in SIDES:
            raise CorpusError(f"{name}: {target.clip_id}: unknown split {target.split!r}")
        for label, value in target.labels.items():
            check_range(TARGETS[label], value, f"{name}: {target.clip_id}")


def check_range(target: Target, label: Label, where: str) -> None:
    """Refuse a number that its target does not go to, and numbers of classes below 0."""
    if isinstance(label, float | int) and not target.low <= label <= target.high:
        raise CorpusError(
            f"{where}: {target.name}: expected {target.low:g} to {target.high:g}, got {label}"
        )
    if isinstance(label, tuple) and any(not 0 <= value < inf for _, value in label):
        raise CorpusError(f"{where}: {target.name}: expected numbers from 0 on, got {dict(label)}")
    if target.kind == "votes" and isinstance(label, tuple) and not any(v for _, v in label):
        raise CorpusError(f"{where}: {target.name}: expected a vote, got none; leave them out")


def _check_frames(corpus: Corpus, name: str) -> None:
    frames = corpus.frames
    if not frames.schema.equals(FRAMES_SCHEMA):
        raise CorpusError(f"{name}: frames: expected {FRAMES_SCHEMA}, got {frames.schema}")
    check_order(frames, name)
    strange = set(pc.unique(frames["clip_id"]).to_pylist()) - {c.clip_id for c in corpus.clips}
    if strange:
        raise CorpusError(f"{name}: frames: {min(strange)}: no such clip")
    for target in FRAMED:
        if not target.behaviour.number:
            continue
        label, low, high = target.name, target.low, target.high
        inside = pc.and_(pc.greater_equal(frames[label], low), pc.less_equal(frames[label], high))
        row = pc.index(inside, value=False).as_py()
        if row >= 0:
            clip_id, value = frames["clip_id"][row].as_py(), frames[label][row].as_py()
            raise CorpusError(
                f"{name}: {clip_id}: frames: {label}: expected {low:g} to {high:g}, got {value}"
            )


def check_order(frames: pa.Table, name: str) -> None:
    """Refuse frames out of order, by clip and row: those of a clip would be taken for another's."""
    for column in ("clip_id", "frame", "seconds"):
        if (row := pc.index(frames[column].is_null(), value=True).as_py()) >= 0:
            raise CorpusError(f"{name}: frames: row {row + 1}: expected a {column}, got none")
    ids = frames["clip_id"].combine_chunks()
    numbers, seconds = frames["frame"].to_numpy(), frames["seconds"].to_numpy()
    before = np.concatenate([[False], pc.less(ids[1:], ids[:-1]).to_numpy(zero_copy_only=False)])
    same = np.concatenate([[False], pc.equal(ids[1:], ids[:-1]).to_numpy(zero_copy_only=False)])
    faults = {
        "expected a frame from 0 on, got {frame}": numbers < 0,
        "expected seconds from 0 on, got {seconds}": ~((seconds >= 0) & (seconds < inf)),
        "expected rows sorted by clip, got them after those of {last}": before,
        "frame {frame} is there twice; keep one": same & (np.diff(numbers, prepend=0) == 0),
        "frame {frame} comes after a later one; sort": same & (np.diff(numbers, prepend=0) < 0),
        "expected seconds that rise from frame to frame, got {seconds} after {earlier}": same
        & ~(np.diff(seconds, prepend=0) > 0),
    }
    for told, wrong in faults.items():
        if wrong[: len(frames)].any():
            row = int(wrong.argmax())
            last = max(row - 1, 0)
            found = told.format(
                frame=numbers[row],
                seconds=seconds[row],
                earlier=seconds[last],
                last=ids[last],
            )
            raise CorpusError(f"{name}: {ids[row]}: frames: row {row + 1}: {found}")


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
