"""A head that reads several feature sets of one modality at once, on every run of the splits.

    python -m benchmarks.joint_sets mlp egemaps logmel mfcc --seed 0

A head of params.yaml reads one set per modality. This one reads any sets of `features/`, with the
options of the first head of its kind in params.yaml, and prints the UAR and the accuracy of its
out-of-fold predictions, for validation and for test.
"""

import json
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import typer

from pipeline.evaluation.confusions import accuracy, count_confusions, uar
from pipeline.heads.params import HeadParams
from pipeline.labels.runs import list_runs, split_clips
from pipeline.params import parse_head, read_yaml
from pipeline.paths import FEATURES, TARGETS
from pipeline.prediction.answers import predict_clips
from pipeline.store.reader import open_features
from pipeline.training.fitting import fit_run
from pipeline.windows.dataset import WindowDataset
from pipeline.windows.labels import read_labels


def read_options(kind: str, seed: int) -> HeadParams:
    """Params of the first head of `kind`, for classes alone, with another seed."""
    sections = read_yaml()
    name, head = next((n, h) for n, h in sections["heads"].items() if h["kind"] == kind)
    training = {**head.get("training", {}), "seed": seed}
    sections["heads"][name] = {**head, "targets": ["emotion"], "training": training}
    return parse_head(sections, name)


def main(
    kind: Annotated[str, typer.Argument(help="Kind of head.")],
    sets: Annotated[list[str], typer.Argument(help="Feature sets.")],
    seed: Annotated[int, typer.Option(help="Of training.")] = 0,
) -> None:
    """Train and judge the head."""
    params, labels = read_options(kind, seed), read_labels(TARGETS)
    features = {name: open_features(FEATURES / name) for name in sets}
    classes = len(labels.names.emotion)
    pairs: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for run in list_runs(labels.targets.values()):
        with TemporaryDirectory() as live:
            fitted = fit_run(params, features, labels, run, Path(live))
        for side, clip_ids in split_clips(labels.targets.values(), run).items():
            dataset = WindowDataset(features, labels, params)
            dataset.add_clips(clip_ids)
            predicted = predict_clips(fitted.head, features, dataset.windows)
            for clip_id, found in predicted.items():
                guess = int(np.argmax(found.clip["emotion"]))
                pairs[side].append((float(labels.value(clip_id, "emotion")), guess))
    figures = {}
    for side in ("val", "test"):
        truth, guess = np.array(pairs[side], int).T
        one = np.zeros(len(truth), int)
        counts = count_confusions(truth, guess, one, count=1, classes=classes)
        figures |= {
            f"{side}_uar": float(uar(counts)[0]),
            f"{side}_accuracy": float(accuracy(counts)[0]),
        }
    print(json.dumps({name: round(value, 4) for name, value in figures.items()}))


if __name__ == "__main__":
    typer.run(main)
