"""Tiny feature sets, labels and head params, made through the front door."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from pipeline.heads.params import HEADS
from pipeline.heads.reading import StreamRows
from pipeline.heads.recipes import AskedHead, Sections
from pipeline.heads.shared.params import HeadParams
from pipeline.labels.clip_labels import ClipLabels
from pipeline.labels.dialogues import Turn
from pipeline.labels.emotions import Names
from pipeline.rows import Rows
from pipeline.sections import parse_section
from pipeline.store.index import rowless
from pipeline.store.provenance import FeatureProvenance
from pipeline.store.reader import FeatureStore, open_features
from pipeline.store.writer import Made, StoreWriter
from pipeline.targets import TARGETS
from pipeline.windows.labels import FrameLabels, Labels

EMOTIONS = ["angry", "happy", "sad"]
NOTHING = dict.fromkeys(("face", "scene", "audio", "text"), "none")
SECTIONS = Sections(corpora={}, splits={}, clean={}, faces={}, transcribe={}, joint={})


def make_rows(embedding, step=1.0, valid=None):
    """Rows of `embedding (rows, dim)`, one after another, each of `step` seconds."""
    rows = np.asarray(embedding, np.float16)
    starts = np.arange(len(rows)) * step
    known = np.ones(len(rows), bool) if valid is None else np.array(valid)
    return Rows(rows, starts, starts + step, known)


def write_features(
    out: Path,
    clips: Mapping[str, Rows | None],
    encoder: str = "toy",
    *,
    views: int = 0,
    layer: list[int] | None = None,
    part_format: str = "zarr",
) -> FeatureStore:
    """Feature set at `out` of `clips`; those of None are in its index without rows.

    With `views`, it states that it has so many of each clip, under `<clip>#view1`, …; with
    `layer`, that the first axis of a row is these layers.
    """
    shape = next(rows.embedding.shape[1:] for rows in clips.values() if rows is not None)
    settings = {"encoder": encoder, "row_shape": list(shape), "dtype": "float16"}
    settings |= {} if layer is None else {"layer": layer}
    work = out.parent / f".{out.name}.work"
    stated = {"count": views} if views else {}
    made = FeatureProvenance("extract", settings, views=stated)
    with StoreWriter(work, made, part_format) as writer:
        for clip_id, rows in clips.items():
            if rows is not None:
                writer.add(clip_id, f"key {clip_id}", Made(rows))
        writer.close_part()
        filled = {clip_id: f"key {clip_id}" for clip_id, rows in clips.items() if rows is not None}
        absent = {clip_id: rowless(clip_id) for clip_id in clips.keys() - filled.keys()}
        writer.publish(out, absent | writer.locate(filled), [])
    return open_features(out)


def make_labels(
    targets: Sequence[ClipLabels],
    frames: Mapping[str, Mapping[str, Sequence[float]]] | None = None,
    emotions: Sequence[str] = EMOTIONS,
    turns: Mapping[str, Turn] | None = None,
) -> Labels:
    """Labels of `targets`; `frames` is clip → `seconds` and what each frame is labelled with."""
    framed = {
        clip_id: FrameLabels(
            np.array(columns["seconds"], float),
            {
                name: np.array(columns.get(name, np.full(len(columns["seconds"]), np.nan)), float)
                for name, target in TARGETS.items()
                if target.framed
            },
        )
        for clip_id, columns in (frames or {}).items()
    }
    names = Names(emotion=list(emotions), words={emotion: emotion for emotion in emotions})
    return Labels({target.clip_id: target for target in targets}, framed, names, turns or {})


def make_stream(rows: torch.Tensor, step: float = 1.0) -> StreamRows:
    """Stream of `rows (windows, time, *row)`, all of them present, each of `step` seconds."""
    seconds = step * (torch.arange(rows.shape[1]) + 0.5)
    here = torch.ones(rows.shape[:2], dtype=torch.bool)
    return StreamRows(rows, here, seconds.expand(rows.shape[:2]).clone())


def make_params(kind: str, inputs: Mapping[str, str], **options: object) -> HeadParams:
    """Params of a head of `kind` over `inputs` (modality → feature set)."""
    given = {"kind": kind, "inputs": {**NOTHING, **inputs}, **options}
    return parse_section(HEADS.find(kind).params, given, "heads.toy")


def ask(name: str, params: HeadParams) -> AskedHead:
    """Head `name` of `params`, over sets that no params.yaml describes."""
    return AskedHead(name, params, {set_: {} for set_ in params.inputs.sets().values()}, SECTIONS)
