import numpy as np
import pytest

from pipeline.labels.clips import Clip
from pipeline.predictor.predictor import is_alone
from pipeline.predictor.timing import Spacing
from pipeline.rows import Rows


@pytest.mark.parametrize(
    ("ends", "seconds", "alone"),
    [
        ([4.0], 1.0, True),
        ([4.0], 9.0, False),  # each stretch holds all of it
        ([0.9], 1.0, True),  # the first stretch ends before it does
        ([2.0, 4.0], 1.0, False),
        ([], 1.0, False),
    ],
)
def test_a_single_row_of_which_stretches_hold_parts_is_made_anew(ends, seconds, alone):
    clip = Clip(clip_id="media/a", corpus="media", path="a", fps=10.0, duration_seconds=4.0)
    timing = Spacing(window_seconds=seconds).lay_times(clip, causal=False)
    starts = np.array([0.0, *ends[:-1]][: len(ends)])
    rows = Rows(np.zeros((len(ends), 2), np.float32), starts, np.array(ends), starts >= 0)
    assert is_alone(rows, timing) is alone
