"""Time and memory of labelling: frames by the million, and a table of a million clips.

    python -m benchmarks.labels --frames 2000000 --clips 1000000

Annotations in the shape of Aff-Wild2's, a text for each of 300 videos and each of two challenges,
become the table of frames; when each frame is shown is given, for it is media that tell it. The
goal is a million labels a second on one core. A table of so many rows, whose media are words alone,
becomes clips, targets and groups, in a process of its own.
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

from pipeline.labels.corpora import table
from pipeline.labels.corpora.affwild2 import Annotated, Stretch, cut_frames, read_frames
from pipeline.labels.corpora.params import TableParams, Track

VIDEOS = 300
FPS = 30.0


def write_texts(folder: Path, frames: int) -> list[Annotated]:
    """Texts of two challenges on VIDEOS videos, of so many frames in all; a tenth is no label."""
    rng, people = np.random.default_rng(0), []
    length = frames // VIDEOS
    for number in range(VIDEOS):
        ratings = rng.uniform(-1, 1, (length, 2)).round(3)
        ratings[rng.random(length) < 0.1] = -5
        classes = rng.integers(-1, 8, length)
        texts: dict[Track, Path] = {
            "va": folder / f"{number}.va",
            "expr": folder / f"{number}.expr",
        }
        header = "Neutral,Anger,Disgust,Fear,Happiness,Sadness,Surprise,Other"
        rows = "\n".join(f"{v:g},{a:g}" for v, a in ratings.tolist())
        texts["va"].write_text(f"valence,arousal\n{rows}\n")
        texts["expr"].write_text("\n".join([header, *map(str, classes.tolist()), ""]))
        people.append(Annotated(f"video{number:03}", "train", texts))
    return people


def convert(people: list[Annotated], length: int) -> pa.Table:
    """The table of frames of all videos."""
    seconds = np.arange(length) / FPS
    whole = Stretch(0.0, np.inf)
    tables = [
        cut_frames(read_frames(person, seconds)[0], person.name, whole, seconds)
        for person in people
    ]
    return pa.concat_tables(tables).combine_chunks()


def write_clips(path: Path, clips: int) -> None:
    """A table of so many rows: words, a class, and one of a thousand speakers."""
    rng = np.random.default_rng(0)
    words = np.array(["happy", "sad", "angry", "neutral"])[rng.integers(0, 4, clips)]
    with path.open("w") as file:
        file.write("clip_id,transcript,subject,emotion,valence\n")
        for n, word in enumerate(words.tolist()):
            file.write(
                f"clip_{n:07},What was said in clip {n},s{n % 1000},{word},{n % 100 / 100}\n"
            )


def label_table(folder: str, results: "multiprocessing.Queue[tuple[float, int]]") -> None:
    """Read the table in `folder`; tells seconds, and what the process took at its peak, in kB."""
    begin = time.perf_counter()
    table.read(TableParams(kind="table", root=folder, depends_on=folder))
    taken = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    results.put((time.perf_counter() - begin, taken))


def main(frames: int = 2_000_000, clips: int = 1_000_000) -> None:
    """Print both as JSON."""
    with TemporaryDirectory() as made:
        folder = Path(made)
        people = write_texts(folder, frames)
        begin, cpu = time.perf_counter(), time.process_time()
        rows = len(convert(people, frames // VIDEOS))
        seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
        labels = 3 * frames
        print(json.dumps({"frames": rows, "seconds": seconds, "labels_a_cpu_second": labels / cpu}))
        write_clips(folder / "clips.csv", clips)
        context = multiprocessing.get_context("spawn")
        results = context.Queue()
        process = context.Process(target=label_table, args=(made, results))
        process.start()
        taken, kilobytes = results.get()
        process.join()
        print(json.dumps({"clips": clips, "seconds": taken, "peak_gb": kilobytes / 1e6}))


if __name__ == "__main__":
    typer.run(main)
