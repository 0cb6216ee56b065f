"""Sharing: rows of a film that all of its people go by, found under the id of each."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Int64, Shaped

from pipeline.modalities import RowShape, modality_of
from pipeline.predictor.people import Person
from pipeline.predictor.timing import Timing, name_time
from pipeline.rows import Rows
from pipeline.store.reader import FeatureStore


class SharedRows(FeatureStore):
    """A feature set whose rows are found under the ids of `names` (id → id there), and no others.

    Opened parts are shared with it: nothing is read twice.
    """

    def __init__(self, whole: FeatureStore, names: Mapping[str, str]) -> None:
        self.__dict__.update(whole.__dict__)
        self._whole, self._names = whole, names

    def __contains__(self, clip_id: str) -> bool:
        return clip_id in self._names and self._names[clip_id] in self._whole

    def __getitem__(self, clip_id: str) -> Rows:
        return self._whole[self._names[clip_id]]

    @property
    def shape(self) -> RowShape:
        """Shape of one row, with what its axes are."""
        return self._whole.shape

    def has_rows(self, clip_id: str) -> bool:
        """Whether the clip that goes by this id is there with at least one row."""
        return clip_id in self._names and self._whole.has_rows(self._names[clip_id])

    def first_row(self, clip_id: str) -> int:
        """Number of the first row of that clip, as the whole set counts."""
        return self._whole.first_row(self._names[clip_id])

    def take_rows(self, numbers: Int64[np.ndarray, " rows"]) -> Shaped[np.ndarray, "rows *row"]:
        """Embeddings of the rows of these numbers."""
        return self._whole.take_rows(numbers)


def name_rows(stream: str, people: Mapping[str, Sequence[Person]]) -> dict[str, str]:
    """Clip of each person → id that its rows of a stream have: of all but faces its film's."""
    own = modality_of(stream) == "face"
    return {
        person.clip_id: person.clip_id if own else clip_id
        for clip_id, seen in people.items()
        for person in seen
    }


def name_slices(names: Mapping[str, str], sliced: Mapping[str, Timing]) -> dict[str, str]:
    """Stretch of each clip of `names` (id → id of its rows) → that of its rows, if it is sliced."""
    return {
        name_time(person, place): name_time(name, place)
        for person, name in names.items()
        if name in sliced
        for place in range(len(sliced[name].seconds))
    }
