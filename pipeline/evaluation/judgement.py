"""Evaluation of one head's predictions, and comparison of several heads."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import reduce
from itertools import combinations
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float64, Int64

from pipeline.errors import StoreError
from pipeline.evaluation.metrics import METRICS, Pairs, Score, count_emotions, score_targets
from pipeline.evaluation.params import EvaluateParams
from pipeline.evaluation.statistics import (
    Contrast,
    Sums,
    bootstrap,
    compute_metrics,
    correct_holm,
    percentile_interval,
    sum_clusters,
    swap_test,
)
from pipeline.families import suggest
from pipeline.prediction.table import NOTHING
from pipeline.sections import Section

SplitName = Literal["val", "test"]
Unit = Literal["subject", "group", "clip"]

FEW_CLUSTERS = 10
"""Below this many clusters their own values are shown: an interval from so few is too narrow."""

COMPARED = ("ccc_mean", "accuracy", "uar")
"""Metrics in which heads are tested against each other."""

_TARGETS = ("emotion", "valence", "arousal")
_RANKED = (("ccc_valence", "ccc_arousal"), ("uar",))


class Estimate(Section):
    """One metric: `value` is None where it is undefined, and `reason` says why.

    `low` and `high` bound the interval over resampled clusters, None where fewer than ten clusters
    hold the metric or too many resamples leave it undefined. `covered` of `annotated` clips (or
    frames, where frames carry the labels) had a prediction; for `ccc_mean`, of the target that
    has fewer.
    """

    value: float | None
    low: float | None
    high: float | None
    reason: str | None
    covered: int
    annotated: int


class SplitEvaluation(Section):
    """One head on one split, out-of-fold predictions pooled.

    `cluster_unit` names what intervals resample; `cluster_values` (metric → cluster → value) has
    the metrics that fewer than ten clusters hold. `fold_values` is metric → fold → value.
    `filled` repeats every metric with missing predictions filled by the training prior; None
    where some still miss. `withheld` is modality → metric → value without that modality, filled
    likewise, so it stands beside `filled`. `per_video` is the mean over clips of a frame metric
    computed in each, clips where it is undefined left out; it lacks clip targets. `confusion`
    counts clips (or frames) by (annotated, predicted) class in the order of `emotions`.
    """

    metrics: dict[str, Estimate]
    cluster_unit: Unit
    clusters: int
    cluster_values: dict[str, dict[str, float | None]]
    fold_values: dict[str, dict[str, float | None]]
    filled: dict[str, float | None]
    per_video: dict[str, float | None]
    withheld: dict[str, dict[str, float | None]]
    emotions: list[str]
    confusion: list[list[int]]


class Evaluation(Section):
    """One head on the splits that were opened: `val` always, `test` when asked for."""

    format_version: Literal[1] = 1
    head: str
    splits: dict[SplitName, SplitEvaluation]


class Difference(Section):
    """`first` minus `second` on the rows that all heads cover.

    `p_value` comes from swapping the two heads' predictions for whole clusters, two-sided;
    `p_holm` is corrected over all pairs of its split and metric.
    """

    first: str
    second: str
    metric: str
    difference: float
    p_value: float
    p_holm: float


class Comparison(Section):
    """Heads beside each other on one split.

    `common` is head → metric → value on the rows that all heads cover, target by target; a head
    that predicts nothing of a target takes no part in it. `common_clips` counts the clips that
    hold such rows.
    """

    split: SplitName
    common_clips: int
    common: dict[str, dict[str, float | None]]
    differences: list[Difference]


def evaluate_head(
    head: str, predictions: pa.Table, emotions: Sequence[str], params: EvaluateParams
) -> Evaluation:
    """Evaluation of `head` from a table of `PREDICTIONS_SCHEMA`; `test` only if params open it.

    A target is judged on frames where any frame of the split is annotated with it, else on clips.
    Raises StoreError for a number that is not finite and for an emotion not in `emotions`.
    """
    _check_numbers(head, predictions)
    _check_emotions(head, predictions, emotions)
    opened: list[SplitName] = ["val", "test"] if params.test else ["val"]
    splits = {
        split: _evaluate_split(_select(predictions, split=split), emotions, params)
        for split in opened
    }
    return Evaluation(head=head, splits=splits)


def compare_heads(
    predictions: Mapping[str, pa.Table],
    emotions: Sequence[str],
    split: SplitName,
    params: EvaluateParams,
) -> Comparison:
    """Comparison of heads (name → table of `PREDICTIONS_SCHEMA`) on the rows that all cover.

    Every pair of heads is tested in each metric of `COMPARED` that both define; Holm's correction
    is over the pairs of one metric. Raises StoreError for two predictions of one row.
    """
    tables = _align(
        {head: _select(table, split=split, withheld=NOTHING) for head, table in predictions.items()}
    )
    targets = _keep_common({head: _pair(table, emotions) for head, table in tables.items()})
    common = {head: _values(score_targets(pairs, len(emotions))) for head, pairs in targets.items()}
    sums = {
        head: _sum_groups(targets[head], _clusters(table)[1], len(emotions))
        for head, table in tables.items()
    }
    return Comparison(
        split=split,
        common_clips=_count_clips(tables, targets),
        common=common,
        differences=_compare_pairs(sums, params),
    )


def rank_heads(evaluations: Iterable[Evaluation]) -> list[str]:
    """Names of heads, best first, by validation alone.

    A head's score is the mean of its CCC (the mean of valence's and arousal's) and its UAR, with
    missing predictions filled by the training prior: every head is judged on every annotated
    row, and none gains by covering easy clips alone. A metric that no head defines is left out;
    one that other heads define and this one does not counts 0. A head that defines none comes
    last. Ties are in the order of names.
    """
    filled = {evaluation.head: evaluation.splits["val"].filled for evaluation in evaluations}
    defined = {
        metric for values in filled.values() for metric in values if values[metric] is not None
    }
    parts = [[metric for metric in part if metric in defined] for part in _RANKED]

    def order(head: str) -> tuple[bool, float, str]:
        values = [[filled[head].get(metric) for metric in part] for part in parts if part]
        means = [np.mean([value or 0.0 for value in part]) for part in values]
        undefined = all(value is None for part in values for value in part)
        return undefined, -float(np.mean(means)) if means else 0.0, head

    return sorted(filled, key=order)


def headline(split: SplitEvaluation) -> dict[str, float | None]:
    """Metric → value of one split, None where undefined, for `reports/metrics/<head>.json`.

    Rounded to six decimals: the order in which sums were taken shows in later ones.
    """
    return {
        metric: None if estimate.value is None else round(estimate.value, 6)
        for metric, estimate in split.metrics.items()
    }


@dataclass(frozen=True)
class _Groups:
    """Names of sets of rows, sorted, and the index of each row's."""

    names: list[str]
    index: Int64[np.ndarray, " rows"]


def _evaluate_split(
    table: pa.Table, emotions: Sequence[str], params: EvaluateParams
) -> SplitEvaluation:
    own = _select(table, withheld=NOTHING)
    targets, classes = _pair(own, emotions), len(emotions)
    unit, clusters = _clusters(own)
    sums = _sum_groups(targets, clusters, classes)
    scores = score_targets(targets, classes)
    return SplitEvaluation(
        metrics=_estimate(scores, sums, params),
        cluster_unit=unit,
        clusters=len(clusters.names),
        cluster_values=_cluster_values(sums, clusters),
        fold_values=_fold_values(own, emotions),
        filled=_fill(own, emotions),
        per_video=_average_clips(own, emotions),
        withheld=_score_withheld(table, emotions),
        emotions=list(emotions),
        confusion=count_emotions(targets["emotion"], classes).tolist(),
    )


def _estimate(
    scores: Mapping[str, Score], sums: Sums, params: EvaluateParams
) -> dict[str, Estimate]:
    intervals = _intervals(sums, params)
    estimates = {}
    for metric, score in scores.items():
        interval = intervals.get(metric) if score.value is not None else None
        low, high = interval or (None, None)
        estimates[metric] = Estimate(low=low, high=high, **asdict(score))
    return estimates


def _intervals(sums: Sums, params: EvaluateParams) -> dict[str, tuple[float, float] | None]:
    """Interval of each metric that enough clusters hold."""
    enough = [metric for metric, held in _count_holders(sums).items() if held >= FEW_CLUSTERS]
    if not enough:
        return {}
    generator = np.random.default_rng(params.seed)
    drawn = bootstrap(sums, resamples=params.resamples, generator=generator)
    return {metric: percentile_interval(drawn[metric], params.confidence) for metric in enough}


def _count_holders(sums: Sums) -> dict[str, int]:
    """Number of clusters that hold covered rows of each metric."""
    valence, arousal = (
        np.count_nonzero(moments.sums[:, 0]) for moments in (sums.valence, sums.arousal)
    )
    ratings = {"ccc_valence": valence, "ccc_arousal": arousal, "ccc_mean": min(valence, arousal)}
    emotion = np.count_nonzero(sums.emotion.sum(axis=(1, 2)))
    return {metric: int(ratings.get(metric, emotion)) for metric in METRICS}


def _cluster_values(sums: Sums, clusters: _Groups) -> dict[str, dict[str, float | None]]:
    holders = _count_holders(sums)
    values = _tabulate(sums, clusters)
    return {metric: values[metric] for metric in values if 0 < holders[metric] < FEW_CLUSTERS}


def _fold_values(own: pa.Table, emotions: Sequence[str]) -> dict[str, dict[str, float | None]]:
    folded = own.filter(pc.is_valid(own["fold"]))
    if folded.num_rows == 0:
        return {}
    folds = _group(folded["fold"])
    return _tabulate(_sum_groups(_pair(folded, emotions), folds, len(emotions)), folds)


def _tabulate(sums: Sums, groups: _Groups) -> dict[str, dict[str, float | None]]:
    """Metric → group → value."""
    return {
        metric: {
            name: _value(value) for name, value in zip(groups.names, values.tolist(), strict=True)
        }
        for metric, values in compute_metrics(sums).items()
    }


def _fill(table: pa.Table, emotions: Sequence[str]) -> dict[str, float | None]:
    """Metric → value with missing predictions filled by the prior; None where some still miss."""
    filled = {}
    for target, pairs in _pair(table, emotions).items():
        prior = _numbers(table[f"prior_{target}"], emotions)
        predictions = np.where(np.isnan(pairs.predictions), prior, pairs.predictions)
        filled[target] = Pairs(pairs.labels, predictions)
    return {
        metric: score.value if score.covered == score.annotated else None
        for metric, score in score_targets(filled, len(emotions)).items()
    }


def _score_withheld(table: pa.Table, emotions: Sequence[str]) -> dict[str, dict[str, float | None]]:
    modalities = sorted(set(pc.unique(table["withheld"]).to_pylist()) - {NOTHING})
    return {modality: _fill(_select(table, withheld=modality), emotions) for modality in modalities}


def _average_clips(own: pa.Table, emotions: Sequence[str]) -> dict[str, float | None]:
    """Mean over clips of each clip's CCC, for the ratings that frames carry."""
    frames = own.filter(pc.is_valid(own["seconds"]))
    targets = _pair(frames, emotions)
    carried = {target for target, pairs in targets.items() if pairs.annotated.any()}
    values = compute_metrics(_sum_groups(targets, _group(frames["clip_id"]), len(emotions)))
    wanted = {
        "ccc_valence": {"valence"},
        "ccc_arousal": {"arousal"},
        "ccc_mean": {"valence", "arousal"},
    }
    return {metric: _mean(values[metric]) for metric in wanted if wanted[metric] <= carried}


def _compare_pairs(heads: Mapping[str, Sums], params: EvaluateParams) -> list[Difference]:
    """Differences of all pairs in each compared metric that both heads define."""
    contrasts = {
        pair: swap_test(
            heads[pair[0]],
            heads[pair[1]],
            resamples=params.resamples,
            generator=np.random.default_rng(params.seed),
        )
        for pair in combinations(heads, 2)
    }
    differences = []
    for metric in COMPARED:
        defined = {pair: found[metric] for pair, found in contrasts.items() if metric in found}
        differences += _correct(metric, defined)
    return differences


def _correct(metric: str, contrasts: Mapping[tuple[str, str], Contrast]) -> list[Difference]:
    corrected = correct_holm([contrast.p_value for contrast in contrasts.values()])
    return [
        Difference(first=first, second=second, metric=metric, p_holm=p_holm, **asdict(contrast))
        for ((first, second), contrast), p_holm in zip(contrasts.items(), corrected, strict=True)
    ]


def _select(table: pa.Table, **wanted: str) -> pa.Table:
    """Rows whose columns hold the values `wanted` of them."""
    for column, value in wanted.items():
        table = table.filter(pc.equal(table[column], value))
    return table


def _pair(table: pa.Table, emotions: Sequence[str]) -> dict[str, Pairs]:
    """Labels and predictions of each target, labels kept on its own grid: frames or clips."""
    framed = pc.is_valid(table["seconds"]).to_numpy()
    pairs = {}
    for target in _TARGETS:
        labels = _numbers(table[target], emotions)
        on_frames = framed & ~np.isnan(labels)
        if on_frames.any():
            labels = np.where(on_frames, labels, np.nan)
        pairs[target] = Pairs(labels, _numbers(table[f"predicted_{target}"], emotions))
    return pairs


def _numbers(column: pa.ChunkedArray, emotions: Sequence[str]) -> Float64[np.ndarray, " rows"]:
    """Values of `column`, NaN for null; emotions become their index."""
    if pa.types.is_string(column.type):
        column = pc.index_in(column, value_set=pa.array(emotions, pa.string()))
    values: np.ndarray = column.cast(pa.float64()).to_numpy()
    return values


def _clusters(own: pa.Table) -> tuple[Unit, _Groups]:
    """What resampling draws: subjects where every row has one, else groups, else clips."""
    if own["subject"].null_count == 0:
        return "subject", _group(own["subject"])
    if own["group"].null_count == 0:
        return "group", _group(own["group"])
    return "clip", _group(own["clip_id"])


def _group(column: pa.ChunkedArray) -> _Groups:
    """Rows of `column`, which has no nulls, by value; names do not depend on the rows' order."""
    encoded = column.combine_chunks().dictionary_encode()
    values = encoded.dictionary.to_pylist()
    order = sorted(range(len(values)), key=values.__getitem__)
    places = np.empty(len(values), dtype=np.int64)
    places[order] = np.arange(len(values))
    return _Groups([str(values[place]) for place in order], places[encoded.indices.to_numpy()])


def _sum_groups(targets: Mapping[str, Pairs], groups: _Groups, classes: int) -> Sums:
    return sum_clusters(targets, groups.index, count=len(groups.names), classes=classes)


def _align(tables: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """Rows that every table has, in one order; raises StoreError for a row given twice."""
    numbers = _number_rows(tables)
    for head, rows in numbers.items():
        if len(np.unique(rows)) < len(rows):
            raise StoreError(
                f"{head}: expected one prediction per clip or frame and fold, got "
                f"{len(rows) - len(np.unique(rows))} more; run `dvc repro evaluate@{head}`"
            )
    shared = reduce(np.intersect1d, numbers.values()) if numbers else np.empty(0, dtype=np.int64)
    aligned = {}
    for head, rows in numbers.items():
        order = np.argsort(rows)
        aligned[head] = tables[head].take(order[np.searchsorted(rows[order], shared)])
    return aligned


def _number_rows(tables: Mapping[str, pa.Table]) -> dict[str, Int64[np.ndarray, " rows"]]:
    """Number of each row of each table, the same for the same clip, fold and time."""
    if not tables:
        return {}
    rows = pa.concat_tables(
        [table.select(["clip_id", "fold", "seconds"]) for table in tables.values()]
    )
    keys = np.stack(
        [_group(rows["clip_id"]).index, *(_fill_absent(rows[key]) for key in ("fold", "seconds"))]
    )
    order = np.lexsort(keys)
    fresh = np.any(np.diff(keys[:, order], prepend=keys[:, order[:1]]) != 0, axis=0)
    numbers = np.empty(len(order), dtype=np.int64)
    numbers[order] = np.cumsum(fresh)
    ends = np.cumsum([table.num_rows for table in tables.values()])
    return dict(zip(tables, np.split(numbers, ends[:-1]), strict=True))


def _fill_absent(column: pa.ChunkedArray) -> Float64[np.ndarray, " rows"]:
    """Values of `column`, -1 for null: neither folds nor times are negative."""
    values: np.ndarray = pc.fill_null(column.cast(pa.float64()), -1.0).to_numpy()
    return values


def _keep_common(heads: Mapping[str, Mapping[str, Pairs]]) -> dict[str, dict[str, Pairs]]:
    """Pairs of aligned heads, labels kept where all heads that predict the target cover it."""
    kept: dict[str, dict[str, Pairs]] = {head: {} for head in heads}
    for target in _TARGETS:
        covered = [pairs[target].covered for pairs in heads.values()]
        common = np.all([rows for rows in covered if rows.any()] or covered, axis=0)
        for head, pairs in heads.items():
            labels = np.where(common, pairs[target].labels, np.nan)
            kept[head][target] = Pairs(labels, pairs[target].predictions)
    return kept


def _count_clips(tables: Mapping[str, pa.Table], heads: Mapping[str, Mapping[str, Pairs]]) -> int:
    """Number of clips that hold a common row of any target."""
    clips: set[str] = set()
    for head, table in tables.items():
        covered = np.any([pairs.covered for pairs in heads[head].values()], axis=0)
        clips.update(table["clip_id"].filter(pa.array(covered)).unique().to_pylist())
    return len(clips)


def _check_numbers(head: str, table: pa.Table) -> None:
    for role in ("", "predicted_", "prior_"):
        for target in ("valence", "arousal"):
            column = table[f"{role}{target}"]
            wrong = table.filter(pc.invert(pc.is_finite(column)))
            if wrong.num_rows:
                raise StoreError(
                    f"{head}: clip {wrong['clip_id'][0]}: {role}{target}: expected a finite "
                    f"number or null, got {wrong[f'{role}{target}'][0]} ({wrong.num_rows} such "
                    f"rows); run `dvc repro -f train@{head}`"
                )


def _check_emotions(head: str, table: pa.Table, emotions: Sequence[str]) -> None:
    for role in ("", "predicted_", "prior_"):
        column = table[f"{role}emotion"]
        unknown = pc.and_(
            pc.is_valid(column), pc.invert(pc.is_in(column, pa.array(emotions, pa.string())))
        )
        wrong = table.filter(unknown)
        if wrong.num_rows:
            word = wrong[f"{role}emotion"][0].as_py()
            raise StoreError(
                f"{head}: clip {wrong['clip_id'][0]}: {role}emotion: unknown emotion {word!r}; "
                f"{suggest(word, emotions)}; run `dvc repro -f train@{head}`"
            )


def _values(scores: Mapping[str, Score]) -> dict[str, float | None]:
    return {metric: score.value for metric, score in scores.items()}


def _value(number: float) -> float | None:
    return None if np.isnan(number) else number


def _mean(values: Float64[np.ndarray, " clips"]) -> float | None:
    """Mean of the defined values; None where none is."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else None
