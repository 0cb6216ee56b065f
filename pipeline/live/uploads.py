"""Uploads: media that clients send whole, predicted one after another in a process of their own.

What a stranger sends may crash a decoder, or keep it busy for ever: the process is then ended, and
another begins. Streams that are live go on meanwhile.
"""

import asyncio
import json
import math
import multiprocessing
import os
import signal
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, redirect_stderr, suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import numpy as np
import psutil

from pipeline.engines.local import follow_parent
from pipeline.errors import MoodlineError
from pipeline.live.gauges import Gauges
from pipeline.live.messages import ClientError
from pipeline.media import AUDIO_HZ
from pipeline.media.audio import encode_flac
from pipeline.media.opening import open_container
from pipeline.predictor.making import AS_TRAINED, Running
from pipeline.predictor.predictor import Predictor
from pipeline.predictor.results import describe_whole
from pipeline.predictor.tables import smooth_series, tabulate_series

LOADING_SECONDS = 300.0
"""In which a process loads its head."""

NICE = 5
"""Of the process: streams that are live go before."""

USUAL_SECONDS = 5.0
"""Of a prediction, until there was one."""


@dataclass(frozen=True)
class Asked:
    """A file to predict, called `name` by who sent it."""

    path: Path
    name: str
    every: int = 10
    hop: float | None = None
    window: float | None = None
    smooth: int = 3


@dataclass(frozen=True)
class Finished:
    """A recording whose stream has ended, to be made one that players can seek in."""

    path: Path


@dataclass(frozen=True)
class Served:
    """The head that is served: its folder, or a bundle, run as `running` has it."""

    folder: Path
    bundled: bool = False
    running: Running = AS_TRAINED

    def load(self) -> Predictor:
        """Its predictor; raises as `Predictor.load` and `from_pretrained` do."""
        if self.bundled:
            return Predictor.from_pretrained(self.folder, running=self.running)
        return Predictor.load(self.folder, self.running)


class Worker:
    """A process with the predictor of `served`; what it is asked takes at most `seconds`.

    It lays whatever it needs in a folder that goes when it does.
    """

    def __init__(self, served: Served, seconds: float) -> None:
        self._served = served
        self._seconds = seconds
        self._lock = threading.Lock()
        self._closed = self._ready = False
        self._start()

    def ask(self, item: Asked | Finished) -> bytes:
        """The process's answer, to one thread after another; raises ClientError for none."""
        with self._lock:
            try:
                self._await_ready()
                self._pipe.send(item)
                answer = self._receive(self._seconds, ClientError(self._tell_slow(), 504))
            except (EOFError, OSError):
                self._renew()
                told = "expected media, got a file that ends the process that reads it"
                answer = ClientError(told)
        if isinstance(answer, ClientError):
            raise answer
        return answer

    def close(self) -> None:
        """End the process, and those that it began, for good."""
        self._closed = True
        self._end()

    def _await_ready(self) -> None:
        """Wait until the process has loaded its head; raises ClientError where it cannot."""
        if not self._ready:
            slow = ClientError(f"expected a head within {LOADING_SECONDS:.0f} s, got none", 503)
            answer = self._receive(LOADING_SECONDS, slow)
            if isinstance(answer, ClientError):
                self._renew()
                raise answer
            self._ready = True

    def _receive(self, seconds: float, slow: ClientError) -> bytes | ClientError:
        """What comes within so many seconds, else `slow`; one that is slow is begun anew."""
        if self._pipe.poll(seconds):
            answer: bytes | ClientError = self._pipe.recv()
            return answer
        self._renew()
        return slow

    def _end(self) -> None:
        with suppress(psutil.NoSuchProcess):
            whole = psutil.Process(self._process.pid)
            for process in [*whole.children(recursive=True), whole]:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        self._process.join()
        self._pipe.close()
        self._folder.cleanup()

    def _renew(self) -> None:
        if not self._closed:
            self._end()
            self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._ready = False
        self._folder = TemporaryDirectory(prefix="moodline-", ignore_cleanup_errors=True)
        self._pipe, theirs = context.Pipe()
        asked = theirs, self._served, self._folder.name
        self._process = context.Process(target=_serve, args=asked)
        self._process.start()
        theirs.close()

    def _tell_slow(self) -> str:
        most = f"{self._seconds:,.0f} s"
        return f"expected media that take at most {most}, got more; send less of them"


def _serve(pipe: Connection, served: Served, folder: str) -> None:
    """Answer what comes until the pipe is closed: None once the head is there, then each item.

    What nobody foresaw is an answer as well: the media come from anywhere.
    """
    follow_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's goes to all: the parent sees to it
    os.nice(NICE)
    os.environ["TMPDIR"] = tempfile.tempdir = folder
    with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):  # bars of progress
        predictor = _load(pipe, served)
        with suppress(EOFError):
            while predictor is not None:
                item = pipe.recv()
                try:
                    pipe.send(_answer(predictor, item))
                except ClientError as error:
                    pipe.send(error)
                except Exception as error:
                    pipe.send(ClientError(_hide(str(error) or type(error).__name__, item)))


def _load(pipe: Connection, served: Served) -> Predictor | None:
    """The predictor, once it is warm; None where there is none, which the pipe is told."""
    try:
        predictor = served.load()
        _warm_up(predictor)
    except Exception as error:
        told = f"expected the head anew, got {type(error).__name__}: {error}"
        pipe.send(ClientError(told, 503))
        return None
    pipe.send(None)
    return predictor


def _warm_up(predictor: Predictor) -> None:
    """Predict a second of noise: libraries load what they need when they are first used."""
    with TemporaryDirectory(prefix="moodline-") as folder, suppress(MoodlineError):
        path = Path(folder, "noise.flac")
        path.write_bytes(encode_flac(np.random.default_rng(0).normal(size=AUDIO_HZ) / 10, AUDIO_HZ))
        predictor.tell(path)


def _answer(predictor: Predictor, item: Asked | Finished) -> bytes:
    if isinstance(item, Asked):
        return json.dumps(_predict(predictor, item), allow_nan=False).encode()
    _finish(item)
    return b""


def _predict(predictor: Predictor, asked: Asked) -> dict[str, Any]:
    """What is told of a file, as JSON has it."""
    recipe, windows = predictor.head.recipe, predictor.head.params.windows
    told = predictor.tell(asked.path, predictor.space(asked.window, asked.hop, asked.every))
    if told.answer is None:
        reasons = "; ".join(told.remarks) or "nothing in it that the head reads"
        raise ClientError(_hide(f"{asked.name}: {reasons}", asked))
    series = smooth_series(told.answer.series, asked.smooth, causal=windows.causal)
    whole = describe_whole(told, recipe.emotions)
    rows = tabulate_series(replace(told.answer, series=series), recipe.emotions).to_pylist()
    return {
        "media": asked.name,
        "head": recipe.head,
        "seconds": told.clip.duration_seconds,
        "remarks": list(told.remarks),
        "whole": {name: value for name, value in whole.items() if name not in ("media", "path")},
        "rows": rows,
    }


def _hide(text: str, item: Asked | Finished) -> str:
    """`text` without the paths of this machine."""
    name = item.name if isinstance(item, Asked) else "recording"
    return text.replace(str(item.path), name).replace(item.path.stem, Path(name).stem)


def _finish(finished: Finished) -> None:
    """Write a browser's recording anew, with its length and an index at its beginning."""
    aside = finished.path.with_suffix(".aside.webm")
    with (
        open_container(finished.path) as source,
        av.open(str(aside), "w", format="matroska", options={"cues_to_front": "1"}) as film,
    ):
        streams = {s.index: film.add_stream_from_template(s) for s in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                film.mux(packet)
    aside.replace(finished.path)


class Queue:
    """Uploads that wait for their turn, `most` of them with the one at work."""

    def __init__(self, most: int, gauges: Gauges) -> None:
        self._most = most
        self._gauges = gauges
        self._held = 0
        self._turn = asyncio.Lock()
        self._usual_seconds = USUAL_SECONDS

    @asynccontextmanager
    async def hold_place(self) -> AsyncIterator[None]:
        """A place in the queue; raises ClientError where there is none."""
        if self._held >= self._most:
            seconds = math.ceil(self._usual_seconds * self._held)
            told = f"expected a place in the queue, got none; try again in {seconds} s"
            raise ClientError(told, 429, seconds)
        self._held += 1
        self._gauges.waiting.set(self._held)
        try:
            yield
        finally:
            self._held -= 1
            self._gauges.waiting.set(self._held)

    async def run(self, ask: Callable[[], bytes]) -> bytes:
        """What `ask` gives in a thread, once it is its turn; who stops waiting frees the place.

        What is at work goes on to its end, and so does its turn.
        """
        async with self._turn:
            begun = time.monotonic()
            work = asyncio.ensure_future(asyncio.to_thread(ask))
            try:
                return await asyncio.shield(work)
            except asyncio.CancelledError:  # its client is gone
                await asyncio.wait({work})
                raise
            finally:
                seconds = time.monotonic() - begun
                self._usual_seconds += (seconds - self._usual_seconds) / 4
                self._gauges.prediction_seconds.observe(seconds)
