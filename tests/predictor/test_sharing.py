import numpy as np
import pytest

from pipeline.errors import StoreError
from pipeline.predictor.people import Person
from pipeline.predictor.sharing import SharedRows, name_rows, name_slices
from pipeline.predictor.timing import Timing
from tests.stores import make_rows, write_features

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


def test_shared_rows_are_those_of_the_clip_and_others_are_not_there(tmp_path):
    rows = {"a": make_rows(np.arange(6).reshape(1, 2, 3)), "b": make_rows(np.ones((1, 2, 3)))}
    store = write_features(tmp_path / "toy", rows, layer=[0, 1])
    shared = SharedRows(store, {"a//0": "a", "a//4": "a", "c//0": "c"})
    assert [name in shared for name in ("a//4", "a", "c//0")] == [True, False, False]
    assert [shared.has_rows(name) for name in ("a//4", "a", "c//0")] == [True, False, False]
    (row,) = shared.take_rows(np.array([shared.first_row("a//4")]))
    assert row.tolist() == shared["a//0"].embedding[0].tolist() == [[0, 1, 2], [3, 4, 5]]
    second = SharedRows(store.take_layer(1), {"x": "a"})
    assert (second["x"].embedding.tolist(), str(second.shape)) == ([[3, 4, 5]], "dim (3)")
    with pytest.raises(StoreError, match="no clip 'c'"):
        shared.first_row("c//0")
