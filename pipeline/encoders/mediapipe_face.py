"""MediaPipe's Face Landmarker: 52 blendshapes of a face, and 478 points of its surface.

Grishchenko, Ablavatski, Kartynnik, Raveendran and Grundmann, Attention Mesh, CVPR workshops 2020,
for the points; Grishchenko, Yan, Bazavan et al., Blendshapes GHUM, CVPR workshops 2023.
"""

import importlib
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float, UInt8

from pipeline.encoders.params import MediapipeFaceParams
from pipeline.encoders.shared.checkpoint_pictures import find_checkpoint
from pipeline.encoders.shared.facts import Facts
from pipeline.errors import ParamsError
from pipeline.files import digest_file
from pipeline.modalities import Modality
from pipeline.rows import FrameRun, Frames, Rows

FACTS = Facts("Apache-2.0", extra="mediapipe")

VERSIONS = ("0.10.30", "0.10.31")
"""Of the package. Those after it want an OpenCV of their own, which would lie over the one that is
here; 0.10.35 and others after it connect to play.googleapis.com (its issue 6291)."""

PUBLISHED = "face_landmarker.task"
"""Name under which Google publishes the task."""

BLENDSHAPES, POINTS = 52, 478

SIZES = {
    "blendshapes": BLENDSHAPES,
    "points": 3 * POINTS,
    "both": BLENDSHAPES + 3 * POINTS,
}
"""What a row is of → its numbers; of both, blendshapes come first."""


class Encoder:
    """One row per frame: blendshapes in MediaPipe's order, from 0 to 1, the first of which is
    neutral; and x, y and z of points as `place_points` has them. A frame without a face is not
    valid.
    """

    version: ClassVar[int] = 1
    modalities: ClassVar[frozenset[Modality]] = frozenset({"face"})
    run = FrameRun()

    def __init__(self, params: MediapipeFaceParams, device: str = "cpu") -> None:
        self.output = params.output
        self.row_shape = (SIZES[params.output],)
        self.package = load_mediapipe()
        path = find_checkpoint(params.weights)
        self.provenance: dict[str, Any] = {
            "weights_digest": digest_file(path),
            "mediapipe": self.package.__version__,
        }
        self._landmarker = open_landmarker(self.package, path)
        weakref.finalize(self, self._landmarker.close)  # it cannot close itself as Python ends

    def encode(self, clips: Sequence[Frames]) -> list[Rows]:
        """Rows of each clip."""
        return [self._encode_clip(clip) for clip in clips]

    def _encode_clip(self, clip: Frames) -> Rows:
        rows = np.zeros((len(clip.images), *self.row_shape), np.float32)
        valid = np.zeros(len(rows), bool)
        for number, image in enumerate(clip.images):
            found = self._find_face(image)
            if found is not None:
                rows[number], valid[number] = found, True
        return Rows(rows, clip.start_seconds, clip.end_seconds, valid)

    def _find_face(
        self, image: UInt8[np.ndarray, "height width 3"]
    ) -> Float[np.ndarray, " dim"] | None:
        """Row of the face of an image; None where there is none."""
        colours = self.package.ImageFormat.SRGB
        pixels = self.package.Image(image_format=colours, data=np.ascontiguousarray(image))
        found = self._landmarker.detect(pixels)
        if not found.face_landmarks:
            return None
        scores = np.array([blendshape.score for blendshape in found.face_blendshapes[0]])
        height, width = image.shape[:2]
        # z is in widths of the image, as x is.
        pixel = np.array([width, height, width])
        points = np.array([(point.x, point.y, point.z) for point in found.face_landmarks[0]])
        placed = place_points(points * pixel, found.facial_transformation_matrixes[0]).ravel()
        parts = {"blendshapes": [scores], "points": [placed], "both": [scores, placed]}
        return np.concatenate(parts[self.output])


def place_points(
    points: Float[np.ndarray, "points 3"], pose: Float[np.ndarray, "4 4"]
) -> Float[np.ndarray, "points 3"]:
    """Points of an image (right, down, away from the viewer) in a frame of the face.

    Its axes are those of MediaPipe's canonical face: to the left of the person, up, and out of the
    face. They are the rotation in `pose`, the transform from that face to the one that is seen,
    which MediaPipe finds by weighted orthogonal Procrustes analysis over points that expressions
    move little (its guide to the face transform module). Points are counted from their centre, in
    units of their root mean square distance from it, as those of `landmarks` are: so place, size,
    turn and tilt of the head do not count.
    """
    seen = points * [1, -1, -1]
    around = seen - seen.mean(axis=0)
    left, _, right = np.linalg.svd(pose[:3, :3])  # what is no rotation in it is its scale
    scale = np.sqrt(np.square(around).sum(axis=1).mean())
    placed: Float[np.ndarray, "points 3"] = around @ (left @ right) / scale
    return placed


def place_weights(params: MediapipeFaceParams) -> Path:
    """File of the task; raises ParamsError where it is not there."""
    return find_checkpoint(params.weights)


def find_licence(params: MediapipeFaceParams) -> str | None:
    """Licence of the task that Google publishes, by its name; None of any other."""
    return "apache-2.0" if Path(params.weights).name == PUBLISHED else None


def load_mediapipe() -> Any:
    """The package; raises ParamsError where it is not installed, or another version is."""
    try:
        package = importlib.import_module("mediapipe")
    except ImportError as error:
        raise ParamsError(
            "encoder mediapipe_face: expected the package mediapipe, found none; "
            "pip install 'moodline[mediapipe]'"
        ) from error
    if package.__version__ not in VERSIONS:
        raise ParamsError(
            f"encoder mediapipe_face: expected mediapipe {' or '.join(VERSIONS)}, for later ones "
            f"report their use over the network, got {package.__version__}; "
            f"pip install 'moodline[mediapipe]'"
        )
    return package


def open_landmarker(package: Any, path: Path) -> Any:
    """The landmarker of the task at `path`; raises ParamsError for another file."""
    tasks = package.tasks
    options = tasks.vision.FaceLandmarkerOptions(
        base_options=tasks.BaseOptions(model_asset_path=str(path)),
        output_face_blendshapes=True,
        output_facial_transformation_matrixes=True,
    )
    try:
        return tasks.vision.FaceLandmarker.create_from_options(options)
    except RuntimeError as error:
        raise ParamsError(
            f"weights {str(path)!r}: expected the task of MediaPipe's Face Landmarker, got another "
            f"file ({error}); download {PUBLISHED}"
        ) from error
