"""Answering: what a trained head says of one clip, as a whole and over time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int64

from pipeline.heads.base import Head
from pipeline.heads.normalisation import Standards
from pipeline.heads.recipes import Recipe
from pipeline.heads.shared.params import HeadParams, Per
from pipeline.labels.clip_labels import ClipLabels
from pipeline.labels.emotions import Names
from pipeline.modalities import modality_of, order_modalities
from pipeline.prediction.answers import UNADJUSTED, Predicted, predict_clips
from pipeline.predictor.timing import NOBODY, Timing, find_people, name_time
from pipeline.store.reader import FeatureStore, MediaStore
from pipeline.targets import TARGETS
from pipeline.threads import on_one_thread
from pipeline.windows.alignment import EPSILON_SECONDS, Stretches, check_points
from pipeline.windows.dataset import WindowDataset
from pipeline.windows.labels import FrameLabels, Labels
from pipeline.windows.moments import Subjects
from pipeline.windows.windowing import (
    Cutting,
    Numbered,
    RowSource,
    Window,
    cut_stretches,
    locate_rows,
    measure_end,
    narrow_rows,
    shift_rows,
)

Values = Mapping[str, Float32[np.ndarray, "..."]]
"""Target → a rating `()`, or a number for each class `(classes,)`; or these for each of times."""


SEEN = ("seconds", "track")
"""Columns of `data/face` that say who is seen when."""


@dataclass(frozen=True)
class Answer:
    """What a head says of one clip.

    `whole` is of all of it, as evaluation judges it; None where there was nothing to see. `series`
    has a value for each time of `timing`, NaN where nothing was around it; `present` are the
    modalities that were, and `people` tracks of faces, as `find_people` has them. `shown` are the
    times that it has to do with, where others of the film are answered for as well; None for all.
    """

    whole: Values | None
    timing: Timing
    series: Values
    present: Sequence[Sequence[str]]
    people: Int64[np.ndarray, " times"]
    shown: Bool[np.ndarray, " times"] | None = None

    def keep_times(self, shown: Bool[np.ndarray, " times"]) -> "Answer":
        """The answer at the times `shown` alone; its `whole` is the mean of it where it is seen."""
        series = {target: values.copy() for target, values in self.series.items()}
        for values in series.values():
            values[~shown] = np.nan
        seen = shown & (self.people != NOBODY)
        whole = {target: _mean_known(values[seen]) for target, values in series.items()}
        known = not any(np.isnan(value).any() for value in whole.values())
        present = [own if there else () for own, there in zip(self.present, shown, strict=True)]
        return replace(
            self, whole=whole if known else None, series=series, present=present, shown=shown
        )


@dataclass(frozen=True)
class RowsMade:
    """Rows of media, by stream: of clips as a `whole`, and of those of a single row, which says
    nothing of a part, of the stretches `around` their times. And the store of `faces`, if any were
    looked for.
    """

    whole: Mapping[str, FeatureStore]
    around: Mapping[str, FeatureStore]
    faces: MediaStore | None


@dataclass(frozen=True)
class TrainedHead:
    """A head of every run; its answers are the means of theirs."""

    recipe: Recipe
    params: HeadParams
    heads: Mapping[str, Head]

    @property
    def per(self) -> dict[str, Per]:
        """What each of its targets is answered per: a recipe may name others beside."""
        return {target: self.recipe.per[target] for target in self.params.targets}

    def answer(self, rows: RowsMade, timings: Mapping[str, Timing]) -> Iterator[tuple[str, Answer]]:
        """clip_id → what it says of each clip as a whole, and at the times of its `timings`.

        All clips go through the head together; who is in one is in no other.
        """
        dataset = WindowDataset(rows.whole, self._stand_in(timings), self.params)
        dataset.add_clips(timings)
        known = Subjects(dataset).standardise()
        wholes = self.predict(dataset.sources, dataset.windows, known)
        cut, said = self._answer_stretches(dataset, rows, timings, known)
        for clip_id, timing in timings.items():
            whole, windows = wholes.get(clip_id), cut.get(clip_id, ())
            own = [said.get(name_time(clip_id, place)) for place in range(len(windows))]
            series = {target: self._line_up(target, timing, own, whole) for target in self.per}
            present = [list_present(window) for window in windows]
            if not present:
                reached = _list_reaching(dataset, clip_id, len(self._lay_frames(timing)))
                present = [reached[place] for place in self._find_frames(timing)]
            yield (
                clip_id,
                Answer(
                    whole=None if whole is None else self.sum_up(whole),
                    timing=timing,
                    series=series,
                    present=present,
                    people=find_people(
                        rows.faces and rows.faces.read_columns(clip_id, SEEN), timing
                    ),
                ),
            )

    def _answer_stretches(
        self,
        dataset: WindowDataset,
        rows: RowsMade,
        timings: Mapping[str, Timing],
        known: Standards,
    ) -> tuple[dict[str, list[Window | None]], dict[str, Predicted]]:
        """Windows of the stretches of each clip, and name of a stretch → what is said of it.

        Both are empty where the head answers for frames alone. Clips go together whose rows of
        stretches are of the same streams.
        """
        cut: dict[str, list[Window | None]] = {}
        said: dict[str, Predicted] = {}
        parted: dict[frozenset[str], list[str]] = {}
        for clip_id in timings if "clip" in self.per.values() else ():
            first = name_time(clip_id, 0)
            streams = frozenset(s for s, store in rows.around.items() if first in store)
            parted.setdefault(streams, []).append(clip_id)
        for streams, clip_ids in parted.items():
            around = {stream: rows.around[stream] for stream in streams}
            own = {c: list(self._cut_series(dataset, around, c, timings[c])) for c in clip_ids}
            named = {w.clip_id: c for c, windows in own.items() for w in windows if w}
            filled = [w for windows in own.values() for w in windows if w and not w.empty]
            standards = {name: known[c] for name, c in named.items() if c in known}
            said |= self.predict({**dataset.sources, **around}, filled, standards)
            cut |= own
        return cut, said

    def _stand_in(self, timings: Mapping[str, Timing]) -> Labels:
        """No label at all, and in place of annotated frames those that are answered for."""
        framed = [target for target, per in self.per.items() if per == "frame"]
        laid = {clip_id: self._lay_frames(own) for clip_id, own in timings.items() if framed}
        frames = {
            clip_id: FrameLabels(seconds, {target: np.zeros(len(seconds)) for target in framed})
            for clip_id, seconds in laid.items()
        }
        clips = {clip_id: ClipLabels(clip_id=clip_id, subject=clip_id) for clip_id in timings}
        return Labels(clips, frames, Names(emotion=self.recipe.emotions, words={}))

    def _lay_frames(self, timing: Timing) -> Float64[np.ndarray, " frames"]:
        """Seconds of the frames that are answered for: they follow each other as in training.

        Heads that look from one to the next would else go at another pace.
        """
        laid = self.lay_frames(timing.length)
        return timing.seconds if laid is None else laid

    def lay_frames(self, seconds: float) -> Float64[np.ndarray, " frames"] | None:
        """Those of a clip of so many seconds; None where training had no two frames of a clip."""
        step = self.recipe.frame_seconds
        if step is None:
            return None
        check_points(seconds / step, seconds)
        return np.arange(max(1, ceil(seconds / step - EPSILON_SECONDS))) * step

    def _find_frames(self, timing: Timing) -> Int64[np.ndarray, " times"]:
        """Number of the frame nearest to each time."""
        step, last = self.recipe.frame_seconds, len(self._lay_frames(timing)) - 1
        nearest = timing.seconds / step if step else np.arange(last + 1)
        return np.clip(np.rint(nearest).astype(np.int64), 0, last)

    @on_one_thread()
    def predict(
        self, sources: Mapping[str, RowSource], windows: Sequence[Window], known: Standards
    ) -> dict[str, Predicted]:
        """clip_id → mean of what the runs say; `known` are standards of whose clip it is."""
        said = [
            predict_clips(
                head,
                sources,
                windows,
                known=known,
                adjustments=self.recipe.adjustments.get(run, UNADJUSTED),
            )
            for run, head in self.heads.items()
        ]
        # A run may know nothing of what is there: its training had no row of it.
        named = dict.fromkeys(clip_id for answers in said for clip_id in answers)
        return {name: _average([own[name] for own in said if name in own]) for name in named}

    def sum_up(self, whole: Predicted) -> Values:
        """One value for each target; of those over time, the mean of what is known."""
        framed = {target: _mean_known(found) for target, found in whole.frames.items()}
        return {target: (whole.clip | framed)[target] for target in self.per}

    def _line_up(
        self,
        target: str,
        timing: Timing,
        said: Sequence[Predicted | None],
        whole: Predicted | None,
    ) -> Float32[np.ndarray, "times *classes"]:
        """Values of `target` at each time, NaN where nothing is said."""
        sizes = () if TARGETS[target].behaviour.number else (len(self.recipe.emotions),)
        if self.per[target] == "clip":
            found = np.full((len(timing.seconds), *sizes), np.nan, np.float32)
            for place, answer in enumerate(said):
                if answer is not None:
                    found[place] = answer.clip[target]
            return found
        frames = self._lay_frames(timing)
        framed = np.full((len(frames), *sizes), np.nan, np.float32)
        if whole is not None:
            framed[np.searchsorted(frames, whole.seconds)] = whole.frames[target]
        lined: Float32[np.ndarray, times * classes] = framed[self._find_frames(timing)]
        return lined

    def _cut_series(
        self,
        dataset: WindowDataset,
        around: Mapping[str, FeatureStore],
        clip_id: str,
        timing: Timing,
    ) -> Iterator[Window | None]:
        """Window of the stretch around each time, as if it were a clip; None where none can be cut.

        Rows are those of its own stretch in the sets `around`, and in others those of the clip.
        """
        whole = locate_rows(dataset.features, clip_id)
        seconds = self._lay_frames(timing) if "frame" in self.per.values() else None
        cutting = Cutting(list(dataset.features), self.params.windows, measure_end(whole), seconds)
        context = dataset.surroundings.align(clip_id)
        kept = {stream: rows for stream, rows in whole.items() if stream not in around}
        reaches = {s: np.maximum.accumulate(r.stretches.end_seconds) for s, r in kept.items()}
        for place, stretch in enumerate(timing.stretches):
            name = name_time(clip_id, place)
            around_it = stretch[0] - cutting.slack_seconds, stretch[1] + cutting.slack_seconds
            near = {s: narrow_rows(r, reaches[s], *around_it) for s, r in kept.items()}
            if timing.faces:
                near = _keep_last(near, timing.faces, stretch[1])
            own = {s: shift_rows(r, stretch[0]) for s, r in locate_rows(around, name).items()}
            window = next(cut_stretches(name, {**near, **own}, cutting, stretch[np.newaxis]), None)
            yield window and replace(window, alignments={**window.alignments, **context})


def _keep_last(rows: Mapping[str, Numbered], faces: int, end: float) -> dict[str, Numbered]:
    """`rows`, of those of faces the last so many that begin before `end`, in seconds."""
    kept = dict(rows)
    for stream in (s for s in rows if modality_of(s) == "face"):
        held = rows[stream].stretches
        begun = int(np.searchsorted(held.start_seconds, end))
        passed = max(0, begun - faces)
        left = (one[passed:] for one in (held.start_seconds, held.end_seconds, held.valid))
        kept[stream] = Numbered(Stretches(*left), rows[stream].first_row + passed)
    return kept


def list_present(window: Window | None) -> list[str]:
    """Modalities that a window has rows of."""
    held = () if window is None else window.alignments.items()
    return _name_modalities(stream for stream, aligned in held if len(aligned.rows))


def _list_reaching(dataset: WindowDataset, clip_id: str, times: int) -> list[list[str]]:
    """Modalities of which a row reaches each of so many times, where a head answers for frames."""
    found: list[set[str]] = [set() for _ in range(times)]
    for window in (window for window in dataset.windows if window.clip_id == clip_id):
        for stream in dataset.features:
            for place in window.points[window.alignments[stream].counts > 0]:
                found[place].add(stream)
    return [_name_modalities(streams) for streams in found]


def _name_modalities(streams: Iterable[str]) -> list[str]:
    return [*order_modalities({modality_of(stream) for stream in streams})]


def _average(said: Sequence[Predicted]) -> Predicted:
    """Mean of several answers; at each time, of those that say something of it."""
    first = said[0]
    seconds = np.unique(np.concatenate([own.seconds for own in said]))
    frames = {}
    for target, values in first.frames.items():
        found = np.full((len(said), len(seconds), *values.shape[1:]), np.nan)
        for own, answer in zip(found, said, strict=True):
            own[np.searchsorted(seconds, answer.seconds)] = answer.frames[target]
        frames[target] = _mean_known(found)
    clip = {target: _mean([own.clip[target] for own in said]) for target in first.clip}
    return Predicted(clip, seconds, frames)


def _mean_known(
    found: Float[np.ndarray, "answers *shape"],
) -> Float32[np.ndarray, "*shape"]:
    """Mean of the numbers that are there; NaN where none is."""
    known = ~np.isnan(found)
    total, count = np.where(known, found, 0.0).sum(axis=0, dtype=np.float64), known.sum(axis=0)
    return np.where(count, total / np.maximum(count, 1), np.nan).astype(np.float32)


def _mean(values: Iterable[Float32[np.ndarray, "*shape"]]) -> Float32[np.ndarray, "*shape"]:
    return np.asarray(np.mean(np.stack(list(values)), axis=0), np.float32)
