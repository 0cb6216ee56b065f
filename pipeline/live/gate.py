"""The gate: who may ask, from where, how much at once and how slowly."""

import asyncio
import hmac
import ipaddress
import time
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

COOKIE = "moodline"
"""Of the token, before the port: a browser sends it to every service of a host."""

OPEN = frozenset({"/health"})
"""Paths that tell nothing, and need no token."""

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

LARGE = "/predict"
"""The path that media are sent to."""

SMALL_BYTES = 2**20
"""Of a body to any other."""

IDLE_SECONDS = 30.0
"""In which a body may be late, beyond a second for each of LEAST_BYTES."""

LEAST_BYTES = 20_000

TOKEN = r"[A-Za-z0-9_-]{16,}"
"""What a token is made of: it stands in addresses and headers as it is."""


def is_loopback(host: str) -> bool:
    """Whether a host is this machine alone.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class Refusal:
    """Why a request is not let in."""

    status: int
    detail: str

    @property
    def response(self) -> Response:
        """What the client is told."""
        headers = {"WWW-Authenticate": "Bearer"} if self.status == 401 else None
        return JSONResponse({"detail": self.detail}, self.status, headers)


class Gate:
    """Lets in who has the `token`, if there is one, and comes from the service's own page.

    Without a token the service is for this machine alone: a page elsewhere that has its own name
    lead here is refused (DNS rebinding). Bodies are read as far as `most_bytes`.
    """

    def __init__(self, app: ASGIApp, *, token: str | None, most_bytes: int) -> None:
        self._app = app
        self._token = token
        self._most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer in place of the service, or let it answer."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        response = self._greet(scope)
        if response is None:
            limited = self._limit(scope, receive) if scope["type"] == "http" else receive
            await self._app(scope, limited, send)
        elif scope["type"] == "http":
            await response(scope, receive, send)
        else:
            socket = WebSocket(scope, receive, send)
            await socket.receive()
            await socket.send_denial_response(response)

    def _greet(self, scope: Scope) -> Response | None:
        """What is answered in place of the service; None for who is let in."""
        headers = Headers(scope=scope)
        refusal = self._find_stranger(scope, headers)
        if refusal is not None:
            return refusal.response
        if self._token is None or scope["path"] in OPEN:
            return None
        asked = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if scope["path"] == "/" and self._is_token(asked):
            response = RedirectResponse("/", 303)
            response.set_cookie(_name_cookie(scope), asked, httponly=True, samesite="strict")
            return response
        if any(self._is_token(given) for given in _list_tokens(scope, headers)):
            return None
        told = "expected the service's token, got none or another; open the address that it printed"
        return Refusal(401, told).response

    def _find_stranger(self, scope: Scope, headers: Headers) -> Refusal | None:
        host = headers.get("host", "")
        if self._token is None and not is_loopback(_name_host(host)):
            return Refusal(403, f"expected this machine's own name, got {host!r}")
        changes = scope["type"] == "websocket" or scope["method"] not in SAFE
        origin = headers.get("origin")
        if changes and origin is not None and origin.partition("://")[2] != host:
            return Refusal(403, f"expected the service's own page, got one of {origin!r}")
        return None

    def _is_token(self, given: str) -> bool:
        assert self._token is not None
        return hmac.compare_digest(given.encode(), self._token.encode())

    def _limit(self, scope: Scope, receive: Receive) -> Receive:
        """`receive` that raises HTTPException for a body that is too large, or too slow."""
        most = self._most_bytes if scope["path"] == LARGE else SMALL_BYTES
        begun, came, ended = time.monotonic(), 0, False

        async def receive_limited() -> Message:
            nonlocal came, ended
            late = begun + IDLE_SECONDS + came / LEAST_BYTES - time.monotonic()
            try:
                message = await asyncio.wait_for(receive(), None if ended else late)
            except TimeoutError as error:
                told = f"expected at least {LEAST_BYTES / 1e3:.0f} kB a second, got less; try again"
                raise HTTPException(408, told) from error
            if message["type"] == "http.request":
                came, ended = came + len(message.get("body", b"")), not message.get("more_body")
                if came > most:
                    raise HTTPException(413, f"expected at most {most / 1e6:,.0f} MB, got more")
            return message

        return receive_limited


def _name_host(host: str) -> str:
    """Host of a `Host` header, without its port.

    >>> _name_host("localhost:8000"), _name_host("[::1]:8000")
    ('localhost', '::1')
    """
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _list_tokens(scope: Scope, headers: Headers) -> list[str]:
    """Tokens that a request has with it."""
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    cookie = cookie_parser(headers.get("cookie", "")).get(_name_cookie(scope))
    return [*([credentials] if scheme.lower() == "bearer" else []), *([cookie] if cookie else [])]


def _name_cookie(scope: Scope) -> str:
    return f"{COOKIE}-{(scope.get('server') or ('', 0))[1]}"
