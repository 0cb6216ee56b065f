"""Real data, which never comes with the code."""

import os
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
REAL_DATA = Path(os.environ.get("MOODLINE_DATA", PROJECT.parent / "shared" / "data"))


def find_real(name: str) -> Path:
    """Folder or file of real data by its name; the test is skipped, by name, where it is absent."""
    path = REAL_DATA / name
    if not path.exists():
        pytest.skip(f"no real data {name!r}; set MOODLINE_DATA to the folder that holds it")
    return path


def find_task() -> Path:
    """MediaPipe's Face Landmarker; the test is skipped without it, or without its package."""
    pytest.importorskip("mediapipe")
    return find_real("weights/face_landmarker.task")
