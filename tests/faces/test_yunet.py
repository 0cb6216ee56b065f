import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from pipeline.errors import ParamsError
from pipeline.faces.contract import Search
from pipeline.faces.searching import find_faces
from pipeline.faces.yunet import PUBLISHED, Detector, order_faces, place_weights
from pipeline.media.sampling import Sampling
from pipeline.media.video import read_frames


@pytest.fixture(scope="module")
def weights(real_data):
    return str(real_data("weights/yunet_n_dynamic.onnx"))


@pytest.fixture(scope="module")
def detector(weights):
    return Detector(Search(weights))


@pytest.fixture
def count_faces(detector, real_data):
    """Faces in each frame of a clip, five frames a second."""

    def count(name):
        frames = read_frames(real_data("clips") / name, Sampling(rate_hz=5.0))
        images = [frame.image for frame in frames]
        found = find_faces(images, detector, Detector.search_pixels)
        return np.array([len(faces) for faces in found])

    return count


def make_row(left, top, width, height, score):
    return [left, top, width, height, *range(10), score]


def test_a_model_lies_where_params_yaml_says(tmp_path):
    path = tmp_path / "model.onnx"
    path.touch()
    assert place_weights(str(path)) == [path]


def test_an_absent_model_is_named():
    with pytest.raises(ParamsError, match=r"YuNet's model as 'a\.onnx', found no such file"):
        place_weights("a.onnx")


def test_the_usual_place_is_the_folder_weights(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ParamsError, match=r"weights/yunet_n_dynamic\.onnx"):
        place_weights(None)
    (tmp_path / "weights").mkdir()
    for name in reversed(PUBLISHED):
        (tmp_path / "weights" / name).touch()
        assert [path.name for path in place_weights(None)] == [name]


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>"])
def test_an_unreadable_model_is_told_in_one_sentence(tmp_path, content):
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(ParamsError, match="expected an ONNX model of YuNet") as raised:
        Detector(Search(str(path)))
    assert "\n" not in str(raised.value)


def write_varint(number):
    return (
        bytes([number]) if number < 128 else bytes([number & 127 | 128, *write_varint(number >> 7)])
    )


def write_field(place, value):
    """A field of a protocol buffer: a number, or bytes."""
    if isinstance(value, int):
        return write_varint(place << 3) + write_varint(value)
    return write_varint(place << 3 | 2) + write_varint(len(value)) + value


def write_network():
    """An ONNX model whose every answer is the largest number of each colour (onnx.proto)."""
    sizes = b"".join(write_field(1, write_field(1, size)) for size in (1, 3, 64, 64))
    kind = write_field(2, write_field(1, write_field(1, 1) + write_field(2, sizes)))
    graph = write_field(2, b"g") + write_field(11, write_field(1, b"input") + kind)
    for name in (
        f"{said}_{s}".encode() for said in ("cls", "obj", "bbox", "kps") for s in (8, 16, 32)
    ):
        node = write_field(1, b"input") + write_field(2, name) + write_field(4, b"GlobalMaxPool")
        graph += write_field(1, node) + write_field(12, write_field(1, name) + kind)
    return write_field(1, 8) + write_field(7, graph) + write_field(8, write_field(2, 13))


def test_a_network_of_too_few_answers_is_refused(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(write_network())  # OpenCV's own detector reads on, in other memory
    with pytest.raises(ParamsError, match="model of YuNet, of which cls_8 has 192 numbers, got 3"):
        Detector(Search(str(path)))


def test_faces_are_half_open_in_the_frame_and_best_first():
    rows = [(10, 20, 30, 40, 0.7), (-5, 90, 20, 30, 0.8), (140, 5, 9, 9, 0.9)]
    faces = order_faces(np.array([make_row(*row) for row in rows], float), 131, 97)
    assert faces.boxes.tolist() == [[0, 90, 15, 97], [10, 20, 40, 60]]
    assert faces.scores.tolist() == [0.8, 0.7]
    assert faces.landmarks[0].tolist() == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]


def test_the_network_sees_the_colours_it_was_trained_on(detector, weights):
    (ours,) = detector.detect([astronaut()])
    theirs = cv2.FaceDetectorYN.create(weights, "", (512, 512), 0.6)
    _, rows = theirs.detect(cv2.cvtColor(astronaut(), cv2.COLOR_RGB2BGR))
    assert ours.scores == pytest.approx(rows[:, 14])


def test_landmarks_begin_at_the_left_of_the_image(detector):
    (faces,) = detector.detect([astronaut()])
    eye, other_eye, nose, mouth, other_mouth = faces.landmarks[0]
    assert eye[0] < nose[0] < other_eye[0]
    assert mouth[0] < other_mouth[0]
    assert eye[1] < nose[1] < mouth[1]


def test_a_frame_gives_the_same_after_one_of_another_size(detector):
    (before,) = detector.detect([astronaut()])
    detector.detect([np.zeros((97, 131, 3), np.uint8)])
    detector.detect([np.zeros((1, 1, 3), np.uint8)])
    (after,) = detector.detect([astronaut()])
    np.testing.assert_array_equal(before.boxes, after.boxes)


def test_a_higher_score_leaves_fewer_faces(weights):
    (faces,) = Detector(Search(weights, min_score=0.99)).detect([astronaut()])
    assert len(faces) == 0


def test_opening_a_model_says_nothing(weights, capfd):
    Detector(Search(weights))
    assert capfd.readouterr() == ("", "")


def test_talkers_have_a_face_in_nearly_every_frame(count_faces):
    assert (count_faces("talking_1.mp4") > 0).mean() >= 0.95


def test_a_clip_without_a_face_has_none(count_faces):
    assert not count_faces("no_face.mp4").any()


def test_small_faces_are_found_side_by_side(count_faces):
    assert count_faces("several_small_faces.mp4").min() >= 2
