"""Scoring: what a head says of a labelled corpus that it was not made for, beside the labels."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
from jaxtyping import Float64

from pipeline.errors import ParamsError
from pipeline.evaluation.evaluating import estimate_metrics
from pipeline.evaluation.metrics import Counts, Grouping, Pairs, score_targets, sum_targets
from pipeline.evaluation.params import EvaluateParams
from pipeline.evaluation.records import Estimate, Unit
from pipeline.files import write_text, write_whole
from pipeline.limits import MOST_SECONDS
from pipeline.predictor.fusion import FusedPredictor
from pipeline.predictor.gathering import WORK
from pipeline.predictor.labelled import TARGET, LabelledClips
from pipeline.predictor.predictor import Told
from pipeline.predictor.results import describe_whole
from pipeline.predictor.tables import tabulate_wholes
from pipeline.predictor.timing import Spacing

_PARAMS = EvaluateParams()

WHOLE = Spacing(window_seconds=MOST_SECONDS, hop_seconds=MOST_SECONDS)
"""One answer for each clip."""


@dataclass(frozen=True)
class Scored:
    """What a head is worth on a corpus: each metric, and how often a class was taken for which.

    `confusion` is (label, answer) in the order of `emotions`.
    """

    metrics: Mapping[str, Estimate]
    emotions: Sequence[str]
    confusion: Float64[np.ndarray, "classes classes"]


def check_scored(predictor: FusedPredictor) -> None:
    """Raise ParamsError for a head that does not tell classes of emotion."""
    for member in predictor.members:
        if TARGET not in member.predictor.head.per:
            raise ParamsError(
                f"{member.name}: expected a head of target {TARGET}, got one of "
                f"{', '.join(member.predictor.head.per)}; score a head that tells classes"
            )


def score_corpus(
    predictor: FusedPredictor, labelled: LabelledClips, corpus: str, out: Path
) -> Scored:
    """What the head says of the clips, judged; tables and a picture are written to `out`.

    `<head>.<corpus>.csv` has a row for each clip: its label, and its class in the head's words
    (`emotion`), what the head says of it, and why not. Beside it are `.metrics.csv`, with intervals
    over subjects, or clips where the corpus names none, `.confusion.csv` and `.confusion.png`.
    """
    recipe, work = predictor.recipe, out / WORK
    told = list(predictor.predict(labelled.clips, work / recipe.head, work / "parts", WHOLE))
    scored = judge_answers(told, labelled, recipe.emotions)
    name = f"{recipe.head}.{corpus}"
    table = tabulate_answers(told, labelled, recipe.emotions)
    write_whole(out / f"{name}.csv", lambda aside: pa.csv.write_csv(table, aside))
    write_scored(scored, out, name)
    return scored


def write_scored(scored: Scored, out: Path, name: str) -> None:
    """Write `<name>.metrics.csv`, and the confusion matrix as a table and a picture."""
    from pipeline.predictor.drawing import draw_confusion  # matplotlib: a second

    write_text(out / f"{name}.metrics.csv", _write_metrics(scored.metrics))
    write_text(out / f"{name}.confusion.csv", _write_confusion(scored))
    picture = out / f"{name}.confusion.png"
    draw_confusion(picture, scored.emotions, scored.confusion, name)


def judge_answers(told: Sequence[Told], labelled: LabelledClips, emotions: Sequence[str]) -> Scored:
    """Metrics of what is `told`, by the functions that judge heads on their own corpora."""
    blank = np.full(len(emotions), np.nan, np.float32)
    wholes = [one.answer.whole if one.answer is not None else None for one in told]
    chances = np.stack([blank if whole is None else whole[TARGET] for whole in wholes])
    labels = [emotions.index(labelled.classes[one.clip.clip_id]) for one in told]
    answers = np.where(np.isnan(chances).any(axis=1), np.nan, np.nan_to_num(chances).argmax(axis=1))
    pairs = {TARGET: Pairs(np.array(labels, np.float64), answers, chances)}
    unit, clusters = _group(told)
    sums = sum_targets(pairs, {TARGET: clusters}, len(emotions))
    scores = score_targets(pairs, len(emotions))
    counts = sums[TARGET]["confusion"]
    if not isinstance(counts, Counts):
        raise TypeError(f"expected counts of a confusion matrix, got {type(counts).__name__}")
    metrics = estimate_metrics(scores, sums, unit, _PARAMS)
    return Scored(metrics, emotions, counts.sums.sum(axis=0))


def _group(told: Sequence[Told]) -> tuple[Unit, Grouping]:
    """What intervals leave out: people, or clips where somebody is not named."""
    people: list[str | None] = [one.clip.subject for one in told]
    unit: Unit = "clip" if None in people else "subject"
    of = [one.clip.clip_id for one in told] if unit == "clip" else [str(who) for who in people]
    names, index = np.unique(np.array(of), return_inverse=True)
    return unit, Grouping(index, len(names))


def tabulate_answers(
    told: Sequence[Told], labelled: LabelledClips, emotions: Sequence[str]
) -> pa.Table:
    """One row for each clip: whose it is, its label, and what is told of it as a whole."""
    rows = [
        {
            "clip_id": one.clip.clip_id,
            "subject": one.clip.subject,
            "label": labelled.labels[one.clip.clip_id],
            TARGET: labelled.classes[one.clip.clip_id],
            **_describe(one, emotions),
        }
        for one in told
    ]
    wholes = [one.answer.whole if one.answer is not None else None for one in told]
    return tabulate_wholes(rows, wholes, emotions)


def _describe(told: Told, emotions: Sequence[str]) -> dict[str, Any]:
    """What is known of a clip beside its answer."""
    row = describe_whole(told, emotions)
    return {name: row[name] for name in ("path", "seconds", "modalities", "remarks")}


def _write_metrics(metrics: Mapping[str, Estimate]) -> str:
    names = [*Estimate.model_fields]
    return _write_rows(
        [["metric", *names], *([m, *(getattr(e, n) for n in names)] for m, e in metrics.items())]
    )


def _write_confusion(scored: Scored) -> str:
    counts = scored.confusion.astype(int).tolist()
    rows = [[name, *own] for name, own in zip(scored.emotions, counts, strict=True)]
    return _write_rows([["annotated", *scored.emotions], *rows])


def _write_rows(rows: Sequence[Sequence[Any]]) -> str:
    file = StringIO()
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue()
