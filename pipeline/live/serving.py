"""Serving: the service at an address, until it is ended."""

import re
import secrets
import socket
from collections.abc import Callable
from dataclasses import replace

import uvicorn

from pipeline.errors import ParamsError
from pipeline.live.gate import TOKEN, is_loopback
from pipeline.live.service import Service, Serving, make_app
from pipeline.live.uploads import Served

MESSAGE_BYTES = 4_000_000
"""Of a message over a socket: a frame, or what a browser records in a second."""

END_SECONDS = 5
"""So long clients have to end when the service does."""


def serve_head(
    served: Served,
    serving: Serving,
    host: str,
    port: int,
    *,
    say: Callable[[str], object],
) -> None:
    """Serve a head at `host` and `port` until Ctrl-C; `say` is told the address.

    Elsewhere than on this machine alone clients need a token, which is made where none is given.
    Raises ParamsError where the address is not to be had, and as `Served.load` does.
    """
    if serving.token is not None and not re.fullmatch(TOKEN, serving.token):
        raise ParamsError(
            "token: expected 16 letters, digits, - and _ or more, got another; leave it out, and "
            "one is made"
        )
    if serving.token is None and not is_loopback(host):
        serving = replace(serving, token=secrets.token_urlsafe(16))
    listening = _listen(host, port)
    with listening:
        service = Service(served, serving)
        address = f"http://{_write_host(host)}:{listening.getsockname()[1]}/"
        asked = f"?token={serving.token}" if serving.token else ""
        say(f"{service.predictor.head.recipe.head}: {address}{asked} (Ctrl-C ends it)")
        try:
            Server(service).run([listening])
        finally:
            service.close()


class Server(uvicorn.Server):
    """Uvicorn's for a service: uploads are sent away before it waits for its clients."""

    def __init__(self, service: Service) -> None:
        config = uvicorn.Config(
            make_app(service),
            port=0,
            log_level="warning",
            ws="websockets-sansio",
            ws_max_size=MESSAGE_BYTES,
            timeout_graceful_shutdown=END_SECONDS,
            server_header=False,
        )
        super().__init__(config)
        self._service = service

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End, as soon as clients have their answers."""
        self._service.ending = True
        await super().shutdown(sockets)


def _listen(host: str, port: int) -> socket.socket:
    """A socket at `host` and `port`."""
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET
        )
    except OSError as error:
        raise ParamsError(
            f"{host}:{port}: expected a free address, got none ({error.strerror}); choose another "
            f"--port, or 0 for any"
        ) from error


def _write_host(host: str) -> str:
    """`host` as addresses have it.

    >>> _write_host("::1")
    '[::1]'
    """
    return f"[{host}]" if ":" in host else host
