"""Time and memory of judging millions of predictions: a table read, and its head evaluated.

    python -m benchmarks.predictions --rows 5000000

The table is made up in the shape of Aff-Wild2's: frames of 150 videos, each with a class, valence
and arousal, in `val` and `test`, with all inputs and with each of four modalities withheld. It is
read and evaluated in a process of its own. Goals: 20 seconds, and a peak of
1 GB for all that process holds.
"""

import json
import multiprocessing
import resource
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import typer

from pipeline.evaluation.evaluating import evaluate_head
from pipeline.evaluation.params import EvaluateParams
from pipeline.evaluation.table import HELD_OUT_SCHEMA, NOTHING, add_speakers
from pipeline.labels.clips import Clip
from pipeline.store.tables import read_table, write_table

CLASSES = ["neutral", "anger", "disgust", "fear", "happiness", "sadness", "surprise", "other"]
TARGETS = ("emotion", "valence", "arousal")
WITHHELD = (NOTHING, "face", "scene", "audio", "text")
VIDEOS = 150


def draw_predictions(rows: int) -> pa.Table:
    """Table of `HELD_OUT_SCHEMA` with about so many `rows`."""
    frames = rows // (2 * len(WITHHELD) * len(TARGETS))
    tables = [
        draw_target(np.random.default_rng(place), split, withheld, target, frames)
        for place, target in enumerate(TARGETS)
        for split in ("val", "test")
        for withheld in WITHHELD
    ]
    return pa.concat_tables(tables)


def draw_target(
    rng: np.random.Generator, split: str, withheld: str, target: str, frames: int
) -> pa.Table:
    """Rows of one target, as many as `frames`, evenly of all videos."""
    video = np.arange(frames) * VIDEOS // frames
    names = pa.array([f"affwild2/{split}-{number}" for number in range(VIDEOS)])
    words = {"split": split, "withheld": withheld, "target": target}
    columns = {
        "clip_id": pa.DictionaryArray.from_arrays(pa.array(video, pa.int32()), names),
        "seconds": pa.array(np.arange(frames) / 30),
        **{name: repeat(word, frames) for name, word in words.items()},
        **draw_numbers(rng, target, frames),
    }
    arrays = [
        columns[field.name] if field.name in columns else pa.nulls(frames, field.type)
        for field in HELD_OUT_SCHEMA
    ]
    return pa.table(arrays, schema=HELD_OUT_SCHEMA)


def draw_numbers(rng: np.random.Generator, target: str, frames: int) -> dict[str, pa.Array]:
    """Labels, predictions and priors; of classes their scores too."""
    if target != "emotion":
        label = rng.uniform(-1, 1, frames)
        predicted = label / 2 + rng.normal(0, 0.3, frames)
        return {
            "label": pa.array(label),
            "predicted": pa.array(predicted),
            "prior": pa.array(np.zeros(frames)),
        }
    scores = rng.dirichlet(np.ones(len(CLASSES)), frames).astype(np.float32)
    offsets = np.arange(frames + 1, dtype=np.int32) * len(CLASSES)
    return {
        "label": pa.array(rng.integers(len(CLASSES), size=frames).astype(np.float64)),
        "predicted": pa.array(scores.argmax(axis=1).astype(np.float64)),
        "prior": pa.array(np.zeros(frames)),
        "scores": pa.ListArray.from_arrays(offsets, pa.array(scores.ravel())),
    }


def repeat(word: str, rows: int) -> pa.DictionaryArray:
    """`word` in each of so many `rows`."""
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array([word]))


def judge(path: Path) -> dict[str, float]:
    """Seconds and peak gigabytes of reading the table at `path` and evaluating it."""
    begun = time.perf_counter()
    held_out = read_table(path, HELD_OUT_SCHEMA)
    read = time.perf_counter()
    clips = [
        Clip(clip_id=name, corpus="affwild2", path=name, subject=name, group=name)
        for split in ("val", "test")
        for name in (f"affwild2/{split}-{number}" for number in range(VIDEOS))
    ]
    params = EvaluateParams(test=True)
    evaluate_head("head", add_speakers(held_out, clips), CLASSES, params)
    ended = time.perf_counter()
    return {
        "rows": held_out.num_rows,
        "read_seconds": read - begun,
        "evaluate_seconds": ended - read,
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
    }


def main(rows: int = 5_000_000) -> None:
    """Print the figures of a table of so many `rows` as one line of JSON."""
    with TemporaryDirectory(prefix="moodline-") as scratch:
        path = Path(scratch, "predictions.parquet")
        context = multiprocessing.get_context("spawn")
        with context.Pool(1) as making:
            making.apply(make, (path, rows))
        with context.Pool(1) as judging:
            figures = judging.apply(judge, (path,))
    print(json.dumps({name: float(f"{value:.3g}") for name, value in figures.items()}))


def make(path: Path, rows: int) -> None:
    """Write a made-up table to `path`."""
    write_table(path, draw_predictions(rows))


if __name__ == "__main__":
    typer.run(main)
