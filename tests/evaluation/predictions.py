"""Tables of predictions, worked out by hand or drawn, for the tests of evaluation."""

import numpy as np
import pyarrow as pa

from pipeline.evaluation.evaluating import evaluate_head
from pipeline.evaluation.params import EvaluateParams
from pipeline.evaluation.table import PREDICTIONS_SCHEMA
from pipeline.targets import TARGETS

EMOTIONS = ["angry", "happy", "sad"]
PARAMS = EvaluateParams(resamples=199)


def table(count, **columns):
    """Predictions of `count` clips of one split, each its own; single values stand for all.

    `emotion=[...]`, `predicted_emotion=[...]` and `prior_emotion=[...]` give the rows of a target,
    emotions by their names.
    """
    values = {"clip_id": [f"c{row:02d}" for row in range(count)], "split": "val", **columns}
    values.setdefault("withheld", "none")
    targets = [name for name in TARGETS if {name, f"predicted_{name}"} & values.keys()]
    return pa.concat_tables([_list_rows(count, values, target) for target in targets])


def _list_rows(count, values, target):
    roles = {"label": target, "predicted": f"predicted_{target}", "prior": f"prior_{target}"}
    given = {
        **values,
        "target": target,
        **{role: _index(values.get(name)) for role, name in roles.items()},
    }
    if target == "emotion":
        given["scores"] = _list_scores(given["predicted"], count)
    arrays = []
    for field in PREDICTIONS_SCHEMA:
        value = given.get(field.name)
        rows = value if isinstance(value, (list, np.ndarray)) else [value] * count
        arrays.append(pa.array(rows, field.type))
    return pa.table(arrays, schema=PREDICTIONS_SCHEMA)


def _list_scores(predicted, count):
    """Probabilities that fit the predicted class: the next one comes second."""
    places = predicted if isinstance(predicted, list) else [predicted] * count
    falling = np.array([0.5, 0.375, 0.125])
    return [None if place is None else np.roll(falling, int(place)) for place in places]


def _index(value):
    """Emotions by their place; all else as it is."""
    if isinstance(value, list):
        return [_index(each) for each in value]
    return float(EMOTIONS.index(value)) if isinstance(value, str) else value


def rated(count, seed=0, **columns):
    """Clips of 13 subjects with every label and prediction of three targets."""
    generator = np.random.default_rng(seed)
    valence, arousal, noise = np.random.default_rng(1).uniform(-1, 1, (3, count))
    emotion = [EMOTIONS[row % 3] for row in range(count)]
    predicted = [EMOTIONS[row % 3 if hit else 0] for row, hit in enumerate(noise > -0.2)]
    given = {
        "subject": [f"s{row % 13}" for row in range(count)],
        "emotion": emotion,
        "predicted_emotion": predicted,
        "valence": valence,
        "predicted_valence": valence / 2 + generator.normal(0, 0.2, count),
        "arousal": arousal,
        "predicted_arousal": arousal / 3,
        "prior_emotion": "angry",
        "prior_valence": 0.1,
        "prior_arousal": -0.1,
    }
    return table(count, **{**given, **columns})


def evaluate(predictions, params=PARAMS):
    """Evaluation of validation."""
    return evaluate_head("words", predictions, EMOTIONS, params).splits["val"]


def values(split):
    """Metric → value."""
    return {metric: estimate.value for metric, estimate in split.metrics.items()}


def column(predictions, name):
    """Numbers of `valence` or `predicted_valence`, row by row."""
    role, _, target = name.rpartition("_")
    rows = pick(predictions, target)
    return predictions.filter(pa.array(rows))[role or "label"].to_numpy()


def pick(predictions, target):
    """Which rows are of `target`."""
    return np.array([word == target for word in predictions["target"].to_pylist()])


def replaced(predictions, name, rows):
    """Predictions with other values in a column."""
    place = predictions.schema.get_field_index(name)
    field = predictions.schema.field(name)
    return predictions.set_column(place, field, pa.array(rows, field.type))


def without(predictions, name, rows):
    """Predictions with nulls in `rows` of `predicted_valence` or the like, or of a column."""
    role, _, target = name.rpartition("_")
    own = pick(predictions, target)
    if not own.any():
        kept = predictions[name].to_pylist()
        count = len(kept) // len(set(predictions["target"].to_pylist()))
        return replaced(
            predictions, name, [None if n % count in rows else v for n, v in enumerate(kept)]
        )
    kept, places = predictions[role or "label"].to_pylist(), np.flatnonzero(own)
    for row in rows:
        kept[places[row]] = None
    return replaced(predictions, role or "label", kept)


def framed(clips=3, frames=7):
    """Clips whose frames carry valence, and one more row per clip that carries its emotion."""
    count = clips * frames
    valence = np.random.default_rng(0).uniform(-1, 1, count)
    names = [f"c{row // frames}" for row in range(count)]
    per_frame = table(
        count,
        clip_id=names,
        seconds=[row % frames / 25 for row in range(count)],
        valence=valence,
        predicted_valence=valence * np.repeat([1.0, -1.0, 0.5], frames)[:count],
    )
    per_clip = table(
        clips,
        clip_id=[f"c{row}" for row in range(clips)],
        emotion="sad",
        predicted_emotion="sad",
        valence=0.9,
        predicted_valence=-0.9,
    )
    return pa.concat_tables([per_clip, per_frame])


def ccc(labels, predictions):
    """Concordance of two series."""
    apart = labels.mean() - predictions.mean()
    covariance = np.mean((labels - labels.mean()) * (predictions - predictions.mean()))
    return 2 * covariance / (labels.var() + predictions.var() + apart**2)


def keep_clips(predictions, start, stop):
    """Rows of the clips from place `start` to `stop`."""
    numbers = [int(clip_id[1:]) for clip_id in predictions["clip_id"].to_pylist()]
    return predictions.filter(pa.array([start <= number < stop for number in numbers]))
