"""Talking: one client's camera and microphone, from its first message to its last."""

import asyncio
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from starlette.websockets import WebSocket, WebSocketDisconnect

from pipeline.errors import MediaError
from pipeline.live.gauges import Gauges
from pipeline.live.messages import (
    Block,
    ClientError,
    Start,
    Stop,
    describe_look,
    describe_moment,
    read_block,
    read_message,
    write_message,
)
from pipeline.live.sessions import Session
from pipeline.media.jpeg import count_pixels, decode_jpeg
from pipeline.predictor.stream import Moment, Stream
from pipeline.predictor.timing import NOBODY
from pipeline.predictor.watching import Look

BEGIN_SECONDS = 10.0
"""A client says within so long what it will send."""

SILENT_SECONDS = 3600.0
"""A client may pause for so long; of one that is gone, pings tell."""

WAITING_SECONDS = 5.0
"""Of sound that waits to be heard; what came before is let go of where there is more."""

BLOCK_SECONDS = (0.005, 1.0)
"""Least and most of a block of sound."""

LIVE_PIXELS = 2**21
"""Of a frame: Full HD."""

POLICY, GONE_AWAY = 1008, 1001
"""Why a socket is closed (RFC 6455, 7.4.1): for what came, or because its other end is gone."""


@dataclass
class Inbox:
    """What has come and is not judged yet: the newest frame, and all sound."""

    frame: Block | None = None
    sounds: deque[Block] = field(default_factory=deque)
    sound_bytes: int = 0
    came: asyncio.Event = field(default_factory=asyncio.Event)
    came_at: float = 0.0
    ended: bool = False

    def end(self) -> None:
        """Nothing more will come."""
        self.ended = True
        self.came.set()


class Conversation:
    """A client at a socket, the stream that it feeds, and the session that keeps it, if any does.

    Judging is done by `pool`, whose only thread is shared by all; this one takes what comes
    meanwhile. Of frames the newest is judged alone.
    """

    def __init__(
        self,
        socket: WebSocket,
        stream: Stream,
        session: Session | None,
        start: Start,
        gauges: Gauges,
    ) -> None:
        self._socket = socket
        self._stream = stream
        self._session = session
        self._start = start
        self._gauges = gauges
        self._inbox = Inbox()
        self._person = NOBODY
        self._look: Look | None = None

    async def run(self, pool: ThreadPoolExecutor) -> None:
        """Take what comes and say what is seen in it, until the client ends.

        Raises ClientError for what is no message of the protocol.
        """
        listening = asyncio.create_task(self._listen())
        try:
            while not self._inbox.ended or self._inbox.frame or self._inbox.sounds:
                await self._inbox.came.wait()
                self._inbox.came.clear()
                await self._judge(pool)
            await listening  # raises what ended it
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError, ClientError, WebSocketDisconnect):
                await listening

    async def _listen(self) -> None:
        """Put what comes into the inbox."""
        try:
            while True:
                text, data = await _receive(self._socket, SILENT_SECONDS)
                if data is not None:
                    self._take(read_block(data))
                    continue
                message = read_message(text or "")
                if isinstance(message, Stop):
                    return
                if isinstance(message, Start):
                    raise ClientError("expected start once, got it again")
                if self._session is not None:
                    self._session.add(message.model_dump())
        finally:
            self._inbox.end()

    def _take(self, block: Block) -> None:
        inbox = self._inbox
        if block.kind == "recording":
            if self._session is not None:
                self._session.add_recording(block.seconds, block.payload)
            return
        if block.kind == "frame":
            if not self._start.frames:
                raise ClientError("expected no frame, for start announced none; start with frames")
            if inbox.frame is not None:
                self._gauges.frames.labels("dropped").inc()
            inbox.frame = block
        else:
            hz = _check_sound(block, self._start.hz)
            inbox.sounds.append(block)
            inbox.sound_bytes += len(block.payload)
            while inbox.sound_bytes > WAITING_SECONDS * hz * 2:
                inbox.sound_bytes -= len(inbox.sounds.popleft().payload)
        inbox.came_at = time.monotonic()
        inbox.came.set()

    async def _judge(self, pool: ThreadPoolExecutor) -> None:
        """Judge what has come, and tell it."""
        inbox = self._inbox
        frame, sounds, came_at = inbox.frame, [*inbox.sounds], inbox.came_at
        inbox.frame = None
        inbox.sounds.clear()
        inbox.sound_bytes = 0
        if frame is None and not sounds:
            return
        loop = asyncio.get_running_loop()
        for message in await loop.run_in_executor(pool, self._go_along, frame, sounds, came_at):
            await self._socket.send_text(write_message(message))

    def _go_along(
        self, frame: Block | None, sounds: list[Block], came_at: float
    ) -> list[dict[str, Any]]:
        """Messages on what has come; the session keeps them."""
        messages = []
        for sound in sounds:
            self._stream.add_sound(sound.seconds, np.frombuffer(sound.payload, "<i2"))
        if frame is not None:
            messages.append(self._look_at(frame))
        moment = self._stream.answer()
        if moment is not None:
            messages.append(self._answer(moment, came_at))
        if self._session is not None:
            for message in messages:
                self._session.add(message)
        return messages

    def _look_at(self, frame: Block) -> dict[str, Any]:
        """Who is in a frame; of one that is not looked at, who was in the one before."""
        if self._stream.wants(frame.seconds):
            self._gauges.frames.labels("judged").inc()
            self._look = self._stream.add_frame(frame.seconds, _decode(frame))
        if self._look is None:
            return {"type": "faces", "seconds": frame.seconds, "people": []}
        return describe_look(frame.seconds, self._look, self._person)

    def _answer(self, moment: Moment, came_at: float) -> dict[str, Any]:
        head = self._stream.head
        self._person = moment.person
        described = describe_moment(moment, head.recipe, head.per)
        latency_seconds = round(time.monotonic() - came_at, 4)
        self._gauges.latency_seconds.observe(latency_seconds)
        return {**described, "latency_seconds": latency_seconds}


async def receive_start(socket: WebSocket) -> Start:
    """What a client begins with; raises ClientError for anything else."""
    text, _ = await _receive(socket, BEGIN_SECONDS)
    message = read_message(text or "")
    if not isinstance(message, Start):
        raise ClientError(f"expected start, got {message.type}")
    if message.hz is None and not message.frames:
        raise ClientError("expected frames or sound, got neither; start with hz or frames")
    return message


async def refuse(socket: WebSocket, told: str, code: int = POLICY) -> None:
    """Tell a client in a sentence why its socket is closed, and close it."""
    with suppress(RuntimeError, WebSocketDisconnect):  # it may be gone
        await socket.send_text(write_message({"type": "error", "message": told}))
        await socket.close(code)


async def _receive(socket: WebSocket, seconds: float) -> tuple[str | None, bytes | None]:
    """Text or bytes of the next message; raises ClientError where none comes in so long."""
    try:
        message = await asyncio.wait_for(socket.receive(), seconds)
    except TimeoutError as error:
        raise ClientError(f"expected a message within {seconds:.0f} s, got none") from error
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", GONE_AWAY))
    return message.get("text"), message.get("bytes")


def _check_sound(block: Block, hz: int | None) -> int:
    """Samples a second of a block; raises ClientError for one that is none, or of odd length."""
    if hz is None:
        raise ClientError("expected no sound, for start named no hz; start with it")
    if len(block.payload) % 2:
        raise ClientError(f"expected samples of 16 bits, got {len(block.payload)} bytes")
    least, most = BLOCK_SECONDS
    seconds = len(block.payload) / 2 / hz
    if not least <= seconds <= most:
        raise ClientError(f"expected {least:g} to {most:g} s of sound in a block, got {seconds:g}")
    return hz


def _decode(frame: Block) -> np.ndarray:
    """RGB image of a frame; raises ClientError where it is no JPEG of at most LIVE_PIXELS."""
    pixels = count_pixels(frame.payload)
    if pixels > LIVE_PIXELS:
        raise ClientError(f"expected a frame of at most {LIVE_PIXELS:,} pixels, got {pixels:,}")
    try:
        return decode_jpeg(frame.payload)
    except MediaError as error:
        raise ClientError("expected a frame as a baseline JPEG, got other bytes") from error
