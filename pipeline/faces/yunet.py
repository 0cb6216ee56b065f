"""Faces by YuNet, a small network that OpenCV runs on a processor: any pose, with landmarks.

Source: W. Wu, H. Peng and S. Yu, "YuNet: a tiny millisecond-level face detector", Machine
Intelligence Research 20, 2023. OpenCV's blue-green-red order never leaves this file.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from pipeline.errors import ParamsError
from pipeline.faces.contract import Faces, Search

FOLDER = Path("weights")
"""Where a model lies that params.yaml does not name, from the project's root."""

PUBLISHED = {
    "yunet_n_dynamic.onnx": "apache-2.0",
    "face_detection_yunet_2026may.onnx": "mit",
    "face_detection_yunet_2023mar.onnx": "mit",
}
"""Names under which models are published; the first one in FOLDER is taken.

And their licences: of `libfacedetection.train` the first, of OpenCV's Zoo the others.
"""

MIN_SCORE = 0.6
"""Real talkers score 0.92 and more, passers-by 7 to 17 pixels wide 0.6 to 0.88; where there was no
face, nothing reached 0.3."""

SAME_FACE = 0.3
"""Of boxes whose intersection over union exceeds this the best is kept."""

MOST_FACES = 5000
"""Boxes that are compared with each other, best first."""

ODD_SIZE = (101, 67)
"""Width and height that no model was exported for."""


def place_weights(weights: str | None) -> list[Path]:
    """The file of the model: `weights`, or the first of PUBLISHED in the folder `weights`.

    Raises ParamsError where it is not there.
    """
    usual = [FOLDER / name for name in PUBLISHED]
    for path in usual if weights is None else [Path(weights)]:
        if path.is_file():
            return [path]
    place = f"one of {', '.join(map(str, usual))}" if weights is None else repr(weights)
    raise ParamsError(
        f"faces.weights: expected YuNet's model as {place}, found no such file; download it to "
        f"there, or give as faces.weights where it lies"
    )


def find_licence(path: Path) -> str | None:
    """Licence of a published model, by its name; None of any other."""
    return PUBLISHED.get(path.name)


class Detector:
    """Finds faces from 7 pixels on, also in profile.

    A score is the network's own, from 0 to 1. Of 320 pixels, each frame of real talkers shows its
    face, and each of a crowd in 1080p three to eight; of 640, half as many again, for thrice the
    work.
    """

    version = 1
    search_pixels = 320
    margin_free = False
    gives_landmarks = True
    batched = False

    def __init__(self, search: Search) -> None:
        (path,) = place_weights(search.weights)
        min_score = MIN_SCORE if search.min_score is None else search.min_score
        self._network = _open_network(path, min_score)

    def detect(self, frames: Sequence[UInt8[np.ndarray, "height width 3"]]) -> list[Faces]:
        """One `Faces` for each of `frames`, in order, empty where none is found."""
        return [self._detect_one(frame) for frame in frames]

    def _detect_one(self, frame: UInt8[np.ndarray, "height width 3"]) -> Faces:
        height, width = frame.shape[:2]
        self._network.setInputSize((width, height))
        _, found = self._network.detect(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
        rows = np.empty((0, 15)) if found is None else np.asarray(found, np.float64)
        return order_faces(rows, width, height)


def order_faces(rows: Float[np.ndarray, "faces 15"], width: int, height: int) -> Faces:
    """Faces, best first, of OpenCV's rows: left, top, width, height, landmarks, score.

    OpenCV's landmarks begin with the right eye of the person, left in the image.
    """
    corners = np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], axis=1)
    boxes = corners.clip(0, (width, height, width, height))
    order = np.argsort(-rows[:, 14], kind="stable")
    kept = order[(boxes[order, :2] < boxes[order, 2:]).all(axis=1)]
    return Faces(boxes[kept], rows[kept, 14], rows[kept, 4:14].reshape(-1, 5, 2))


def _open_network(path: Path, min_score: float) -> cv2.FaceDetectorYN:
    """The model, tried once; raises ParamsError where OpenCV cannot run it on any size."""
    blank = np.zeros((ODD_SIZE[1], ODD_SIZE[0], 3), np.uint8)
    try:
        with _silence():
            network = cv2.FaceDetectorYN.create(
                str(path), "", ODD_SIZE, min_score, SAME_FACE, MOST_FACES
            )
            network.detect(blank)
    except cv2.error as error:
        said = " ".join(str(error).split(" error: ")[-1].split())
        raise ParamsError(
            f"faces.weights {path}: expected an ONNX model of YuNet for pictures of any size, got "
            f"one of which OpenCV says {said!r}; download it again, or choose another"
        ) from error
    return network


@contextmanager
def _silence() -> Iterator[None]:
    """Keep OpenCV from telling of every model that it runs on the processor."""
    logging = cv2.utils.logging
    level = logging.getLogLevel()
    logging.setLogLevel(logging.LOG_LEVEL_ERROR)
    try:
        yield
    finally:
        logging.setLogLevel(level)
