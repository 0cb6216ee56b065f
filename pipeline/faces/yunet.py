"""Faces by YuNet, a small network that OpenCV runs on a processor: any pose, with landmarks.

Source: W. Wu, H. Peng and S. Yu, "YuNet: a tiny millisecond-level face detector", Machine
Intelligence Research 20, 2023. OpenCV's blue-green-red order never leaves this file.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8

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

STRIDES = (8, 16, 32)
"""Pixels from one place that the network answers for to the next; frames are filled up to the last
with black."""

NUMBERS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
"""What it says of each place, in so many numbers: a face there, anything there, box, landmarks."""

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
        self._path, self._min_score = path, min_score
        self._network = _open_network(path)
        self._find(np.zeros((ODD_SIZE[1], ODD_SIZE[0], 3), np.uint8))

    def detect(self, frames: Sequence[UInt8[np.ndarray, "height width 3"]]) -> list[Faces]:
        """One `Faces` for each of `frames`, in order, empty where none is found."""
        return [self._detect_one(frame) for frame in frames]

    def _detect_one(self, frame: UInt8[np.ndarray, "height width 3"]) -> Faces:
        height, width = frame.shape[:2]
        return order_faces(self._find(frame).astype(np.float64), width, height)

    def _find(self, frame: UInt8[np.ndarray, "height width 3"]) -> Float32[np.ndarray, "faces 15"]:
        """Faces of a frame as `order_faces` takes them.

        OpenCV's own class for it reads what lies in memory behind answers that are too few.
        """
        high, wide = (-(-side // STRIDES[-1]) * STRIDES[-1] for side in frame.shape[:2])
        filled = np.zeros((high, wide, 3), np.uint8)
        filled[: frame.shape[0], : frame.shape[1]] = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
        names = [f"{name}_{stride}" for stride in STRIDES for name in NUMBERS]
        try:
            self._network.setInput(cv2.dnn.blobFromImage(filled))
            answers = dict(zip(names, self._network.forward(names), strict=True))
        except cv2.error as error:
            raise _refuse(self._path, error) from error
        found = np.concatenate([self._place(answers, s, (high, wide)) for s in STRIDES])
        likely = found[found[:, 14] >= self._min_score]
        boxes = np.nan_to_num(likely[:, :4]).clip(-(2**20), 2**20).astype(np.int32)
        kept = cv2.dnn.NMSBoxes(
            boxes.tolist(), likely[:, 14].tolist(), self._min_score, SAME_FACE, top_k=MOST_FACES
        )
        return likely[np.asarray(kept, np.int64)]

    def _place(
        self, answers: Mapping[str, np.ndarray], stride: int, size: tuple[int, int]
    ) -> Float32[np.ndarray, "places 15"]:
        """What is said of each place of a frame, in its pixels; ParamsError for fewer numbers."""
        rows, columns = (side // stride for side in size)
        said = {}
        for name, numbers in NUMBERS.items():
            answer = answers[f"{name}_{stride}"]
            if answer.dtype != np.float32 or answer.size != rows * columns * numbers:
                raise ParamsError(
                    f"faces.weights {self._path}: expected a model of YuNet, of which {name}_"
                    f"{stride} has {rows * columns * numbers:,} numbers, got {answer.size:,}; "
                    f"download it again, or choose another"
                )
            said[name] = answer.reshape(-1, numbers)
        row, column = np.indices((rows, columns), np.float32).reshape(2, -1, 1)
        scores = np.sqrt(said["cls"].clip(0, 1) * said["obj"].clip(0, 1))
        places = np.concatenate([column, row], axis=1)
        middles = (places + said["bbox"][:, :2]) * np.float32(stride)
        sides = np.exp(said["bbox"][:, 2:], dtype=np.float64).astype(np.float32) * np.float32(
            stride
        )
        marks = (np.tile(places, 5) + said["kps"]) * np.float32(stride)
        return np.concatenate([middles - sides / 2, sides, marks, scores], axis=1)


def order_faces(rows: Float[np.ndarray, "faces 15"], width: int, height: int) -> Faces:
    """Faces, best first, of OpenCV's rows: left, top, width, height, landmarks, score.

    OpenCV's landmarks begin with the right eye of the person, left in the image.
    """
    corners = np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], axis=1)
    boxes = corners.clip(0, (width, height, width, height))
    order = np.argsort(-rows[:, 14], kind="stable")
    kept = order[(boxes[order, :2] < boxes[order, 2:]).all(axis=1)]
    return Faces(boxes[kept], rows[kept, 14], rows[kept, 4:14].reshape(-1, 5, 2))


def _open_network(path: Path) -> cv2.dnn.Net:
    """The model; raises ParamsError where OpenCV cannot read it."""
    try:
        with _silence():
            return cv2.dnn.readNetFromONNX(str(path))
    except cv2.error as error:
        raise _refuse(path, error) from error


def _refuse(path: Path, error: cv2.error) -> ParamsError:
    said = " ".join(str(error).split(" error: ")[-1].split())
    return ParamsError(
        f"faces.weights {path}: expected an ONNX model of YuNet for pictures of any size, got one "
        f"of which OpenCV says {said!r}; download it again, or choose another"
    )


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
