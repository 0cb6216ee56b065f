import shutil
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from skimage.data import astronaut
from torch.nn import functional as F

from pipeline.errors import ParamsError
from pipeline.faces.contract import Faces, Search
from pipeline.faces.mtcnn import (
    FILES,
    PACKAGE,
    Detector,
    ONet,
    PNet,
    RNet,
    cut_crops,
    list_apart,
    list_scales,
    place_weights,
    sum_areas,
)
from pipeline.faces.searching import find_faces
from pipeline.media.sampling import Sampling
from pipeline.media.video import read_frames
from tests.tiny_models import fill_weights


@pytest.fixture
def weights(tmp_path):
    """Random weights of networks that take most of what they see for a face."""
    for name, kind in zip(FILES, (PNet, RNet, ONet), strict=True):
        state = fill_weights(kind())
        for head in (layer for layer in state if "_" in layer):
            state[head] *= 0.05
            if head.endswith("_1.bias"):
                state[head] += torch.tensor([-1.0, 1.0])
        torch.save(state, tmp_path / name)
    return tmp_path


@pytest.fixture
def published():
    """Folder of the weights that facenet-pytorch brings."""
    if find_spec(PACKAGE) is None:
        pytest.skip("no package facenet-pytorch, whose weights these are")
    return place_weights(None)[0].parent


def draw_frames(height=61, width=83):
    noise = np.random.default_rng(7).integers(0, 256, (2, height, width, 3), np.uint8)
    return [astronaut()[40 : 40 + height, 150 : 150 + width], *noise]


def assert_alike(faces, others, pixels=1e-3):
    assert len(faces) == len(others)
    np.testing.assert_allclose(faces.boxes, others.boxes, atol=pixels)
    np.testing.assert_allclose(faces.landmarks, others.landmarks, atol=pixels)
    np.testing.assert_allclose(faces.scores, others.scores, atol=1e-4)


def test_weights_are_three_files_in_a_folder(weights):
    assert place_weights(str(weights)) == [weights / name for name in FILES]


def test_an_absent_file_is_told(weights):
    (weights / "rnet.pt").unlink()
    with pytest.raises(ParamsError, match=r"expected pnet\.pt, rnet\.pt, onet\.pt in '.*not all"):
        place_weights(str(weights))


def test_weights_of_another_network_are_refused(weights):
    shutil.copy(weights / "rnet.pt", weights / "onet.pt")
    with pytest.raises(ParamsError, match=r"onet\.pt: expected those of ONet, got 'size mismatch"):
        Detector(Search(str(weights)))


@pytest.mark.parametrize(("shorter", "number"), [(19, 0), (20, 1), (28, 1), (29, 2), (320, 9)])
def test_the_pyramid_ends_where_a_face_fills_the_frame(shorter, number):
    scales = list_scales(shorter)
    assert len(scales) == number
    assert scales == pytest.approx([0.6 * 0.709**step for step in range(number)])


def test_crops_are_means_over_areas():
    pictures = torch.from_numpy(np.stack(draw_frames()))
    places = torch.tensor([[0, 0, 0, 83, 61], [2, 3, 5, 43, 16], [1, 82, 60, 83, 61]])
    crops = cut_crops(sum_areas(pictures), places, 24)
    for crop, (frame, left, top, right, bottom) in zip(crops, places.tolist(), strict=True):
        cut = pictures[frame, top:bottom, left:right].permute(2, 0, 1)[None].float()
        expected = F.interpolate(cut, (24, 24), mode="area")[0]
        torch.testing.assert_close(crop, expected, rtol=1e-5, atol=1e-3)


def test_a_face_inside_a_better_one_is_none_of_its_own():
    boxes = [[0, 0, 100, 100], [40, 40, 60, 60], [90, 0, 190, 100], [85, 85, 105, 105]]
    assert list_apart(np.array(boxes, float)) == [0, 2, 3]


def test_each_frame_gives_what_it_gives_alone_however_many_there_are(weights):
    detector, frames = Detector(Search(str(weights))), draw_frames()
    alone = [detector.detect([frame])[0] for frame in frames]
    assert min(map(len, alone)) > 20
    for together, faces in zip(detector.detect(frames * 2), alone * 2, strict=True):
        assert_alike(together, faces)


def test_boxes_lie_in_the_frame_best_first(weights):
    for faces in Detector(Search(str(weights))).detect(draw_frames()):
        assert (faces.boxes >= 0).all()
        assert (faces.boxes[:, :2] < faces.boxes[:, 2:]).all()
        assert (faces.boxes[:, 2:] <= (83, 61)).all()
        assert (np.diff(faces.scores) <= 0).all()


def test_a_frame_smaller_than_a_face_has_none(weights):
    (faces,) = Detector(Search(str(weights))).detect(draw_frames(19, 83)[:1])
    assert faces.landmarks.shape == (0, 5, 2)


def test_faces_surpass_the_score_that_is_asked_for(weights):
    (faces,) = Detector(Search(str(weights), min_score=0.885)).detect(draw_frames()[:1])
    assert len(faces) > 0
    assert faces.scores.min() > 0.885


@pytest.mark.parametrize("precision", ["fp16", "bf16"])
def test_a_lower_precision_finds_faces_too(weights, precision):
    (faces,) = Detector(Search(str(weights), precision=precision)).detect(draw_frames()[:1])
    assert len(faces) > 20


def test_finds_what_facenet_pytorch_finds(published):
    theirs = pytest.importorskip(PACKAGE).MTCNN(keep_all=True, select_largest=False)
    frames = [astronaut(), astronaut()[:, ::-1]]
    given = zip(*theirs.detect(np.stack(frames), landmarks=True), strict=True)
    for ours, known in zip(Detector(Search(str(published))).detect(frames), given, strict=True):
        assert len(ours) == 1
        assert_alike(ours, Faces(*(values.astype(float) for values in known)), pixels=0.5)


def test_landmarks_begin_at_the_left_of_the_image(published):
    (faces,) = Detector(Search(str(published))).detect([astronaut()])
    eye, other_eye, nose, mouth, other_mouth = faces.landmarks[0]
    assert eye[0] < nose[0] < other_eye[0]
    assert mouth[0] < other_mouth[0]
    assert eye[1] < nose[1] < mouth[1]


@pytest.mark.parametrize(
    ("name", "fewest", "most"),
    [("talking_1.mp4", 1, 1), ("no_face.mp4", 0, 0), ("several_small_faces.mp4", 2, 7)],
)
def test_real_clips_show_as_many_faces_as_they_do(published, real_data, name, fewest, most):
    detector = Detector(Search(str(published)))
    frames = read_frames(real_data("clips") / name, Sampling(rate_hz=1.0))
    images = [frame.image for frame in frames]
    numbers = list(map(len, find_faces(images, detector, Detector.search_pixels)))
    assert fewest <= min(numbers) <= max(numbers) <= most
