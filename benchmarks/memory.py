"""Memory of extraction beyond its network: a clip of two hours, and many clips beside few.

    python -m benchmarks.memory

Each figure is the peak of a process of its own, from the moment its network is loaded until the
feature set is published. The networks are small ones of the kinds of `benchmarks.extract`, since
what one batch takes in them is a matter of `frames`, `seconds` and `tokens`, not of the stage; the
media are of real size.

`peak_gb_over_model` (goal: 2) is the largest of four two-hour clips: 36,000 crops of 224 pixels
(five a second), 7,200 frames of 1280 x 720 (one a second), the sound, and 2,400 sentences.
`gb_of_2000_over_100_clips` is what 2,000 short clips take beyond 100: near 0 where memory is flat.
"""

import json
import multiprocessing
import re
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated
from unittest.mock import patch

import cv2
import numpy as np
import pyarrow as pa
import timm
import transformers
import typer

from benchmarks.extract import draw_face, draw_sound, draw_words, pack, save_tokenizer
from pipeline.cleaning.sound import AUDIO_SCHEMA
from pipeline.encoders.params import ENCODERS, FeatureParams
from pipeline.extraction.feature_sets import extract_features
from pipeline.extraction.source import open_source
from pipeline.media.audio import encode_flac
from pipeline.sections import parse_section

HOURS = 2
HZ = 16_000
FRAMES = HOURS * 3600 * 5
SENTENCES = HOURS * 1200

Draw = Callable[[np.random.Generator, str], pa.Table]


def draw_long_face(rng: np.random.Generator, clip_id: str) -> pa.Table:
    """Two hours of crops, of which a few come again and again."""
    jpegs = draw_face(rng, clip_id)["jpeg"].to_pylist()
    shown = [jpegs[frame % len(jpegs)] for frame in range(FRAMES)]
    return pa.table(
        {"clip_id": [clip_id] * FRAMES, "seconds": np.arange(FRAMES) / 5, "jpeg": shown}
    )


def draw_scene(rng: np.random.Generator, clip_id: str) -> pa.Table:
    """Two whole frames."""
    coarse = rng.integers(0, 255, (2, 9, 16, 3), np.uint8)
    images = [cv2.resize(image, (1280, 720), interpolation=cv2.INTER_CUBIC) for image in coarse]
    jpegs = [cv2.imencode(".jpg", image)[1].tobytes() for image in images]
    return pa.table({"clip_id": [clip_id] * 2, "seconds": [0.0, 1.0], "jpeg": jpegs})


def draw_long_scene(rng: np.random.Generator, clip_id: str) -> pa.Table:
    """Two hours of whole frames, which are two again and again."""
    jpegs = draw_scene(rng, clip_id)["jpeg"].to_pylist() * (HOURS * 1800)
    seconds = np.arange(len(jpegs), dtype=float)
    return pa.table({"clip_id": [clip_id] * len(jpegs), "seconds": seconds, "jpeg": jpegs})


def draw_long_sound(rng: np.random.Generator, clip_id: str) -> pa.Table:
    """Two hours of noise."""
    samples = np.tile(rng.uniform(-0.5, 0.5, 60 * HZ), HOURS * 60)
    row = {"clip_id": clip_id, "hz": HZ, "samples": len(samples), "flac": encode_flac(samples, HZ)}
    return pa.Table.from_pylist([row], schema=AUDIO_SCHEMA)


def draw_long_words(rng: np.random.Generator, clip_id: str) -> pa.Table:
    """Two hours of sentences, one every three seconds."""
    said = pa.concat_tables([draw_words(rng, clip_id) for _ in range(SENTENCES)])
    starts = pa.array(np.arange(SENTENCES) * 3.0)
    timed = said.set_column(said.column_names.index("start_seconds"), "start_seconds", starts)
    ends = pa.array(np.arange(1, SENTENCES + 1) * 3.0)
    return timed.set_column(timed.column_names.index("end_seconds"), "end_seconds", ends)


def save_vision(folder: Path) -> None:
    """The smallest vision transformer of timm's, at its 160 pixels."""
    timm.models.save_for_hf(timm.create_model("test_vit"), folder)


def save_speech(folder: Path) -> None:
    """HuBERT's front of full size, before two narrow blocks."""
    config = transformers.HubertConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    transformers.HubertModel(config).save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(folder)


def save_text(folder: Path) -> None:
    """RoBERTa with two narrow blocks."""
    config = transformers.RobertaConfig(
        vocab_size=50265,
        max_position_embeddings=514,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
    )
    transformers.RobertaModel(config).save_pretrained(folder)
    save_tokenizer(folder)


WORKLOADS: dict[str, tuple[str, Callable[[Path], None], Draw, Draw]] = {
    "face": ("timm", save_vision, draw_face, draw_long_face),
    "scene": ("timm", save_vision, draw_scene, draw_long_scene),
    "audio": ("huggingface_speech", save_speech, draw_sound, draw_long_sound),
    "text": ("huggingface_text", save_text, draw_words, draw_long_words),
}
"""Modality → encoder, and functions for its weights, a short clip and a long one."""


def measure_peak(params: FeatureParams, media: Path) -> float:
    """Gigabytes that extraction takes at most, beyond what the loaded network does."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=extract, args=(params, media, sender))
    process.start()
    sender.close()
    peak: float = receiver.recv()
    process.join()
    return peak


def extract(params: FeatureParams, media: Path, sender: Connection) -> None:
    """Send the peak of this process from here on, above what it has now."""
    source = open_source(params, media)
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = read_status("VmRSS")
    with (
        TemporaryDirectory(dir=media.parent) as scratch,
        patch("pipeline.extraction.feature_sets.open_source", return_value=source),
    ):
        extract_features(params, media, Path(scratch, "out"), Path(scratch, "work"))
    sender.send((read_status("VmHWM") - before) / 1e9)


def read_status(name: str) -> int:
    """Bytes that the system counts for this process under `name`."""
    (kilobytes,) = re.findall(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(kilobytes) * 1024


def main(
    modality: Annotated[list[str], typer.Option(default_factory=lambda: list(WORKLOADS))],
) -> None:
    """Print each peak of each `modality` as it is known, then the figures."""
    peaks: dict[str, dict[str, float]] = {}
    with TemporaryDirectory(prefix="moodline-") as scratch:
        for name in modality:
            encoder, save, draw, draw_long = WORKLOADS[name]
            folder = Path(scratch, name)
            save(folder / "weights")
            given = {"modality": name, "encoder": encoder, "weights": str(folder / "weights")}
            params = parse_section(ENCODERS.find(encoder).params, given, f"features.{name}")
            peaks[name] = {
                load: measure_peak(params, pack(folder / load, clips, drawn))
                for load, clips, drawn in (
                    ("two_hours", 1, draw_long),
                    ("100_clips", 100, draw),
                    ("2000_clips", 2000, draw),
                )
            }
            print(name, {load: f"{peak:.3g} GB" for load, peak in peaks[name].items()})
    grown = [found["2000_clips"] - found["100_clips"] for found in peaks.values()]
    figures = {
        "peak_gb_over_model": max(found["two_hours"] for found in peaks.values()),
        "gb_of_2000_over_100_clips": max(grown),
    }
    for name, found in peaks.items():
        figures |= {f"{name}_{load}_gb": peak for load, peak in found.items()}
    print(json.dumps({key: float(f"{value:.3g}") for key, value in figures.items()}))


if __name__ == "__main__":
    typer.run(main)
