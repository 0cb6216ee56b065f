import numpy as np

from pipeline.prediction.answers import Predicted
from pipeline.predictor.answering import _average


def say(seconds, values):
    return Predicted({}, np.array(seconds), {"valence": np.array(values, np.float32)})


def test_runs_that_say_nothing_of_some_times_leave_these_to_the_others():
    found = _average([say([0.0, 1.0, 3.0], [0, 0, np.nan]), say([1.0, 2.0, 3.0], [1, 1, np.nan])])
    assert found.seconds.tolist() == [0.0, 1.0, 2.0, 3.0]
    np.testing.assert_equal(found.frames["valence"], np.array([0, 0.5, 1, np.nan], np.float32))
