import numpy as np

from pipeline.faces.contract import Search
from pipeline.faces.whole import Detector, place_weights


def test_the_frame_is_the_face():
    for faces in Detector(Search()).detect([np.zeros((97, 131, 3), np.uint8)] * 2):
        assert faces.boxes.tolist() == [[0, 0, 131, 97]]
        assert faces.scores.tolist() == [1]
        assert faces.landmarks.shape == (1, 5, 2)
        assert np.isnan(faces.landmarks).all()


def test_needs_no_weights_no_margin_and_no_shrunk_frames():
    assert place_weights(None) == []
    assert Detector.margin_free
    assert Detector.search_pixels is None
