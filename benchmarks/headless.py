"""What it costs to look for late streams: cleaning 200 short FLV films, beside one opening of each.

    python -m benchmarks.headless

The films are like CREMA-D's: some 2.5 s of 480 x 360 pixels and sound, with generated content. Each
is cleaned as the stage does (`decode_clip`), with the second opening that files of `HEADLESS` get
and without it, in turns, and the fastest of the rounds counts, in seconds of the processor.
`second_over_one_opening` is the ratio of the sums over all films (goal: 1.3), `survey_ratio` that
of the surveys alone.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated
from unittest.mock import patch

import av
import numpy as np
import typer

from pipeline.cleaning.sound import decode_clip
from pipeline.labels.clips import Clip
from pipeline.media import streams

FPS, HZ = 30, 44_100
HEIGHT, WIDTH = 360, 480


def write_film(path: Path, seconds: float, rng: np.random.Generator) -> Path:
    """FLV of smooth pictures that move, and noise."""
    coarse = rng.integers(0, 255, (HEIGHT // 40, WIDTH // 40, 3), np.uint8)
    image = np.kron(coarse, np.ones((40, 40, 1), np.uint8))
    noise = rng.uniform(-0.3, 0.3, (1, round(seconds * HZ))).astype(np.float32)
    with av.open(path, "w") as container:
        pictures = container.add_stream("flv", FPS, height=HEIGHT, width=WIDTH, pix_fmt="yuv420p")
        sound = container.add_stream("mp3", HZ, layout="mono")
        for number in range(round(seconds * FPS)):
            shown = av.VideoFrame.from_ndarray(np.roll(image, number, axis=1), format="rgb24")
            container.mux(pictures.encode(shown))
        heard = av.AudioFrame.from_ndarray(noise, format="fltp", layout="mono")
        heard.sample_rate = HZ
        container.mux(sound.encode(heard))
        container.mux(pictures.encode(None))
        container.mux(sound.encode(None))
    return path


def clean(path: Path) -> None:
    """Sound and facts of a film."""
    made = decode_clip(Clip(clip_id="a", corpus="made", path=str(path)))
    assert made.content is not None, made.detail


def survey(path: Path) -> None:
    """What is known of a film before it is decoded."""
    with streams.open_media(path):
        pass


def compare(work: Callable[[Path], None], paths: list[Path], rounds: int) -> tuple[float, float]:
    """Seconds of the processor that all films take: as it is, and with one opening."""
    taken = np.full((2, len(paths)), np.inf)
    for _ in range(rounds):
        for number, path in enumerate(paths):
            for way, formats in enumerate((streams.HEADLESS, frozenset())):
                with patch.object(streams, "HEADLESS", formats):
                    streams._survey_path.cache_clear()
                    start = time.process_time()
                    work(path)
                    seconds = time.process_time() - start
                taken[way, number] = min(taken[way, number], seconds)
    twice, once = taken.sum(axis=1).tolist()
    return twice, once


def main(
    films: Annotated[int, typer.Option(help="Films, a count.")] = 200,
    rounds: Annotated[int, typer.Option(help="How often each is cleaned, a count.")] = 3,
) -> None:
    """Print seconds of the processor for each film, and their ratios, as JSON."""
    rng = np.random.default_rng(1)
    with TemporaryDirectory() as folder:
        lengths = rng.uniform(1.5, 3.5, films)
        paths = [
            write_film(Path(folder, f"{number}.flv"), seconds, rng)
            for number, seconds in enumerate(lengths)
        ]
        twice, once = compare(clean, paths, rounds)
        surveyed_twice, surveyed_once = compare(survey, paths, rounds)
    figures = {
        "clean_seconds": twice / films,
        "survey_seconds": surveyed_twice / films,
        "second_over_one_opening": twice / once,
        "survey_ratio": surveyed_twice / surveyed_once,
    }
    print(json.dumps({name: round(figure, 4) for name, figure in figures.items()}, indent=2))


if __name__ == "__main__":
    typer.run(main)
