"""Prediction: a trained head over windows, back to one answer per clip or per frame."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, Float64
from torch import Tensor

from pipeline.evaluation.table import NOTHING
from pipeline.heads.base import Head
from pipeline.heads.normalisation import NO_STANDARDS, Standards
from pipeline.heads.outputs import decode_outputs
from pipeline.heads.recipes import Adjustment
from pipeline.heads.shared.params import HeadParams
from pipeline.modalities import modality_of
from pipeline.prediction.calibration import calibrate
from pipeline.prediction.smoothing import Smoother, smooth_frames
from pipeline.targets import TARGETS
from pipeline.windows.normalising import normalise_rows
from pipeline.windows.packing import gather_rows
from pipeline.windows.windowing import RowSource, Window

AT_ONCE = 256
"""Windows that a head predicts at once."""

Adjustments = Mapping[str, Adjustment]
"""Target → what was fitted on validation for it."""

UNADJUSTED: Adjustments = {}
"""Of answers as the head gives them."""

Decoded = dict[str, Float32[np.ndarray, "*shape"]]


@dataclass(frozen=True)
class Predicted:
    """What a head says of one clip, its windows averaged.

    `clip` is target → a rating `()`, or a number for each class `(classes,)`; `frames` is target
    → the same for each of `seconds`.
    """

    clip: Decoded
    seconds: Float64[np.ndarray, " frames"]
    frames: Decoded


@torch.inference_mode()
def predict_clips(
    head: Head,
    features: Mapping[str, RowSource],
    windows: Sequence[Window],
    *,
    withheld: str = NOTHING,
    known: Standards = NO_STANDARDS,
    adjustments: Adjustments = UNADJUSTED,
) -> dict[str, Predicted]:
    """clip_id → prediction, for every clip with a row of a modality that is not withheld.

    `windows` are cut from `features`, at seconds where the head predicts per frame. `known` are the
    standards of clips whose subject it knows. Answers are postprocessed by `adjustments`, those of
    the head's recipe for its run.
    """
    decoded: dict[str, list[tuple[Window, Decoded]]] = {}
    standards = {**head.standards, **known}
    for start in range(0, len(windows), AT_ONCE):
        some = windows[start : start + AT_ONCE]
        for window, found in _predict_windows(head, features, some, standards, withheld):
            decoded.setdefault(window.clip_id, []).append((window, found))
    joined = {clip_id: _join_windows(found, head.per) for clip_id, found in decoded.items()}
    return {
        clip_id: postprocess(predicted, head.params, adjustments)
        for clip_id, predicted in joined.items()
    }


def postprocess(predicted: Predicted, params: HeadParams, adjustments: Adjustments) -> Predicted:
    """What is said of one clip, as `params.postprocessing` has it by `adjustments` of its targets.

    Targets without one stay as they are.
    """
    clip, frames = dict(predicted.clip), dict(predicted.frames)
    for name, adjustment in adjustments.items():
        if name in frames:
            smoother = Smoother.of(params, adjustment.width_seconds)
            smoothed = smooth_frames(frames[name], predicted.seconds, smoother)
            frames[name] = calibrate(TARGETS[name], smoothed, adjustment)
        elif name in clip:
            clip[name] = calibrate(TARGETS[name], clip[name], adjustment)
    return Predicted(clip, predicted.seconds, frames)


def _predict_windows(
    head: Head,
    features: Mapping[str, RowSource],
    windows: Sequence[Window],
    standards: Standards,
    withheld: str,
) -> Iterator[tuple[Window, Decoded]]:
    """Each window with anything to go on, and its answers; NaN at frames that no row reaches."""
    rows = gather_rows(features, windows)
    gathered = normalise_rows(rows, [window.clip_id for window in windows], standards)
    streams = head.know(
        {name: stream.keep(modality_of(name) != withheld) for name, stream in gathered.items()}
    )
    masks = [stream.mask for stream in streams.values()]
    values: dict[str, Tensor] = decode_outputs(head(streams))
    framed = [target for target, per in head.per.items() if per == "frame"]
    if framed:
        reached = torch.stack(masks).any(dim=0)
        for target in framed:
            values[target][~reached] = torch.nan
    present = torch.stack([mask.any(dim=1) for mask in masks]).any(dim=0)
    for row, (window, seen) in enumerate(zip(windows, present.tolist(), strict=True)):
        if seen:
            yield window, {target: value[row].numpy() for target, value in values.items()}


def _join_windows(found: Sequence[tuple[Window, Decoded]], per: Mapping[str, str]) -> Predicted:
    """Mean over the windows of a clip; at each frame, over the windows that hold it."""
    clip = {
        target: np.asarray(np.mean([values[target] for _, values in found], axis=0))
        for target, kind in per.items()
        if kind == "clip"
    }
    seconds, places = np.unique(
        np.concatenate([window.seconds for window, _ in found]), return_inverse=True
    )
    frames = {}
    for target, kind in per.items():
        if kind == "frame":
            # Outputs are padded to the batch's longest window: a window's own points come first.
            points = np.concatenate([v[target][: len(window.seconds)] for window, v in found])
            frames[target] = _average(points, places, len(seconds))
    return Predicted(clip, seconds, frames)


def _average(
    points: Float32[np.ndarray, "points *classes"], places: np.ndarray, count: int
) -> Float32[np.ndarray, "count *classes"]:
    """Mean of the points of each of `count` places."""
    total = np.zeros((count, *points.shape[1:]))
    np.add.at(total, places, points)
    counts = np.bincount(places).reshape(-1, *[1] * (points.ndim - 1))
    return (total / counts).astype(np.float32)
