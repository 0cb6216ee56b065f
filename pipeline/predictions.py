"""What a head says of the clips it was not trained on, beside what their labels say."""

import pyarrow as pa

from pipeline.targets import SCORES

NOTHING = "none"
"""`withheld` of predictions made from every input the head has."""

PREDICTIONS_SCHEMA = pa.schema(
    [
        ("clip_id", pa.string()),
        ("subject", pa.string()),
        ("group", pa.string()),
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
"""One row per annotated clip (`seconds` null) or frame, for each `split` (`val`, `test`), fold
and `withheld` modality.

Labels are null where not annotated; predictions are null where the head had nothing to go on:
such rows count as annotated and not covered. `scores` are class probabilities. The `prior_…`
columns are what the training clips of that fold would predict: their commonest emotion, their
mean valence and arousal.
"""
