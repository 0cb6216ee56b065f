"""Windows of embeddings with their labels, in batches of padded tensors with masks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, Dataset, SequentialSampler

from pipeline.errors import StoreError, TrainingError
from pipeline.heads.base import Per
from pipeline.heads.params import HeadParams, WindowParams
from pipeline.labels.clip_labels import FRAMES_SCHEMA, ClipLabels, read_targets
from pipeline.labels.emotions import Names, read_names
from pipeline.store.header import read_header
from pipeline.store.reader import FeatureStore, open_features
from pipeline.store.tables import read_table
from pipeline.store.view_ids import count_views, name_view
from pipeline.windows.alignment import (
    Alignment,
    Stretches,
    align_rows,
    plan_windows,
    regular_grid,
    take_own_rows,
)

TARGETS = ("emotion", "valence", "arousal")
"""Targets that heads predict."""

NO_CLASS = -1
"""Index that stands for a clip or frame without an emotion label; its mask is False."""


@dataclass(frozen=True)
class FrameLabels:
    """Labels of one clip's frames, sorted by time; NaN or NO_CLASS where there is none."""

    seconds: Float[np.ndarray, " frames"]
    values: Mapping[str, NDArray[np.float64]]


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
            for target in TARGETS
            if any(not np.isnan(frames.values[target]).all() for frames in self.frames.values())
        )

    def per(self, target: str) -> Per:
        """Whether `target` is labelled per frame or per clip."""
        return "frame" if target in self.framed else "clip"

    def value(self, clip_id: str, target: str) -> float:
        """A clip's label as a number, NaN where it has none; emotions by their class index."""
        value = getattr(self.targets[clip_id], target)
        if value is None:
            return np.nan
        return float(self.names.emotion.index(value)) if target == "emotion" else float(value)

    def values(self, clip_id: str, target: str) -> NDArray[np.float64]:
        """A clip's labels as numbers, one or one per frame; NaN where there is none."""
        if self.per(target) == "clip":
            return np.array([self.value(clip_id, target)])
        return self.frames[clip_id].values[target] if clip_id in self.frames else np.empty(0)


def read_labels(folder: Path) -> Labels:
    """Labels in the folder that stage `labels` wrote."""
    names = read_names(folder / "names.json")
    targets = {target.clip_id: target for target in read_targets(folder / "targets.parquet")}
    frames = read_table(folder / "frames.parquet", FRAMES_SCHEMA)
    return Labels(targets, dict(_split_frames(frames, names)), names)


def _split_frames(table: pa.Table, names: Names) -> Iterator[tuple[str, FrameLabels]]:
    """Frame labels clip by clip; the table is sorted by clip."""
    classes = np.array([_class_of(word, names) for word in table["emotion"].to_pylist()], float)
    columns = {"emotion": classes}
    for target in ("valence", "arousal"):
        columns[target] = table[target].to_numpy().astype(float)
    seconds = table["seconds"].to_numpy()
    clip_ids, starts = np.unique(table["clip_id"].to_numpy(), return_index=True)
    bounds = pairwise([*starts.tolist(), len(seconds)])
    for clip_id, (start, stop) in zip(clip_ids, bounds, strict=True):
        values = {target: column[start:stop] for target, column in columns.items()}
        yield str(clip_id), FrameLabels(seconds[start:stop], values)


def _class_of(word: str | None, names: Names) -> float:
    return np.nan if word is None else float(names.emotion.index(word))


@dataclass(frozen=True)
class Window:
    """One window of a clip: the rows of each modality, and its labels on the grid or the clip.

    `seconds` is the grid of per-frame labels, empty where labels are per clip.
    """

    clip_id: str
    alignments: Mapping[str, Alignment]
    seconds: Float[np.ndarray, " time"]
    targets: Mapping[str, NDArray[np.float64]]


Numbered = Mapping[str, tuple[Stretches, int]]
"""Modality → the stretches of a clip's rows, and the number of the first one in its store."""

NO_ROWS = (Stretches(np.empty(0), np.empty(0), np.empty(0, bool)), 0)
"""Of a feature set that has none of a clip."""


@dataclass(frozen=True)
class Batch:
    """Windows as tensors, padded to the longest.

    `inputs` are float32 `(clips, time, dim)` by modality and `masks` bool `(clips, time)`;
    `targets` are `(clips,)` or `(clips, time)` by target, with `target_masks` of the same shape.
    """

    inputs: dict[str, Tensor]
    masks: dict[str, Tensor]
    targets: dict[str, Tensor]
    target_masks: dict[str, Tensor]

    def to(self, device: torch.device | str) -> "Batch":
        """The same batch on `device`."""
        groups = (self.inputs, self.masks, self.targets, self.target_masks)
        return Batch(*({name: value.to(device) for name, value in g.items()} for g in groups))


class WindowDataset(Dataset[Batch]):
    """Windows of clips over a head's feature sets; `dataset[indices]` is a whole `Batch`."""

    def __init__(
        self, features: Mapping[str, FeatureStore], labels: Labels, params: HeadParams
    ) -> None:
        self.features = features
        self.labels = labels
        self.params = params
        self.per: dict[str, Per] = {target: labels.per(target) for target in params.targets}
        self.windows: list[Window] = []
        for modality, store in features.items():
            if len(store.row_shape) != 1:
                raise TrainingError(
                    f"{store.path}: expected rows of shape (dim,) for {modality}, "
                    f"got {store.row_shape}; extract one layer or a pooled row"
                )

    @property
    def dims(self) -> dict[str, int]:
        """Row size of each modality."""
        return {modality: store.row_shape[0] for modality, store in self.features.items()}

    def add_clips(self, clip_ids: Iterable[str], *, views: bool = False) -> None:
        """Add the windows of those of `clip_ids` that have rows in any feature set.

        Where any target is per frame, so is the grid, and clips without labelled frames have none.
        With `views`, which only training may see, each window comes once more for each view of
        the clip: rows are the view's, or the clip's own in the sets that do not have this view.
        """
        for clip_id in clip_ids:
            own = self._number_rows(clip_id)
            self.windows.extend(self._cut_windows(clip_id, own, own))
            for number in range(1, self._most_views * views + 1):
                if found := self._number_rows(name_view(clip_id, number)):
                    self.windows.extend(self._cut_windows(clip_id, own, {**own, **found}))

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, indices: Sequence[int]) -> Batch:
        windows = [self.windows[index] for index in indices]
        inputs, masks = {}, {}
        for modality, store in self.features.items():
            aligned = [window.alignments[modality] for window in windows]
            inputs[modality], masks[modality] = _gather(store, aligned)
        targets: dict[str, Tensor] = {}
        target_masks: dict[str, Tensor] = {}
        for target in self.params.targets:
            values = _pad([window.targets[target] for window in windows], self.per[target])
            target_masks[target] = ~torch.isnan(values)
            filled = values.nan_to_num(NO_CLASS)
            targets[target] = filled.long() if target == "emotion" else filled
        return Batch(inputs, masks, targets, target_masks)

    @cached_property
    def _most_views(self) -> int:
        return max(count_views(store.provenance) for store in self.features.values())

    def _number_rows(self, clip_id: str) -> Numbered:
        """Modality → rows, of the feature sets that have some of a clip, or of a view."""
        stores = self.features.items()
        return {
            modality: _locate_rows(store, clip_id)
            for modality, store in stores
            if store.has_rows(clip_id)
        }

    def _cut_windows(self, clip_id: str, own: Numbered, shown: Numbered) -> Iterator[Window]:
        """Windows of a clip by the times of its `own` rows, over the rows `shown`."""
        ends = [held.end_seconds.max() for held, _ in own.values() if held.valid.any()]
        framed = "frame" in self.per.values()
        frames = self.labels.frames.get(clip_id) if framed else None
        if not ends or (framed and frames is None):
            return
        for start, end in plan_windows(float(max(ends)), self.params.windows):
            grid, chosen = _grid_of(frames, (start, end), self.params.windows)
            if frames is not None and not len(chosen):
                continue
            alignments = {
                modality: _align(
                    shown.get(modality, NO_ROWS), (start, end), grid, self.params.windows
                )
                for modality in self.features
            }
            targets = {
                target: (
                    frames.values[target][chosen]
                    if frames is not None and per == "frame"
                    else np.array(self.labels.value(clip_id, target))
                )
                for target, per in self.per.items()
            }
            seconds = np.empty(0) if frames is None else frames.seconds[chosen]
            yield Window(clip_id, alignments, seconds, targets)


def _grid_of(
    frames: FrameLabels | None, window: tuple[float, float], params: WindowParams
) -> tuple[NDArray[np.float64] | None, NDArray[np.int64]]:
    """Grid of a window (None: each modality's own rows) and the numbers of its frame labels."""
    start, end = window
    if frames is not None:
        felt = frames.seconds - params.label_delay_seconds
        chosen = np.flatnonzero((felt >= start) & (felt < end))
        return felt[chosen], chosen
    if params.rate_hz is None:
        return None, np.empty(0, np.int64)
    return regular_grid(start, end, params.rate_hz), np.empty(0, np.int64)


def _locate_rows(store: FeatureStore, clip_id: str) -> tuple[Stretches, int]:
    """A clip's stretches, and the number of its first row in the store."""
    rows = store[clip_id]
    held = Stretches(*(np.array(x) for x in (rows.start_seconds, rows.end_seconds, rows.valid)))
    return held, store.first_row(clip_id)


def _align(
    numbered: tuple[Stretches, int],
    window: tuple[float, float],
    grid: NDArray[np.float64] | None,
    params: WindowParams,
) -> Alignment:
    """Alignment by the store's row numbers."""
    held, first_row = numbered
    aligned = take_own_rows(held, *window) if grid is None else align_rows(held, grid, params)
    return Alignment(aligned.rows + first_row, aligned.counts)


def _gather(
    store: FeatureStore, alignments: Sequence[Alignment]
) -> tuple[Float[Tensor, "clips time dim"], Bool[Tensor, "clips time"]]:
    """Aligned rows of each window, padded to the longest, and where they are present."""
    counts = np.concatenate([aligned.counts for aligned in alignments])
    taken = store.take_rows(np.concatenate([aligned.rows for aligned in alignments]))
    reached = counts > 0
    points = taken.astype(np.float32)
    if counts.max(initial=0) > 1:
        begins = (np.cumsum(counts) - counts)[reached]
        points = np.add.reduceat(points, begins, axis=0) / counts[reached, None]
    lengths = [len(aligned.counts) for aligned in alignments]
    clips = np.repeat(np.arange(len(lengths)), lengths)[reached]
    times = np.concatenate([np.arange(length) for length in lengths])[reached]
    mask = np.zeros((len(lengths), max(1, *lengths)), bool)
    mask[clips, times] = True
    inputs = np.zeros((*mask.shape, points.shape[1]), np.float32)
    inputs[clips, times] = points
    return torch.from_numpy(inputs), torch.from_numpy(mask)


def _pad(values: Sequence[NDArray[np.float64]], per: Per) -> Float[Tensor, "clips *time"]:
    """Labels as one float32 tensor, padded with NaN."""
    tensors = [torch.as_tensor(value, dtype=torch.float32) for value in values]
    if per == "clip":
        return torch.stack(tensors)
    return torch.nn.utils.rnn.pad_sequence(tensors, batch_first=True, padding_value=torch.nan)


def open_inputs(params: HeadParams, features: Path) -> dict[str, FeatureStore]:
    """Feature sets that a head reads, opened, by modality."""
    return {
        modality: open_features(features / name) for modality, name in params.inputs.sets().items()
    }


def check_encoders(features: Path, encoders: Mapping[str, str]) -> None:
    """Raise StoreError where a set is not by the encoder that `encoders` has for it.

    DVC keeps params.yaml and feature sets in step, but not where a stage runs alone.
    """
    for name, asked in encoders.items():
        made = read_header(features / name)["provenance"]["settings"]["encoder"]
        if made != asked:
            raise StoreError(
                f"{features / name}: expected embeddings by encoder {asked!r}, which params.yaml "
                f"asks for, got {made!r}; run `dvc repro extract@{name}`"
            )


def load_batches(dataset: WindowDataset, size: int = 256) -> DataLoader[Batch]:
    """Batches of `dataset` in order."""
    sampler = BatchSampler(SequentialSampler(dataset), size, drop_last=False)
    return DataLoader(dataset, sampler=sampler, batch_size=None)
