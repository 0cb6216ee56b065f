"""What one clip more costs a feature set of 2,000: seconds of the stage, and bytes of `dvc push`.

    python -m benchmarks.added_clip

The clips are a second of generated noise each; the set is `mfcc`. A round times the real
`dvc repro` of the stage twice: forced, with no clip to encode, and with one clip more. What the
second takes above the first, less the encoder's own time for that clip, is `added_clip_seconds`
(goal: 3). A remote in a local folder counts the bytes that the push after it moves;
`pushed_over_new_bytes` is those beyond 1 MB over the new clip's rows (goal: 2).
"""

import json
import shutil
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import pyarrow as pa
import typer

from benchmarks.commands import run_command
from pipeline.cleaning.sound import AUDIO_SCHEMA
from pipeline.cleaning.sound import PROVENANCE as CLEAN
from pipeline.encoders.mfcc import Encoder
from pipeline.encoders.params import MfccParams
from pipeline.extraction.source import encode_clips
from pipeline.files import measure_tree
from pipeline.labels.clip_labels import write_trained
from pipeline.media.audio import encode_flac
from pipeline.store.reader import open_features, open_media
from pipeline.store.writer import Made, StoreWriter

PROJECT = Path(__file__).parents[1]
HZ = 16_000
NONE = "{face: none, scene: none, audio: mfcc, text: none}"
PARAMS = f"""
corpora: {{own: {{kind: table, root: data/raw, depends_on: data/raw}}}}
splits: {{}}
clean: {{}}
faces: {{}}
transcribe: {{}}
features:
  mfcc: {{modality: audio, encoder: mfcc, format: FORMAT}}
heads:
  sound: {{kind: linear, inputs: {NONE}}}
evaluate: {{}}
report: {{}}
engine: {{}}
"""


class Scratch:
    """A project of its own with the sound of generated clips, one feature set, and a remote."""

    def __init__(self, root: Path, part_format: str, rng: np.random.Generator) -> None:
        self.root = root
        self.rng = rng
        for name in ("pipeline", "stages"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(PROJECT / name, root / name, ignore=ignored)
        shutil.copy(PROJECT / "dvc.yaml", root)
        (root / "params.yaml").write_text(PARAMS.replace("FORMAT", part_format))
        run_command(self.root, "dvc", "init", "--quiet", "--no-scm")
        run_command(self.root, "dvc", "config", "cache.type", "hardlink,symlink,copy")
        run_command(
            self.root, "dvc", "remote", "add", "--quiet", "-d", "team", str(root / "remote")
        )
        run_command(self.root, "dvc", "repro", "--quiet", "check")
        write_trained(root / "data" / "labels" / "trained.parquet", [])

    def add_clips(self, count: int) -> str:
        """Publish `data/audio` with so many clips in all; returns the id of the last."""
        keys = {f"clip_{number:05}": "generated" for number in range(count)}
        out = self.root / "data" / "audio"
        with StoreWriter(self.root / "media", CLEAN, "parquet") as writer:
            for clip_id in writer.missing(keys, out):
                writer.add(clip_id, keys[clip_id], Made(self._make_sound(clip_id)))
            writer.close_part()
            writer.publish(out, writer.locate(keys), [])
        return list(keys)[-1]

    def extract(self, *options: str) -> float:
        """Seconds of the stage."""
        begun = time.perf_counter()
        run_command(self.root, "dvc", "repro", "--quiet", "--single-item", *options, "extract@mfcc")
        return time.perf_counter() - begun

    def push(self) -> int:
        """Bytes that came to the remote."""
        before = measure_tree(self.root / "remote")
        run_command(self.root, "dvc", "push", "--quiet", "extract@mfcc")
        return measure_tree(self.root / "remote") - before

    def encode(self, clip_id: str) -> float:
        """Seconds that the encoder takes for one clip."""
        params = MfccParams(encoder="mfcc", modality="audio")
        encoder = Encoder(params, params.device)
        store = open_media(self.root / "data" / "audio")
        begun = time.perf_counter()
        list(encode_clips(encoder, params, store, [clip_id]))
        return time.perf_counter() - begun

    def measure_rows(self, clip_id: str) -> int:
        """Bytes of a clip's rows in the feature set."""
        rows = open_features(self.root / "features" / "mfcc")[clip_id]
        arrays = (rows.embedding, rows.start_seconds, rows.end_seconds, rows.valid)
        return sum(array.nbytes for array in arrays)

    def _make_sound(self, clip_id: str) -> pa.Table:
        samples = self.rng.uniform(-0.5, 0.5, HZ)
        flac = encode_flac(samples, HZ)
        row = {"clip_id": clip_id, "hz": HZ, "samples": HZ, "flac": flac}
        return pa.Table.from_pylist([row], schema=AUDIO_SCHEMA)


def main(
    clips: Annotated[int, typer.Option(help="Clips at the start.", min=1)] = 2000,
    rounds: Annotated[int, typer.Option(help="Clips that are added, one by one.", min=1)] = 5,
    part_format: Annotated[str, typer.Option(help="zarr or hdf5.")] = "zarr",
    folder: Annotated[Path | None, typer.Option(help="Where to make the scratch folder.")] = None,
) -> None:
    """Print what one clip more costs."""
    with TemporaryDirectory(prefix="moodline-", dir=folder) as scratch:
        project = Scratch(Path(scratch), part_format, np.random.default_rng(0))
        project.add_clips(clips)
        first, pushed_first = project.extract(), project.push()
        idle, added, own, pushed, new = [], [], [], [], []
        for number in range(1, rounds + 1):
            idle.append(project.extract("--force"))
            clip_id = project.add_clips(clips + number)
            added.append(project.extract())
            own.append(project.encode(clip_id))
            pushed.append(project.push())
            new.append(project.measure_rows(clip_id))
    figures = {
        "added_clip_seconds": median(added) - median(idle) - median(own),
        "pushed_over_new_bytes": max(0.0, max(pushed) - 1e6) / new[0],
        "nothing_to_do_seconds": median(idle),
        "one_more_seconds": median(added),
        "own_seconds": median(own),
        "pushed_bytes": max(pushed),
        "new_bytes": new[0],
        "first_seconds": first,
        "first_pushed_bytes": pushed_first,
    }
    print(json.dumps({key: float(f"{value:.3g}") for key, value in figures.items()}))


if __name__ == "__main__":
    typer.run(main)
