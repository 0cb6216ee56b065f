"""Labels of a corpus as numbers: what heads learn from, and are judged by."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float, Float64
from numpy.typing import NDArray

from pipeline.heads.base import Per
from pipeline.labels.clip_labels import FRAMES_SCHEMA, ClipLabels, Label, read_targets
from pipeline.labels.emotions import Names, read_names
from pipeline.store.tables import read_table
from pipeline.targets import TARGETS, Target


@dataclass(frozen=True)
class FrameLabels:
    """Labels of one clip's frames, sorted by time: `values` by target, NaN where there is none."""

    seconds: Float[np.ndarray, " frames"]
    values: Mapping[str, Float64[np.ndarray, " frames"]]


@dataclass(frozen=True)
class Labels:
    """All labels of a corpus: `targets` and `frames` by clip."""

    targets: Mapping[str, ClipLabels]
    frames: Mapping[str, FrameLabels]
    names: Names

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

    def values(self, clip_id: str, target: str) -> Float64[np.ndarray, "labels *classes"]:
        """A clip's labels, one or one per frame, NaN where there is none."""
        if self.per(target) == "clip":
            return self.value(clip_id, target)[np.newaxis]
        return self.frames[clip_id].values[target] if clip_id in self.frames else np.empty(0)


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
    """Labels in the folder `data/targets` that stage `labels` wrote."""
    names = read_names(folder / "names.json")
    targets = {target.clip_id: target for target in read_targets(folder / "targets.parquet")}
    frames = read_table(folder / "frames.parquet", FRAMES_SCHEMA)
    return Labels(targets, dict(split_frames(frames, names)), names)


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
