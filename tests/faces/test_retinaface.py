import sys

import numpy as np
import pytest
import torch

from pipeline.errors import ParamsError
from pipeline.faces.contract import Search
from pipeline.faces.retinaface import NETWORK, Detector, make_network, place_weights
from tests.faces.retinas import draw, save_retinaface

pytest.importorskip(NETWORK)

LANDMARKS = ("right_eye", "left_eye", "nose", "mouth_right", "mouth_left")
"""As the package names them: from the person, whose right is the left of the image."""

SIZES = [(97, 331), (180, 320), (333, 249)]


@pytest.fixture(scope="module")
def weights():
    return str(save_retinaface())


@pytest.fixture(scope="module")
def detector(weights):
    return Detector(Search(weights))


@pytest.fixture(scope="module")
def detect_alone(weights):
    """The package's own way for one RGB picture.

    Told not to enlarge, it scales by exactly 1 what is under 1,024 pixels on its shorter side.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEEPFACE_BACKEND_ENGINE", "pytorch")
        package = pytest.importorskip("retinaface.RetinaFace")
    network = make_network().eval()
    network.load_state_dict(torch.load(weights, weights_only=True))

    def detect(picture):
        blue_first = np.ascontiguousarray(picture[..., ::-1])
        faces = package.detect_faces(blue_first, model=network, allow_upscaling=False)
        return list(faces.values())

    return detect


def assert_same(first, second, pixels=1e-2):
    np.testing.assert_allclose(first.boxes, second.boxes, atol=pixels)
    np.testing.assert_allclose(first.scores, second.scores, atol=1e-4)
    np.testing.assert_allclose(first.landmarks, second.landmarks, atol=pixels)


@pytest.mark.parametrize("size", SIZES)
def test_faces_are_those_of_the_package(detector, detect_alone, size):
    (faces,) = detector.detect([draw(*size)])
    expected = detect_alone(draw(*size))
    assert len(expected) >= 12
    np.testing.assert_allclose(faces.scores, [face["score"] for face in expected], atol=1e-4)
    # The package cuts the fractions of boxes off, and ours lie up to a pixel beyond.
    fractions = faces.boxes - [face["facial_area"] for face in expected]
    assert fractions.min() > -0.01
    assert fractions.max() < 1.01
    points = [[face["landmarks"][name] for name in LANDMARKS] for face in expected]
    np.testing.assert_allclose(faces.landmarks, points, atol=0.01)


def test_a_batch_gives_what_each_frame_gives_alone(detector):
    frames = [draw(97, 131, seed) for seed in (1, 2, 3)]
    for frame, faces in zip(frames, detector.detect(frames), strict=True):
        (alone,) = detector.detect([frame])
        assert len(alone) > 0
        assert_same(faces, alone)


def test_frames_of_another_size_in_between_change_nothing(detector):
    (before,) = detector.detect([draw(97, 131)])
    (other,) = detector.detect([draw(131, 97)])
    (after,) = detector.detect([draw(97, 131)])
    assert_same(before, after, pixels=0)
    assert (other.boxes[:, 2:] < (97, 131)).all()
    assert (other.boxes[:, 3] > 97).any()


def test_nothing_found_is_empty_arrays(weights):
    picky = Detector(Search(weights, min_score=1.1))
    for faces in picky.detect([draw(97, 131), draw(97, 131)]):
        assert faces.boxes.shape == (0, 4)
        assert faces.scores.shape == (0,)
        assert faces.landmarks.shape == (0, 5, 2)
    assert picky.detect([]) == []


def test_the_best_come_first_and_above_the_least_score(weights):
    (faces,) = Detector(Search(weights, min_score=0.95)).detect([draw(97, 131)])
    assert (np.diff(faces.scores) <= 0).all()
    assert faces.scores.min() >= 0.95


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_finds_the_best_face_near_by(weights, detector, precision):
    (exact,) = detector.detect([draw(97, 131)])
    (faces,) = Detector(Search(weights, precision=precision)).detect([draw(97, 131)])
    assert faces.boxes.dtype == np.float32
    off = np.abs(faces.boxes - exact.boxes[0]).max(axis=1)
    assert off.min() < 1


def test_weights_are_looked_for_where_the_package_keeps_them(tmp_path, monkeypatch):
    monkeypatch.setenv("DEEPFACE_HOME", str(tmp_path))
    path = tmp_path / ".deepface" / "weights" / "retinaface.pth"
    with pytest.raises(
        ParamsError, match=r"expected RetinaFace's in .*retinaface\.pth, found none"
    ):
        place_weights(None)
    path.parent.mkdir(parents=True)
    path.touch()
    assert place_weights(None) == [path]
    assert place_weights(str(path)) == [path]
    with pytest.raises(ParamsError, match=r"absent\.pth, found none"):
        place_weights("absent.pth")


def test_weights_of_another_network_are_refused(tmp_path):
    torch.save({"conv0.weight": torch.zeros(64, 3, 7, 7)}, tmp_path / "other.pth")
    with pytest.raises(ParamsError, match="expected exactly the weights of RetinaFace"):
        Detector(Search(str(tmp_path / "other.pth")))
    (tmp_path / "page.pth").write_text("Not Found")
    with pytest.raises(ParamsError, match="cannot be read as tensors alone"):
        Detector(Search(str(tmp_path / "page.pth")))


def test_without_the_package_one_sentence_tells_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, NETWORK, None)
    with pytest.raises(ParamsError, match="`uv pip install retina-face`"):
        make_network()
