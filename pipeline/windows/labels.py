"""Labels of a corpus as numbers: what heads learn from, and are judged by."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float, Float64
from numpy.typing import NDArray

from pipeline.errors import StoreError
from pipeline.heads.shared.params import Per
from pipeline.labels.checks import check_order, check_range
from pipeline.labels.clip_labels import (
    FRAMES_SCHEMA,
    ClipLabels,
    Label,
    list_classes,
    read_targets,
)
from pipeline.labels.dialogues import Turn, read_turns
from pipeline.labels.emotions import Names, read_names
from pipeline.labels.splits import SIDES
from pipeline.store.tables import read_table
from pipeline.targets import TARGETS, Target
from pipeline.windows.alignment import check_points


@dataclass(frozen=True)
class FrameLabels:
    """Labels of one clip's frames, sorted by time: `values` by target, NaN where there is none."""

    seconds: Float[np.ndarray, " frames"]
    values: Mapping[str, Float64[np.ndarray, " frames"]]


@dataclass(frozen=True)
class Labels:
    """All labels of a corpus: `targets`, `frames` and `turns` of dialogues by clip."""

    targets: Mapping[str, ClipLabels]
    frames: Mapping[str, FrameLabels]
    names: Names
    turns: Mapping[str, Turn] = field(default_factory=dict)

    @cached_property
    def framed(self) -> frozenset[str]:
        """Targets that any frame is labelled with."""
        return frozenset(
            target
            for frames in self.frames.values()
            for target, values in frames.values.items()
            if not np.isnan(values).all()
        )

    def per(self, target: str) -> Per:
        """Whether `target` is labelled per frame or per clip."""
        return "frame" if target in self.framed else "clip"

    def value(self, clip_id: str, target: str) -> Float64[np.ndarray, "*classes"]:
        """A clip's label: a class index or a rating, or a number for each class; NaN for none."""
        label = self.targets[clip_id].labels.get(target)
        return number_label(TARGETS[target], label, self.names.emotion)

    @cached_property
    def step_seconds(self) -> float:
        """Usual time from one labelled frame to the next; infinite where no clip has two."""
        steps = [np.diff(frames.seconds) for frames in self.frames.values()]
        found = np.concatenate([*steps, np.empty(0)])
        return float(np.median(found)) if len(found) else np.inf

    def find_frames(
        self, clip_id: str, targets: Iterable[str], end_seconds: float
    ) -> FrameLabels | None:
        """Labels of a clip's frames, its own label being that of each where they have none.

        A clip without frames has labels at the usual step up to `end_seconds`: its own of those
        targets that other clips have on frames. None where it has no label of any of `targets`.
        """
        own = self.frames.get(clip_id)
        labels = {target: self.value(clip_id, target) for target in targets}
        known = {target: label for target, label in labels.items() if not np.isnan(label).all()}
        whole = {target: label for target, label in known.items() if target in self.framed}
        if own is not None:
            blank = [target for target in whole if np.isnan(own.values[target]).all()]
            filled = {target: np.full(len(own.seconds), whole[target]) for target in blank}
            return FrameLabels(own.seconds, {**own.values, **filled})
        if not known:
            return None
        seconds = self._lay_times(end_seconds)
        values = {t: np.full(len(seconds), whole.get(t, np.nan)) for t in self.framed}
        return FrameLabels(seconds, values)

    def _lay_times(self, end_seconds: float) -> Float64[np.ndarray, " times"]:
        """Times at the usual step from 0 on; the middle where the clip is shorter than a step."""
        if self.step_seconds >= end_seconds:
            return np.array([end_seconds / 2])
        check_points(end_seconds / self.step_seconds, end_seconds)
        return np.arange(int(end_seconds / self.step_seconds)) * self.step_seconds

    def values(self, clip_id: str, target: str) -> Float64[np.ndarray, "labels *classes"]:
        """A clip's labels, one or one per frame, NaN where there is none."""
        if self.per(target) == "clip" or clip_id not in self.frames:
            return self.value(clip_id, target)[np.newaxis]
        own, whole = self.frames[clip_id].values[target], self.value(clip_id, target)
        return np.full_like(own, whole) if np.isnan(own).all() else own


def number_label(
    target: Target, label: Label | None, classes: Sequence[str]
) -> Float64[np.ndarray, "*classes"]:
    """`label` of `target` as numbers; votes as shares, and a class that is not named has none."""
    if not target.behaviour.vector:
        number = np.nan if label is None else label
        return np.array(classes.index(number) if isinstance(number, str) else number, np.float64)
    if not isinstance(label, tuple):
        return np.full(len(classes), np.nan)
    given = dict(label)
    numbers = np.array([given.get(name, 0.0) for name in classes], np.float64)
    return numbers / numbers.sum() if target.kind == "votes" else numbers


def read_labels(folder: Path) -> Labels:
    """Labels in the folder `data/targets` that stage `labels` wrote.

    Raises StoreError for a class that its table of names does not have, and for no clip's label.
    """
    names = read_names(folder / "names.json")
    targets = {target.clip_id: target for target in read_targets(folder / "targets.parquet")}
    frames = read_table(folder / "frames.parquet", FRAMES_SCHEMA)
    words = {word: own.clip_id for own in targets.values() for word in _list_words(own)}
    words |= dict.fromkeys(_list_frame_words(frames), "frames")
    for word, place in words.items():
        if word not in names.emotion:
            raise StoreError(
                f"{folder}: {place}: expected an emotion of names.json, got {word!r}; run "
                f"`dvc repro labels`"
            )
    check_order(frames, str(folder))
    if strange := {*pc.unique(frames["clip_id"]).to_pylist()} - targets.keys():
        raise StoreError(
            f"{folder}: frames: {min(strange)}: expected a clip of targets.parquet, got another; "
            f"run `dvc repro labels`"
        )
    for own in targets.values():
        for name, label in own.labels.items():
            check_range(TARGETS[name], label, f"{folder}: {own.clip_id}")
        if own.split not in (None, *SIDES):
            raise StoreError(
                f"{folder}: {own.clip_id}: expected a split of {', '.join(SIDES)}, or none, got "
                f"{own.split!r}; run `dvc repro labels`"
            )
    turns = read_turns(folder / "dialogues.parquet")
    return Labels(targets, dict(split_frames(frames, names)), names, turns)


def _list_words(labels: ClipLabels) -> Iterator[str]:
    """Classes that the labels of a clip name."""
    return chain.from_iterable(map(list_classes, labels.labels.values()))


def _list_frame_words(frames: pa.Table) -> Iterator[str]:
    """Classes that the labels of frames name."""
    for name in frames.column_names:
        if name in TARGETS and TARGETS[name].kind == "class":
            yield from pc.unique(frames[name]).drop_null().to_pylist()


def split_frames(table: pa.Table, names: Names) -> Iterator[tuple[str, FrameLabels]]:
    """Frame labels clip by clip, of a table of `FRAMES_SCHEMA`, which is sorted by clip."""
    columns = {
        name: _number_column(table[name], TARGETS[name], names.emotion)
        for name in table.column_names
        if name in TARGETS
    }
    seconds = table["seconds"].to_numpy()
    runs = pc.run_end_encode(table["clip_id"].combine_chunks())
    stops = runs.run_ends.to_numpy()
    for clip_id, start, stop in zip(runs.values.to_pylist(), [0, *stops], stops, strict=False):
        values = {name: column[start:stop] for name, column in columns.items()}
        yield clip_id, FrameLabels(seconds[start:stop], values)


def _number_column(
    column: pa.ChunkedArray, target: Target, classes: Sequence[str]
) -> Float64[np.ndarray, " rows"]:
    """Labels of a column as `number_label` has them, without a step for each row."""
    if target.kind == "class":
        column = pc.index_in(column, value_set=pa.array(classes, pa.string()))
    numbers: NDArray[np.float64] = column.cast(pa.float64()).to_numpy()
    return numbers
