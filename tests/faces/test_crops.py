import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from makers import grey_frames, write_video
from skimage.data import astronaut

from pipeline.errors import MediaError, StoreError
from pipeline.faces import Faces
from pipeline.faces.crops import choose_face, crop_face, decode_jpeg, encode_jpeg
from pipeline.faces.cutting import CropSpec, cut_faces
from pipeline.media.video import read_frames

SPEC = CropSpec(detector="cascade", rate_hz=None, size=61, margin=0.3, jpeg_quality=92)


def gradient(height, width):
    """Image whose red is the row and whose green is the column."""
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0] = np.arange(height)[:, None]
    image[..., 1] = np.arange(width)
    return image


def faces_of(*boxes):
    count = len(boxes)
    return Faces(
        np.array(boxes, float).reshape(-1, 4), np.ones(count), np.full((count, 5, 2), np.nan)
    )


def test_a_crop_is_the_square_round_the_box():
    crop = crop_face(gradient(97, 131), np.array([30.0, 20.0, 50.0, 40.0]), size=20, margin=0.0)
    np.testing.assert_array_equal(crop, gradient(97, 131)[20:40, 30:50])


def test_margin_enlarges_the_longer_side():
    crop = crop_face(gradient(97, 131), np.array([30.0, 20.0, 50.0, 30.0]), size=30, margin=0.5)
    np.testing.assert_array_equal(crop, gradient(97, 131)[10:40, 25:55])


def test_edge_pixels_are_repeated_beyond_the_image():
    crop = crop_face(gradient(97, 131), np.array([-10.0, -10.0, 10.0, 10.0]), size=20, margin=0.0)
    np.testing.assert_array_equal(crop[:10, :10], np.zeros((10, 10, 3)))
    np.testing.assert_array_equal(crop[10:, 10:], gradient(10, 10))
    np.testing.assert_array_equal(crop[:10, 10:, 1], np.broadcast_to(np.arange(10), (10, 10)))


@given(st.lists(st.floats(-500, 500), min_size=4, max_size=4), st.floats(0, 2))
def test_a_crop_of_a_bright_image_is_never_black(box, margin):
    image = np.full((53, 71, 3), 211, np.uint8)
    crop = crop_face(image, np.array(box), size=17, margin=margin)
    assert crop.shape == (17, 17, 3)
    assert (crop == 211).all()


def test_colours_survive_crop_and_jpeg():
    red = np.zeros((64, 64, 3), np.uint8)
    red[..., 0] = 255
    crop = crop_face(red, np.array([8.0, 8.0, 40.0, 40.0]), size=48, margin=0.2)
    back = decode_jpeg(encode_jpeg(crop, 92))
    assert back[..., 0].min() > 245
    assert back[..., 1:].max() < 10


def test_what_is_no_jpeg_is_refused():
    for data in (b"", b"no jpeg at all"):
        with pytest.raises(StoreError, match=f"expected a JPEG file, got {len(data)} bytes"):
            decode_jpeg(data)


def test_no_face_is_chosen_where_there_is_none():
    assert choose_face(faces_of(), None) is None
    assert choose_face(faces_of(), np.array([0.0, 0.0, 5.0, 5.0])) is None


def test_the_largest_face_is_chosen_first():
    assert choose_face(faces_of((0, 0, 7, 7), (20, 20, 40, 40)), None) == 1


def test_a_face_is_followed_though_another_is_larger():
    faces = faces_of((1, 1, 8, 8), (20, 20, 40, 40))
    assert choose_face(faces, np.array([0.0, 0.0, 7.0, 7.0])) == 0


def test_after_a_cut_the_largest_face_is_chosen_again():
    faces = faces_of((1, 1, 8, 8), (20, 20, 40, 40))
    assert choose_face(faces, np.array([60.0, 0.0, 67.0, 7.0])) == 1


@pytest.fixture(scope="module")
def face_image():
    return cv2.resize(astronaut(), (160, 160), interpolation=cv2.INTER_AREA)


def test_a_clip_gives_a_crop_for_each_frame_with_a_face(tmp_path, face_image):
    frames = [face_image, face_image, np.zeros_like(face_image), face_image]
    path = write_video(tmp_path / "a.mp4", frames, fps=5)
    rows = cut_faces(path, spec=SPEC)
    assert [row.frame for row in rows] == [0, 1, 3]
    assert [row.seconds for row in rows] == pytest.approx([0.0, 0.2, 0.6])
    assert all(row.track == 0 and row.marks == "" and row.score >= 2 for row in rows)
    assert all(np.isnan(row.landmarks).all() and len(row.landmarks) == 10 for row in rows)


def test_a_row_holds_the_crop_of_its_box(tmp_path, face_image):
    path = write_video(tmp_path / "a.mp4", [face_image])
    (frame,) = read_frames(path, rate_hz=None)
    (row,) = cut_faces(path, spec=SPEC)
    crop = crop_face(frame.image, np.array(row.box), size=61, margin=0.3)
    assert np.abs(decode_jpeg(row.jpeg).astype(int) - crop).mean() < 5


def test_a_clip_without_a_face_gives_no_row(tmp_path):
    assert cut_faces(write_video(tmp_path / "a.mp4", grey_frames(3)), spec=SPEC) == []


def test_a_stretch_counts_its_own_frames(tmp_path, face_image):
    path = write_video(tmp_path / "a.mp4", [face_image] * 7, fps=5)
    spec = CropSpec(**{**vars(SPEC), "rate_hz": 2.5, "start_seconds": 0.6, "end_seconds": 1.2})
    rows = cut_faces(path, spec=spec)
    assert [(row.frame, round(row.seconds, 3)) for row in rows] == [(0, 0.0), (2, 0.4)]


def test_a_video_that_breaks_off_keeps_its_crops_and_is_marked(tmp_path, face_image):
    noise = np.random.default_rng(5).integers(0, 40, (60, 160, 160, 3), dtype=np.uint8)
    path = write_video(tmp_path / "a.mkv", face_image // 5 * 4 + noise)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    rows = cut_faces(path, spec=SPEC)
    assert 10 < len(rows) < 25
    assert [row.marks for row in rows] == [""] * (len(rows) - 1) + ["truncated"]


def test_a_clip_without_pictures_is_refused(tmp_path):
    (tmp_path / "a.mp4").touch()
    with pytest.raises(MediaError, match="unreadable"):
        cut_faces(tmp_path / "a.mp4", spec=SPEC)


def test_a_real_clip_without_faces_gives_none(real_data):
    spec = CropSpec(**{**vars(SPEC), "rate_hz": 1.0})
    assert cut_faces(real_data("clips/no_face.mp4"), spec=spec) == []


def test_a_real_talker_is_found_until_the_face_leaves(real_data):
    spec = CropSpec(**{**vars(SPEC), "rate_hz": 2.0})
    rows = cut_faces(real_data("clips/face_leaves.mov"), spec=spec)
    assert [round(row.seconds * 2) for row in rows] == [0, 1, 2, 3, 4]
