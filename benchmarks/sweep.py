"""Trials of a sweep a minute, over a process for each trial.

    python -m benchmarks.sweep

Run in a project whose corpus went through `dvc repro extract`. Of every feature set of its
params.yaml `linear` and `mlp` are tried on `emotion` at their defaults, with as many seeds as make
up the trials. `sweep` tries them in the processes of one sweep, which stay. `one by one` has a
process for each, as a loop of a shell has, as many at a time; of so few trials as `--singly` says.

The goal is 30 trials a minute, and five times as many as one by one. Minutes are those of the
clock; `over_one_by_one` goes by seconds of processors, which other work on the machine changes
less, and so does `on_idle_cores`: trials a minute if its processes had a core each.
"""

import json
import os
import pickle
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from benchmarks.heads import choose_params
from pipeline.params import load_params
from pipeline.paths import FEATURES, LABELS, PROJECT, TARGETS
from pipeline.sweeps.running import Place, Sweeper, try_trial
from pipeline.sweeps.trials import Trial, list_sources, try_alone

KINDS = ("linear", "mlp")
PLACE = Place(FEATURES, TARGETS, LABELS / "clips.parquet", PROJECT)
ALONE = "import pickle, sys; try_, arguments = pickle.load(sys.stdin.buffer); try_(*arguments)"


def list_trials(count: int) -> list[Trial]:
    """So many trials over the feature sets of params.yaml, each with more seeds as need be."""
    sources = list_sources(load_params().features, FEATURES)
    return list(islice((t for seed in range(count) for t in try_alone(sources, [seed])), count))


def run_sweep(trials: Sequence[Trial], workers: int) -> int:
    """Try `trials` with each kind of head in the processes of a sweep; returns how many."""
    tried = 0
    for kind in KINDS:
        with (
            TemporaryDirectory() as scratch,
            Sweeper(choose_params(kind), PLACE, Path(scratch) / "a.csv", workers) as sweeper,
        ):
            tried += len(sweeper.run(trials))
    return tried


def run_singly(trials: Sequence[Trial], workers: int) -> int:
    """Try `trials` with each kind of head in a process of its own; returns how many."""
    asked = [(choose_params(kind), trial, PLACE, "") for kind in KINDS for trial in trials]
    command = [sys.executable, "-c", ALONE]
    given = [pickle.dumps((try_trial, one)) for one in asked]
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda one: subprocess.run(command, input=one, check=True), given))
    return len(asked)


@dataclass(frozen=True)
class Pace:
    """Trials a minute, and seconds of processors for each."""

    per_minute: float
    processor_seconds: float


def measure_pace(job: partial[int]) -> Pace:
    """Pace of `job`, which returns how many trials it made; its processes have ended then."""
    begun, spent = time.perf_counter(), count_seconds()
    tried = job()
    return Pace(60 * tried / (time.perf_counter() - begun), (count_seconds() - spent) / tried)


def count_seconds() -> float:
    """Seconds of processors that this process and those of its children that ended have used."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def main(
    trials: Annotated[int, typer.Option(help="Trials of the sweep.", min=2)] = 100,
    singly: Annotated[int, typer.Option(help="Trials one by one.", min=2)] = 10,
    workers: Annotated[int | None, typer.Option(help="Processes; else one a core.", min=1)] = None,
) -> None:
    """Print the pace of both ways, and the ratio."""
    workers = workers or os.cpu_count() or 1
    swept = measure_pace(partial(run_sweep, list_trials(trials // len(KINDS)), workers))
    alone = measure_pace(partial(run_singly, list_trials(singly // len(KINDS)), workers))
    told = {
        "trials_per_minute": round(swept.per_minute, 1),
        "one_by_one_per_minute": round(alone.per_minute, 1),
        "processor_seconds": round(swept.processor_seconds, 2),
        "one_by_one_processor_seconds": round(alone.processor_seconds, 2),
        "on_idle_cores": round(60 * workers / swept.processor_seconds, 1),
        "over_one_by_one": round(alone.processor_seconds / swept.processor_seconds, 2),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    typer.run(main)
