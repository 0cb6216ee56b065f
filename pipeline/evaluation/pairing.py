"""Pairing: a table of predictions, target by target, as arrays of labels beside predictions."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Float, Float64, Int64, Integer

from pipeline.errors import StoreError
from pipeline.evaluation.metrics import Grouping, Pairs
from pipeline.evaluation.records import Unit
from pipeline.evaluation.table import ENROLLED, NOTHING
from pipeline.families import suggest
from pipeline.limits import MOST_NUMBER, MOST_RUNS
from pipeline.modalities import MODALITIES
from pipeline.targets import TARGETS

NUMBERS = ("label", "predicted", "prior")

WORDS: Mapping[str, Iterable[str]] = {
    "target": TARGETS,
    "withheld": (NOTHING, *MODALITIES, *ENROLLED),
}
"""Column → the words that it may hold."""

MOST_CHANCE = 1.001
"""Of a class, for float32 rounds."""


@dataclass(frozen=True)
class Sets:
    """Names of the sets that rows fall into, sorted, and the place of each row's; -1 for none."""

    names: list[str]
    index: Int64[np.ndarray, " rows"]

    @property
    def grouping(self) -> Grouping:
        """The same without names."""
        return Grouping(self.index, len(self.names))

    def take(self, rows: Bool[np.ndarray, " rows"] | Integer[np.ndarray, "*shape"]) -> "Sets":
        """These `rows` alone, of the same names."""
        return Sets(self.names, self.index[rows])


@dataclass(frozen=True)
class Judged:
    """The rows of one target: what is labelled and predicted, of whom and when.

    `priors` are shaped as predictions are; `seconds` are -1 where whole clips carry the labels;
    `sets` are the `clips`, `clusters`, `folds` and `corpora` that rows fall into.
    """

    pairs: Pairs
    priors: Float64[np.ndarray, "rows *classes"]
    seconds: Float64[np.ndarray, " rows"]
    sets: Mapping[str, Sets]

    def take(self, rows: Bool[np.ndarray, " rows"] | Integer[np.ndarray, " taken"]) -> "Judged":
        """These `rows` alone."""
        sets = {kind: found.take(rows) for kind, found in self.sets.items()}
        return Judged(self.pairs.take(rows), self.priors[rows], self.seconds[rows], sets)

    def fill(self) -> Pairs:
        """Pairs with missing predictions filled by the prior, as if it were quite sure."""
        pairs = self.pairs
        predictions = np.where(np.isnan(pairs.predictions), self.priors, pairs.predictions)
        scores = pairs.scores
        if scores is not None:
            scores = _fill_scores(pairs, scores, self.priors)
        return Pairs(pairs.labels, predictions, scores)


def select_rows(table: pa.Table, **wanted: str) -> pa.Table:
    """Rows whose columns hold the values `wanted` of them."""
    chosen = np.full(table.num_rows, True)
    for column, value in wanted.items():
        encoded = table[column].combine_chunks()
        place = encoded.dictionary.index(value).as_py()
        chosen &= encoded.indices.fill_null(-2).to_numpy() == place
    return table.filter(pa.array(chosen))


def list_words(column: pa.ChunkedArray) -> list[str]:
    """Words that occur in `column`, sorted."""
    encoded = column.combine_chunks()
    return sorted(encoded.dictionary.take(encoded.indices.unique().drop_null()).to_pylist())


def find_unit(tables: Iterable[pa.Table]) -> Unit:
    """What intervals leave out and tests swap: groups where every row has one, else subjects.

    Subjects too where each group is of one subject: there they are the same, or the coarser. Clips
    where a row has neither.
    """
    given = list(tables)
    grouped, spoken = (
        not any(table[unit].null_count for table in given) for unit in ("group", "subject")
    )
    if grouped and spoken:
        pairs = set().union(*(_list_speakers(table) for table in given))
        return "subject" if len({group for group, _ in pairs}) == len(pairs) else "group"
    return "group" if grouped else "subject" if spoken else "clip"


def _list_speakers(table: pa.Table) -> set[tuple[str, str]]:
    """Group and subject of every row."""
    groups, subjects = _encode(table["group"]), _encode(table["subject"])
    places = np.unique(groups.index * len(subjects.names) + subjects.index)
    return {
        (groups.names[place // len(subjects.names)], subjects.names[place % len(subjects.names)])
        for place in places.tolist()
    }


def pair_targets(
    table: pa.Table, targets: Iterable[str], classes: Sequence[str], unit: Unit
) -> dict[str, Judged]:
    """Rows of each of `targets` in `table`, which has one split without withheld modalities mixed.

    A target is judged on frames where any frame is annotated with it, else on clips. Raises
    StoreError for rows that cannot be what `PREDICTIONS_SCHEMA` says, and for two predictions of
    one clip or frame in one fold.
    """
    sets = {
        "clips": _encode(table["clip_id"]),
        "clusters": _encode(table["clip_id" if unit == "clip" else unit]),
        "folds": _encode(table["fold"]),
        "corpora": _encode(table["corpus"]),
    }
    for kind in ("folds", "corpora"):  # each has its own value of every metric
        if (count := len(sets[kind].names)) > MOST_RUNS:
            raise StoreError(
                f"expected at most {MOST_RUNS:,} {kind}, got {count:,}; run `dvc repro` to make "
                f"the predictions anew"
            )
    words = _encode(table["target"])
    places = {name: place for place, name in enumerate(words.names)}
    judged = {}
    for target in targets:
        rows = np.flatnonzero(words.index == places.get(target, -2))
        if len(rows) and not classes and not TARGETS[target].behaviour.number:
            raise StoreError(f"{target}: expected classes, got none; run `dvc repro` to train anew")
        _check_single(target, table.select(["seconds", "class"]).take(rows), sets, rows)
        rows = rows[_find_grid(table.select(["seconds", "label"]).take(rows))]
        own = table.select([*NUMBERS, "seconds", "class", "scores", "clip_id"]).take(rows)
        taken = {name: found.take(rows) for name, found in sets.items()}
        pair = _pair_vectors if TARGETS[target].behaviour.vector else _pair_numbers
        judged[target] = pair(target, own, taken, classes)
    return judged


@contextmanager
def name_head(head: str) -> Iterator[None]:
    """Within this, a StoreError tells whose predictions are at fault."""
    try:
        yield
    except StoreError as error:
        raise StoreError(f"{head}: {error}") from error


def check_predictions(head: str, table: pa.Table) -> None:
    """Raise StoreError for a row of nothing, a number that is not finite, a chance that is none,
    and an unknown target, or one withheld.
    """
    for column in ("clip_id", "split", "target", "withheld"):
        if table[column].null_count:
            raise StoreError(
                f"{head}: expected a {column} in each row, got none; run "
                f"`dvc repro -f models/dvc.yaml:train@{head}`"
            )
    for column in NUMBERS:
        sound = pc.less(pc.abs(table[column]), MOST_NUMBER)  # which NaN is not
        wrong = table.filter(pc.invert(sound))
        if wrong.num_rows:
            raise StoreError(
                f"{head}: clip {wrong['clip_id'][0]}: {wrong['target'][0]}: {column}: expected a "
                f"finite number or null, got {wrong[column][0]} ({wrong.num_rows} such rows); run "
                f"`dvc repro -f models/dvc.yaml:train@{head}`"
            )
    _check_chances(head, table)
    for column, known in WORDS.items():
        for word in list_words(table[column]):
            if word not in known:
                raise StoreError(
                    f"{head}: unknown {column} {word!r}; {suggest(word, known)}; run "
                    f"`dvc repro -f models/dvc.yaml:train@{head}`"
                )


def _check_chances(head: str, table: pa.Table) -> None:
    """Raise StoreError for a chance of a class that is none."""
    scores = table["scores"].combine_chunks()
    chances = scores.flatten()
    sound = pc.and_(pc.greater_equal(chances, 0), pc.less(chances, MOST_CHANCE)).fill_null(False)
    if (place := pc.index(sound, value=False).as_py()) >= 0:
        row = pc.list_parent_indices(scores)[place].as_py()
        raise StoreError(
            f"{head}: clip {table['clip_id'][row]}: scores: expected chances from 0 to 1, got "
            f"{chances[place]}; run `dvc repro -f models/dvc.yaml:train@{head}`"
        )


def _pair_numbers(
    target: str, table: pa.Table, sets: Mapping[str, Sets], classes: Sequence[str]
) -> Judged:
    """Rows of a target with one number a row: a rating, or the index of a class."""
    label, predicted, prior = (_read_numbers(table[column]) for column in NUMBERS)
    scores = None
    if TARGETS[target].kind == "class":
        for column, values in zip(NUMBERS, (label, predicted, prior), strict=True):
            _check_indices(target, column, values, len(classes))
        scores = _read_scores(target, table["scores"].combine_chunks(), len(classes))
    seconds = _fill_absent(table["seconds"])
    return Judged(Pairs(label, predicted, scores), prior, seconds, sets)


def _pair_vectors(
    target: str, table: pa.Table, sets: Mapping[str, Sets], classes: Sequence[str]
) -> Judged:
    """Rows of a target with a number for each class, each gathered from a row per class."""
    width, words = len(classes), _encode(table["class"])
    seconds = _fill_absent(table["seconds"])
    known = np.array([classes.index(w) if w in classes else -1 for w in words.names], np.int64)
    number = np.append(known, -1)[words.index]
    keys = [number, seconds, sets["folds"].index, sets["clips"].index]
    order = np.lexsort(keys)
    if len(order) % width or (number[order] != np.tile(range(width), len(order) // width)).any():
        raise StoreError(
            f"{target}: expected one row for each of {', '.join(classes)}, got {len(order)} rows "
            f"of {', '.join(words.names)}; run `dvc repro` to make the predictions anew"
        )
    order = order.reshape(-1, width)
    label, predicted, prior = (_read_numbers(table[column])[order] for column in NUMBERS)
    taken = {name: found.take(order[:, 0]) for name, found in sets.items()}
    return Judged(Pairs(label, predicted), prior, seconds[order[:, 0]], taken)


def _find_grid(rows: pa.Table) -> Integer[np.ndarray, " kept"]:
    """Places of the rows on frames if any frame is annotated, else of those of whole clips."""
    framed = pc.is_valid(rows["seconds"]).to_numpy()
    annotated = pc.is_valid(rows["label"]).to_numpy()
    return np.flatnonzero(framed if (framed & annotated).any() else ~framed)


def _encode(column: pa.ChunkedArray) -> Sets:
    """Rows of `column` by value; names do not depend on the order of rows."""
    encoded = column.combine_chunks()
    if not pa.types.is_dictionary(encoded.type):
        encoded = encoded.dictionary_encode()
    indices = encoded.indices.fill_null(-1).to_numpy()
    values = encoded.dictionary.to_pylist()
    used = sorted(np.unique(indices[indices >= 0]).tolist(), key=values.__getitem__)
    places = np.full(len(values) + 1, -1, dtype=np.int64)
    places[used] = np.arange(len(used))
    # The last place stands for rows without a value, whose index is -1.
    return Sets([str(values[index]) for index in used], places[indices])


def _read_numbers(column: pa.ChunkedArray) -> Float64[np.ndarray, " rows"]:
    """Values of `column`, NaN for null."""
    values: np.ndarray = column.to_numpy()
    return values.astype(np.float64)


def _fill_absent(column: pa.ChunkedArray) -> Float64[np.ndarray, " rows"]:
    """Values of `column`, -1 for null: times are never negative."""
    return _read_numbers(pc.fill_null(column, -1.0))


def _read_scores(
    target: str, column: pa.ListArray, classes: int
) -> Float[np.ndarray, "rows {classes}"]:
    """Probabilities of each row, NaN where none are given."""
    given = column.is_valid().to_numpy(zero_copy_only=False)
    lengths = set(pc.unique(pc.list_value_length(column)).to_pylist()) - {None}
    if lengths - {classes}:
        raise StoreError(
            f"{target}: scores: expected {classes} numbers a row, got {sorted(lengths)}; run "
            f"`dvc repro` to make the predictions anew"
        )
    scores = np.full((len(column), classes), np.nan, dtype=np.float32)
    scores[given] = column.flatten().to_numpy(zero_copy_only=False).reshape(-1, classes)
    return scores


def _check_single(
    target: str, table: pa.Table, sets: Mapping[str, Sets], rows: Integer[np.ndarray, " rows"]
) -> None:
    """Raise StoreError for two rows of one clip, fold, time and class."""
    clips, seconds = sets["clips"].take(rows), _fill_absent(table["seconds"])
    folds, classes = sets["folds"].index[rows], _encode(table["class"]).index
    keys = np.stack([classes, seconds, folds, clips.index])
    order = np.lexsort(keys)
    twice = np.flatnonzero((np.diff(keys[:, order]) == 0).all(axis=0))
    if len(twice):
        row = order[twice[0]]
        at = f" at {seconds[row]:g} s" if seconds[row] >= 0 else ""
        raise StoreError(
            f"{target}: clip {clips.names[clips.index[row]]}{at}: expected one prediction, got "
            f"two ({len(twice)} rows too many); run `dvc repro` to make the predictions anew"
        )


def _check_indices(
    target: str, column: str, values: Float64[np.ndarray, " rows"], classes: int
) -> None:
    known = values[~np.isnan(values)]
    wrong = known[(known < 0) | (known >= classes) | (known != np.round(known))]
    if len(wrong):
        raise StoreError(
            f"{target}: {column}: expected the index of one of {classes} classes, got "
            f"{wrong[0]:g} ({len(wrong)} such rows); run `dvc repro` to make the predictions anew"
        )


def _fill_scores(
    pairs: Pairs, scores: Float[np.ndarray, "rows classes"], priors: Float64[np.ndarray, " rows"]
) -> Float[np.ndarray, "rows classes"]:
    filled = scores.copy()
    rows = np.flatnonzero(np.isnan(pairs.predictions) & ~np.isnan(priors))
    filled[rows] = 0
    filled[rows, priors[rows].astype(np.int64)] = 1
    return filled
