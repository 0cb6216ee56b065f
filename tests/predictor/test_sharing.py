import numpy as np

from pipeline.predictor.people import Person
from pipeline.predictor.sharing import name_rows, name_slices
from pipeline.predictor.timing import Timing

PEOPLE = {"media/a": [Person("media/a//0", 0), Person("media/a//4", 4)], "b": [Person("b")]}


def test_people_share_all_but_their_faces():
    own = {"media/a//0": "media/a//0", "media/a//4": "media/a//4", "b": "b"}
    assert name_rows("face", PEOPLE) == name_rows("face/hog", PEOPLE) == own
    assert name_rows("audio", PEOPLE) == own | {"media/a//0": "media/a", "media/a//4": "media/a"}


def test_stretches_of_what_is_shared_are_found_for_each():
    timing = Timing(np.arange(2.0), None, np.zeros((2, 2)), 2.0)
    found = name_slices(name_rows("audio", PEOPLE), {"media/a": timing})
    assert found["media/a//4@1"] == "media/a@1"
    assert len(found) == 4
