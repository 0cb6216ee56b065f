from importlib import import_module

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from pipeline.errors import ParamsError
from pipeline.faces import DETECTORS
from pipeline.faces.contract import Search

ASTRONAUT_FACE = (170, 65, 275, 180)
"""Left, top, right, bottom of the face in the 512 × 512 picture, by eye."""


@pytest.fixture(scope="module", params=sorted(DETECTORS.members))
def name(request):
    return request.param


@pytest.fixture(scope="module")
def module(name):
    return DETECTORS.load(name)


@pytest.fixture(scope="module")
def detector(name, module, request):
    return module.Detector(Search(WEIGHTS[name](request)))


WEIGHTS = {
    "cascade": lambda _: None,
    "given": lambda _: None,
    "mtcnn": lambda _: ready("mtcnn", "the package facenet-pytorch"),
    "retinaface": lambda _: str(import_module("tests.faces.retinas").save_retinaface()),
    "whole": lambda _: None,
    "yunet": lambda request: str(
        request.getfixturevalue("real_data")("weights/yunet_n_dynamic.onnx")
    ),
}
"""Detector → the weights it is tested with."""

SEEING = pytest.mark.parametrize("name", ["cascade", "mtcnn", "yunet"], scope="module")
"""For what only detectors that search, with weights that were trained, can do."""


def ready(name, needed):
    """None, where the weights of a detector are in their usual place; else skips the test."""
    try:
        DETECTORS.load(name).place_weights(None)
    except ParamsError:
        pytest.skip(f"{needed} is not here")


def overlap(first, second):
    low, high = np.maximum(first[:2], second[:2]), np.minimum(first[2:], second[2:])
    shared = np.prod(np.clip(high - low, 0, None))
    areas = [np.prod(np.subtract(box[2:], box[:2])) for box in (first, second)]
    return shared / (sum(areas) - shared)


WHOLE = [[(0, 0, 512, 512, 1)], [(0, 0, 410, 400, 1)], [(0, 0, 470, 260, 1)]]

FOUND = {
    "cascade": (
        1,
        [
            [(171.4, 67.9, 283.0, 179.6, 10)],
            [(148.6, 141.7, 247.2, 240.3, 2)],
            [(192.5, 65.1, 295.7, 168.3, 13), (79.6, 64.3, 180.4, 165.0, 10)],
        ],
    ),
    "mtcnn": (
        1,
        [
            [(181.1, 62.2, 267.7, 172.1, 1.0)],
            [(150.5, 133.7, 244.2, 245.4, 1.0)],
            [(198.3, 59.1, 288.8, 174.3, 1.0), (90.1, 64.6, 168.5, 168.6, 0.93)],
        ],
    ),
    "given": (1, WHOLE),
    "whole": (1, WHOLE),
    "yunet": (
        1,
        [
            [(178.1, 65.0, 269.5, 176.4, 0.94)],
            [(155.6, 136.7, 244.2, 248.0, 0.93)],
            [(197.5, 61.8, 290.6, 177.1, 0.94), (87.9, 63.5, 148.4, 179.3, 0.89)],
        ],
    ),
}
"""Detector → its version, and the boxes and scores that it finds in `draw_pictures`.

That of random weights is compared with the package it is from (`test_retinaface`).
"""


def draw_pictures():
    """A large face, one tilted and far away, and one half behind another."""
    face = astronaut()[30:230, 120:330]
    far = np.pad(face, ((100, 100), (100, 100), (0, 0)), "edge")
    turn = cv2.getRotationMatrix2D((205, 200), 20, 1)
    tilted = cv2.warpAffine(far, turn, (410, 400), borderMode=cv2.BORDER_REPLICATE)
    behind = np.pad(face, ((30, 30), (30, 230), (0, 0)), "edge")
    behind[30:230, 140:350] = face
    return [astronaut(), tilted, behind]


class TestDetector:
    def test_has_weights_to_place_where_its_row_says_so(self, name, module):
        if DETECTORS.members[name].needs_weights:
            with pytest.raises(ParamsError):
                module.place_weights("nowhere")
        else:
            assert module.place_weights(None) == []

    def test_states_its_version(self, module):
        assert isinstance(module.Detector.version, int)

    @pytest.mark.parametrize("name", sorted(FOUND), scope="module")
    def test_finds_something_else_only_with_another_version(self, name, module, detector):
        version, expected = FOUND[name]
        assert module.Detector.version == version
        for picture, known in zip(draw_pictures(), expected, strict=True):
            (faces,) = detector.detect([picture])
            found = np.column_stack([faces.boxes, faces.scores])
            # One search window more or less agrees where another processor rounds otherwise.
            assert found[:, :4] == pytest.approx(np.array(known)[:, :4], abs=2)
            assert found[:, 4] == pytest.approx(
                np.array(known)[:, 4], abs=2 if name == "cascade" else 0.02
            )

    def test_gives_one_answer_for_each_frame(self, detector):
        blank = np.zeros((97, 131, 3), np.uint8)
        assert len(detector.detect([blank, blank, blank])) == 3
        assert detector.detect([]) == []

    @SEEING
    def test_finds_nothing_in_nothing(self, detector):
        for level in (0, 131, 255):
            (faces,) = detector.detect([np.full((97, 131, 3), level, np.uint8)])
            assert len(faces) == 0
            assert faces.boxes.shape == (0, 4)
            assert faces.scores.shape == (0,)
            assert faces.landmarks.shape == (0, 5, 2)

    @SEEING
    @pytest.mark.parametrize("side", [127, 256, 512, 1021])
    def test_finds_the_astronaut_at_any_size(self, detector, side):
        image = cv2.resize(astronaut(), (side, side), interpolation=cv2.INTER_AREA)
        (faces,) = detector.detect([image])
        assert overlap(faces.boxes[0], np.array(ASTRONAUT_FACE) * side / 512) > 0.5

    @SEEING
    def test_finds_two_faces_best_first(self, detector):
        (faces,) = detector.detect([np.hstack([astronaut(), astronaut()[:, ::-1]])])
        assert len(faces) == 2
        assert (np.diff(faces.scores) <= 0).all()

    def test_boxes_lie_in_the_frame_with_their_corners_in_order(self, detector):
        image = astronaut()[60:190, 160:283]
        (faces,) = detector.detect([image])
        assert (faces.boxes[:, :2] < faces.boxes[:, 2:]).all()
        assert (faces.boxes >= 0).all()
        assert (faces.boxes[:, 2:] <= np.array([123, 130]) + 1).all()

    def test_each_frame_gives_what_it_gives_alone(self, detector):
        seen = astronaut()[::2, ::2].copy()
        frames = [seen, seen[:, ::-1].copy(), np.zeros_like(seen)]
        for together, frame in zip(detector.detect(frames), frames, strict=True):
            (alone,) = detector.detect([frame])
            np.testing.assert_allclose(together.boxes, alone.boxes, rtol=1e-4)
            np.testing.assert_allclose(together.scores, alone.scores, rtol=1e-4)

    def test_leaves_its_input_as_it_was(self, detector):
        image = astronaut()
        detector.detect([image])
        assert (image == astronaut()).all()

    @SEEING
    def test_landmarks_are_on_the_face_or_absent(self, module, detector):
        (faces,) = detector.detect([astronaut()])
        points = faces.landmarks[0]
        left, top, right, bottom = faces.boxes[0]
        inside = (points >= (left, top)) & (points <= (right, bottom))
        assert inside.all() if module.Detector.gives_landmarks else np.isnan(points).all()
