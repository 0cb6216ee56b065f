"""Lacking: which clips and views `extract` would encode, told without encoding any."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.encoders.contract import Recall
from pipeline.encoders.params import FeatureParams
from pipeline.extraction.ceilings import measure_bytes
from pipeline.extraction.source import (
    derive_keys,
    describe_rows,
    encode_clips,
    find_dtype,
    make_encoder,
)
from pipeline.extraction.views import list_views
from pipeline.labels.clips import Clip
from pipeline.labels.pending import Inputs, PendingRows
from pipeline.store.work import find_lacking


def list_unencoded(
    params: FeatureParams,
    clips: Sequence[Clip],
    media: Inputs,
    trained: frozenset[str],
    work: Path,
) -> PendingRows:
    """Those of `clips`, and of the views of those in `trained`, whose rows the work store lacks."""
    encoder = make_encoder(params)
    fingerprint = describe_rows(params, encoder).fingerprint
    recalled = encoder.list_keys() if isinstance(encoder, Recall) else None
    held = media.keys if recalled is None else recalled
    asked = {clip.clip_id: clip for clip in clips if clip.clip_id in held}
    views = {view.id: view for name in asked for view in list_views(params, name, trained)}
    items = {**asked, **{view_id: asked[view.clip_id] for view_id, view in views.items()}}
    inputs = {clip_id: key for clip_id in asked if (key := held[clip_id]) is not None}
    there = {view_id: view for view_id, view in views.items() if view.clip_id in inputs}
    keys = derive_keys(params, inputs, there, fingerprint)
    done = keys.keys() - find_lacking(work, fingerprint, keys)

    def encode(loaded: Mapping[str, pa.Table]) -> int:
        tables = {items[made].clip_id: table for made, table in loaded.items()}
        encoded = encode_clips(encoder, params, tables, loaded, views)
        return sum(measure_bytes(rows, find_dtype(encoder).itemsize) for _, rows in encoded)

    def load(some: Sequence[str]) -> Mapping[str, Any]:
        if recalled is not None:
            return dict.fromkeys(some)
        return _load_rows(media, {made: items[made].clip_id for made in some})

    return PendingRows(
        clips=len(asked),
        items={made: clip for made, clip in items.items() if made not in done},
        load=load,
        make=encode,
        workers=params.workers,
    )


def _load_rows(media: Inputs, clips: Mapping[str, str]) -> dict[str, pa.Table]:
    """Clip or view → the rows of its clip in `clips`, where that has any."""
    tables = media.read(sorted({*clips.values()}))
    return {made: tables[clip_id] for made, clip_id in clips.items() if clip_id in tables}
