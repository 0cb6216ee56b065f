"""The folder of a trained head: its weights, and the recipe to make it again from media.

models/<head>/
  model.safetensors    every run's tensors, under `<run>/`
  predictions.parquet  what each run says of the clips it was not trained on
  recipe.json          params and sections, provenance of the inputs, versions, git revision
  history.csv          what each epoch of each run measured
  live/                the same, as DVCLive showed it while it ran
"""

import importlib.metadata
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from math import isfinite
from pathlib import Path

import pyarrow as pa
from safetensors.torch import save_file
from torch import Tensor

from pipeline.code import ROOTS
from pipeline.files import digest_file, write_json, write_whole
from pipeline.heads.base import Head
from pipeline.heads.normalisation import name_standards
from pipeline.heads.recipes import AskedHead, Input, Recipe
from pipeline.heads.shared.params import HeadParams
from pipeline.labels.runs import list_runs
from pipeline.paths import OVERRIDES, SPLITS
from pipeline.prediction.held_out import Trained, predict_held_out
from pipeline.progress import track
from pipeline.store.reader import FeatureStore
from pipeline.store.tables import write_table
from pipeline.training.adjusting import fit_adjustments
from pipeline.training.fitting import Fitted, fit_run
from pipeline.training.history import write_history
from pipeline.windows.dataset import open_inputs
from pipeline.windows.labels import Labels

PACKAGES = ("torch", "transformers", "numpy", "pyarrow", "zarr")
"""Packages whose versions a recipe states."""


def train_head(asked: AskedHead, features: Path, labels: Labels, out: Path) -> None:
    """Train a head on every run of the splits and write its folder to `out`."""
    inputs = open_inputs(asked.params, features)
    runs = list_runs(labels.targets.values())
    fitted = {
        run.name: fit_run(asked.params, inputs, labels, run, out / "live" / run.name)
        for run in track(runs, f"train {asked.name}", len(runs))
    }
    empty = {run: result.empty for run, result in fitted.items()}
    trained = gather_runs(asked.params, inputs, fitted, labels)
    predictions = predict_held_out(trained, labels)
    save_head(out, describe_head(asked, trained, labels, empty), fitted, predictions)


def gather_runs(
    params: HeadParams,
    inputs: Mapping[str, FeatureStore],
    fitted: Mapping[str, Fitted],
    labels: Labels,
) -> Trained:
    """Heads of all runs (`fitted`, by name), ready to predict, and to postprocess what they say."""
    trained = Trained(
        params=params,
        features=inputs,
        heads={run: result.head for run, result in fitted.items()},
        priors={run: result.priors for run, result in fitted.items()},
        chosen={run: result.chosen for run, result in fitted.items()},
        subjects={run: result.subjects for run, result in fitted.items()},
    )
    if not params.postprocessing.on:
        return trained
    return replace(trained, adjustments=fit_adjustments(trained, labels))


def describe_head(
    asked: AskedHead, trained: Trained, labels: Labels, empty: Mapping[str, int]
) -> Recipe:
    """Recipe of a head that was just trained here; `empty` is run → windows without a row."""
    return Recipe(
        head=asked.name,
        params=asked.params.model_dump(mode="json"),
        sections=asked.sections,
        emotions=labels.names.emotion,
        per={target: labels.per(target) for target in asked.params.targets},
        inputs={
            stream: Input(
                name=store.path.name,
                params=asked.features[store.path.name],
                row_shape=list(store.shape.sizes),
                row_axes=list(store.shape.axes),
                index_digest=digest_file(store.path / "index.parquet"),
                provenance=store.provenance,
            )
            for stream, store in trained.features.items()
        },
        priors={run: dict(found) for run, found in trained.priors.items()},
        layer_shares={
            run: shares for run, head in trained.heads.items() if (shares := head.layer_shares)
        },
        unseen={run: unseen for run, head in trained.heads.items() if (unseen := head.unseen)},
        empty_windows=dict(empty),
        adjustments={run: dict(found) for run, found in trained.adjustments.items()},
        frame_seconds=labels.step_seconds if isfinite(labels.step_seconds) else None,
        started={
            source: digest
            for head in trained.heads.values()
            for source, digest in head.started.items()
        },
        weights_digest="",  # of files that are yet to be written: `save_head` knows them
        predictions_digest="",
        versions={
            "python": platform.python_version(),
            **{package: importlib.metadata.version(package) for package in PACKAGES},
        },
        git_revision=_git_revision(),
    )


def save_head(
    out: Path, recipe: Recipe, fitted: Mapping[str, Fitted], predictions: pa.Table
) -> None:
    """Write the folder of a head; `recipe.json` comes last and marks it as whole."""
    out.mkdir(parents=True, exist_ok=True)
    tensors = {
        f"{run}/{name}": value.contiguous()
        for run, result in fitted.items()
        for name, value in _list_tensors(result.head).items()
    }
    weights, predicted = out / "model.safetensors", out / "predictions.parquet"
    write_whole(weights, lambda aside: save_file(tensors, aside))
    write_table(predicted, predictions)
    digests = {"weights_digest": digest_file(weights), "predictions_digest": digest_file(predicted)}
    sealed = recipe.model_copy(update=digests)
    write_history(out / "history.csv", {run: result.history for run, result in fitted.items()})
    write_json(out / "recipe.json", sealed.model_dump(mode="json"))


def _list_tensors(head: Head) -> dict[str, Tensor]:
    """Name → tensor: the weights of a head, and the moments of corpora."""
    return {**head.state_dict(), **name_standards(head.standards)}


def _git_revision() -> str | None:
    """Last commit of code and overrides, marked when they differ from it; None outside git.

    Later commits, as of the lock files that this run writes, leave it as it is.
    """
    commit = _ask_git("log", "-1", "--format=%H")
    return commit and commit + "-dirty" * bool(_ask_git("status", "--porcelain"))


def _ask_git(*command: str) -> str | None:
    """What git says of code and overrides, if anything."""
    asked = ["git", *command, "--", *ROOTS, str(OVERRIDES), str(SPLITS)]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() or None
