"""Prediction of new media from end to end, over the slowest of its parts.

    python -m benchmarks.predict --head beit --media data/demo

Run in a project with trained heads. Parts are what the stages do with the same media, each by
itself: sound and facts of the files (`decode`), faces, and all encoders. The whole makes all of it
anew, answers and writes tables, pages and pictures. Seconds are those of the clock. The goal of
`over_slowest_part` is 0.8, which takes parts that work at the same time.
"""

import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from pipeline.cleaning.sound import clean_corpus
from pipeline.extraction.feature_sets import extract_features
from pipeline.faces.stores import pack_faces
from pipeline.labels.clips import CLEAN_SCHEMA, Clip, read_clips
from pipeline.paths import MODELS
from pipeline.predictor.gathering import gather_media
from pipeline.predictor.making import Making
from pipeline.predictor.predictor import Predictor
from pipeline.predictor.results import Asked, write_results
from pipeline.words.transcripts import transcribe_corpus


def time_call(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def time_parts(making: Making, clips: list[Clip], folder: Path) -> dict[str, float]:
    """Seconds of each part."""
    data, work = folder / "data", folder / "work"
    kept = frozenset(clip.clip_id for clip in clips)
    seconds = {"decode": time_call(lambda: clean_corpus(clips, making.clean, kept, data, work))}
    usable = read_clips(data / "clips" / "clips.parquet", CLEAN_SCHEMA)
    seconds["faces"] = time_call(lambda: pack_faces(usable, making.faces, data, work))
    transcribe_corpus(usable, data / "audio", data / "text", work, making.transcribe)
    seconds["encoders"] = time_call(
        lambda: [
            extract_features(params, data / params.modality, folder / "features" / name, work)
            for name, params in making.features.items()
        ]
    )
    return seconds


def main(
    head: Annotated[str, typer.Option(help="Head of models/.")] = "beit",
    media: Annotated[str, typer.Option(help="Files, a folder or a pattern.")] = "data/demo",
) -> None:
    """Print the seconds of parts and whole, and the ratio."""
    predictor, clips = Predictor.load(MODELS / head), gather_media([media])
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        seconds = time_parts(predictor.making, clips, folder / "parts")
        for name, pictures in (("whole", True), ("without_pictures", False)):
            results = write_results(predictor, clips, folder / name, Asked(pictures=pictures))
            seconds[name] = time_call(partial(list, results))
    slowest = max(seconds[name] for name in ("decode", "faces", "encoders"))
    told = {name: round(value, 2) for name, value in seconds.items()}
    print(json.dumps(told | {"over_slowest_part": round(slowest / seconds["whole"], 2)}))


if __name__ == "__main__":
    typer.run(main)
