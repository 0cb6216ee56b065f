"""Sharing: under which ids the rows of a film are found that all of its people go by."""

from collections.abc import Mapping, Sequence

from pipeline.modalities import modality_of
from pipeline.predictor.people import Person
from pipeline.predictor.timing import Timing, name_time


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
