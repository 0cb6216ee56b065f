import numpy as np
import pyarrow as pa

from pipeline.predictor.boxes import FacePath


def follow(found, seconds, tracks=None):
    """Left edge of a box at `seconds`, of a face that was `found` (second → left edge)."""
    boxes = [[left, 0.0, left + 10, 10.0] for left in found.values()]
    table = {"seconds": list(found), "box": boxes, "track": tracks or [0] * len(found)}
    return FacePath.of(pa.table(table)).follow(np.array(seconds))[:, 0].tolist()


def test_a_box_moves_in_a_line_and_stands_for_half_a_step_at_the_ends():
    found = {0.2: 0.0, 0.4: 10.0, 0.6: 30.0}
    moved = follow(found, [0.05, 0.15, 0.3, 0.4, 0.5, 0.65, 0.75])
    np.testing.assert_allclose(moved, [np.nan, 0, 5, 10, 20, 30, np.nan])


def test_a_gap_or_another_track_is_bridged_by_nothing():
    found = {0.0: 0.0, 0.2: 0.0, 1.0: 50.0, 1.2: 50.0}
    np.testing.assert_allclose(follow(found, [0.25, 0.6, 0.95]), [0, np.nan, 50])
    np.testing.assert_allclose(follow({0.0: 0.0, 0.2: 90.0}, [0.06, 0.14], [0, 1]), [0, 90])


def test_a_face_that_was_found_once_is_there_then():
    np.testing.assert_allclose(follow({0.0: 7.0}, [0.0, 0.3]), [7, np.nan])


def test_a_face_that_is_found_now_and_then_does_not_glide_in_between():
    found = {0.0: 0.0, 5.0: 50.0, 10.0: 100.0}
    np.testing.assert_allclose(follow(found, [0.3, 2.5, 5.0]), [0, np.nan, 50])
