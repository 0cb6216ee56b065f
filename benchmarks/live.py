"""A served head under cameras, microphones and uploads: latency, memory, and load.

    python -m benchmarks.live latency --seconds 60
    python -m benchmarks.live hour --seconds 3600
    python -m benchmarks.live load --clients 64 --minutes 10

Run in a project with trained heads. `moodline serve` runs in a process of its own, and a film of
the corpus is what its camera and microphone show, over and over.

`latency` sends as a page does, a second of film in a second, and takes the time from sending the
last block of sound that an answer waits for to the answer. The goal of `live_latency_seconds`, the
95th of a hundred, is 0.3. `hour` sends a stream as fast as it is answered, and compares the memory
of the service after a tenth of it with that at its end. `load` has so many clients upload a film
each, wait as they are told, and upload again: how many answers came, whether each is that of its
own film, and what was refused.
"""

import asyncio
import json
import re
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import httpx2 as httpx
import numpy as np
import psutil
import typer
import websockets

from pipeline.media.audio import decode_audio
from pipeline.media.jpeg import encode_jpeg
from pipeline.media.sampling import Sampling
from pipeline.media.video import read_frames

HZ = 48_000
BLOCK_SECONDS = 0.1

app = typer.Typer()

Head = Annotated[str, typer.Option(help="Head of models/.")]
Media = Annotated[Path, typer.Option(help="A film, or a folder of them.")]


@contextmanager
def serve(head: str, *options: str) -> Iterator[tuple[str, psutil.Process]]:
    """Address of a service of `head`, and its process."""
    with TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [
                *(sys.executable, "-P", "-c", "from pipeline.cli import main; main()", "serve"),
                *("--head", head, "--port", "0", "--sessions", folder, *options),
            ],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        address = re.search(r"http://(\S+)/", process.stderr.readline())
        assert address is not None
        try:
            yield address[1], psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait()


def list_films(media: Path) -> list[Path]:
    """Films of a folder, in order."""
    return sorted(media.rglob("*.mp4")) if media.is_dir() else [media]


def read_film(path: Path, rate_hz: float) -> tuple[list[tuple[float, bytes]], np.ndarray]:
    """Seconds and JPEG of each frame that is shown, and samples at HZ."""
    frames = read_frames(path, Sampling(rate_hz=rate_hz))
    shown = [(frame.seconds, encode_jpeg(frame.image, 85)) for frame in frames]
    return shown, np.rint(decode_audio(path, hz=HZ) * 32767).astype("<i2")


def list_blocks(path: Path, rate_hz: float, seconds: float) -> Iterator[tuple[float, bytes]]:
    """Frames and blocks of sound of a film, again and again, each with its end, in order."""
    frames, samples = read_film(path, rate_hz)
    length = len(samples) // round(HZ * BLOCK_SECONDS) * BLOCK_SECONDS
    blocks = [
        (at, "sound", samples[round(at * HZ) : round((at + BLOCK_SECONDS) * HZ)].tobytes())
        for at in np.arange(round(length / BLOCK_SECONDS)) * BLOCK_SECONDS
    ]
    both = sorted([*blocks, *((at, "frame", jpeg) for at, jpeg in frames)], key=lambda one: one[0])
    for turn in count():
        for at, kind, payload in both:
            begin = turn * length + at
            if begin >= seconds:
                return
            end = begin + (BLOCK_SECONDS if kind == "sound" else 0.0)
            yield end, struct.pack("<B7xd", 2 if kind == "sound" else 1, begin) + payload


async def stream(address: str, blocks: Iterator[tuple[float, bytes]], *, live: bool) -> list[float]:
    """Seconds from the last block that each answer waited for to the answer.

    Sent as time goes by if `live`, else as fast as answers come.
    """
    sent: dict[float, float] = {}
    found: list[float] = []
    async with websockets.connect(f"ws://{address}/live") as socket:
        await socket.send(json.dumps({"type": "start", "hz": HZ}))
        ready = json.loads(await socket.recv())
        hop, answered = ready["hop_seconds"], 0.0

        async def listen() -> None:
            nonlocal answered
            async for text in socket:
                message = json.loads(text)
                if message["type"] == "answer":
                    answered = message["seconds"]
                    found.append(time.monotonic() - sent[round(answered, 3)])

        listening = asyncio.create_task(listen())
        begun = time.monotonic()
        for end, block in blocks:
            if live:
                await asyncio.sleep(max(0.0, begun + end - time.monotonic()))
            while not live and end - answered > 4 * hop:
                await asyncio.sleep(0.001)
            if block[:1] == b"\x02":
                sent[round(end, 3)] = time.monotonic()
            await socket.send(block)
        await socket.send(json.dumps({"type": "stop"}))
        await listening
    return found


@app.command()
def latency(head: Head = "beit", media: Media = Path("data/demo"), seconds: float = 60.0) -> None:
    """Print how long answers take."""
    with serve(head) as (address, _):
        rate = httpx.get(f"http://{address}/head").json()["rate_hz"]
        blocks = list_blocks(list_films(media)[0], rate, seconds)
        found = np.array(asyncio.run(stream(address, blocks, live=True)))
    told = {
        "answers": len(found),
        "median_seconds": round(float(np.median(found)), 3),
        "live_latency_seconds": round(float(np.percentile(found, 95)), 3),
        "longest_seconds": round(float(found.max()), 3),
    }
    print(json.dumps(told))


@app.command()
def hour(head: Head = "beit", media: Media = Path("data/demo"), seconds: float = 3600.0) -> None:
    """Print the memory of the service in the course of a long stream."""
    with serve(head) as (address, process):
        rate = httpx.get(f"http://{address}/head").json()["rate_hz"]
        measured: list[int] = []

        def watch() -> Iterator[tuple[float, bytes]]:
            for end, block in list_blocks(list_films(media)[0], rate, seconds):
                while len(measured) < 10 * end / seconds:
                    measured.append(process.memory_info().rss)
                yield end, block

        begun = time.monotonic()
        found = asyncio.run(stream(address, watch(), live=False))
        measured.append(process.memory_info().rss)
    told = {
        "answers": len(found),
        "seconds_a_second": round(seconds / (time.monotonic() - begun), 1),
        "megabytes": [round(size / 1e6) for size in measured],
        "end_over_tenth": round(measured[-1] / measured[1], 3),
    }
    print(json.dumps(told))


async def upload(address: str, film: Path, until: float, told: Counter[str]) -> dict[str, float]:
    """Upload a film again and again until then; name of each answer → its confidence."""
    answers: dict[str, float] = {}
    async with httpx.AsyncClient(base_url=f"http://{address}", timeout=None) as client:
        data = film.read_bytes()
        while time.monotonic() < until:
            sent = {"file": (film.name, data)}
            try:
                answer = await client.post("/predict", files=sent)
            except httpx.HTTPError as error:
                told[type(error).__name__] += 1
                continue
            told[str(answer.status_code)] += 1
            if answer.status_code == 429:
                await asyncio.sleep(int(answer.headers["Retry-After"]))
            elif answer.status_code == 200:
                found = answer.json()
                told["mixed_up"] += found["media"] != film.name
                value = found["whole"]["confidence"]
                told["unlike_before"] += answers.setdefault(film.name, value) != value
    return answers


async def upload_all(address: str, films: Sequence[Path], seconds: float) -> Counter[str]:
    told: Counter[str] = Counter(mixed_up=0, unlike_before=0)
    until = time.monotonic() + seconds
    await asyncio.gather(*(upload(address, film, until, told) for film in films))
    return told


@app.command()
def load(
    head: Head = "beit",
    media: Media = Path("data/demo"),
    clients: int = 64,
    minutes: float = 10.0,
) -> None:
    """Print what many clients are answered."""
    films = list_films(media)
    with serve(head) as (address, process):
        asyncio.run(upload_all(address, films[:1], 1.0))
        before = measure_tree(process)
        told = asyncio.run(
            upload_all(address, [films[n % len(films)] for n in range(clients)], minutes * 60)
        )
        after = measure_tree(process)
    print(json.dumps({**told, "end_over_begin_memory": round(after / before, 3)}))


def measure_tree(process: psutil.Process) -> int:
    """Bytes of a process and of those that it began."""
    whole = [process, *process.children(recursive=True)]
    return sum(one.memory_info().rss for one in whole)


if __name__ == "__main__":
    app()
