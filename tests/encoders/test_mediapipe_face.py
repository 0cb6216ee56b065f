import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from pipeline.encoders.mediapipe_face import BLENDSHAPES, POINTS, Encoder, place_points
from pipeline.encoders.params import MediapipeFaceParams
from pipeline.errors import ParamsError
from pipeline.rows import Frames, Rows
from pipeline.sections import parse_section
from tests.real import find_task

RIGHT_EYE, LEFT_EYE, NOSE_TIP, FOREHEAD, CHIN = 33, 263, 1, 10, 152


def parse(weights: str, **options: Any) -> MediapipeFaceParams:
    section = {"modality": "face", "encoder": "mediapipe_face", "weights": weights, **options}
    return parse_section(MediapipeFaceParams, section, "features.any")


@cache
def make_encoder(output: str) -> Encoder:
    return Encoder(parse(str(find_task()), output=output))


def encode(*images: np.ndarray, output: str = "both") -> Rows:
    times = np.arange(len(images) + 1) / 25
    (rows,) = make_encoder(output).encode([Frames(np.stack(images), times[:-1], times[1:])])
    return rows


def find_points(*images: np.ndarray) -> np.ndarray:
    return encode(*images, output="points").embedding.reshape(len(images), POINTS, 3)


def turn(degrees: float) -> np.ndarray:
    height, width = astronaut().shape[:2]
    turned = cv2.getRotationMatrix2D((223, 110), degrees, 0.9)
    return cv2.warpAffine(astronaut(), turned, (width, height))


def test_a_row_is_blendshapes_and_then_points() -> None:
    both = encode(astronaut()).embedding
    alone = [encode(astronaut(), output=output).embedding for output in ("blendshapes", "points")]
    np.testing.assert_allclose(both, np.hstack(alone), atol=1e-5)
    assert 0 <= both[:, :BLENDSHAPES].min() < both[:, :BLENDSHAPES].max() <= 1


def test_axes_are_those_of_the_person() -> None:
    (points,) = find_points(astronaut())
    assert points[RIGHT_EYE, 0] < -0.5 < 0.5 < points[LEFT_EYE, 0]
    assert points[CHIN, 1] < -0.5 < 0.5 < points[FOREHEAD, 1]
    assert points[:, 2].argmax() in (1, 4)  # the tip of the nose, or what is next to it


def test_a_head_that_is_turned_in_the_picture_has_the_same_points() -> None:
    upright, turned = find_points(turn(0), turn(25))
    assert np.abs(turned - upright).mean() < 0.03


def test_place_size_and_rotation_do_not_count() -> None:
    points = np.random.default_rng(5).normal(size=(7, 3))
    rotation, _ = np.linalg.qr(np.random.default_rng(7).normal(size=(3, 3)))
    pose = np.eye(4)
    pose[:3, :3] = rotation * np.sign(np.linalg.det(rotation)) * 1.3
    flip = np.array([1, -1, -1])
    seen = ((points * flip) @ pose[:3, :3].T + [4, 5, 6]) * flip
    found = place_points(seen, pose)
    np.testing.assert_allclose(found, place_points(points, np.eye(4)), atol=1e-12)
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(np.square(found).sum(axis=1).mean(), 1)


def test_a_frame_without_a_face_is_not_valid() -> None:
    rows = encode(astronaut(), np.zeros_like(astronaut()), astronaut())
    assert rows.valid.tolist() == [True, False, True]
    assert not rows.embedding[1].any()
    np.testing.assert_array_equal(rows.embedding[0], rows.embedding[2])


def test_a_file_that_is_no_task_is_refused(tmp_path: Path) -> None:
    find_task()
    (tmp_path / "other.task").write_bytes(b"no archive")
    with pytest.raises(ParamsError, match=r"other\.task': expected the task of MediaPipe's Face L"):
        Encoder(parse(str(tmp_path / "other.task")))


def test_an_absent_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    with pytest.raises(ParamsError, match=r"pip install 'moodline\[mediapipe\]'"):
        Encoder(parse("face_landmarker.task"))


def test_a_version_that_reports_its_use_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    later = ModuleType("mediapipe")
    later.__version__ = "0.10.35"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mediapipe", later)
    with pytest.raises(ParamsError, match=r"0\.10\.31, for later ones report .* got 0\.10\.35;"):
        Encoder(parse("face_landmarker.task"))
