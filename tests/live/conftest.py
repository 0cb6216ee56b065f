"""A trained head behind a real server, for all tests of the service."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.live.service import Service, Serving
from pipeline.live.serving import Server
from pipeline.live.uploads import Served


@contextmanager
def run_service(folder: Path, serving: Serving) -> Iterator[tuple[str, Service]]:
    """Address of a service of the head in `folder`, such as 127.0.0.1:50123, and the service."""
    service = Service(Served(folder), serving)
    server = Server(service)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    try:
        while not server.started:
            thread.join(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"127.0.0.1:{port}", service
    finally:
        server.should_exit = True
        service.close()
        thread.join()


@pytest.fixture(scope="module")
def served(seeing: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Service]]:
    """Address of a service that keeps sessions, and the service."""
    serving = Serving(
        sessions=tmp_path_factory.mktemp("sessions"), most_megabytes=1.0, waiting=2, live=2
    )
    with run_service(seeing, serving) as running:
        yield running
