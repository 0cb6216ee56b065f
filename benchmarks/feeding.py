"""What one process passes to a network that costs nothing, and from it to the store.

    python -m benchmarks.feeding --clips 2000

Generated face crops, sounds and sentences go through `extract_features`, from the store of media to
a published feature set, with an encoder that gives zeros: a row of 768 for each crop, 50 for each
second of sound, one for each text. Beside it, reading alone (`readers`) and writing alone
(`writer`): the slower of the two over the stage is `stage_over_ceiling`, 1 where they overlap
wholly. Rates are crops, seconds of sound and texts a second, medians of the rounds.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, ClassVar
from unittest.mock import patch

import numpy as np
import typer

from benchmarks.extract import draw_face, draw_sound, draw_words, pack
from benchmarks.rounds import Job, Side, time_rounds
from pipeline.encoders.params import ENCODERS
from pipeline.extraction.feature_sets import encode_into, extract_features
from pipeline.extraction.source import Source
from pipeline.modalities import MODALITIES, Modality
from pipeline.rows import ClipInput, FrameRun, Frames, Rows, Waveform
from pipeline.sections import parse_section
from pipeline.store.reader import open_media
from pipeline.store.writer import StoreWriter

DIM = 768
ROWS_HZ = 50


class Nothing:
    """An encoder that gives zeros."""

    version: ClassVar[int] = 1
    modalities: ClassVar[frozenset[Modality]] = frozenset(MODALITIES)
    run = FrameRun()
    row_shape = (DIM,)
    provenance: ClassVar[dict[str, Any]] = {}

    def encode(self, clips: Sequence[ClipInput]) -> list[Rows]:
        """Zeros for each clip."""
        return [self._encode(clip) for clip in clips]

    def _encode(self, clip: ClipInput) -> Rows:
        if isinstance(clip, Frames):
            starts, ends = clip.start_seconds, clip.end_seconds
        elif isinstance(clip, Waveform):
            starts = np.arange(len(clip.samples) * ROWS_HZ // clip.hz) / ROWS_HZ
            ends = starts + 1 / ROWS_HZ
        else:
            starts, ends = clip.start_seconds[:1], clip.end_seconds[-1:]
        rows = np.zeros((len(starts), DIM), np.float32)
        return Rows(rows, starts, ends, np.ones(len(rows), bool))


WORKLOADS = {
    "face": (draw_face, {"encoder": "hog"}, 0.1),
    "audio": (draw_sound, {"encoder": "mfcc"}, 0.1),
    "text": (draw_words, {"encoder": "huggingface_text", "weights": "none"}, 1.0),
}
"""Modality → what draws a clip, an encoder to stand for, and its share of `--clips`."""


def make_sides(source: Source, folder: Path) -> list[Side]:
    """The stage, its readers and its writer, over all clips of `source`."""
    clip_ids = source.sort(source.keys)
    encoded = list(source.encode(clip_ids))
    places = iter(range(1_000_000))

    def stage() -> Job:
        root = folder / f"stage-{next(places)}"

        def run() -> None:
            with patch("pipeline.extraction.feature_sets.open_source", return_value=source):
                extract_features(source.params, source.media.path, root / "out", root / "work")

        return run

    def readers() -> Job:
        return lambda: [None for _ in source.encode(clip_ids)]

    def write() -> Job:
        root = folder / f"writer-{next(places)}"

        def run() -> None:
            with (
                StoreWriter(root, source.provenance, source.params.format) as writer,
                patch.object(Source, "encode", lambda *_: iter(encoded)),
            ):
                list(encode_into(writer, source, clip_ids))

        return run

    return [Side("stage", stage, 1), Side("readers", readers, 1), Side("writer", write, 1)]


def main(
    clips: Annotated[int, typer.Option(help="Texts; sounds and faces in proportion.")] = 2000,
    rounds: Annotated[int, typer.Option(help="Rounds, each of all sides.", min=1)] = 3,
) -> None:
    """Print rates, and the stage over the slower of its halves."""
    figures: dict[str, float] = {}
    for modality, (draw, options, share) in WORKLOADS.items():
        with TemporaryDirectory(prefix="moodline-") as scratch:
            media = pack(Path(scratch), max(1, round(clips * share)), draw)
            given = {"modality": modality, **options, "batch": 64}
            params = parse_section(ENCODERS.find(options["encoder"]).params, given, modality)
            source = Source(params, Nothing(), open_media(media))
            encoded = [rows for _, rows in source.encode(source.keys)]
            units = {
                "face": sum(map(len, encoded)),
                "audio": sum(float(rows.end_seconds[-1]) for rows in encoded),
                "text": len(encoded),
            }[modality]
            rng = np.random.default_rng(0)
            seconds = time_rounds(make_sides(source, Path(scratch)), rounds, rng).medians
        figures |= {f"{modality}_{side}": units / taken for side, taken in seconds.items()}
        slower = max(seconds["readers"], seconds["writer"])
        figures[f"{modality}_stage_over_ceiling"] = slower / seconds["stage"]
    print(json.dumps({key: float(f"{value:.3g}") for key, value in figures.items()}))


if __name__ == "__main__":
    typer.run(main)
