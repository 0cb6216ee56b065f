"""Windows of embeddings with their labels, in batches of padded tensors with masks."""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float64, Int64
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, Dataset, SequentialSampler

from pipeline.errors import StoreError
from pipeline.heads.context import add_contexts
from pipeline.heads.normalisation import NO_STANDARDS, Standards, corpus_of
from pipeline.heads.reading import StreamRows
from pipeline.heads.shared.params import HeadParams, Per
from pipeline.modalities import RowShape
from pipeline.store.header import read_header
from pipeline.store.joint import list_members
from pipeline.store.reader import FeatureStore, open_features
from pipeline.store.view_ids import count_views, name_view
from pipeline.targets import TARGETS
from pipeline.windows.alignment import Alignment
from pipeline.windows.context import Surroundings
from pipeline.windows.labels import FrameLabels, Labels
from pipeline.windows.normalising import normalise_rows
from pipeline.windows.packing import FLOAT_BYTES, PackedLabels, PackedStream, pack_streams
from pipeline.windows.windowing import (
    Cutting,
    Numbered,
    Window,
    cut_windows,
    locate_rows,
    measure_end,
)

HELD_BYTES = 2**30
"""Of a side's rows in memory, two hours of 768 numbers at 50 Hz: of more, a batch takes twice as
long to gather."""

PASSED_BYTES = 2**23
"""Of a batch's rows in one pass over all: allocators give larger blocks back to the system, and to
fetch pages anew for each takes as long as to compute with them."""


@dataclass(frozen=True)
class Example:
    """One window and its labels: those of the clip, or of the points of its grid."""

    window: Window
    targets: Mapping[str, Float64[np.ndarray, "*labels"]]


@dataclass(frozen=True)
class Batch:
    """Windows as tensors, padded to the longest.

    `targets` are `(windows,)` or `(windows, time)` by target, with classes last where it has a
    number for each; `target_masks` are without these.
    """

    streams: dict[str, StreamRows]
    targets: dict[str, Tensor]
    target_masks: dict[str, Tensor]

    def to(self, device: torch.device | str) -> "Batch":
        """The same batch on `device`."""
        return Batch(
            {name: stream.to(device) for name, stream in self.streams.items()},
            {name: labels.to(device) for name, labels in self.targets.items()},
            {name: mask.to(device) for name, mask in self.target_masks.items()},
        )


@dataclass(frozen=True)
class Packed:
    """Windows and their labels, of which batches are picked."""

    streams: Mapping[str, PackedStream]
    labels: Mapping[str, PackedLabels]

    def pick(self, windows: Int64[np.ndarray, " windows"]) -> Batch:
        """Windows of these numbers."""
        picked = {target: labels.pick(windows) for target, labels in self.labels.items()}
        return Batch(
            {name: stream.gather(windows) for name, stream in self.streams.items()},
            {target: labels for target, (labels, _) in picked.items()},
            {target: known for target, (_, known) in picked.items()},
        )


class WindowDataset(Dataset[Batch]):
    """Windows of clips over a head's feature sets; `dataset[indices]` is a whole `Batch`.

    Windows that no row of their own reaches are left out; `empty` is how many these are. `sources`
    is stream → the set that its rows are of, turns around clips included. Rows are in memory if
    they take no more than `held_bytes`, and are read for each batch if they take more. They are
    standardised by `standards`, corpus by corpus, or clip by clip.
    """

    def __init__(
        self,
        features: Mapping[str, FeatureStore],
        labels: Labels,
        params: HeadParams,
        *,
        held_bytes: int = HELD_BYTES,
    ) -> None:
        self.held_bytes = held_bytes
        self.standards: Standards = NO_STANDARDS
        self.features = features
        self.sources = add_contexts(features, params.windows)
        self.labels = labels
        self.params = params
        self.per: dict[str, Per] = {target: labels.per(target) for target in params.targets}
        self.examples: list[Example] = []
        self.empty = 0
        self._packed: Packed | None = None
        self._frames: dict[str, FrameLabels] = {}
        self.surroundings = Surroundings(features, labels.turns, params.windows)

    @property
    def windows(self) -> list[Window]:
        """Windows in order, without their labels."""
        return [example.window for example in self.examples]

    @property
    def unreached(self) -> frozenset[str]:
        """Streams that have no row in any window."""
        held = (example.window.alignments.items() for example in self.examples)
        return frozenset(self.sources) - {s for own in held for s, a in own if len(a.rows)}

    @property
    def shapes(self) -> dict[str, RowShape]:
        """Row shape of each feature set, by stream."""
        return {stream: store.shape for stream, store in self.features.items()}

    def add_clips(self, clip_ids: Iterable[str], *, views: bool = False) -> None:
        """Add the windows of those of `clip_ids` that have rows in any feature set.

        Where any target is per frame, so is the grid; a clip that has only a label of its own has
        it everywhere, and one without any label has no window.
        With `views`, which only training may see, each window comes once more for each view of
        the clip: rows are the view's, or the clip's own in the sets that do not have this view.
        """
        self._packed = None
        for clip_id in clip_ids:
            own = locate_rows(self.features, clip_id)
            cutting = self._plan_cutting(clip_id, own)
            if cutting is None:
                continue
            around = self.surroundings.align(clip_id)
            self._cut(clip_id, own, cutting, around)
            for number in range(1, self._most_views * views + 1):
                if found := locate_rows(self.features, name_view(clip_id, number)):
                    self._cut(clip_id, {**own, **found}, cutting, around)

    def withhold(self, streams: Collection[str]) -> None:
        """Leave out windows that `streams` alone reach, as those that nothing reaches."""
        windows, self._packed = len(self.examples), None
        self.examples = [
            example
            for example in self.examples
            if any(len(a.rows) for s, a in example.window.alignments.items() if s not in streams)
        ]
        self.empty += windows - len(self.examples)

    def leave_out(self, clip_ids: Collection[str]) -> "WindowDataset":
        """Its windows, but for those of `clip_ids`."""
        others = copy(self)
        others._packed = None
        others.examples = [e for e in self.examples if e.window.clip_id not in clip_ids]
        return others

    def keep_corpus(self, corpus: str) -> "WindowDataset":
        """Its windows of clips of one corpus."""
        others = copy(self)
        others._packed = None
        others.examples = [e for e in self.examples if corpus_of(e.window.clip_id) == corpus]
        return others

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, indices: Sequence[int]) -> Batch:
        if self._packed is None:
            self._packed = self._pack()
        batch = self._packed.pick(np.array(indices, np.int64))
        if not self.standards:
            return batch
        clip_ids = [self.examples[index].window.clip_id for index in indices]
        return replace(batch, streams=normalise_rows(batch.streams, clip_ids, self.standards))

    def _pack(self) -> Packed:
        labels = {target: [e.targets[target] for e in self.examples] for target in self.per}
        return Packed(
            pack_streams(self.sources, self.windows, held_bytes=self.held_bytes),
            {t: PackedLabels.of(TARGETS[t], labels[t], per) for t, per in self.per.items()},
        )

    @cached_property
    def _most_views(self) -> int:
        return max(count_views(store.provenance) for store in self.features.values())

    def _plan_cutting(self, clip_id: str, own: Mapping[str, Numbered]) -> Cutting | None:
        """How a clip is cut, by the times of its `own` rows; None where it has no frame to cut."""
        seconds, end = None, measure_end(own)
        if "frame" in self.per.values():
            frames = self.labels.find_frames(clip_id, self.per, end)
            if frames is None:
                return None
            self._frames[clip_id] = frames
            seconds = frames.seconds
        return Cutting(list(self.features), self.params.windows, end, seconds)

    def _cut(
        self,
        clip_id: str,
        rows: Mapping[str, Numbered],
        cutting: Cutting,
        around: Mapping[str, Alignment],
    ) -> None:
        for window in cut_windows(clip_id, rows, cutting):
            if window.empty:
                self.empty += 1
            else:
                whole = replace(window, alignments={**window.alignments, **around})
                self.examples.append(Example(whole, dict(self._label(whole))))

    def _label(self, window: Window) -> Iterator[tuple[str, Float64[np.ndarray, "*labels"]]]:
        for target, per in self.per.items():
            if per == "frame":
                yield target, self._frames[window.clip_id].values[target][window.points]
            else:
                yield target, self.labels.value(window.clip_id, target)


def open_inputs(params: HeadParams, features: Path) -> dict[str, FeatureStore]:
    """Feature sets that a head reads, opened, by stream."""
    return {stream: open_features(path) for stream, path in locate_inputs(params, features).items()}


def locate_inputs(params: HeadParams, features: Path) -> dict[str, Path]:
    """Where the sets lie that a head reads, by stream; those of a joint one as `audio/mfcc`."""
    streams: dict[str, Path] = {}
    for modality, name in params.inputs.sets().items():
        members = {f"{modality}/{path.name}": path for path in list_members(features / name)}
        streams |= members or {modality: features / name}
    return streams


def check_encoders(features: Path, encoders: Mapping[str, str]) -> None:
    """Raise StoreError where a set is not by the encoder that `encoders` has for it.

    DVC keeps params.yaml and feature sets in step, but not where a stage runs alone.
    """
    for name, asked in encoders.items():
        made = read_header(features / name)["provenance"]["settings"].get("encoder")
        if made != asked:
            raise StoreError(
                f"{features / name}: expected embeddings by encoder {asked!r}, which params.yaml "
                f"asks for, got {made!r}; run `dvc repro extract@{name}`"
            )


def pass_over(dataset: WindowDataset) -> DataLoader[Batch]:
    """Batches of `dataset` in order, of so many windows as have PASSED_BYTES of rows, or 256."""
    points = {
        stream: sum(len(window.alignments[stream].counts) for window in dataset.windows)
        for stream in dataset.sources
    }
    numbers = sum(
        count * math.prod(dataset.sources[stream].shape.sizes) for stream, count in points.items()
    )
    fitting = PASSED_BYTES * len(dataset) // max(1, FLOAT_BYTES * numbers)
    return load_batches(dataset, min(256, max(1, fitting)))


def load_batches(dataset: WindowDataset, size: int = 256) -> DataLoader[Batch]:
    """Batches of `dataset` in order."""
    sampler = BatchSampler(SequentialSampler(dataset), size, drop_last=False)
    return DataLoader(dataset, sampler=sampler, batch_size=None)
