"""What a head says of the clips it was not trained on, beside what their labels say."""

from collections.abc import Iterable

import pyarrow as pa

from pipeline.errors import StoreError
from pipeline.evaluation.records import count_units
from pipeline.labels.clips import Clip
from pipeline.store.tables import version_schema

NOTHING = "none"
"""`withheld` of predictions made from every input the head has."""

ENROLLED = {f"all but {count_units(count, 'clip')}": count for count in (1, 2, 5, 10, 20)}
"""`withheld` of predictions by a head that normalises by subject, from so many other clips of the
one who is in the clip, or as many as there are."""

WORD = pa.dictionary(pa.int32(), pa.string())
"""Type of a column in which few words recur."""

HELD_OUT_SCHEMA = pa.schema(
    [
        ("clip_id", WORD),
        ("split", WORD),
        ("fold", pa.int64()),
        ("withheld", WORD),
        ("seconds", pa.float64()),
        ("target", WORD),
        ("class", WORD),
        ("label", pa.float64()),
        ("predicted", pa.float64()),
        ("scores", pa.list_(pa.float32())),
        ("prior", pa.float64()),
    ],
    metadata=version_schema(2),
)
"""Columns of `models/<head>/predictions.parquet`.

For each fold, `split` (`val`, `test`) and what is `withheld` (a modality, or all but so many clips
of a subject, as `ENROLLED` has it), one after the other, the head's
targets in the order of the table of targets; of each, the clips in the order of their labels, and
of each clip its frames in time. A target that is labelled per clip has a row for each clip with a
label of any such target (`seconds` null); one that is labelled per frame a row for each frame.
Targets with a number for each class (scores, votes) have a row for each `class` instead, in the
order of the classes; for others `class` is null.

`label` and `predicted` are numbers: ratings; class indices, as in `data/targets/names.json`; how
much of its class, or which share of the votes. `label` is null where not annotated, `predicted`
where the head had nothing to go on: such rows count as annotated and not covered. `scores` are
the probabilities of all classes, for targets of kind `class` alone. `prior` is what the training
clips of that fold would predict: their commonest class, the mean of all else.
"""

PREDICTIONS_SCHEMA = pa.schema(
    [*HELD_OUT_SCHEMA, ("corpus", WORD), ("subject", WORD), ("group", WORD)],
    metadata=version_schema(3),
)
"""Columns of `reports/heads/<head>/predictions.parquet`: as before, and whose clip it is."""


def add_speakers(held_out: pa.Table, clips: Iterable[Clip]) -> pa.Table:
    """Table of `PREDICTIONS_SCHEMA` from one of `HELD_OUT_SCHEMA` over some of `clips`.

    Raises StoreError for a clip that is not among them.
    """
    known = {clip.clip_id: clip for clip in clips}
    encoded = held_out["clip_id"].combine_chunks()
    clip_ids = encoded.dictionary.to_pylist()
    for clip_id in clip_ids:
        if clip_id not in known:
            raise StoreError(
                f"predictions of clip {clip_id!r}: expected a clip of data/labels/clips.parquet, "
                f"got none of that name; run `dvc repro` to bring labels and heads in step"
            )
    for name in ("corpus", "subject", "group"):
        words = [getattr(known[clip_id], name) for clip_id in clip_ids]
        distinct = sorted({word for word in words if word is not None})
        places = {word: place for place, word in enumerate(distinct)}
        # Only indices grow with the rows: as strings, the words of millions of them would not fit.
        indices = pa.array([places.get(word) for word in words], pa.int32()).take(encoded.indices)
        column = pa.DictionaryArray.from_arrays(indices, pa.array(distinct, pa.string()))
        held_out = held_out.append_column(name, column)
    return held_out.replace_schema_metadata(PREDICTIONS_SCHEMA.metadata)
