"""Time and memory of labels of millions of frames, and of as many predictions of them.

    python -m benchmarks.held_out --rows 5000000

The corpus is made up in the shape of Aff-Wild2's: frames of 300 videos in `val` and `test`, each
with a class, valence and arousal, of which a head that is hardly a network reads four modalities
of one number. Its predictions of frames, with all inputs and with each withheld, become one table
of so many rows. Goals: a million frame labels a second read, and, of the table, 20 seconds and a
peak of 1 GB for all that process holds.
"""

import json
import multiprocessing
import resource
import time
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import typer

from benchmarks.heads import choose_params
from pipeline.labels.clip_labels import FRAMES_SCHEMA, ClipLabels
from pipeline.labels.emotions import Names
from pipeline.labels.target_files import write_target_files
from pipeline.modalities import MODALITIES, RowShape
from pipeline.rows import Rows
from pipeline.store.provenance import FeatureProvenance
from pipeline.store.reader import open_features
from pipeline.store.writer import Made, StoreWriter

CLASSES = ["neutral", "anger", "disgust", "fear", "happiness", "sadness", "surprise", "other"]
TARGETS = ["emotion", "valence", "arousal"]
VIDEOS = 300
FPS = 30.0


def make(folder: Path, rows: int) -> None:
    """Write labels and features to `folder`, for about so many `rows` of predictions."""
    count = rows // (len(TARGETS) * (1 + len(MODALITIES)))
    edges = np.linspace(0, count, VIDEOS + 1).astype(int).tolist()
    lengths = {
        f"affwild2/{number:03}": stop - start
        for number, (start, stop) in enumerate(pairwise(edges))
    }
    make_labels(folder, lengths)
    for modality in MODALITIES:
        make_features(folder / modality, lengths)


def make_labels(folder: Path, lengths: dict[str, int]) -> None:
    """Every frame labelled with each of `TARGETS`; half of the videos in `val`, half in `test`."""
    rng, count = np.random.default_rng(0), sum(lengths.values())
    sides = ["val", "test"]
    clips = [ClipLabels(clip_id=name, split=sides[n % 2]) for n, name in enumerate(lengths)]
    frames = np.concatenate([np.arange(length) for length in lengths.values()])
    columns = {
        **{field.name: pa.nulls(count, field.type) for field in FRAMES_SCHEMA},
        "clip_id": np.repeat(list(lengths), list(lengths.values())),
        "frame": frames,
        "seconds": (frames + 0.5) / FPS,
        "emotion": pa.array(CLASSES).take(pa.array(rng.integers(len(CLASSES), size=count))),
        "valence": rng.uniform(-1, 1, count),
        "arousal": rng.uniform(-1, 1, count),
    }
    names, table = Names(emotion=CLASSES, words={}), pa.table(columns, schema=FRAMES_SCHEMA)
    write_target_files(folder, clips, names, frames=table)


def make_features(out: Path, lengths: dict[str, int]) -> None:
    """Feature set of one number for each frame."""
    settings = {"encoder": "toy", "row_shape": [1], "dtype": "float16"}
    with StoreWriter(
        out.parent / f".{out.name}", FeatureProvenance("extract", settings), "zarr"
    ) as writer:
        for clip_id, length in lengths.items():
            starts = np.arange(length) / FPS
            known, embedding = np.ones(length, bool), np.ones((length, 1), np.float16)
            writer.add(clip_id, clip_id, Made(Rows(embedding, starts, starts + 1 / FPS, known)))
        writer.close_part()
        writer.publish(out, writer.locate({clip_id: clip_id for clip_id in lengths}), [])


def predict(folder: Path) -> dict[str, float]:
    """Seconds and peak gigabytes of reading labels, and of predicting every frame."""
    from pipeline.heads.building import build_head
    from pipeline.prediction.held_out import Trained, predict_held_out
    from pipeline.windows.labels import read_labels

    begun, idle = time.perf_counter(), measure_peak()
    labels = read_labels(folder)
    read = time.perf_counter()
    params = choose_params("linear", MODALITIES, targets=TARGETS, windows={"seconds": 10.0})
    features = {modality: open_features(folder / modality) for modality in MODALITIES}
    shapes = dict.fromkeys(MODALITIES, RowShape.of([1]))
    head = build_head(params, shapes, dict.fromkeys(TARGETS, "frame"), len(CLASSES))
    priors = {"official": dict.fromkeys(TARGETS, 0.0)}
    table = predict_held_out(Trained(params, features, {"official": head}, priors), labels)
    ended = time.perf_counter()
    return {
        "frame_labels": len(TARGETS) * sum(len(f.seconds) for f in labels.frames.values()),
        "read_seconds": read - begun,
        "rows": table.num_rows,
        "predict_seconds": ended - read,
        "table_gb": table.nbytes / 1e9,
        "idle_gb": idle,
        "peak_gb": measure_peak(),
    }


def measure_peak() -> float:
    """Most that this process has held so far, in gigabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def main(rows: int = 5_000_000) -> None:
    """Print the figures of about so many `rows` as one line of JSON."""
    with TemporaryDirectory(prefix="moodline-") as scratch:
        context = multiprocessing.get_context("spawn")
        figures = {}
        for work, args in ((make, (Path(scratch), rows)), (predict, (Path(scratch),))):
            with context.Pool(1) as pool:
                figures = pool.apply(work, args)
    print(json.dumps({name: float(f"{value:.3g}") for name, value in figures.items()}))


if __name__ == "__main__":
    typer.run(main)
