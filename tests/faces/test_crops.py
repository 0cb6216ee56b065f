from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.data import astronaut

from pipeline.clips import Clip
from pipeline.errors import StoreError
from pipeline.faces import Faces
from pipeline.faces.crops import choose_face, crop_face, decode_jpeg, encode_jpeg, scale_frame
from pipeline.faces.cutting import CropSpec, cut_clip
from pipeline.media.video import read_frames
from tests.makers import grey_frames, write_video

SPEC = CropSpec(detector="cascade", rate_hz=None, size=61, margin=0.15, jpeg_quality=92)


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


def test_margin_is_added_on_each_side():
    crop = crop_face(gradient(97, 131), np.array([30.0, 20.0, 50.0, 30.0]), size=30, margin=0.25)
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


def test_a_frame_is_scaled_to_a_height_with_its_shape_kept():
    assert scale_frame(gradient(97, 194), 31).shape == (31, 62, 3)


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


def clip_of(path, **stretch):
    return Clip(clip_id="a", corpus="made", path=str(path), **stretch)


def test_a_clip_gives_a_crop_for_each_frame_with_a_face(tmp_path, face_image):
    frames = [face_image, face_image, np.zeros_like(face_image), face_image]
    cut = cut_clip(clip_of(write_video(tmp_path / "a.mp4", frames, fps=5)), spec=SPEC)
    assert (cut.frames, cut.scenes, cut.broken) == (4, [], None)
    assert [row.frame for row in cut.faces] == [0, 1, 3]
    assert [row.seconds for row in cut.faces] == pytest.approx([0.0, 0.2, 0.6])
    assert all(row.track == 0 and row.marks == "" and row.score >= 2 for row in cut.faces)
    assert all(np.isnan(row.landmarks).all() and len(row.landmarks) == 10 for row in cut.faces)


def test_a_row_holds_the_crop_of_its_box(tmp_path, face_image):
    path = write_video(tmp_path / "a.mp4", [face_image])
    (frame,) = read_frames(path, rate_hz=None)
    (row,) = cut_clip(clip_of(path), spec=SPEC).faces
    crop = crop_face(frame.image, np.array(row.box), size=61, margin=0.15)
    assert np.abs(decode_jpeg(row.jpeg).astype(int) - crop).mean() < 5


def test_scenes_are_whole_frames_with_or_without_a_face(tmp_path):
    path = write_video(tmp_path / "a.mp4", grey_frames(3, height=48, width=64))
    cut = cut_clip(clip_of(path), spec=replace(SPEC, scene_pixels=24))
    assert (cut.frames, cut.faces) == (3, [])
    images = [decode_jpeg(row.jpeg) for row in cut.scenes]
    assert [image.shape for image in images] == [(24, 32, 3)] * 3
    assert [image.mean() for image in images] == pytest.approx([0, 5, 10], abs=1.5)


def test_a_stretch_counts_its_own_frames(tmp_path, face_image):
    path = write_video(tmp_path / "a.mp4", [face_image] * 7, fps=5)
    clip = clip_of(path, start_seconds=0.6, end_seconds=1.2)
    cut = cut_clip(clip, spec=replace(SPEC, rate_hz=2.5))
    assert [(row.frame, round(row.seconds, 3)) for row in cut.faces] == [(0, 0.0), (2, 0.4)]


def test_a_video_that_breaks_off_keeps_its_crops(tmp_path, face_image):
    noise = np.random.default_rng(5).integers(0, 40, (60, 160, 160, 3), dtype=np.uint8)
    path = write_video(tmp_path / "a.mkv", face_image // 5 * 4 + noise)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    cut = cut_clip(clip_of(path), spec=SPEC)
    assert cut.broken[0] == "truncated"
    assert 10 < cut.frames < 25
    assert len(cut.faces) == cut.frames


def test_a_video_that_cannot_be_read_gives_the_reason(tmp_path):
    (tmp_path / "a.mp4").touch()
    cut = cut_clip(clip_of(tmp_path / "a.mp4"), spec=SPEC)
    assert (cut.faces, cut.frames, cut.broken[0]) == ([], 0, "unreadable")


def test_a_real_clip_without_faces_gives_none(real_data):
    cut = cut_clip(clip_of(real_data("clips/no_face.mp4")), spec=replace(SPEC, rate_hz=1.0))
    assert (cut.frames, cut.faces) == (4, [])


def test_a_real_talker_is_found_until_the_face_leaves(real_data):
    cut = cut_clip(clip_of(real_data("clips/face_leaves.mov")), spec=replace(SPEC, rate_hz=2.0))
    assert [round(row.seconds * 2) for row in cut.faces] == [0, 1, 2, 3, 4]
