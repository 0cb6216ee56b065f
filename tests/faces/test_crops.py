import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import MediaError
from pipeline.faces.crops import ALIGNED_POINTS, align_face, crop_face, fit_similarity, scale_frame
from pipeline.media.jpeg import decode_jpeg, encode_jpeg


def gradient(height, width):
    """Image whose red is the row and whose green is the column."""
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0] = np.arange(height)[:, None]
    image[..., 1] = np.arange(width)
    return image


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


def test_a_similarity_turns_scales_and_moves():
    turned = ALIGNED_POINTS @ np.array([[0.0, 1.0], [-1.0, 0.0]]) * 3 + (7, 11)
    moved = fit_similarity(ALIGNED_POINTS, turned)
    np.testing.assert_allclose(moved, [[0, -3, 7], [3, 0, 11]], atol=1e-9)


def draw_dots(landmarks):
    """Grey picture with a white dot on each landmark."""
    image = np.full((400, 500, 3), 90, np.uint8)
    for x, y in landmarks:
        cv2.circle(image, (round(x), round(y)), 6, (255, 255, 255), -1)
    return image


@pytest.mark.parametrize(("scale", "degrees"), [(1.0, 0), (2.3, 20), (2.7, -35), (0.8, 180)])
def test_an_aligned_crop_has_its_points_where_they_belong(scale, degrees):
    turn = cv2.getRotationMatrix2D((56, 56), degrees, scale)
    landmarks = ALIGNED_POINTS @ turn[:, :2].T + turn[:, 2] + (150, 120)
    crop = align_face(draw_dots(landmarks), landmarks, size=112)
    assert crop.shape == (112, 112, 3)
    for x, y in ALIGNED_POINTS:
        around = crop[round(y) - 3 : round(y) + 4, round(x) - 3 : round(x) + 4, 0].astype(float)
        rows, columns = np.mgrid[-3:4, -3:4]
        weights = around - 85
        middle = (columns * weights).sum() / weights.sum(), (rows * weights).sum() / weights.sum()
        assert middle == pytest.approx((x - round(x), y - round(y)), abs=0.7)


def test_an_aligned_crop_beyond_the_image_repeats_its_edge():
    image = np.full((60, 60, 3), 211, np.uint8)
    assert (align_face(image, ALIGNED_POINTS - 40, size=112) == 211).all()
    assert (align_face(image, ALIGNED_POINTS + 900, size=112) == 211).all()


def test_aligning_a_large_face_averages_its_pixels():
    noise = np.random.default_rng(2).integers(0, 255, (900, 900, 3), np.uint8)
    crop = align_face(noise, ALIGNED_POINTS * 8, size=112)
    assert crop[10:100, 10:100].std() < 20


def test_a_frame_is_scaled_to_a_height_with_its_shape_kept():
    assert scale_frame(gradient(97, 194), 31).shape == (31, 62, 3)


def test_what_is_no_jpeg_is_refused():
    for data in (b"", b"no jpeg at all"):
        with pytest.raises(MediaError, match=f"expected a JPEG file, got {len(data)} bytes"):
            decode_jpeg(data)


def test_a_line_of_pixels_is_not_grown_to_gigabytes():
    line = np.zeros((1, 20_000, 3), np.uint8)
    with pytest.raises(MediaError, match="a face of at most 16,384 pixels a side, got 20,000"):
        crop_face(line, np.array([0.0, 0.0, 20_000.0, 1.0]), size=8, margin=0.0)
    with pytest.raises(MediaError, match="got 4,800,000 x 240"):
        scale_frame(line, 240)
