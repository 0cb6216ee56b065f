"""The service: a head behind HTTP and a socket, with a page for people."""

import asyncio
import secrets
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import numpy as np
from fastapi import FastAPI, Query, Request, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response, StreamingResponse
from fastapi_offline import FastAPIOffline
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import ValidationError
from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect
from starlette.websockets import WebSocketDisconnect

from pipeline.errors import MoodlineError, ParamsError, StoreError, show_line, tell_first
from pipeline.live.gate import Gate
from pipeline.live.gauges import Gauges
from pipeline.live.messages import ClientError, LiveSeconds, list_ratings, write_message
from pipeline.live.page import render_live_page
from pipeline.live.sessions import Notes, Sessions
from pipeline.live.talking import Conversation, receive_start, refuse
from pipeline.live.uploads import Asked, Finished, Queue, Served, Worker
from pipeline.modalities import MODALITIES
from pipeline.predictor.gathering import ENDINGS
from pipeline.predictor.stream import HOP_SECONDS, Stream
from pipeline.predictor.tables import pack_csv
from pipeline.predictor.watching import find_rate

LIVE_AGAIN_SECONDS = 30
"""A client that finds no place for its stream tries again after so long."""

FRAME_PIXELS = 640
"""Longer side of frames that a page sends, unless faces are searched in larger ones."""

CHUNK = 1 << 20

GONE = 499
"""Status of a request whose client is gone, as nginx counts it."""

PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
"""Headers of people's faces and voices."""

FORM = {
    "schema": {
        "type": "object",
        "properties": {"file": {"type": "string", "format": "binary"}},
        "required": ["file"],
    }
}
"""What is uploaded, for the page of the API."""


@dataclass(frozen=True)
class Serving:
    """What a service allows: bytes and seconds of an upload, uploads that wait, streams at once.

    And where sessions are kept, if they are.
    """

    sessions: Path | None = None
    most_megabytes: float = 200.0
    most_seconds: float = 600.0
    waiting: int = 8
    live: int = 4
    window: float | None = None
    hop: float = HOP_SECONDS
    token: str | None = None


class Service:
    """A head that is served: its predictor, its worker, and who is there."""

    def __init__(self, served: Served, serving: Serving) -> None:
        self.serving = serving
        self.predictor = served.load()
        self.gauges = Gauges()
        self.sessions = None if serving.sessions is None else _open_sessions(serving.sessions)
        self.queue = Queue(serving.waiting, self.gauges)
        self.live = 0
        self.ending = False
        self.described = self._describe()
        self._warm_up()
        self.pool = ThreadPoolExecutor(1, "judge")
        self.worker = Worker(served, serving.most_seconds)

    def close(self) -> None:
        """End its worker."""
        self.pool.shutdown(wait=False, cancel_futures=True)
        self.worker.close()

    def stream(self, hz: int | None) -> Stream:
        """A new stream, with sound of so many samples a second."""
        return self.predictor.stream(hz, window=self.serving.window, hop=self.serving.hop)

    def find_sessions(self) -> Sessions:
        """Its sessions; raises ClientError where none are kept."""
        if self.sessions is None:
            raise ClientError("expected a service that keeps sessions, got one that does not", 404)
        return self.sessions

    def _describe(self) -> dict[str, Any]:
        """What clients are told of the head, and of what to send."""
        predictor = self.predictor
        recipe, making = predictor.head.recipe, predictor.making
        window = predictor.space(self.serving.window).window_seconds
        heard = {encoder.params.modality for encoder in predictor.encoders.values()}
        classes = len(list_ratings(predictor.head.per)) < len(predictor.head.per)
        return {
            "head": recipe.head,
            "emotions": list(recipe.emotions) if classes else [],
            "ratings": list_ratings(predictor.head.per),
            "modalities": [modality for modality in MODALITIES if modality in heard],
            "window_seconds": window,
            "hop_seconds": self.serving.hop,
            "rate_hz": find_rate(making.faces, window),
            "frame_pixels": max(FRAME_PIXELS, making.faces.search_pixels or 0),
            "records": self.sessions is not None,
            "megabytes": self.serving.most_megabytes,
        }

    def _warm_up(self) -> None:
        """Judge a second of nothing: libraries load what they need when they are first used."""
        stream = self.stream(16_000)
        noise = np.random.default_rng(0).integers(-3000, 3000, 16_000, dtype=np.int16)
        stream.add_sound(0.0, noise)
        stream.add_frame(0.0, np.zeros((480, 640, 3), np.uint8))
        stream.answer()


def _open_sessions(folder: Path) -> Sessions:
    """Sessions in `folder`; raises ParamsError where none can be kept there."""
    try:
        return Sessions(folder)
    except OSError as error:
        raise ParamsError(
            f"{folder}: expected a folder for sessions, got none ({error.strerror}); name another "
            f"one, or --no-keep"
        ) from error


def make_app(service: Service) -> FastAPI:
    """The routes of `service`, behind its gate."""
    app = FastAPIOffline(title="moodline", version=version("moodline"))
    most = int(service.serving.most_megabytes * 1e6)
    app.add_middleware(Gate, token=service.serving.token, most_bytes=most)
    _add_errors(app)
    _add_pages(app, service)
    _add_predict(app, service)
    _add_sessions(app, service)
    _add_live(app, service)
    return app


def _add_errors(app: FastAPI) -> None:
    """One sentence for whatever is wrong."""

    def tell(status: int, told: str, headers: dict[str, str] | None = None) -> Response:
        return JSONResponse({"detail": show_line(told)}, status, headers)

    @app.exception_handler(RequestValidationError)
    async def tell_invalid(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        return tell(422, f"{'.'.join(map(str, first['loc']))}: {first['msg']}")

    @app.exception_handler(ClientError)
    async def tell_refused(_: Request, error: ClientError) -> Response:
        again = error.again_seconds
        headers = None if again is None else {"Retry-After": str(again)}
        return tell(error.status, str(error), headers)

    @app.exception_handler(Exception)
    async def tell_unforeseen(_: Request, error: Exception) -> Response:
        return tell(500, f"expected an answer, got {type(error).__name__}; its log says more")

    @app.exception_handler(StoreError)
    async def tell_damaged(_: Request, error: StoreError) -> Response:
        return tell(500, "expected a session, got a damaged one; remove its folder")


def _add_pages(app: FastAPI, service: Service) -> None:
    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    async def show_page() -> Response:
        nonce = secrets.token_urlsafe(16)
        page = render_live_page(service.described, nonce)
        return HTMLResponse(page, headers=_guard_page(nonce))

    @app.get("/head")
    async def show_head() -> dict[str, Any]:
        """What the head says, and what it wants to be sent."""
        return service.described

    @app.get("/health")
    async def show_health() -> dict[str, str]:
        """Whether the service is there."""
        return {"status": "ok", "head": service.predictor.head.recipe.head, "moodline": app.version}

    @app.get("/metrics", include_in_schema=False)
    async def show_metrics() -> Response:
        made = generate_latest(service.gauges.registry)
        return Response(made, media_type=CONTENT_TYPE_LATEST)


def _guard_page(nonce: str) -> dict[str, str]:
    """Headers: a page may run its own style and script, ask this service, and record."""
    policy = "; ".join(
        [
            "default-src 'none'",
            f"script-src 'nonce-{nonce}' blob:",
            f"style-src 'nonce-{nonce}'",
            "connect-src 'self'",
            "img-src 'self' data: blob:",
            "media-src 'self' blob:",
            "worker-src blob:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )
    return {
        "Content-Security-Policy": policy,
        "Permissions-Policy": "camera=(self), microphone=(self)",
        "Referrer-Policy": "no-referrer",
    }


def _add_predict(app: FastAPI, service: Service) -> None:
    body = {"requestBody": {"content": {"multipart/form-data": FORM}, "required": True}}

    @app.post("/predict", openapi_extra=body)
    async def predict(
        request: Request,
        every: Annotated[int, Query(ge=1, le=10**6)] = 10,
        hop: Annotated[float | None, Query(ge=1e-2, le=1e6)] = None,
        window: Annotated[float | None, Query(ge=1e-3, le=1e6)] = None,
        smooth: Annotated[int, Query(ge=1, le=10**6)] = 3,
    ) -> Response:
        """What the head says of a film, a sound, a picture or a text, as a whole and over time."""
        with service.gauges.count_prediction():
            async with service.queue.hold_place():
                with TemporaryDirectory(prefix="moodline-") as folder:
                    path, name = await _receive_file(request, Path(folder))
                    asked = Asked(path, name, every, hop, window, smooth)
                    work = service.queue.run(partial(service.worker.ask, asked))
                    answer = await _run_unless_gone(service, request, work)
        return Response(answer, media_type="application/json")


async def _run_unless_gone(
    service: Service, request: Request, work: Coroutine[Any, Any, bytes]
) -> bytes:
    """What `work` gives; it is cancelled where the client goes away meanwhile, or the service."""
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=0.5)
            if not task.done() and await request.is_disconnected():
                raise ClientError("the client is gone", GONE)
            if not task.done() and service.ending:
                raise ClientError("expected a service, got one that ends; try again later", 503)
        return await task
    finally:
        task.cancel()


async def _receive_file(request: Request, folder: Path) -> tuple[Path, str]:
    """The file of a form, in `folder`, and its name; raises ClientError where there is none."""
    try:
        async with request.form(max_files=1, max_fields=8) as form:
            return await _write_file(form.get("file"), folder)
    except ClientDisconnect as error:
        raise ClientError("the client is gone", GONE) from error


async def _write_file(sent: UploadFile | str | None, folder: Path) -> tuple[Path, str]:
    if not isinstance(sent, UploadFile):
        raise ClientError("file: expected a form with a film, sound, picture or text, got none")
    name = Path(sent.filename or "").name
    ending = Path(name).suffix.lower()
    if ending not in ENDINGS:
        told = f"{name or 'file'}: expected one of {', '.join(sorted(ENDINGS))}"
        raise ClientError(f"{told}; send another file, or name it by what it is", 415)
    path = folder / f"upload{ending}"
    with path.open("wb") as file:
        while chunk := await sent.read(CHUNK):
            file.write(chunk)
    return path, name


def _add_sessions(app: FastAPI, service: Service) -> None:
    @app.get("/sessions")
    def list_sessions() -> list[dict[str, Any]]:
        """Sessions that were kept, the newest first."""
        return [] if service.sessions is None else service.sessions.list()

    @app.get("/sessions/{session}")
    def open_session(session: str) -> dict[str, Any]:
        """All that is known of a session but where faces are."""
        return service.find_sessions().open(session)

    @app.get("/sessions/{session}/faces")
    def list_faces(session: str, begin: LiveSeconds, end: LiveSeconds) -> list[dict[str, Any]]:
        """Who is in the frames of a stretch, in seconds, and where."""
        return [*service.find_sessions().list_faces(session, begin, end)]

    @app.put("/sessions/{session}/notes", status_code=204, openapi_extra=_describe_notes())
    async def write_notes(session: str, request: Request) -> None:
        """Keep names, marks and what does not count."""
        body = await request.body()
        await asyncio.to_thread(_write_notes, service.find_sessions(), session, body)

    @app.get("/sessions/{session}/recording")
    def find_recording(session: str) -> Response:
        """The session's film; of one that is live, what there is of it."""
        sessions = service.find_sessions()
        path = sessions.find_recording(session)
        if sessions.is_live(session):  # a length that is told would be exceeded
            return StreamingResponse(_read(path), media_type="video/webm", headers=PRIVATE)
        return FileResponse(path, media_type="video/webm", headers=PRIVATE)

    @app.get("/sessions/{session}/answers.csv")
    def write_answers(session: str) -> Response:
        """Its answers as a table."""
        packed = pack_csv(service.find_sessions().tabulate(session))
        named = {**PRIVATE, "Content-Disposition": f'attachment; filename="{session}.csv"'}
        return Response(packed.to_pybytes(), media_type="text/csv", headers=named)

    @app.delete("/sessions/{session}", status_code=204)
    def remove_session(session: str) -> None:
        """Take a session away, for good."""
        service.find_sessions().remove(session)


def _read(path: Path) -> Iterator[bytes]:
    """What is in a file that may grow meanwhile, in pieces."""
    with path.open("rb") as file:
        yield from iter(partial(file.read, CHUNK), b"")


def _write_notes(sessions: Sessions, session: str, body: bytes) -> None:
    try:
        notes = Notes.model_validate_json(body)
    except ValidationError as error:
        raise ClientError(f"notes: {tell_first(error)}") from error
    sessions.write_notes(session, notes)


def _describe_notes() -> dict[str, Any]:
    """What is sent, for the page of the API."""
    return {"requestBody": {"content": {"application/json": {"schema": Notes.model_json_schema()}}}}


def _add_live(app: FastAPI, service: Service) -> None:
    def find_no_place() -> Response | None:
        if service.live < service.serving.live:
            return None
        again = {"Retry-After": str(LIVE_AGAIN_SECONDS)}
        told = f"expected a place for a stream, got none; try again in {LIVE_AGAIN_SECONDS} s"
        return JSONResponse({"detail": told}, 429, again)

    @app.get("/live", include_in_schema=False)
    async def tell_why() -> Response:
        """Why no socket was to be had, of which browsers tell pages nothing."""
        told = "expected a WebSocket, got a plain request"
        return find_no_place() or JSONResponse({"detail": told}, 426, {"Upgrade": "websocket"})

    @app.websocket("/live")
    async def talk(socket: WebSocket) -> None:
        refusal = find_no_place()
        if refusal is not None:
            await socket.receive()
            await socket.send_denial_response(refusal)
            return
        service.live += 1
        service.gauges.live.set(service.live)
        try:
            await socket.accept()
            await _talk(socket, service)
        except WebSocketDisconnect:
            pass
        except MoodlineError as error:
            await refuse(socket, str(error))
        except OSError as error:
            await refuse(socket, f"expected room and leave to keep the session: {error.strerror}")
        finally:
            service.live -= 1
            service.gauges.live.set(service.live)


async def _talk(socket: WebSocket, service: Service) -> None:
    """Go along with a client from its first message to its last; what it sent is kept."""
    start = await receive_start(socket)
    session = None
    if service.sessions is not None:
        begin = partial(service.sessions.begin, service.described, start.title, record=start.record)
        session = await asyncio.to_thread(begin)
    name = None if session is None else session.name
    try:
        await socket.send_text(
            write_message({"type": "ready", "session": name, **service.described})
        )
        conversation = Conversation(
            socket, service.stream(start.hz), session, start, service.gauges
        )
        await conversation.run(service.pool)
        await socket.send_text(write_message({"type": "stopped", "session": name}))
        await socket.close()
    finally:
        film = None
        if session is not None and service.sessions is not None:
            film = service.sessions.end(session)
        if film is not None:
            asyncio.get_running_loop().run_in_executor(None, _finish, service, film)


def _finish(service: Service, film: Path) -> None:
    """Have a recording made one that can be sought in; one that cannot stays as it came."""
    try:
        service.worker.ask(Finished(film))
    except ClientError:
        film.with_suffix(".aside.webm").unlink(missing_ok=True)
