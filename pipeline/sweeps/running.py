"""Running a sweep: its trials in a few processes that stay, what was tried before not again."""

import multiprocessing
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Self

import torch

from pipeline.code import Code
from pipeline.encoders.params import FeatureParams
from pipeline.errors import ParamsError, TrainingError
from pipeline.evaluation.evaluating import evaluate_head
from pipeline.evaluation.params import EvaluateParams
from pipeline.evaluation.ranking import list_leading
from pipeline.evaluation.table import add_speakers
from pipeline.files import digest_file, digest_json
from pipeline.heads.params import HEADS
from pipeline.heads.shared.params import HeadParams
from pipeline.labels.clips import LABELS_SCHEMA, Clip, read_clips
from pipeline.labels.runs import list_runs
from pipeline.modalities import modality_of
from pipeline.prediction.held_out import predict_held_out
from pipeline.progress import track
from pipeline.store.joint import list_members
from pipeline.store.reader import FeatureStore, open_features
from pipeline.sweeps.outcomes import Outcome, Ranked, rank_outcomes, read_outcomes, write_outcomes
from pipeline.sweeps.trials import NO_JOINT, Trial, list_sources, try_alone, try_fused
from pipeline.training.fitting import fit_run
from pipeline.training.saving import gather_runs
from pipeline.windows.dataset import check_encoders, locate_inputs
from pipeline.windows.labels import Labels, read_labels

HELD_OPEN = 64
"""Feature sets that a process holds open."""


@dataclass(frozen=True)
class Place:
    """Where a sweep reads: feature sets, labels as numbers, clips; and the code that it runs."""

    features: Path
    targets: Path
    clips: Path
    code: Path


@dataclass(frozen=True)
class Sweep:
    """A sweep that is through: its trials, those over all seeds best first, and those refused."""

    trials: Mapping[str, Trial]
    ranked: Sequence[Ranked]
    refused: Mapping[str, str]


class Sweeper:
    """Tries a head over feature sets; outcomes go to the table at `path` as they come."""

    def __init__(self, params: HeadParams, place: Place, path: Path, workers: int) -> None:
        self.params, self.place, self.path = params, place, path
        self.metrics = list_leading(params.targets)
        self.known = {one.key: one for one in read_outcomes(path)}
        self._pool: ProcessPoolExecutor | None = None
        if workers > 1:  # processes begin when they are first needed
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(workers, context, _begin)
        code = Code(place.code, border=["pipeline.params"])
        chosen = {"head": params.kinds, "engine": ()}
        self._common = [
            digest_json(code.digest(__name__, chosen)),
            *(digest_file(file) for file in sorted(place.targets.glob("*.*"))),
            digest_file(place.clips),
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def sweep(
        self,
        features: Mapping[str, FeatureParams],
        seeds: Sequence[int],
        joint: Mapping[str, Sequence[str]] = NO_JOINT,
    ) -> Sweep:
        """Try each of `features`, and of sets that are `joint`; then the best modalities together.

        `joint` is set → its members.
        All is chosen on validation; test is not read. A head that is solved has no use for more
        than one of `seeds`. Raises StoreError for a set that is not by the encoder of its params.
        """
        if HEADS.load(self.params.kind).Head.solved:
            seeds = seeds[:1]
        sources = list_sources(features, self.place.features, joint)
        check_encoders(self.place.features, {name: own.encoder for name, own in features.items()})
        alone = try_alone(sources, seeds)
        found = self.run(alone)
        named = {trial.name: trial for trial in reversed(alone)}
        ranked = rank_outcomes(found, self.params.targets)
        fused = try_fused([named[one.trial] for one in ranked], seeds)
        found += self.run(fused)
        named |= {trial.name: trial for trial in reversed(fused)}
        refused = {one.trial: one.refused for one in found if one.refused}
        return Sweep(named, rank_outcomes(found, self.params.targets), refused)

    def run(self, trials: Sequence[Trial]) -> list[Outcome]:
        """Outcomes of `trials`, in their order; those that are known are not tried again.

        What is known may have another name: that of a set which holds the same. Of several such
        sets among `trials` one is tried.
        """
        keys = {trial: self._key(trial) for trial in trials}
        unknown = {key: trial for trial, key in keys.items() if key not in self.known}
        new = list(unknown.values())
        for one in track(self._try(new, keys), f"sweep {self.params.kind}", len(new)):
            self.known[one.key] = one
            write_outcomes(self.path, list(self.known.values()), self.metrics)
        found = ((trial, self.known[keys[trial]]) for trial in trials)
        return [replace(one, trial=trial.name, seed=trial.seed) for trial, one in found]

    def _try(self, trials: Sequence[Trial], keys: Mapping[Trial, str]) -> Iterator[Outcome]:
        """Outcomes as they come; those of one worker are made here."""
        asked = [(self.params, trial, self.place, keys[trial]) for trial in trials]
        if self._pool is None:
            yield from (try_trial(*one) for one in asked)
            return
        try:
            for tried in as_completed([self._pool.submit(try_trial, *one) for one in asked]):
                yield tried.result()
        except BrokenProcessPool as error:
            raise TrainingError(
                f"{self.path}: a process that tried a head was killed, as where memory runs out; "
                f"what is done is kept: run it again, with fewer `--workers`"
            ) from error

    def _key(self, trial: Trial) -> str:
        """Digest of all that decides what comes of `trial`."""
        read = [
            [source.modality, source.place, *map(digest_file, self._find_indices(source.set))]
            for source in trial.sources
        ]
        params = self.params.model_dump(mode="json", exclude={"inputs"})
        return digest_json([params, trial.seed, read, self._common])

    def _find_indices(self, name: str) -> list[Path]:
        path = self.place.features / name
        return [found / "index.parquet" for found in list_members(path) or [path]]


def try_trial(params: HeadParams, trial: Trial, place: Place, key: str) -> Outcome:
    """Train the head of `trial` on every run of the splits and judge it on validation."""
    begun = time.monotonic()
    try:
        values, refused = measure_trial(trial.fill(params), trial, place), ""
    except (ParamsError, TrainingError) as error:
        values, refused = {}, str(error)
    seconds = round(time.monotonic() - begun, 2)
    return Outcome(trial.name, trial.seed, seconds, key, refused, values)


def measure_trial(params: HeadParams, trial: Trial, place: Place) -> dict[str, float | None]:
    """Leading metrics on validation, missing predictions filled by the prior."""
    labels = _read_labels(place.targets)
    sources = {source.modality: source for source in trial.sources}
    inputs = {
        stream: sources[modality_of(stream)].narrow(_open(path))
        for stream, path in locate_inputs(params, place.features).items()
    }
    runs = list_runs(labels.targets.values())
    fitted = {run.name: fit_run(params, inputs, labels, run) for run in runs}
    predictions = predict_held_out(gather_runs(params, inputs, fitted, labels), labels, ["val"])
    spoken = add_speakers(predictions, _read_clips(place.clips))
    evaluation = evaluate_head("trial", spoken, labels.names.emotion, EvaluateParams())
    filled = evaluation.splits["val"].filled
    return {metric: filled[metric] for metric in list_leading(params.targets)}


def _begin() -> None:
    torch.set_num_threads(1)  # heads are small: more threads cost more than they give


@lru_cache(maxsize=1)
def _read_labels(folder: Path) -> Labels:
    return read_labels(folder)


@lru_cache(maxsize=1)
def _read_clips(path: Path) -> list[Clip]:
    return read_clips(path, LABELS_SCHEMA)


@lru_cache(maxsize=HELD_OPEN)
def _open(path: Path) -> FeatureStore:
    return open_features(path)
