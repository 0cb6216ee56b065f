"""Scoring: what a head says of a labelled corpus that it was not made for, beside the labels."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float64

from pipeline.errors import MoodlineError, ParamsError
from pipeline.evaluation.evaluating import estimate_metrics
from pipeline.evaluation.metrics import Counts, Grouping, Pairs, score_targets, sum_targets
from pipeline.evaluation.params import EvaluateParams
from pipeline.evaluation.records import Estimate, Unit
from pipeline.files import write_text, write_whole
from pipeline.labels.corpora.params import CORPORA, TableParams
from pipeline.limits import MOST_SECONDS
from pipeline.predictor.fusion import FusedPredictor
from pipeline.predictor.gathering import WORK
from pipeline.predictor.labelled import TARGET, LabelledClips
from pipeline.predictor.predictor import Told
from pipeline.predictor.results import describe_whole
from pipeline.predictor.tables import pack_csv, quieten, tabulate_wholes
from pipeline.predictor.timing import Spacing
from pipeline.sections import parse_section

_PARAMS = EvaluateParams()

WHOLE = Spacing(window_seconds=MOST_SECONDS, hop_seconds=MOST_SECONDS)
"""One answer for each clip."""


@dataclass(frozen=True)
class Scored:
    """What a head is worth on a corpus: each metric, and how often a class was taken for which.

    `confusion` is (label, answer) in the order of `emotions`, `seen` are sentences on what the head
    knew of the corpus before.
    """

    metrics: Mapping[str, Estimate]
    emotions: Sequence[str]
    confusion: Float64[np.ndarray, "classes classes"]
    seen: Sequence[str] = ()


def check_scored(predictor: FusedPredictor) -> None:
    """Raise ParamsError for a head that does not tell classes of emotion."""
    for member in predictor.members:
        if TARGET not in member.predictor.head.per:
            raise ParamsError(
                f"{member.name}: expected a head of target {TARGET}, got one of "
                f"{', '.join(member.predictor.head.per)}; score a head that tells classes"
            )


def tell_seen(predictor: FusedPredictor, labelled: LabelledClips) -> Iterator[str]:
    """A sentence for each head that was trained on the corpus that it is judged by.

    Itself, or networks that its rows are made by.
    """
    corpora = {clip.corpus.casefold() for clip in labelled.clips}
    for member in predictor.members:
        recipe = member.predictor.recipe
        own = {name for section in recipe.sections.corpora.values() for name in list_names(section)}
        read = {c for i in recipe.inputs.values() for c in i.provenance.get("seen_corpora", ())}
        if made := sorted(corpora & {name.casefold() for name in read}):
            yield (
                f"{member.name}: reads rows of a network that was trained on {', '.join(made)}, to "
                f"which clips that judge it here are not new"
            )
        if seen := sorted(corpora & own):
            yield (
                f"{member.name}: was trained on {', '.join(seen)}, and knows clips that judge it "
                f"here; `dvc repro evaluate` has what it says of those that it never saw"
            )


def list_names(section: Mapping[str, Any]) -> set[str]:
    """What clips of a corpus may be called by, in lower case; none where it never trains.

    A table that names corpora in a column, where it is here, and metadata of EmoBox call them by
    names of their own.

    >>> sorted(list_names({"kind": "emobox", "metadata": "data/meld", "root": "/data/MELD"}))
    ['emobox', 'meld']
    >>> list_names({"kind": "ravdess", "side": "test"})
    set()
    """
    if section.get("side") == "test":
        return set()
    names = [section.get("called"), section.get("kind"), *_read_names(section)]
    names += [Path(str(section[key])).name for key in ("metadata", "root") if section.get(key)]
    return {str(name).casefold() for name in names if name}


def _read_names(section: Mapping[str, Any]) -> set[str]:
    """Corpora that a table itself names, none where it is not here."""
    if section.get("kind") != "table":
        return set()
    with suppress(MoodlineError):
        params = parse_section(TableParams, section, "corpora")
        return {clip.corpus for clip in CORPORA.load("table").read(params).clips}
    return set()


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
    judged = judge_answers(told, labelled, recipe.emotions)
    scored = replace(judged, seen=list(tell_seen(predictor, labelled)))
    name = f"{recipe.head}.{corpus}"
    table = tabulate_answers(told, labelled, recipe.emotions)
    write_whole(out / f"{name}.csv", lambda aside: aside.write_bytes(pack_csv(table)))
    write_scored(scored, out, name)
    return scored


def write_scored(scored: Scored, out: Path, name: str) -> None:
    """Write `<name>.metrics.csv`, and the confusion matrix as a table and a picture."""
    from pipeline.predictor.drawing import draw_confusion  # matplotlib: a second

    write_text(out / f"{name}.metrics.csv", _write_metrics(scored))
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
    """One row for each clip: corpus, subject and label, and what is told of it as a whole."""
    rows = [
        {
            "clip_id": one.clip.clip_id,
            "corpus": one.clip.corpus,
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


def _write_metrics(scored: Scored) -> str:
    names, seen = [*Estimate.model_fields], "; ".join(scored.seen)
    rows = ([m, *(getattr(e, n) for n in names), seen] for m, e in scored.metrics.items())
    return _write_rows([["metric", *names, "seen"], *rows])


def _write_confusion(scored: Scored) -> str:
    counts = scored.confusion.astype(int).tolist()
    names = [quieten(name) for name in scored.emotions]
    rows = [[name, *own] for name, own in zip(names, counts, strict=True)]
    return _write_rows([["annotated", *names], *rows])


def _write_rows(rows: Sequence[Sequence[Any]]) -> str:
    file = StringIO()
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue()
