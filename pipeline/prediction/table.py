"""What a head says of the clips it was not trained on, beside what their labels say."""

from collections.abc import Iterable

import pyarrow as pa

from pipeline.errors import StoreError
from pipeline.labels.clips import Clip
from pipeline.labels.targets import SCORES

NOTHING = "none"
"""`withheld` of predictions made from every input the head has."""

HELD_OUT_SCHEMA = pa.schema(
    [
        ("clip_id", pa.string()),
        ("split", pa.string()),
        ("fold", pa.int64()),
        ("withheld", pa.string()),
        ("seconds", pa.float64()),
        ("emotion", pa.string()),
        ("valence", pa.float64()),
        ("arousal", pa.float64()),
        ("predicted_emotion", pa.string()),
        ("predicted_valence", pa.float64()),
        ("predicted_arousal", pa.float64()),
        ("scores", SCORES),
        ("prior_emotion", pa.string()),
        ("prior_valence", pa.float64()),
        ("prior_arousal", pa.float64()),
    ]
)
"""Columns of `models/<head>/predictions.parquet`.

One row per annotated clip (`seconds` null) or frame, for each `split` (`val`, `test`), fold
and `withheld` modality.

Labels are null where not annotated; predictions are null where the head had nothing to go on:
such rows count as annotated and not covered. `scores` are class probabilities. The `prior_…`
columns are what the training clips of that fold would predict: their commonest emotion, their
mean valence and arousal.
"""

PREDICTIONS_SCHEMA = pa.schema([*HELD_OUT_SCHEMA, ("subject", pa.string()), ("group", pa.string())])
"""Columns of `reports/heads/<head>/predictions.parquet`: as before, and whose clip it is."""


def add_speakers(held_out: pa.Table, clips: Iterable[Clip]) -> pa.Table:
    """Table of `PREDICTIONS_SCHEMA` from one of `HELD_OUT_SCHEMA` over some of `clips`.

    Raises StoreError for a clip that is not among them.
    """
    known = {clip.clip_id: clip for clip in clips}
    clip_ids = held_out["clip_id"].to_pylist()
    for clip_id in clip_ids:
        if clip_id not in known:
            raise StoreError(
                f"predictions of clip {clip_id!r}: expected a clip of data/labels/clips.parquet, "
                f"got none of that name; run `dvc repro` to bring labels and heads in step"
            )
    subjects = pa.array([known[clip_id].subject for clip_id in clip_ids], pa.string())
    groups = pa.array([known[clip_id].group for clip_id in clip_ids], pa.string())
    return held_out.append_column("subject", subjects).append_column("group", groups)
