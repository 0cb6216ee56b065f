"""Rate at which heads train here, over a bare loop of PyTorch on tensors in memory.

    python -m benchmarks.training

Clips of 15 rows of faces, 30 of sound and one of text, one label each. `trained` is what stage
`train` does with a head once its windows are known: batches of 32 gathered from Zarr parts, steps,
validation after each epoch, its metrics, the best weights kept. `bare` has the same
batches as tensors in memory and takes the same steps, with a pass over validation for its loss
alone: what nobody's loop can undercut. `files` is the usual loop: a `.pt` for each clip and
modality, loaded and padded for each batch. All three are timed in turns, an epoch at a time in the
long run: what comes once, such as imports and the first batch, is left out by more epochs.

The goal, at least 0.9, is for `lowest_over_bare`, the rate of the slowest head.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import torch
import typer
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import BatchSampler, RandomSampler

from benchmarks.heads import choose_params
from benchmarks.rounds import Job, Side, print_table, time_rounds
from pipeline.heads.base import Head
from pipeline.heads.losses import head_loss
from pipeline.heads.reading import StreamRows
from pipeline.heads.shared.params import HeadParams
from pipeline.labels.clip_labels import ClipLabels
from pipeline.labels.emotions import Names
from pipeline.rows import Rows
from pipeline.store.provenance import Provenance
from pipeline.store.reader import open_features
from pipeline.store.writer import Made, StoreWriter
from pipeline.training.descent import descend
from pipeline.training.fitting import begin_head
from pipeline.training.optimisers import make_optimiser
from pipeline.windows.dataset import Batch, WindowDataset
from pipeline.windows.labels import Labels

EMOTIONS = ["angry", "calm", "happy", "sad"]
SHAPES = {"face": (15, 512), "audio": (30, 768), "text": (1, 384)}
"""Modality → rows of a clip, and their size."""

KINDS = ("mlp", "gated", "lstm", "tcn", "attention", "beit", "temporal_transformer")
VAL = 64
Batches = Sequence[Batch]


@dataclass(frozen=True)
class Data:
    """The windows that train and those that validate, and a folder with a file of each clip."""

    train: WindowDataset
    val: WindowDataset
    files: Path


def write_data(folder: Path, clips: int, params: HeadParams, rng: np.random.Generator) -> Data:
    """Clips of random rows, as feature sets and as files of tensors, in `folder`."""
    named = {f"clip_{number:05}": number % len(EMOTIONS) for number in range(clips + VAL)}
    stores = {}
    (folder / "files").mkdir()
    for modality, (count, dim) in SHAPES.items():
        made = Provenance("extract", {"row_shape": [dim], "dtype": "float16"})
        with StoreWriter(folder / "work", made, "zarr") as writer:
            for clip_id in named:
                embedding = rng.standard_normal((count, dim), np.float32).astype(np.float16)
                times = np.arange(count + 1) * (3.0 / count)
                rows = Rows(embedding, times[:-1], times[1:], np.ones(count, bool))
                writer.add(clip_id, f"{modality}/{clip_id}", Made(rows))
                torch.save(torch.from_numpy(embedding), folder / f"files/{modality}_{clip_id}.pt")
            writer.close_part()
            keys = {clip_id: f"{modality}/{clip_id}" for clip_id in named}
            writer.publish(folder / modality, writer.locate(keys), [])
        stores[modality] = open_features(folder / modality)
    targets = {
        clip_id: ClipLabels.of(clip_id, {"emotion": EMOTIONS[number]}, split="train")
        for clip_id, number in named.items()
    }
    labels = Labels(targets, {}, Names(emotion=EMOTIONS, words={}))
    sides = (list(named)[:clips], list(named)[clips:])
    datasets = [WindowDataset(stores, labels, params) for _ in sides]
    for dataset, side in zip(datasets, sides, strict=True):
        dataset.add_clips(side)
    return Data(*datasets, folder / "files")


def draw_batches(data: Data, size: int) -> list[list[int]]:
    """Windows of each batch of an epoch, shuffled."""
    return list(BatchSampler(RandomSampler(data.train), size, drop_last=False))


def load_files(data: Data, numbers: Sequence[int]) -> Batch:
    """A batch from its clips' files, as the usual dataset and `collate_fn` make it."""
    examples = [data.train.examples[number] for number in numbers]
    streams = {}
    for modality, (count, _) in SHAPES.items():
        names = [f"{modality}_{example.window.clip_id}.pt" for example in examples]
        rows = [torch.load(data.files / name, weights_only=True).float() for name in names]
        mask = torch.ones(len(rows), count, dtype=torch.bool)
        seconds = (torch.arange(count) + 0.5).mul(3.0 / count).expand(len(rows), -1)
        streams[modality] = StreamRows(pad_sequence(rows, batch_first=True), mask, seconds)
    labels = torch.tensor([int(example.targets["emotion"]) for example in examples])
    known = torch.ones(len(labels), dtype=torch.bool)
    return Batch(streams, {"emotion": labels}, {"emotion": known})


def step_through(
    head: Head, params: HeadParams, epochs: Sequence[Iterator[Batch]], val: Batches
) -> None:
    """The bare loop: a step for each batch, and a pass over `val` after each epoch."""
    training = params.training
    optimiser = make_optimiser([{"params": list(head.parameters())}], training)
    for batches in epochs:
        head.train()
        for batch in batches:
            optimiser.zero_grad()
            loss = head_loss(head(batch.streams), batch.targets, batch.target_masks)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(head.parameters(), training.gradient_clip or 0.0)
            optimiser.step()
        head.eval()
        with torch.no_grad():
            for batch in val:
                head_loss(head(batch.streams), batch.targets, batch.target_masks)


def make_sides(data: Data, params: HeadParams, live: Path) -> list[Side]:
    """The three loops, the bare one first."""
    training, epochs = params.training, params.training.epochs
    val = [data.val[list(range(len(data.val)))]]
    kept = [data.train[numbers] for numbers in draw_batches(data, training.batch)]

    def bare() -> Job:
        head = begin_head(data.train, data.val)
        return lambda: step_through(head, params, _again(kept, epochs), val)

    def files() -> Job:
        head = begin_head(data.train, data.val)
        drawn = [draw_batches(data, training.batch) for _ in range(epochs)]
        loaded = [(load_files(data, numbers) for numbers in batches) for batches in drawn]
        return lambda: step_through(head, params, loaded, val)

    def trained() -> Job:
        head = begin_head(data.train, data.val)
        return lambda: descend(head, training, data.train, data.val, live)

    units = epochs * len(data.train)
    return [
        Side("bare", bare, units),
        Side("trained", trained, units),
        Side("files", files, units),
    ]


def _again(batches: Batches, epochs: int) -> list[Iterator[Batch]]:
    return [iter(batches) for _ in range(epochs)]


def main(
    clips: Annotated[int, typer.Option(help="Clips that train.", min=32)] = 1024,
    epochs: Annotated[int, typer.Option(help="Epochs in each round.", min=1)] = 6,
    rounds: Annotated[int, typer.Option(help="Rounds, each of all loops.", min=1)] = 5,
    kinds: Annotated[str, typer.Option(help="Kinds of head, with commas.")] = ",".join(KINDS),
) -> None:
    """Print the time of a window on every loop, head by head, over the bare one."""
    rng = np.random.default_rng(0)
    rates: dict[str, Mapping[str, float]] = {}
    # No epoch ends the training, and nothing is withheld.
    training = {"epochs": epochs, "patience": epochs, "modality_dropout": 0.0}
    for kind in kinds.split(","):
        params = choose_params(kind, SHAPES, training=training)
        with TemporaryDirectory() as scratch:
            data = write_data(Path(scratch), clips, params, rng)
            sides = make_sides(data, params, Path(scratch) / "live")
            timings = time_rounds(sides, rounds, rng)
        print(f"\n{kind}")
        print_table(timings, "window")
        rates[kind] = timings.ratios()
    over_bare = {kind: 1 / found["trained"] for kind, found in rates.items()}
    over_files = {kind: found["files"] / found["trained"] for kind, found in rates.items()}
    told = {
        "lowest_over_bare": round(min(over_bare.values()), 3),
        "lowest_over_files": round(min(over_files.values()), 3),
        **{f"{kind}_over_bare": round(ratio, 3) for kind, ratio in over_bare.items()},
    }
    print(json.dumps(told))


if __name__ == "__main__":
    typer.run(main)
