import cv2
import numpy as np
import pyarrow as pa
import pytest
from skimage.data import astronaut

from pipeline.faces.params import Thresholds
from pipeline.faces.quality import FACE_MILLIMETRES, estimate_pose, judge_crops, measure_quality

FACE = astronaut()[65:180, 170:275]
BOX = np.array([170.0, 65.0, 275.0, 180.0])
UNKNOWN = np.full((5, 2), np.nan)


def project(yaw, pitch, roll, scale=1.7):
    """Landmarks of a usual face that is turned to the right of the image, down, and clockwise."""
    a, b, c = np.radians([yaw, pitch, roll])
    across = np.array([[np.cos(a), 0, -np.sin(a)], [0, 1, 0], [np.sin(a), 0, np.cos(a)]])
    down = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    turned = FACE_MILLIMETRES @ (down @ across).T
    plane = np.array([[np.cos(c), -np.sin(c)], [np.sin(c), np.cos(c)]])
    return turned[:, :2] @ plane.T * scale + (83, 71)


def test_a_face_that_looks_ahead_has_no_angles():
    assert estimate_pose(project(0, 0, 0)) == pytest.approx((0, 0, 0), abs=1e-6)


@pytest.mark.parametrize("angle", [-30, -7, 11, 25])
def test_angles_are_found_again(angle):
    assert estimate_pose(project(angle, 0, 0)) == pytest.approx((angle, 0, 0), abs=1e-6)
    assert estimate_pose(project(0, angle, 0)) == pytest.approx((0, angle, 0), abs=1e-6)
    assert estimate_pose(project(0, 0, angle)) == pytest.approx((0, 0, angle), abs=1e-6)


def test_the_nose_points_where_the_face_looks():
    turned, lowered = project(20, 0, 0), project(0, 20, 0)
    assert turned[2, 0] > turned[[0, 1, 3, 4], 0].mean()
    assert lowered[2, 1] > project(0, 0, 0)[2, 1] - 1e-9


def test_angles_are_unknown_without_landmarks():
    assert np.isnan(estimate_pose(UNKNOWN)).all()


def test_blur_lowers_sharpness_and_size_does_not_change_it_much():
    sharp = measure_quality(cv2.resize(FACE, (112, 112)), BOX, UNKNOWN).sharpness
    blurred = cv2.GaussianBlur(cv2.resize(FACE, (112, 112)), (0, 0), 3)
    assert measure_quality(blurred, BOX, UNKNOWN).sharpness < sharp / 20
    large = cv2.resize(FACE, (336, 336), interpolation=cv2.INTER_LINEAR)
    assert measure_quality(large, BOX, UNKNOWN).sharpness == pytest.approx(sharp, rel=0.4)


def test_brightness_is_a_share_and_size_is_the_boxs_shorter_side():
    grey = np.full((40, 40, 3), 51, np.uint8)
    quality = measure_quality(grey, BOX, UNKNOWN)
    assert (quality.brightness, quality.size) == (pytest.approx(0.2), 105)


CROPS = {
    "size": [80.0, 20.0, 80.0, 80.0, 80.0, 80.0],
    "brightness": [0.5, 0.5, 0.1, 0.9, 0.5, 0.5],
    "sharpness": [90.0, 90.0, 90.0, 90.0, 2.0, 90.0],
    "yaw": [3.0, np.nan, 3.0, 3.0, 3.0, -50.0],
    "pitch": [3.0, np.nan, 3.0, 3.0, 3.0, 3.0],
}


def judge(**thresholds):
    table = {name: pa.array(values, pa.float32()) for name, values in CROPS.items()}
    judged = judge_crops(pa.RecordBatch.from_pydict(table), Thresholds(**thresholds))
    return {reason: np.flatnonzero(failing).tolist() for reason, failing in judged.items()}


def test_without_thresholds_every_crop_is_good():
    assert not any(judge().values())


def test_each_threshold_finds_its_own_crops():
    judged = judge(
        min_size=30.0, min_brightness=0.2, max_brightness=0.8, min_sharpness=9.0, max_yaw=40.0
    )
    assert judged == {
        "small": [1],
        "dark": [2],
        "bright": [3],
        "blurred": [4],
        "turned": [5],
        "tilted": [],
    }
