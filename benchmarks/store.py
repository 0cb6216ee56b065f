"""Time of a random window from our stores and from the usual files, over a NumPy memmap.

    python -m benchmarks.store

A window is 128 rows of 768 float16 (197 kB) at a random place of a random clip, copied into an
array that is already there. Every side holds the same bytes; the memmap is of one raw file and is
told the row outright. Files lie in the page cache and maps have been touched once.

The goal, at most 1.2, is for `zarr` and `hdf5`: `store[clip_id].embedding[start:stop]`, as people
read, the same work as the memmap's slice plus finding the clip. Training reads by `take_rows`,
which gathers the row numbers of a batch of 32 windows, adjacent or not, into a new array: the same
work as `memmap_gather`, which indexes the memmap with those numbers.

Disk and memory needed: ten times `--gigabytes`.
"""

import json
import pickle
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, NamedTuple

import h5py
import numpy as np
import torch
import typer
import zarr
from jaxtyping import Float16, Int64

from benchmarks.rounds import Job, Side, print_table, time_rounds
from pipeline.rows import Rows
from pipeline.store import PART_FORMATS, ROW_FORMATS
from pipeline.store.contract import PartFormat
from pipeline.store.provenance import Provenance
from pipeline.store.reader import FeatureStore, open_features
from pipeline.store.writer import PART_BYTES, Made, StoreWriter

WINDOW_ROWS = 128
DIM = 768
DTYPE = np.dtype(np.float16)
CLIPS_PER_GIGABYTE = 2000
MEAN_ROWS = round(1e9 / (CLIPS_PER_GIGABYTE * DIM * DTYPE.itemsize))
PROVENANCE = Provenance("extract", {"row_shape": [DIM], "dtype": DTYPE.name})
BATCH = 32
FAST, SLOW, SLOWEST = 4 * BATCH, 16, 1
"""Windows per round, by what one costs: microseconds, up to a millisecond, tens of them."""


class Window(NamedTuple):
    """Rows `start` to `start + WINDOW_ROWS` of a clip; `row` counts through all clips."""

    clip_id: str
    start: int
    row: int


Embedding = Float16[np.ndarray, "rows dim"]
Read = Callable[[Window], Embedding]
Take = Callable[[Int64[np.ndarray, " rows"]], object]


@dataclass(frozen=True)
class Clips:
    """All clips one after another in a mapped raw file: the baseline, and what the rest copy."""

    clip_ids: Sequence[str]
    offsets: Int64[np.ndarray, " clips_and_end"]
    rows: Embedding

    def embedding(self, number: int) -> Embedding:
        """Rows of a clip."""
        return self.rows[self.offsets[number] : self.offsets[number + 1]]

    def draw_windows(self, count: int, rng: np.random.Generator) -> list[Window]:
        """Random windows of random clips."""
        numbers = rng.integers(len(self.clip_ids), size=count)
        starts = rng.integers(np.diff(self.offsets)[numbers] - WINDOW_ROWS + 1)
        rows = self.offsets[numbers] + starts
        clip_ids = [self.clip_ids[number] for number in numbers]
        return list(map(Window, clip_ids, starts.tolist(), rows.tolist()))


def write_clips(folder: Path, gigabytes: float, rng: np.random.Generator) -> Clips:
    """Clips of 128 to 523 rows of random values, in a raw file and as feature sets in `folder`.

    All are written in turns, a part's size at a time: memory that the kernel hands out at another
    time, or in pages of another size, may be slower by a third for as long as the file is cached.
    """
    count = max(1, round(gigabytes * CLIPS_PER_GIGABYTE))
    clip_ids = [f"clip_{number:06}" for number in range(count)]
    lengths = rng.integers(WINDOW_ROWS, 2 * MEAN_ROWS - WINDOW_ROWS, size=count, endpoint=True)
    with ExitStack() as stack:
        file = stack.enter_context(Path(folder, "raw").open("wb", buffering=PART_BYTES))
        sets = [StoreWriter(folder / "work", PROVENANCE, name) for name in ROW_FORMATS]
        writers = [stack.enter_context(writer) for writer in sets]
        for clip_id, length in zip(clip_ids, lengths.tolist(), strict=True):
            embedding = rng.standard_normal((length, DIM), np.float32).astype(DTYPE)
            file.write(embedding.tobytes())
            for writer in writers:
                writer.add(clip_id, clip_id, Made(time_rows(embedding)))
        for writer in writers:
            writer.close_part()
            locations = writer.locate({clip_id: clip_id for clip_id in clip_ids})
            writer.publish(folder / writer.part_format, locations, [])
    offsets = np.cumsum([0, *lengths])
    rows = np.memmap(folder / "raw", DTYPE, mode="r", shape=(int(offsets[-1]), DIM))
    touch_pages(rows)
    return Clips(clip_ids, offsets, rows)


def time_rows(embedding: Embedding) -> Rows:
    """Rows of `embedding` at 25 per second."""
    starts = np.arange(len(embedding)) / 25
    return Rows(embedding, starts, starts + 1 / 25, np.ones(len(embedding), bool))


def open_store(path: Path) -> tuple[FeatureStore, float]:
    """Feature set at `path` with all its parts opened and verified, and the seconds it took."""
    begun = time.perf_counter()
    store = open_features(path)
    parts = [store.open_part(number) for number in range(len(store.index.parts))]
    seconds = time.perf_counter() - begun
    for part in parts:
        touch_pages(part.embedding)
    return store, seconds


def touch_pages(embedding: Embedding) -> None:
    """Read each row once, so that no later read waits for its page to be mapped."""
    embedding[:, 0].sum()


def write_clip_files(folder: Path, clips: Clips) -> Path:
    """Folder of `<clip_id>.pt` and `<clip_id>.npy` of each clip."""
    folder.mkdir()
    for number, clip_id in enumerate(clips.clip_ids):
        embedding = np.array(clips.embedding(number))
        torch.save(torch.from_numpy(embedding), folder / f"{clip_id}.pt")
        np.save(folder / f"{clip_id}.npy", embedding)
    return folder


def write_chunked(path: Path, clips: Clips) -> Any:
    """Uncompressed HDF5 dataset of all rows, in chunks of 256, opened for reading."""
    with h5py.File(path, "w") as file:
        file.create_dataset("embedding", data=clips.rows, chunks=(256, DIM))
    return h5py.File(path)["embedding"]


def write_padded(path: Path, clips: Clips) -> Path:
    """Pickle of clip_ids, and of all clips as one array, padded to the longest."""
    longest = int(np.diff(clips.offsets).max())
    padded = np.zeros((len(clips.clip_ids), longest, DIM), DTYPE)
    for number, rows in enumerate(padded):
        embedding = clips.embedding(number)
        rows[: len(embedding)] = embedding
    with path.open("wb") as file:
        pickle.dump((clips.clip_ids, padded), file, protocol=pickle.HIGHEST_PROTOCOL)
    return path


@dataclass(frozen=True)
class Files:
    """The clips in every form that is compared, opened; `costs` is what that took, once each."""

    clips: Clips
    zarr: FeatureStore
    hdf5: FeatureStore
    chunked: Any
    loose: Path
    padded: Mapping[str, Embedding]
    costs: Mapping[str, float]


def make_files(folder: Path, clips: Clips) -> Files:
    """Write `clips` in the usual forms into `folder`, and open these and the feature sets."""
    zarr_store, zarr_seconds = open_store(folder / "zarr")
    hdf5_store, hdf5_seconds = open_store(folder / "hdf5")
    chunked = write_chunked(folder / "chunked.h5", clips)
    loose = write_clip_files(folder / "clips", clips)
    pickled = write_padded(folder / "padded.pickle", clips)
    begun = time.perf_counter()
    with pickled.open("rb") as file:
        clip_ids, padded = pickle.load(file)
    costs = {
        "zarr_open_seconds": zarr_seconds,
        "hdf5_open_seconds": hdf5_seconds,
        "padded_pickle_load_seconds": time.perf_counter() - begun,
        "padded_pickle_gigabytes": padded.nbytes / 1e9,
        "gigabytes": clips.rows.nbytes / 1e9,
    }
    by_clip = dict(zip(clip_ids, padded, strict=True))
    return Files(clips, zarr_store, hdf5_store, chunked, loose, by_clip, costs)


def make_sides(files: Files, rng: np.random.Generator) -> list[Side]:
    """The sides that are timed, the memmap first."""
    clips, loose, padded = files.clips, files.loose, files.padded

    def copying(name: str, read: Read, count: int) -> Side:
        return Side(name, lambda: copy_each(clips.draw_windows(count, rng), read), count)

    def gathering(name: str, take: Take, first_row: Callable[[Window], int]) -> Side:
        return Side(name, lambda: gather(clips.draw_windows(FAST, rng), take, first_row), FAST)

    return [
        copying("memmap", lambda window: clips.rows[_span(window.row)], FAST),
        copying("zarr", slice_clips(files.zarr), FAST),
        copying("hdf5", slice_clips(files.hdf5), FAST),
        gathering("memmap_gather", lambda rows: clips.rows[rows], lambda window: window.row),
        gathering("zarr_take_rows", files.zarr.take_rows, number_in(files.zarr)),
        gathering("hdf5_take_rows", files.hdf5.take_rows, number_in(files.hdf5)),
        copying("padded_pickle", lambda window: padded[window.clip_id][_span(window.start)], FAST),
        copying("npy_files", slice_files(loose, "npy", np.load), SLOW),
        copying("pt_files", slice_files(loose, "pt", load_tensor), SLOW),
        copying("h5py", slice_parts(files.hdf5, lambda path: h5py.File(path)["embedding"]), SLOW),
        copying("chunked_hdf5", lambda window: files.chunked[_span(window.row)], SLOW),
        copying("zarr_python", slice_parts(files.zarr, open_zarr), SLOWEST),
    ]


def slice_clips(store: FeatureStore) -> Read:
    """Reading as people do."""
    return lambda window: store[window.clip_id].embedding[_span(window.start)]


def number_in(store: FeatureStore) -> Callable[[Window], int]:
    """Number of a window's first row, as `take_rows` counts."""
    return lambda window: store.first_row(window.clip_id) + window.start


def slice_parts(store: FeatureStore, open_array: Callable[[Path], Any]) -> Read:
    """Reading a store's parts, each opened once, by the library of their format."""
    part_format: PartFormat = PART_FORMATS.load(store.part_format).PARTS
    folder, index = store.path / "parts", store.index
    arrays = [open_array(part_format.path_of(folder, part)) for part in index.parts]

    def read(window: Window) -> Embedding:
        position = index.positions[window.clip_id]
        first = int(index.starts[position]) + window.start
        sliced: Embedding = arrays[index.part_numbers[position]][_span(first)]
        return sliced

    return read


def open_zarr(part: Path) -> Any:
    """Embedding of a Zarr part, as zarr-python opens it."""
    return zarr.open_array(part / "embedding", mode="r")


def slice_files(folder: Path, ending: str, load: Callable[[Path], Embedding]) -> Read:
    """Reading a clip's file whole, to slice it."""
    return lambda window: load(folder / f"{window.clip_id}.{ending}")[_span(window.start)]


def load_tensor(path: Path) -> Embedding:
    """Array in a `.pt` file."""
    tensor: torch.Tensor = torch.load(path, weights_only=True)
    return tensor.numpy()


def _span(first: int) -> slice:
    return slice(first, first + WINDOW_ROWS)


def copy_each(windows: Sequence[Window], read: Read) -> Job:
    """Job that copies one window after another into the same array."""
    target = np.empty((WINDOW_ROWS, DIM), DTYPE)

    def copy() -> None:
        for window in windows:
            target[...] = read(window)

    return copy


def gather(windows: Sequence[Window], take: Take, first_row: Callable[[Window], int]) -> Job:
    """Job that takes the rows of a batch of windows at once, by their numbers."""
    firsts = np.array([first_row(window) for window in windows])
    batches = (firsts[:, None] + np.arange(WINDOW_ROWS)).reshape(-1, BATCH * WINDOW_ROWS)

    def take_all() -> None:
        for numbers in batches:
            take(numbers)

    return take_all


def main(
    gigabytes: Annotated[float, typer.Option(help="Size of the embeddings.", min=0.01)] = 1.0,
    rounds: Annotated[int, typer.Option(help="Rounds, each of all sides.", min=1)] = 60,
    seed: Annotated[int, typer.Option(help="Of the values and of the windows.")] = 0,
    folder: Annotated[Path | None, typer.Option(help="Where to make the scratch folder.")] = None,
) -> None:
    """Print the time of a random window on every side, over a NumPy memmap."""
    rng = np.random.default_rng(seed)
    with TemporaryDirectory(prefix="moodline-", dir=folder) as scratch:
        files = make_files(Path(scratch), write_clips(Path(scratch), gigabytes, rng))
        timings = time_rounds(make_sides(files, rng), rounds, rng)
    print_table(timings, "window")
    over = {f"{name}_over_memmap": ratio for name, ratio in timings.ratios().items()}
    del over["memmap_over_memmap"]
    figures = {**over, "memmap_seconds": timings.medians["memmap"], **files.costs}
    print(json.dumps({key: float(f"{value:.3g}") for key, value in figures.items()}))


if __name__ == "__main__":
    typer.run(main)
