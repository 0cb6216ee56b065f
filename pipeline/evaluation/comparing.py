"""Comparing: several heads on the rows that all of them cover, each pair of them tested."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from itertools import pairwise
from math import comb

import numpy as np
import pyarrow as pa
from jaxtyping import Float64, Int64

from pipeline.errors import StoreError
from pipeline.evaluation.evaluating import sum_sets, take_pairs
from pipeline.evaluation.metrics import Sums, score_targets
from pipeline.evaluation.pairing import (
    Judged,
    Sets,
    find_unit,
    list_words,
    name_head,
    pair_targets,
    select_rows,
)
from pipeline.evaluation.params import EvaluateParams
from pipeline.evaluation.ranking import list_leading
from pipeline.evaluation.records import Comparison, Difference, SplitName, Unit
from pipeline.evaluation.statistics import (
    ENUMERATED,
    SIGNIFICANT,
    Contrast,
    correct_holm,
    count_swaps,
    swap_tests,
)
from pipeline.evaluation.table import NOTHING
from pipeline.targets import TARGETS

Heads = Mapping[str, Mapping[str, Judged]]
"""Head → target → rows."""


def compare_heads(
    predictions: Mapping[str, pa.Table],
    classes: Sequence[str],
    split: SplitName,
    params: EvaluateParams,
) -> Comparison:
    """Comparison of heads (name → table of `PREDICTIONS_SCHEMA`) on the rows that all cover.

    Every pair of heads is tested in each metric of `list_leading` that both define; Holm's
    correction is over the pairs of one metric, and as many swaps are drawn as it needs. Raises
    StoreError where two heads are judged by other labels.
    """
    tables = {
        head: select_rows(table, split=split, withheld=NOTHING)
        for head, table in predictions.items()
    }
    unit = find_unit(tables.values())
    judged = {}
    for head, table in tables.items():
        with name_head(head):
            judged[head] = pair_targets(table, _list_targets(table), classes, unit)
    common = _keep_common(_name_alike(judged))
    sums = _sum_clusters(common, len(classes))
    draws = count_swaps(comb(len(sums), 2), params.resamples)
    differences = _compare_pairs(sums, draws, params.seed)
    clusters = _count_sets(common, "clusters")
    values = {head: score_targets(take_pairs(own), len(classes)) for head, own in common.items()}
    return Comparison(
        split=split,
        common_clips=_count_sets(common, "clips"),
        cluster_unit=unit,
        clusters=clusters,
        swaps=draws if clusters > ENUMERATED else None,
        floors=_list_floors(differences, unit),
        common={
            head: {metric: score.value for metric, score in scores.items()}
            for head, scores in values.items()
        },
        differences=differences,
    )


def _list_targets(table: pa.Table) -> list[str]:
    found = set(list_words(table["target"]))
    return [target for target in TARGETS if target in found]


def _name_alike(heads: Heads) -> dict[str, dict[str, Judged]]:
    """The same rows, their clips, clusters and folds numbered alike for all heads and targets."""
    every = [rows for own in heads.values() for rows in own.values()]
    names = {
        kind: sorted({name for rows in every for name in rows.sets[kind].names})
        for kind in ("clips", "clusters", "folds")
    }
    return {
        head: {
            target: replace(
                rows, sets={kind: _rename(rows.sets[kind], names[kind]) for kind in names}
            )
            for target, rows in own.items()
        }
        for head, own in heads.items()
    }


def _rename(sets: Sets, names: list[str]) -> Sets:
    places = {name: place for place, name in enumerate(names)}
    # The last place stands for rows in no set, whose index is -1.
    moved = np.array([*(places[name] for name in sets.names), -1], dtype=np.int64)
    return Sets(names, moved[sets.index])


def _keep_common(heads: Heads) -> dict[str, dict[str, Judged]]:
    """Rows of each target that all heads cover which predict it; none of a head that does not."""
    kept: dict[str, dict[str, Judged]] = {head: {} for head in heads}
    for target in TARGETS:
        having = {head: own[target] for head, own in heads.items() if target in own}
        numbers = _number_rows(having)
        covered = {head: numbers[head][rows.pairs.covered] for head, rows in having.items()}
        reaching = [rows for rows in covered.values() if len(rows)]
        shared = reduce(np.intersect1d, reaching) if reaching else np.empty(0, dtype=np.int64)
        for head, rows in having.items():
            order = np.argsort(numbers[head])
            own = shared if len(covered[head]) else shared[:0]
            places = order[np.searchsorted(numbers[head], own, sorter=order)]
            kept[head][target] = rows.take(places)
        _check_labels({head: own[target] for head, own in kept.items() if target in own})
    return kept


def _check_labels(heads: Mapping[str, Judged]) -> None:
    """Raise StoreError for heads that are judged by other labels than the rest."""
    reaching = {head: rows.pairs.labels for head, rows in heads.items() if len(rows.pairs.labels)}
    for first, second in pairwise(reaching):
        if not np.array_equal(reaching[first], reaching[second]):
            raise StoreError(
                f"{second}: expected the labels that {first} is judged by, got others; run `dvc "
                f"repro` to train both on the labels of today"
            )


def _number_rows(heads: Mapping[str, Judged]) -> dict[str, Int64[np.ndarray, " rows"]]:
    """Number of each row of each head, the same for the same clip, fold and time."""
    keys = {
        head: np.stack([rows.sets["clips"].index, rows.sets["folds"].index, rows.seconds])
        for head, rows in heads.items()
    }
    return _number_keys(keys)


def _number_keys(
    keys: Mapping[str, Float64[np.ndarray, "3 _"]],
) -> dict[str, Int64[np.ndarray, " _"]]:
    first = next(iter(keys.values()), np.empty((3, 0)))
    if all(np.array_equal(first, own) for own in keys.values()):
        return dict.fromkeys(keys, _number_columns(first))
    numbers = _number_columns(np.concatenate(list(keys.values()), axis=1))
    ends = np.cumsum([own.shape[1] for own in keys.values()])
    return dict(zip(keys, np.split(numbers, ends[:-1]), strict=True))


def _number_columns(keys: Float64[np.ndarray, "3 rows"]) -> Int64[np.ndarray, " rows"]:
    """Number of each column, the same for equal ones."""
    order = np.lexsort(keys)
    fresh = np.any(np.diff(keys[:, order], prepend=keys[:, order[:1]]) != 0, axis=0)
    numbers = np.empty(len(order), dtype=np.int64)
    numbers[order] = np.cumsum(fresh)
    return numbers


def _count_sets(heads: Heads, kind: str) -> int:
    """Number of sets of a `kind` (clips, clusters) that hold a common row of any target."""
    found = [rows.sets[kind].index for own in heads.values() for rows in own.values()]
    return len(np.unique(np.concatenate(found))) if found else 0


def _sum_clusters(heads: Heads, classes: int) -> dict[str, Sums]:
    return {
        head: sum_sets(
            own, {target: rows.sets["clusters"] for target, rows in own.items()}, classes
        )
        for head, own in heads.items()
    }


def _compare_pairs(heads: Mapping[str, Sums], draws: int, seed: int) -> list[Difference]:
    """Differences of all pairs in each leading metric that both heads define."""
    contrasts = swap_tests(
        heads,
        draws=draws,
        generator=np.random.default_rng(seed),
        wanted=list_leading({target for own in heads.values() for target in own}),
    )
    leading = {
        pair: list_leading(heads[pair[0]].keys() & heads[pair[1]].keys()) for pair in contrasts
    }
    differences = []
    for metric in dict.fromkeys(metric for found in leading.values() for metric in found):
        defined = {
            pair: found[metric]
            for pair, found in contrasts.items()
            if metric in leading[pair] and metric in found
        }
        differences += _correct(metric, defined)
    return differences


def _correct(metric: str, contrasts: Mapping[tuple[str, str], Contrast]) -> list[Difference]:
    corrected = correct_holm([contrast.p_value for contrast in contrasts.values()])
    return [
        Difference(
            first=first,
            second=second,
            metric=metric,
            difference=contrast.difference,
            p_value=contrast.p_value,
            p_holm=p_holm,
            p_least=min(1.0, len(contrasts) * contrast.least),
        )
        for ((first, second), contrast), p_holm in zip(contrasts.items(), corrected, strict=True)
    ]


def _list_floors(differences: Sequence[Difference], unit: Unit) -> dict[str, str]:
    """Metric → why no difference in it can be significant, where that is so."""
    found: dict[str, list[float]] = {}
    for difference in differences:
        found.setdefault(difference.metric, []).append(difference.p_least)
    return {
        metric: f"of {_count_pairs(len(floors))} of heads, swaps of the {unit}s that hold it give "
        f"no corrected p-value below {min(floors):.2g}; compare fewer heads, or on more {unit}s"
        for metric, floors in found.items()
        if min(floors) >= SIGNIFICANT
    }


def _count_pairs(pairs: int) -> str:
    return "one pair" if pairs == 1 else f"{pairs} pairs"
