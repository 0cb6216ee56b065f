"""Context: the rows of the turns around a clip, one point for each turn."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from pipeline.heads.context import list_relations, name_context
from pipeline.heads.window_params import WindowParams
from pipeline.labels.dialogues import Turn
from pipeline.windows.alignment import Alignment
from pipeline.windows.windowing import RowSource


@dataclass(frozen=True)
class Neighbour:
    """Another turn of a clip's dialogue, so many turns `away` from it, below 0 before it."""

    clip_id: str
    away: int
    relation: str


class Surroundings:
    """What is said around each clip, in `features`: features alone, and never a label.

    `turns` is clip_id → turn; a clip that is not in it has nobody around it.
    """

    def __init__(
        self, features: Mapping[str, RowSource], turns: Mapping[str, Turn], windows: WindowParams
    ) -> None:
        self.features = features
        self.turns = turns
        self.windows = windows
        self.relations = list_relations(windows)
        self._dialogues: dict[int, list[tuple[int, str]]] = defaultdict(list)
        for clip_id, turn in turns.items():
            self._dialogues[turn.dialogue].append((turn.turn, clip_id))
        for listed in self._dialogues.values():
            listed.sort()
        self._valid: dict[tuple[str, str], Int64[np.ndarray, " rows"]] = {}

    def align(self, clip_id: str) -> dict[str, Alignment]:
        """Stream of context → a point for each turn that it is of, the mean of the turn's rows.

        Its `seconds` are turns away: a turn counts as one. Turns without rows are absent points.
        """
        found = list(self.find_neighbours(clip_id)) if self.relations else []
        return {
            name_context(stream, relation): self._align(
                stream, [neighbour for neighbour in found if neighbour.relation == relation]
            )
            for stream in self.features
            for relation in self.relations
        }

    def find_neighbours(self, clip_id: str) -> Iterator[Neighbour]:
        """The nearest turns before and after a clip's, in their order; none of its own number.

        Who is not named is another person than anybody.
        """
        own = self.turns.get(clip_id)
        if own is None:
            return
        listed, count = self._dialogues[own.dialogue], self.windows.context_turns
        first = bisect_left(listed, own.turn, key=lambda turn: turn[0])
        last = bisect_right(listed, own.turn, key=lambda turn: turn[0])
        before, after = listed[max(0, first - count) : first], listed[last : last + count]
        for place, (_, other) in enumerate(before, start=-len(before)):
            yield Neighbour(other, place, f"before_{self._tell_speaker(own, other)}")
        for place, (_, other) in enumerate(after, start=1):
            yield Neighbour(other, place, f"after_{self._tell_speaker(own, other)}")

    def _tell_speaker(self, own: Turn, clip_id: str) -> str:
        same = own.speaker is not None and own.speaker == self.turns[clip_id].speaker
        return "own" if same else "others"

    def _align(self, stream: str, neighbours: Sequence[Neighbour]) -> Alignment:
        rows = [self._find_rows(stream, neighbour.clip_id) for neighbour in neighbours]
        return Alignment(
            np.concatenate([np.empty(0, np.int64), *rows]),
            np.array([len(found) for found in rows], np.int64),
            np.array([neighbour.away for neighbour in neighbours], np.float64),
        )

    def _find_rows(self, stream: str, clip_id: str) -> Int64[np.ndarray, " rows"]:
        """Numbers of the rows of a clip that stand for something."""
        if (stream, clip_id) not in self._valid:
            source, found = self.features[stream], np.empty(0, np.int64)
            if source.has_rows(clip_id):
                found = source.first_row(clip_id) + np.flatnonzero(source[clip_id].valid)
            self._valid[stream, clip_id] = found
        return self._valid[stream, clip_id]
