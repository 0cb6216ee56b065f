"""Searching: which detector looks at frames of which size, and where it finds faces in them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

import cv2
import numpy as np
from jaxtyping import UInt8

from pipeline.errors import ParamsError
from pipeline.faces import AUTO, DETECTORS
from pipeline.faces.contract import Detector, Faces, Search
from pipeline.faces.params import FacesParams
from pipeline.limits import BATCH_PIXELS

Item = TypeVar("Item")
Image = UInt8[np.ndarray, "_ _ 3"]


@runtime_checkable
class Searcher(Protocol):
    """A detector, or what stands for one elsewhere."""

    def detect(self, frames: Sequence[Image]) -> list[Faces]:
        """One `Faces` for each of `frames`, all of one size."""


def find_faces(
    images: Sequence[Image], searcher: Searcher, search_pixels: int | None
) -> list[Faces]:
    """One `Faces` for each of `images`, in order, in pixels of that image.

    They are searched with their longer side shrunk to `search_pixels`; None leaves them.
    """
    shrunk = [shrink_image(image, search_pixels) for image in images]
    found: list[Faces] = []
    for _, alike in groupby(shrunk, key=lambda image: image.shape):
        found += searcher.detect(list(alike))
    return [
        scale_faces(faces, small, image)
        for faces, small, image in zip(found, shrunk, images, strict=True)
    ]


def split_batches(
    items: Iterable[Item], most: int, count_pixels: Callable[[Item], int]
) -> Iterator[list[Item]]:
    """`items` in order, at most `most` together, and several only up to BATCH_PIXELS."""
    batch: list[Item] = []
    pixels = 0
    for item in items:
        own = count_pixels(item)
        if batch and pixels + own > BATCH_PIXELS:
            yield batch
            batch, pixels = [], 0
        batch.append(item)
        pixels += own
        if len(batch) == most:
            yield batch
            batch, pixels = [], 0
    if batch:
        yield batch


def count_pixels(image: Image) -> int:
    """Pixels of `image`."""
    return int(image.shape[0] * image.shape[1])


def resolve_detector(params: FacesParams) -> FacesParams:
    """`params` with the detector that `auto` stands for here, and its own for what it does not use.

    Raises ParamsError where weights are named and no detector is, where the detector named lacks
    its own, and where crops are to be aligned by landmarks that it does not give.
    """
    if params.detector != AUTO:
        list_weights(params)
        detector = DETECTORS.load(params.detector).Detector
        _check_alignment(params)
        own: dict[str, Any] = {"search_pixels": params.search_pixels or detector.search_pixels}
        if detector.margin_free:
            own = {"search_pixels": None, "margin": 0.0, "min_score": None}
        if not detector.batched:
            own["precision"] = "fp32"
        if params.device == "cpu":
            own["batch"] = (
                1  # of RetinaFace, eight together took 1.3 times as long: caches overflow
            )
        return params.model_copy(update=own)
    if params.weights is not None:
        raise ParamsError(
            "params.yaml: faces.weights: expected none with detector auto, which looks for "
            f"weights in their usual places, got {params.weights!r}; name their detector"
        )
    named = (params.model_copy(update={"detector": name}) for name in DETECTORS.members)
    return resolve_detector(next(filter(_is_ready, named)))


def list_weights(params: FacesParams) -> list[Path]:
    """Files of the detector's weights; raises ParamsError where one is not there."""
    files: list[Path] = DETECTORS.load(params.detector).place_weights(params.weights)
    return files


def _check_alignment(params: FacesParams) -> None:
    if params.align and not DETECTORS.load(params.detector).Detector.gives_landmarks:
        raise ParamsError(
            f"params.yaml: faces.align: expected a detector that gives landmarks, got "
            f"{params.detector}; choose another, or set align: false"
        )


def _is_ready(params: FacesParams) -> bool:
    """Whether a detector can be used here, and does what is asked; one without weights must."""
    try:
        resolve_detector(params)
    except ParamsError:
        return not DETECTORS.find(params.detector).needs_weights
    return True


def load_detector(params: FacesParams) -> Detector:
    """Detector that `params` ask for, made once in each process."""
    search = Search(params.weights, params.min_score, params.device, params.precision)
    return _load_detector(params.detector, search)


@lru_cache(maxsize=1)
def _load_detector(name: str, search: Search) -> Detector:
    detector: Detector = DETECTORS.load(name).Detector(search)
    return detector


def shrink_image(image: Image, longer_side: int | None) -> Image:
    """`image` with its longer side at most `longer_side` pixels, its shape kept."""
    height, width = image.shape[:2]
    scale = 1.0 if longer_side is None else longer_side / max(height, width)
    if scale >= 1:
        return image
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def scale_faces(faces: Faces, small: Image, image: Image) -> Faces:
    """Faces of `small` in pixels of `image`, of which it is a smaller copy."""
    if small.shape == image.shape:
        return faces
    scale = np.array(image.shape[1::-1]) / small.shape[1::-1]
    return Faces(faces.boxes * np.tile(scale, 2), faces.scores, faces.landmarks * scale)
