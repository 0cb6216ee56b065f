"""Stretches: what a trained head says of a stretch whose rows are in memory."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Int64, Shaped

from pipeline.heads.context import add_contexts
from pipeline.heads.normalisation import NO_STANDARDS, Standards
from pipeline.heads.reading import TRAINED, make_reader
from pipeline.predictor.answering import TrainedHead, Values, list_present
from pipeline.rows import Rows
from pipeline.windows.context import Surroundings
from pipeline.windows.moments import Moments, standardise_rows
from pipeline.windows.windowing import Cutting, cut_stretches, locate_rows

STRETCH = "media/now"
"""Id of the only clip there is."""


@dataclass(frozen=True)
class HeldRows:
    """Rows of STRETCH alone, as a `RowSource`."""

    rows: Rows

    def has_rows(self, clip_id: str) -> bool:
        """Whether there is a row of it."""
        return clip_id == STRETCH and len(self.rows) > 0

    def __getitem__(self, clip_id: str) -> Rows:
        return self.rows

    def first_row(self, clip_id: str) -> int:
        """The first there is."""
        return 0

    def take_rows(self, numbers: Int64[np.ndarray, " rows"]) -> Shaped[np.ndarray, "rows *row"]:
        """Embeddings of the rows of these numbers."""
        taken: Shaped[np.ndarray, rows * row] = self.rows.embedding[numbers]
        return taken


class Acquaintance:
    """What is known of the rows of a person in front, by all that came so far.

    A head that normalises by subject goes by it; any other by what it was trained with.
    """

    def __init__(self, head: TrainedHead) -> None:
        self._readers = {
            stream: make_reader(stream, source.shape, TRAINED)
            for stream, source in sorted(head.recipe.inputs.items())
            if head.params.normalisation == "subject"
        }
        self._moments = {s: Moments(reader.columns) for s, reader in self._readers.items()}
        self._reached = dict.fromkeys(self._readers, 0.0)

    def add(self, rows: Mapping[str, Rows], begin: float) -> None:
        """Take in the rows of a stretch, stream by stream, each row of those that overlap once."""
        for stream in self._moments.keys() & rows.keys():
            starts, valid = begin + rows[stream].start_seconds, rows[stream].valid
            new = valid & (starts >= self._reached[stream])
            if new.any():
                self._reached[stream] = float(np.nextafter(starts[new].max(), np.inf))
                taken = torch.from_numpy(rows[stream].embedding[new]).float()
                self._moments[stream].add(self._readers[stream].list_columns(taken))

    @property
    def standards(self) -> Standards:
        """What rows of STRETCH are standardised by."""
        known = standardise_rows(self._readers, self._moments)
        return {STRETCH: known} if known else NO_STANDARDS


def answer_stretch(
    head: TrainedHead, rows: Mapping[str, Rows], seconds: float, known: Standards = NO_STANDARDS
) -> tuple[Values | None, list[str]]:
    """What `head` says of a stretch of so many `seconds`, and the modalities that it had rows of.

    `rows` are by stream, of those there are, from the stretch's begin on. It is answered for as if
    it were a clip; of targets over time, it is the last moment of it that is told of. None where
    there is nothing to go by.
    """
    held = {
        stream: HeldRows(rows.get(stream, _have_none(source.shape.sizes)))
        for stream, source in head.recipe.inputs.items()
    }
    frames = None
    if "frame" in head.per.values():
        frames = head.lay_frames(seconds)
        frames = np.array([seconds / 2]) if frames is None else frames
    cutting = Cutting(list(held), head.params.windows, seconds, frames)
    cut = cut_stretches(STRETCH, locate_rows(held, STRETCH), cutting, np.array([[0.0, seconds]]))
    window = next(cut, None)
    if window is None or window.empty:
        return None, []
    around = Surroundings(held, {}, head.params.windows).align(STRETCH)
    whole = replace(window, alignments={**window.alignments, **around})
    sources = add_contexts(held, head.params.windows)
    said = head.predict(sources, [whole], known).get(STRETCH)
    if said is None:
        return None, []
    last = {target: values[-1] for target, values in said.frames.items()}
    values = said.clip | last
    return {target: np.asarray(values[target]) for target in head.per}, list_present(window)


def _have_none(sizes: tuple[int, ...]) -> Rows:
    """No rows, of these sizes."""
    return Rows(np.zeros((0, *sizes), np.float32), np.zeros(0), np.zeros(0), np.zeros(0, bool))
