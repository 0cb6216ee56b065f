"""Prediction: trained heads over windows, back to one answer per clip or per frame."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Float
from numpy.typing import NDArray

from pipeline.heads.base import Head
from pipeline.heads.outputs import decode_outputs
from pipeline.heads.params import HeadParams
from pipeline.labels.runs import list_runs, split_clips
from pipeline.prediction.table import HELD_OUT_SCHEMA, NOTHING
from pipeline.store.reader import FeatureStore
from pipeline.windows.dataset import TARGETS, Labels, Window, WindowDataset, load_batches

Row = dict[str, Any]


Decoded = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Predicted:
    """What a head says of one clip, its windows averaged.

    `clip` is target → class probabilities `(classes,)` or a number `()`; `frames` is target →
    the same for each of `seconds`.
    """

    clip: Decoded
    seconds: Float[np.ndarray, " frames"]
    frames: Decoded


@dataclass(frozen=True)
class Trained:
    """A head of every run, ready to predict, and what it reads.

    `priors` is run → target → what the training labels alone predict, emotions by class index.
    """

    params: HeadParams
    features: Mapping[str, FeatureStore]
    heads: Mapping[str, Head]
    priors: Mapping[str, Mapping[str, float]]


@torch.inference_mode()
def predict_clips(
    head: Head, dataset: WindowDataset, withheld: str = NOTHING
) -> dict[str, Predicted]:
    """clip_id → prediction, for every clip with a row of a modality that is not withheld."""
    decoded: dict[str, list[tuple[Window, Decoded]]] = {}
    windows = iter(dataset.windows)
    for batch in load_batches(dataset):
        masks = {modality: mask & (modality != withheld) for modality, mask in batch.masks.items()}
        values = decode_outputs(head(batch.inputs, masks))
        present = torch.stack([mask.any(dim=1) for mask in masks.values()]).any(dim=0)
        for target in values.keys() & {name for name, per in dataset.per.items() if per == "frame"}:
            reached = torch.stack(list(masks.values())).any(dim=0)
            values[target][~reached] = torch.nan
        for row, seen in enumerate(present.tolist()):
            window = next(windows)
            if seen:
                found = {target: value[row].numpy() for target, value in values.items()}
                decoded.setdefault(window.clip_id, []).append((window, found))
    return {clip_id: _join_windows(found, dataset.per) for clip_id, found in decoded.items()}


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
            total = np.zeros((len(seconds), *points.shape[1:]))
            np.add.at(total, places, points)
            counts = np.bincount(places).reshape(-1, *[1] * (points.ndim - 1))
            frames[target] = (total / counts).astype(np.float32)
    return Predicted(clip, seconds, frames)


def predict_held_out(trained: Trained, labels: Labels) -> pa.Table:
    """Table of `HELD_OUT_SCHEMA`: each run on the clips that it was not trained on.

    A head with several modalities predicts again with each of them withheld.
    """
    modalities = list(trained.features)
    withholdings = [NOTHING, *(modalities if len(modalities) > 1 else ())]
    rows: list[Row] = []
    for run in list_runs(labels.targets.values()):
        placed = split_clips(labels.targets.values(), run)
        priors = _describe_priors(trained.priors[run.name], labels.names.emotion)
        for split in ("val", "test"):
            dataset = WindowDataset(trained.features, labels, trained.params)
            dataset.add_clips(placed[split])
            for withheld in withholdings:
                predicted = predict_clips(trained.heads[run.name], dataset, withheld)
                shared = {"split": split, "fold": run.fold, "withheld": withheld, **priors}
                rows += [
                    {**shared, **row}
                    for clip_id in placed[split]
                    for row in _list_rows(labels, clip_id, predicted.get(clip_id))
                ]
    return pa.Table.from_pylist(rows, schema=HELD_OUT_SCHEMA)


def _describe_priors(priors: Mapping[str, float], emotions: Sequence[str]) -> Row:
    emotion = priors.get("emotion")
    return {
        "prior_emotion": None if emotion is None else emotions[int(emotion)],
        "prior_valence": priors.get("valence"),
        "prior_arousal": priors.get("arousal"),
    }


def _list_rows(labels: Labels, clip_id: str, predicted: Predicted | None) -> list[Row]:
    """Rows of one clip: one for its clip targets, one per frame for its frame targets."""
    emotions = labels.names.emotion
    by_kind = {kind: [t for t in TARGETS if labels.per(t) == kind] for kind in ("clip", "frame")}
    rows = []
    truth = {target: labels.value(clip_id, target) for target in by_kind["clip"]}
    if not np.isnan(list(truth.values())).all():
        found = predicted.clip if predicted else {}
        rows.append({"clip_id": clip_id, **_fill_row(truth, found, emotions)})
    frames = labels.frames.get(clip_id)
    if by_kind["frame"] and frames is not None:
        places = {} if predicted is None else _index(predicted.seconds)
        for number, seconds in enumerate(frames.seconds.tolist()):
            truth = {target: float(frames.values[target][number]) for target in by_kind["frame"]}
            found = (
                {name: np.asarray(v[places[seconds]]) for name, v in predicted.frames.items()}
                if predicted is not None and seconds in places
                else {}
            )
            filled = _fill_row(truth, found, emotions)
            rows.append({"clip_id": clip_id, "seconds": seconds, **filled})
    return rows


def _index(seconds: NDArray[np.float64]) -> dict[float, int]:
    return {value: place for place, value in enumerate(seconds.tolist())}


def _fill_row(truth: Mapping[str, float], found: Decoded, emotions: Sequence[str]) -> Row:
    """Label and prediction columns of one row."""
    row: Row = {}
    for target, label in truth.items():
        value = found.get(target)
        if target == "emotion":
            row["emotion"] = None if np.isnan(label) else emotions[int(label)]
            if value is not None and not np.isnan(value).any():
                row["predicted_emotion"] = emotions[int(value.argmax())]
                row["scores"] = list(zip(emotions, value.tolist(), strict=True))
        else:
            row[target] = None if np.isnan(label) else label
            known = np.nan if value is None else float(value)
            row[f"predicted_{target}"] = None if np.isnan(known) else known
    return row
