"""Rate of cleaning over that of decoding alone, and how fast clips alike are found.

    python -m benchmarks.cleaning                      # the real clips beside MOODLINE_DATA
    python -m benchmarks.cleaning --folder data/demo --copies 2

Both sides have so many `--workers`, processes that start and import within the time measured. A
round times, in turns:

- `decode`: PyAV's own decoders on every stream of every file, and nothing else;
- `sound`: the same on the first stream of sound alone, made mono at 16 kHz by FFmpeg;
- `clean`: `clean_corpus`, from the files to the published stores, its work store empty.

`clean_over_decode` (goal: 0.8) is the rate of `clean` over that of `decode`, and `clean_over_sound`
over that of `sound`: cleaning decodes no pictures where there is sound.

Then prints of so many `--prints` are drawn, 400 of them copies of others with 5, 10, 15 and 19 % of
their bits turned, and the time, the memory and what is found of each hundred are told.
"""

import json
import multiprocessing
import os
import resource
import time
from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np
import typer

from benchmarks.rounds import Side, print_table, time_rounds
from pipeline.cleaning.neighbours import find_neighbours
from pipeline.cleaning.params import CleanParams
from pipeline.cleaning.prints import Print
from pipeline.cleaning.sound import clean_corpus
from pipeline.engines import LOCAL, run_clips
from pipeline.labels.clips import Clip
from pipeline.media import AUDIO_HZ

SHARES = (0.05, 0.1, 0.15, 0.19)
REAL = Path(os.environ.get("MOODLINE_DATA", "../shared/data"), "clips")

COPIES = 100
"""Of each share."""


def decode_all(clip: Clip) -> int:
    """Frames of every stream of a clip's file."""
    with av.open(clip.path) as container:
        return sum(
            len(packet.decode()) for packet in container.demux() if packet.stream.codec_context
        )


def decode_sound(clip: Clip) -> int:
    """Samples of the first stream of sound, as `clean` has them; of none, 0."""
    with av.open(clip.path) as container:
        if not container.streams.audio:
            return 0
        resampler = av.AudioResampler(format="flt", layout="mono", rate=AUDIO_HZ)
        return sum(
            made.samples
            for frame in container.decode(audio=0)
            for made in resampler.resample(frame)
        )


def decode_clips(clips: Sequence[Clip], decode: Callable[[Clip], int], workers: int) -> None:
    """All of `clips` by so many processes."""
    for _ in run_clips(LOCAL, decode, clips, workers=workers, limit_seconds=lambda _: 600.0):
        pass


def clean_all(clips: Sequence[Clip], workers: int) -> None:
    """The stage, its work store empty."""
    params = CleanParams(workers=workers, allowed_share=1.0)
    with TemporaryDirectory() as folder:
        clean_corpus(clips, params, frozenset(), Path(folder, "out"), Path(folder, "work"))


def hand(job: Callable[[], None]) -> Callable[[], None]:
    """The job itself, for which nothing is to be made ready."""
    return job


def list_files(folder: Path, copies: int) -> list[Clip]:
    """So many clips of each file in `folder` that PyAV opens."""
    clips = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            av.open(str(path)).close()
        except (av.FFmpegError, ValueError):
            continue
        clips += [Clip(clip_id=f"{path}@{n}", corpus="real", path=str(path)) for n in range(copies)]
    return clips


def draw_prints(many: int) -> list[Print]:
    """Prints of so many clips of 2 to 13 s, after which come the copies."""
    rng = np.random.default_rng(0)
    prints = [
        Print("sound", rng.integers(0, 256, (units, 4), np.uint8), np.ones(units, np.bool_))
        for units in rng.integers(20, 129, many).tolist()
    ]
    for share in SHARES:
        for number in rng.integers(0, many, COPIES).tolist():
            bits, valid = prints[number].bits, prints[number].valid
            turned = np.packbits(rng.random((len(bits), 32)) < share, axis=1)
            prints.append(Print("sound", bits ^ turned, valid))
    return prints


def compare(many: int, sender: Connection) -> None:
    """Send figures of comparing so many prints."""
    prints = draw_prints(many)
    begin = time.perf_counter()
    found = {pair.second for pair in find_neighbours(prints, max(SHARES) + 0.01)}
    seconds = time.perf_counter() - begin
    groups = [range(many + n * COPIES, many + (n + 1) * COPIES) for n in range(len(SHARES))]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    told = {
        f"found_at_{share:g}": len(found & {*group})
        for share, group in zip(SHARES, groups, strict=True)
    }
    sender.send({"prints": many, "compare_seconds": seconds, "compare_peak_gb": peak, **told})


def main(
    folder: Path = REAL,
    copies: int = 20,
    rounds: int = 3,
    workers: int = 2,
    prints: int = 100_000,
) -> None:
    """Print a table of the sides, then the figures as JSON."""
    clips = list_files(folder, copies)
    jobs: dict[str, Callable[[], None]] = {
        "clean": partial(clean_all, clips, workers),
        "decode": partial(decode_clips, clips, decode_all, workers),
        "sound": partial(decode_clips, clips, decode_sound, workers),
    }
    sides = [Side(name, partial(hand, job), len(clips)) for name, job in jobs.items()]
    timings = time_rounds(sides, rounds, np.random.default_rng(0))
    print_table(timings, "clip")
    ratios = timings.ratios()
    figures = {f"clean_over_{name}": ratios[name] for name in ("decode", "sound")}
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=compare, args=(prints, sender))
    process.start()
    figures |= receiver.recv()
    process.join()
    print(json.dumps({key: float(f"{value:.3g}") for key, value in figures.items()}))


if __name__ == "__main__":
    typer.run(main)
