import numpy as np
import pytest

from pipeline.encoders.landmarks import Encoder
from pipeline.encoders.params import LandmarksParams
from pipeline.errors import ParamsError, StoreError
from pipeline.rows import Frames
from pipeline.sections import parse_section

FACE = np.array([[-3, -4], [3, -4], [0, 0], [-2, 4], [2, 4]], float)
"""Its centre is the origin, its mean square distance from it 18."""


def encode(*points, seconds=None, **options):
    section = {"modality": "face", "encoder": "landmarks", **options}
    encoder = Encoder(parse_section(LandmarksParams, section, "features.x"))
    starts = np.arange(len(points)) * 0.5 if seconds is None else np.array(seconds, float)
    images = np.zeros((len(points), 3, 5, 3), np.uint8)
    (rows,) = encoder.encode([Frames(images, starts, starts + 0.4, np.array(points))])
    assert rows.embedding.shape == (len(points), *encoder.row_shape)
    return rows


def turn(points, degrees):
    angle = np.radians(degrees)
    return points @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def test_points_are_counted_from_their_centre_in_root_mean_square_distances():
    (row,) = encode(FACE).embedding
    np.testing.assert_allclose(row, FACE.ravel() / np.sqrt(18), rtol=1e-6)


def test_place_and_size_of_the_face_do_not_count():
    first, second = encode(FACE, FACE * 7 + [310, 57]).embedding
    np.testing.assert_allclose(first, second, rtol=1e-5, atol=1e-6)


def test_its_tilt_does():
    first, second = encode(FACE, turn(FACE, 20)).embedding
    np.testing.assert_allclose(second.reshape(5, 2), turn(first.reshape(5, 2), 20), atol=1e-6)


@pytest.mark.parametrize("motion", [False, True])
def test_frames_without_landmarks_are_not_valid(motion):
    missing = np.full((5, 2), np.nan)
    half = np.where(np.arange(5)[:, None] < 2, np.nan, FACE)
    point = np.full((5, 2), 3.0)
    rows = encode(FACE, missing, FACE, half, point, FACE + 1, motion=motion)
    assert rows.valid.tolist() == [True, False, True, False, False, True]
    assert np.isfinite(rows.embedding).all()


def test_motion_is_that_of_the_centre_and_of_the_size_per_second():
    seconds = [0, 0.5, 2]
    moved = [FACE * np.exp(0.3 * at) + [6 * at, -9 * at] for at in seconds]
    rows = encode(*moved, seconds=seconds, motion=True)
    scales = np.sqrt(18) * np.exp(0.3 * np.array(seconds))
    expected = np.stack([6 / scales, -9 / scales, np.full(3, 0.3)], axis=1)
    np.testing.assert_allclose(rows.embedding[:, 10:], expected, rtol=1e-5)


def test_motion_is_seen_past_frames_without_landmarks():
    missing = np.full((5, 2), np.nan)
    rows = encode(FACE, missing, missing, FACE + np.array([3, 0]), motion=True)
    np.testing.assert_allclose(rows.embedding[[0, 3], 10], 2 / np.sqrt(18), rtol=1e-5)
    assert (rows.embedding[[0, 3], 11:] == 0).all()


def test_one_frame_alone_has_no_motion_and_is_not_valid():
    missing = np.full((5, 2), np.nan)
    assert encode(missing, FACE).valid.tolist() == [False, True]
    assert encode(missing, FACE, motion=True).valid.tolist() == [False, False]


def test_single_frames_are_enough_unless_motion_counts():
    section = {"modality": "face", "encoder": "landmarks"}
    encoders = [
        Encoder(parse_section(LandmarksParams, {**section, "motion": motion}, "features.x"))
        for motion in (False, True)
    ]
    assert [encoder.run is None for encoder in encoders] == [False, True]


def test_frames_that_come_without_landmarks_are_refused():
    frames = Frames(np.zeros((1, 3, 5, 3), np.uint8), np.zeros(1), np.ones(1))
    encoder = Encoder(LandmarksParams(modality="face", encoder="landmarks"))
    with pytest.raises(StoreError, match="expected face crops with their landmarks, got frames"):
        encoder.encode([frames])


def test_a_scene_is_refused():
    with pytest.raises(ParamsError, match="modality"):
        parse_section(LandmarksParams, {"modality": "scene", "encoder": "landmarks"}, "features.x")
