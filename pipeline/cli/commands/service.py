"""The command that serves a head."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.lines import say

app = typer.Typer()


@app.command()
def serve(
    *,
    head: Annotated[str | None, typer.Option(help="Head of models/, or its folder.")] = None,
    bundle: Annotated[Path | None, typer.Option(help="A bundle, in place of --head.")] = None,
    host: Annotated[str, typer.Option(help="Address to listen at; others need a token.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0: any that is free.")] = 8765,
    token: Annotated[
        str | None,
        typer.Option(envvar="MOODLINE_TOKEN", help="What clients must know; made for other hosts."),
    ] = None,
    sessions: Annotated[
        Path, typer.Option(help="Folder that sessions are kept in, as they come.")
    ] = Path("sessions"),
    keep: Annotated[bool, typer.Option(help="Keep what was live, for as long as you do.")] = True,
    window: Annotated[
        float | None,
        typer.Option(min=0.1, help="Seconds a live answer goes by; else the head's own, or 1."),
    ] = None,
    hop: Annotated[
        float, typer.Option(min=0.05, help="Seconds from one live answer to the next.")
    ] = 0.5,
    detector: Annotated[
        str | None, typer.Option(help="Find faces by this detector, not by the head's own.")
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="cpu or cuda, for all networks; else as in training.")
    ] = None,
    megabytes: Annotated[float, typer.Option(min=0.1, help="Most of an upload, in MB.")] = 200.0,
    seconds: Annotated[float, typer.Option(min=1, help="Most that one upload may take.")] = 600.0,
    waiting: Annotated[
        int, typer.Option(min=1, help="Uploads that wait or are at work; more are sent away.")
    ] = 8,
    live: Annotated[int, typer.Option(min=1, help="Streams at once; more are sent away.")] = 4,
) -> None:
    """Serve a head: a page with camera and microphone, uploads, a socket for programs."""
    from pipeline.cli.predictions import ask_device, find_head
    from pipeline.errors import ParamsError
    from pipeline.live.service import Serving
    from pipeline.live.serving import serve_head
    from pipeline.live.uploads import Served
    from pipeline.predictor.making import Running

    serving = Serving(
        sessions=sessions if keep else None,
        most_megabytes=megabytes,
        most_seconds=seconds,
        waiting=waiting,
        live=live,
        window=window,
        hop=hop,
        token=token,
    )
    if (head is None) == (bundle is None):
        raise ParamsError("expected a --head or a --bundle to serve, got none or both; name one")
    running = Running(ask_device(device), None, detector)
    folder = bundle or find_head(head or "")
    served = Served(folder, bundle is not None, running)
    serve_head(served, serving, host, port, say=partial(say, err=True))
