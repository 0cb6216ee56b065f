"""Evaluating: what one head's predictions are worth, on each split that is opened."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pyarrow as pa
from jaxtyping import Float64

from pipeline.errors import StoreError
from pipeline.evaluation.metrics import (
    Counts,
    Pairs,
    Part,
    Score,
    Sums,
    auc,
    compute_metrics,
    count_holders,
    find_ties,
    list_shared_means,
    rate_classes,
    rate_presence,
    score_targets,
    sum_targets,
)
from pipeline.evaluation.pairing import (
    Judged,
    Sets,
    check_predictions,
    find_unit,
    list_words,
    name_head,
    pair_targets,
    select_rows,
)
from pipeline.evaluation.params import EvaluateParams
from pipeline.evaluation.records import (
    FEW_CLUSTERS,
    ClassRates,
    Estimate,
    Evaluation,
    SplitEvaluation,
    SplitName,
    Unit,
    count_units,
)
from pipeline.evaluation.statistics import (
    SIGNIFICANT,
    Interval,
    bound_metrics,
    find_least,
)
from pipeline.evaluation.table import NOTHING
from pipeline.targets import TARGETS


@dataclass(frozen=True)
class _Asked:
    """What is judged: these targets, of these classes, as params say."""

    targets: list[str]
    classes: Sequence[str]
    params: EvaluateParams


def evaluate_head(
    head: str, predictions: pa.Table, classes: Sequence[str], params: EvaluateParams
) -> Evaluation:
    """Evaluation of `head` from a table of `PREDICTIONS_SCHEMA`; `test` only if params open it.

    Judged are the targets that the table has, each on frames where any frame of the split is
    annotated with it, else on clips. Raises StoreError for a number that is not finite, for a
    class that is none of `classes`, for a target that is not known, and for none.
    """
    check_predictions(head, predictions)
    found = set(list_words(predictions["target"]))
    asked = _Asked([target for target in TARGETS if target in found], classes, params)
    if not asked.targets:
        raise StoreError(
            f"{head}: expected predictions of a target, got none; run "
            f"`dvc repro -f models/dvc.yaml:train@{head}`"
        )
    opened: list[SplitName] = ["val", "test"] if params.test else ["val"]
    with name_head(head):
        splits = {split: _evaluate_split(predictions, split, asked) for split in opened}
    return Evaluation(head=head, targets=asked.targets, splits=splits)


def _evaluate_split(table: pa.Table, split: SplitName, asked: _Asked) -> SplitEvaluation:
    unit, judged = _pair_split(table, split, asked)
    scores = score_targets(take_pairs(judged), len(asked.classes))
    clusters = {target: rows.sets["clusters"] for target, rows in judged.items()}
    sums = sum_sets(judged, clusters, len(asked.classes))
    names = next((found.names for found in clusters.values()), [])
    corpora = next((rows.sets["corpora"].names for rows in judged.values()), [])
    return SplitEvaluation(
        metrics=estimate_metrics(scores, sums, unit, asked.params),
        cluster_unit=unit,
        clusters=len(names),
        notes=_list_notes(len(names), unit),
        cluster_values=_list_cluster_values(sums, names),
        fold_values=_list_values(judged, "folds", asked),
        corpus_values=_list_values(judged, "corpora", asked) if len(corpora) > 1 else {},
        filled=_score_filled(judged, asked),
        per_video=_average_clips(judged, asked),
        withheld=_score_withheld(table, split, asked),
        classes=list(asked.classes),
        confusion=_pool_confusions(sums),
        tied=_count_ties(judged),
        per_class=_rate_classes(judged, sums, asked.classes),
    )


def _pair_split(table: pa.Table, split: SplitName, asked: _Asked) -> tuple[Unit, dict[str, Judged]]:
    own = select_rows(table, split=split, withheld=NOTHING)
    unit = find_unit([own])
    return unit, pair_targets(own, asked.targets, asked.classes, unit)


def take_pairs(judged: Mapping[str, Judged]) -> dict[str, Pairs]:
    """Target → labels and predictions."""
    return {target: rows.pairs for target, rows in judged.items()}


def sum_sets(
    judged: Mapping[str, Judged], sets: Mapping[str, Sets], classes: int
) -> dict[str, dict[str, Part]]:
    """Sums of each target of `judged` over its `sets` of rows."""
    groupings = {target: found.grouping for target, found in sets.items()}
    return sum_targets(take_pairs(judged), groupings, classes)


def estimate_metrics(
    scores: Mapping[str, Score], sums: Sums, unit: Unit, params: EvaluateParams
) -> dict[str, Estimate]:
    """Metric → its value in `scores`, with the interval over the `unit`s that `sums` are of."""
    holders, intervals = count_holders(sums), bound_metrics(sums, params.confidence)
    estimates = {}
    for metric, score in scores.items():
        interval = Interval(None, None, None)
        if score.value is not None:
            interval = _choose_interval(intervals.get(metric), holders.get(metric, 0), unit)
        estimates[metric] = Estimate(
            low=interval.low, high=interval.high, interval_reason=interval.reason, **asdict(score)
        )
    return estimates


def _choose_interval(found: Interval | None, held: int, unit: Unit) -> Interval:
    """The interval `found`; none for a metric that few clusters hold, or that has no sums."""
    if found is None:
        return Interval(None, None, f"no function of sums over {unit}s")
    if held < FEW_CLUSTERS:
        return Interval(None, None, f"fewer than {FEW_CLUSTERS} {unit}s hold it")
    return found


def _list_notes(clusters: int, unit: Unit) -> list[str]:
    """Sentences on what so many clusters cannot tell."""
    least = find_least(clusters)
    if not clusters or least < SIGNIFICANT:
        return []
    return [
        f"{count_units(clusters, unit)} are too few to test two heads: by swapping their "
        f"predictions for whole {unit}s no p-value can be below {least:.3g}."
    ]


def _list_cluster_values(sums: Sums, names: Sequence[str]) -> dict[str, dict[str, float | None]]:
    holders = count_holders(sums)
    return {
        metric: found
        for metric, found in _tabulate(sums, names).items()
        if 0 < holders[metric] < FEW_CLUSTERS
    }


def _list_values(
    judged: Mapping[str, Judged], kind: str, asked: _Asked
) -> dict[str, dict[str, float | None]]:
    """Metric → set of this `kind` → value, of the rows that are in one; none without any set."""
    names = next((rows.sets[kind].names for rows in judged.values()), [])
    if not names:
        return {}
    within = {target: rows.take(rows.sets[kind].index >= 0) for target, rows in judged.items()}
    sets = {target: rows.sets[kind] for target, rows in within.items()}
    return _tabulate(sum_sets(within, sets, len(asked.classes)), names)


def _tabulate(sums: Sums, names: Sequence[str]) -> dict[str, dict[str, float | None]]:
    """Metric → name of a set → value."""
    return {
        metric: {name: _none(value) for name, value in zip(names, values.tolist(), strict=True)}
        for metric, values in compute_metrics(sums).items()
    }


def _score_filled(judged: Mapping[str, Judged], asked: _Asked) -> dict[str, float | None]:
    """Metric → value with missing predictions filled by the prior; None where some still miss."""
    filled = {target: rows.fill() for target, rows in judged.items()}
    return {
        metric: score.value if score.covered == score.annotated else None
        for metric, score in score_targets(filled, len(asked.classes)).items()
    }


def _score_withheld(
    table: pa.Table, split: SplitName, asked: _Asked
) -> dict[str, dict[str, float | None]]:
    found = {}
    for modality in list_words(table["withheld"]):
        rows = select_rows(table, split=split, withheld=modality)
        if modality != NOTHING and rows.num_rows:
            judged = pair_targets(rows, asked.targets, asked.classes, "clip")
            found[modality] = _score_filled(judged, asked)
    return found


def _average_clips(judged: Mapping[str, Judged], asked: _Asked) -> dict[str, float | None]:
    """Mean over clips of what ranks each rating that frames carry, computed in each clip."""
    framed = {
        target: rows
        for target, rows in judged.items()
        if TARGETS[target].kind == "rating" and (rows.seconds >= 0).any()
    }
    clips = {target: rows.sets["clips"] for target, rows in framed.items()}
    values = compute_metrics(sum_sets(framed, clips, len(asked.classes)))
    ranks = [*list_shared_means(framed), *(TARGETS[target].rank for target in framed)]
    return {metric: _average(values[metric]) for metric in ranks}


def _pool_confusions(sums: Sums) -> dict[str, list[list[int]]]:
    return {
        target: pooled.astype(int).tolist()
        for target, parts in sums.items()
        for pooled in [_pool(parts, "confusion")]
        if pooled is not None
    }


def _count_ties(judged: Mapping[str, Judged]) -> dict[str, int]:
    """Covered rows in which several classes have the most votes."""
    voted = {t: rows.pairs for t, rows in judged.items() if TARGETS[t].kind == "votes"}
    return {
        target: int(np.count_nonzero(find_ties(pairs.take(pairs.covered))))
        for target, pairs in voted.items()
    }


def _rate_classes(
    judged: Mapping[str, Judged], sums: Sums, classes: Sequence[str]
) -> dict[str, dict[str, ClassRates]]:
    """Target → class → how it is found, for targets that have classes."""
    found = {}
    for target, parts in sums.items():
        confusion, presence = (_pool(parts, name) for name in ("confusion", "presences"))
        if confusion is not None:
            found[target] = _list_rates(rate_classes(confusion), classes)
        if presence is not None:
            pairs = judged[target].pairs
            rates = {name: each[0] for name, each in rate_presence(presence[np.newaxis]).items()}
            found[target] = _list_rates({**rates, "auc": auc(pairs.take(pairs.covered))}, classes)
    return found


def _list_rates(
    rates: Mapping[str, Float64[np.ndarray, " classes"]], classes: Sequence[str]
) -> dict[str, ClassRates]:
    found = {}
    for place, name in enumerate(classes):
        own = {rate: _none(float(values[place])) for rate, values in rates.items()}
        support, reason = int(rates["support"][place]), _explain_rates(own)
        found[name] = ClassRates.model_validate({**own, "support": support, "reason": reason})
    return found


def _explain_rates(rates: Mapping[str, float | None]) -> str | None:
    """Why precision, recall or F1 of a class is undefined; None where all are there."""
    absent = {"recall": "annotated", "precision": "predicted"}
    missing = [word for rate, word in absent.items() if rates[rate] is None]
    if len(missing) == len(absent):
        return "neither annotated nor predicted"
    return f"never {missing[0]}" if missing else None


def _pool(parts: Mapping[str, Part], name: str) -> Float64[np.ndarray, "*cells"] | None:
    """Counts of part `name` over all sets; None where there is no such part."""
    part = parts.get(name)
    return part.sums.sum(axis=0) if isinstance(part, Counts) else None


def _none(number: float) -> float | None:
    return None if np.isnan(number) else number


def _average(values: Float64[np.ndarray, " clips"]) -> float | None:
    """Mean of the defined values; None where none is."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else None
