"""Serving: a process for each GPU that searches the frames of all workers, many at once.

Workers decode and cut, and hand their frames over by shared memory. While a device is at work the
next frames gather, from whichever clips; so batches grow as the device falls behind.
"""

import multiprocessing
import os
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import groupby
from multiprocessing.connection import Client, Connection, Listener
from multiprocessing.shared_memory import SharedMemory
from queue import Empty, SimpleQueue

import numpy as np
from jaxtyping import UInt8

from pipeline.engines import EngineParams
from pipeline.engines.local import follow_parent, hide_script
from pipeline.errors import MoodlineError
from pipeline.faces import DETECTORS
from pipeline.faces.contract import Detector, Faces
from pipeline.faces.params import FacesParams
from pipeline.faces.searching import count_pixels, load_detector, split_batches

Frames = UInt8[np.ndarray, "frames height width 3"]


def list_devices(params: FacesParams, engine: EngineParams) -> list[str]:
    """Devices of this machine that frames are to be handed to; none where workers search alone.

    Those do with detectors that are no network, on processors, and on the nodes of a cluster.
    """
    detector: type[Detector] = DETECTORS.load(params.detector).Detector
    if params.device != "cuda" or engine.kind != "local" or not detector.batched:
        return []
    import torch

    return [f"cuda:{number}" for number in range(torch.cuda.device_count())]


@contextmanager
def serve_detector(params: FacesParams, devices: Sequence[str]) -> Iterator[list[str]]:
    """Addresses of processes that search as `params` say, one on each of `devices`.

    Raises MoodlineError where one cannot begin.
    """
    with ExitStack() as stack:
        yield [stack.enter_context(_run_server(params, device)) for device in devices]


@contextmanager
def _run_server(params: FacesParams, device: str) -> Iterator[str]:
    """Address of a process that searches on `device`, and ends with the block."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    placed = params.model_copy(update={"device": device})
    process = context.Process(target=_serve, args=(placed, theirs), daemon=True)
    with hide_script():
        process.start()
    theirs.close()
    try:
        yield ours.recv()
    except EOFError as error:
        raise MoodlineError(
            f"faces: expected a process that searches frames on {device}, got one that ended as it "
            f"began (its message is above); set faces.device to cpu, or mend what it says"
        ) from error
    finally:
        ours.close()  # it ends by itself, once it has given back the memory of its clients
        process.join()


class RemoteDetector:
    """Searches frames by the process at `address`, as the detector there does."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._connection = Client(address)
        self._memory: SharedMemory | None = None

    def detect(self, frames: Sequence[UInt8[np.ndarray, "height width 3"]]) -> list[Faces]:
        """One `Faces` for each of `frames`, all of one size; raises MoodlineError if it is gone."""
        shape = (len(frames), *frames[0].shape)
        memory = self._reserve(int(np.prod(shape)))
        np.stack(frames, out=np.ndarray(shape, np.uint8, memory.buf))
        try:
            self._connection.send((memory.name, shape))
            found: list[Faces] = self._connection.recv()
        except (EOFError, OSError) as error:
            raise MoodlineError(
                "faces: expected frames to be searched, got no answer from the process that does "
                "(its message is above); lower faces.batch if its device was out of memory"
            ) from error
        return found

    def _reserve(self, size: int) -> SharedMemory:
        """Shared memory of at least `size` bytes; the server removes it, whatever ends this one."""
        if self._memory is None or self._memory.size < size:
            if self._memory is not None:
                self._memory.close()
            self._memory = _make_memory(size)
        return self._memory


def _make_memory(size: int) -> SharedMemory:
    """Shared memory of `size` bytes that are there; raises MoodlineError where they are not."""
    memory = SharedMemory(create=True, size=size)
    try:
        if hasattr(os, "posix_fallocate"):  # else its first use would end this process
            os.posix_fallocate(memory._fd, 0, size)  # type: ignore[attr-defined]
    except OSError as error:
        _remove(memory)
        raise MoodlineError(
            f"faces: expected {size:,} bytes of shared memory for frames, got none ({error}); "
            f"lower faces.workers or faces.batch, or give the container more (--shm-size)"
        ) from error
    return memory


@dataclass(frozen=True)
class Request:
    """Frames of a client, which waits for what is found in them."""

    client: Connection
    frames: Frames


Requests = SimpleQueue[Request | None]
"""Requests in the order they came; None asks for an end."""


def _serve(params: FacesParams, parent: Connection) -> None:
    """Search what clients send until the parent closes its end."""
    follow_parent()
    detector = load_detector(params)
    requests: Requests = SimpleQueue()
    with Listener(family="AF_UNIX") as listener, closing(_Clients(listener, requests)):
        threading.Thread(target=_await_end, args=(parent, requests), daemon=True).start()
        parent.send(listener.address)
        while (request := requests.get()) is not None:
            _answer(detector, _gather(request, requests, params.batch), params.batch)


def _gather(first: Request, requests: Requests, most: int) -> list[Request]:
    """`first` and what else is waiting, up to about `most` frames."""
    gathered, frames = [first], len(first.frames)
    while frames < most:
        try:
            request = requests.get_nowait()
        except Empty:
            break
        if request is None:
            requests.put(None)
            break
        gathered.append(request)
        frames += len(request.frames)
    return gathered


def _answer(detector: Detector, requests: list[Request], batch: int) -> None:
    """Search the frames of `requests` together, those of one size in batches, and reply."""
    ordered = sorted(requests, key=lambda request: request.frames.shape[1:])
    for _, alike in groupby(ordered, key=lambda request: request.frames.shape[1:]):
        asked = list(alike)
        frames = [frame for request in asked for frame in request.frames]
        found: list[Faces] = []
        for together in split_batches(frames, batch, count_pixels):
            found += detector.detect(together)
        for request in asked:
            count = len(request.frames)
            with suppress(OSError):  # it may have been stopped meanwhile
                request.client.send(found[:count])
            found = found[count:]


class _Clients:
    """The workers that are listened to, each in a thread that takes its requests to a queue."""

    def __init__(self, listener: Listener, requests: Requests) -> None:
        self._listener = listener
        self._requests = requests
        self._open: list[tuple[Connection, threading.Thread]] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Let go of those that are left, and of their memory."""
        for client, thread in self._open:
            if not client.closed:
                with suppress(OSError), socket.socket(fileno=os.dup(client.fileno())) as line:
                    line.shutdown(socket.SHUT_RDWR)
            thread.join()

    def _accept(self) -> None:
        while True:
            client = self._listener.accept()
            thread = threading.Thread(target=self._listen, args=(client,), daemon=True)
            self._open.append((client, thread))
            thread.start()

    def _listen(self, client: Connection) -> None:
        """Take the requests of a client until it is gone, and remove its memory then."""
        memory: SharedMemory | None = None
        with suppress(EOFError, OSError):
            while True:
                name, shape = client.recv()
                if memory is None or memory.name != name:
                    _remove(memory)
                    memory = None  # as long as there is no other
                    memory = SharedMemory(name)
                frames = np.ndarray(shape, np.uint8, memory.buf).copy()
                self._requests.put(Request(client, frames))
        _remove(memory)
        client.close()


def _remove(memory: SharedMemory | None) -> None:
    if memory is not None:
        memory.close()
        with suppress(FileNotFoundError):
            memory.unlink()


def _await_end(parent: Connection, requests: Requests) -> None:
    """Ask for an end as soon as the parent has closed its side."""
    with suppress(EOFError, OSError):
        parent.recv()
    requests.put(None)
