"""Held-out predictions: what each run says of the clips it was not trained on, as one table."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Float64, Int64

from pipeline.evaluation.table import ENROLLED, HELD_OUT_SCHEMA, NOTHING, WORD
from pipeline.heads.base import Head
from pipeline.heads.recipes import Prior
from pipeline.heads.shared.params import HeadParams
from pipeline.labels.runs import list_runs, split_clips
from pipeline.modalities import modality_of
from pipeline.prediction.answers import UNADJUSTED, Adjustments, Predicted, predict_clips
from pipeline.store.reader import FeatureStore
from pipeline.targets import TARGETS
from pipeline.windows.dataset import WindowDataset
from pipeline.windows.labels import Labels
from pipeline.windows.moments import Subjects

HELD_OUT = ("val", "test")
"""Splits that no run trains on."""

SCORES = HELD_OUT_SCHEMA.field("scores").type


@dataclass(frozen=True)
class Trained:
    """A head of every run, ready to predict, and what it reads.

    `priors` is run → target → what the training labels alone predict: a class index, a rating, or
    a number for each class. `chosen` is run → the head that answers for val, where the one of
    `heads` was trained on that, too. `subjects` is run → those of val, where they are measured
    already. `adjustments` is run → what its answers are postprocessed by.
    """

    params: HeadParams
    features: Mapping[str, FeatureStore]
    heads: Mapping[str, Head]
    priors: Mapping[str, Mapping[str, Prior]]
    chosen: Mapping[str, Head] = field(default_factory=dict)
    subjects: Mapping[str, Subjects] = field(default_factory=dict)
    adjustments: Mapping[str, Adjustments] = field(default_factory=dict)

    def find_head(self, run: str, split: str) -> Head:
        """Head of a run that never saw this split."""
        return self.chosen.get(run, self.heads[run]) if split == "val" else self.heads[run]

    def find_subjects(self, run: str, split: str, dataset: WindowDataset) -> Subjects:
        """Who is in this split of a run, whose windows are `dataset`."""
        known = self.subjects.get(run) if split == "val" else None
        return known or Subjects(dataset)

    @property
    def withholdings(self) -> list[str]:
        """What is withheld in turn: nothing, then each modality, of a head that has several.

        Then, where rows are normalised by subject, all clips of a subject but so many.
        """
        modalities = list(dict.fromkeys(map(modality_of, self.features)))
        enrolled = ENROLLED if self.params.normalisation == "subject" else ()
        return [NOTHING, *(modalities if len(modalities) > 1 else ()), *enrolled]


@dataclass(frozen=True)
class Asked:
    """Rows of one target that a split asks for: clips, or frames, clip by clip.

    Row by row, `places` are the numbers of the clips among `clip_ids`, `seconds` NaN for a whole
    clip, `labels` NaN where there is none. Each answer is to be of `shape`.
    """

    target: str
    clip_ids: Sequence[str]
    places: Int64[np.ndarray, " rows"]
    seconds: Float64[np.ndarray, " rows"]
    labels: Float64[np.ndarray, "rows *classes"]
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Block:
    """Rows that are asked for, and their columns that are the same whatever is withheld."""

    asked: Asked
    columns: Mapping[str, pa.Array]


@dataclass(frozen=True)
class Split:
    """One split of one run, and the labels of its corpus."""

    labels: Labels
    name: str
    fold: int | None
    clip_ids: Sequence[str]


def predict_held_out(
    trained: Trained, labels: Labels, splits: Sequence[str] = HELD_OUT
) -> pa.Table:
    """Table of `HELD_OUT_SCHEMA`: each run on the clips of `splits`, which it was not trained on.

    A head with several modalities predicts again with each of them withheld.
    """
    batches: list[pa.RecordBatch] = []
    for run in list_runs(labels.targets.values()):
        placed = split_clips(labels.targets.values(), run)
        for name in splits:
            split = Split(labels, name, run.fold, placed[name])
            batches += _predict_split(trained, run.name, split)
    return pa.Table.from_batches(batches, schema=HELD_OUT_SCHEMA).unify_dictionaries()


def _predict_split(trained: Trained, run: str, split: Split) -> Iterator[pa.RecordBatch]:
    dataset = WindowDataset(trained.features, split.labels, trained.params)
    dataset.add_clips(split.clip_ids)
    blocks = [
        Block(asked, _describe_rows(asked, split, trained.priors[run][asked.target]))
        for asked in ask_targets(split.labels, trained.params.targets, split.clip_ids)
    ]
    subjects = trained.find_subjects(run, split.name, dataset)
    for withheld in trained.withholdings:
        found = predict_clips(
            trained.find_head(run, split.name),
            dataset.sources,
            dataset.windows,
            withheld=withheld,
            known=subjects.standardise(ENROLLED.get(withheld)),
            adjustments=trained.adjustments.get(run, UNADJUSTED),
        )
        for block in blocks:
            said = _repeat_word(withheld, trained.withholdings, len(block.columns["label"]))
            yield _fill_rows(block, found, said)


def ask_targets(labels: Labels, targets: Sequence[str], clip_ids: Sequence[str]) -> Iterator[Asked]:
    """Rows of each of `targets`, in the order of the table of targets.

    Clips count that have a label of any of the targets that are labelled per clip, and all frames.
    """
    chosen = [target for target in TARGETS if target in targets]
    whole = [target for target in chosen if labels.per(target) == "clip"]
    annotated = [
        clip_id
        for clip_id in clip_ids
        if not all(np.isnan(labels.value(clip_id, target)).all() for target in whole)
    ]
    framed = [clip_id for clip_id in clip_ids if clip_id in labels.frames]
    for target in chosen:
        if target in whole and annotated:
            yield _ask_clips(labels, target, annotated)
        elif target not in whole and framed:
            yield _ask_frames(labels, target, framed)


def _ask_clips(labels: Labels, target: str, clip_ids: Sequence[str]) -> Asked:
    values = np.stack([labels.value(clip_id, target) for clip_id in clip_ids])
    places, seconds = np.arange(len(values)), np.full(len(values), np.nan)
    return Asked(target, clip_ids, places, seconds, values, _shape_answer(labels, target))


def _ask_frames(labels: Labels, target: str, clip_ids: Sequence[str]) -> Asked:
    frames = [labels.frames[clip_id] for clip_id in clip_ids]
    places = np.repeat(np.arange(len(frames)), [len(found.seconds) for found in frames])
    seconds = np.concatenate([found.seconds for found in frames])
    values = np.concatenate([found.values[target] for found in frames])
    return Asked(target, clip_ids, places, seconds, values, _shape_answer(labels, target))


def _shape_answer(labels: Labels, target: str) -> tuple[int, ...]:
    return () if TARGETS[target].behaviour.number else (len(labels.names.emotion),)


def _describe_rows(asked: Asked, split: Split, prior: Prior) -> dict[str, pa.Array]:
    """Columns that are the same whatever is withheld; Arrow holds them once for all of these."""
    target, rows, classes = TARGETS[asked.target], len(asked.places), split.labels.names.emotion
    each = len(classes) if target.behaviour.vector else 1
    return {
        "clip_id": _encode(np.repeat(asked.places, each), asked.clip_ids),
        "split": _repeat_word(split.name, HELD_OUT, rows * each),
        "fold": pa.repeat(pa.scalar(split.fold, pa.int64()), rows * each),
        "seconds": _nullable(np.repeat(asked.seconds, each)),
        "target": _repeat_word(asked.target, list(TARGETS), rows * each),
        "class": (
            _encode(np.tile(np.arange(each), rows), classes)
            if target.behaviour.vector
            else pa.nulls(rows, WORD)
        ),
        "label": _nullable(asked.labels.ravel()),
        "prior": pa.array(np.tile(np.asarray(prior, np.float64), rows)),
    }


def _fill_rows(
    block: Block, predicted: Mapping[str, Predicted], withheld: pa.Array
) -> pa.RecordBatch:
    """Rows of `HELD_OUT_SCHEMA`: one for each that is asked for, or one for each of its classes."""
    found = find_answers(block.asked, predicted)
    scored = TARGETS[block.asked.target].kind == "class"
    columns = {
        **block.columns,
        "withheld": withheld,
        "predicted": _nullable((choose_classes(found) if scored else found).ravel()),
        "scores": _list_scores(found) if scored else pa.nulls(len(withheld), SCORES),
    }
    return pa.RecordBatch.from_pydict(columns, schema=HELD_OUT_SCHEMA)


def find_answers(
    asked: Asked, predicted: Mapping[str, Predicted]
) -> Float[np.ndarray, "rows *classes"]:
    """What is predicted for each row; NaN where nothing is."""
    found = np.full((len(asked.places), *asked.shape), np.nan, np.float32)
    stops = np.cumsum(np.bincount(asked.places, minlength=len(asked.clip_ids)))
    for clip_id, start, stop in zip(asked.clip_ids, [0, *stops], stops, strict=False):
        answer = predicted.get(clip_id)
        if answer is None:
            continue
        if asked.target in answer.clip:
            found[start:stop] = answer.clip[asked.target]
        else:
            places = np.searchsorted(answer.seconds, asked.seconds[start:stop])
            places = np.minimum(places, len(answer.seconds) - 1)
            known = answer.seconds[places] == asked.seconds[start:stop]
            found[start:stop][known] = answer.frames[asked.target][places[known]]
    return found


def choose_classes(scores: Float[np.ndarray, "rows classes"]) -> Float64[np.ndarray, " rows"]:
    """Index of the likeliest class of each row, NaN for a row without."""
    known = ~np.isnan(scores).any(axis=1)
    return np.where(known, np.where(known[:, np.newaxis], scores, 0.0).argmax(axis=1), np.nan)


def _list_scores(scores: Float[np.ndarray, "rows classes"]) -> pa.ListArray:
    """One list a row, null for a row without."""
    known = ~np.isnan(scores).any(axis=1)
    offsets = pa.array(np.append(0, np.cumsum(known * scores.shape[1])), pa.int32())
    values = pa.array(scores[known].ravel(), pa.float32())
    return pa.ListArray.from_arrays(offsets, values, mask=pa.array(~known))


def _nullable(values: Float[np.ndarray, " rows"]) -> pa.Array:
    return pa.array(values, pa.float64(), mask=np.isnan(values))


def _encode(codes: Int64[np.ndarray, " rows"], words: Sequence[str]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(words, pa.string()))


def _repeat_word(word: str, words: Sequence[str], count: int) -> pa.DictionaryArray:
    return _encode(np.full(count, words.index(word)), words)
