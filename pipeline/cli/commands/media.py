"""Commands about new media: what heads, here or packed elsewhere, say of files, or live."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.lines import say
from pipeline.cli.options import (
    Annotations,
    AsJson,
    BatchSize,
    Bundles,
    Corpus,
    Detector,
    Device,
    Every,
    Faces,
    Frames,
    Heads,
    Hop,
    Host,
    Join,
    Keep,
    Live,
    LiveHop,
    Map,
    MaxPerEmotion,
    Media,
    Megabytes,
    NumFrames,
    Plot,
    Port,
    Root,
    SavePlot,
    Seconds,
    Sessions,
    Smooth,
    Token,
    Waiting,
    WhoseFaces,
    Window,
)

app = typer.Typer()


@app.command()
def predict(
    context: typer.Context,
    media: Media = None,
    *,
    head: Heads = None,
    bundle: Bundles = None,
    out: Annotated[Path, typer.Option(help="Folder to write; a second call goes on there.")],
    every: Every = 10,
    hop: Hop = None,
    window: Window = None,
    frames: Frames = None,
    faces: Faces = WhoseFaces.one,
    smooth: Smooth = 3,
    detector: Detector = None,
    device: Device = None,
    batch_size: BatchSize = None,
    plot: Plot = True,
    save_plot: SavePlot = None,
    annotations: Annotations = None,
    join: Join = False,
    map_: Map = None,
    corpus: Corpus = None,
    root: Root = None,
    max_per_emotion: MaxPerEmotion = None,
    num_frames: NumFrames = None,
    as_json: AsJson = False,
) -> None:
    """Say what heads see in new media, as a whole and over time; or judge them on a corpus."""
    from pipeline.cli.combining import check_given, list_given
    from pipeline.cli.predictions import Telling, ask_device, check_plot
    from pipeline.cli.scoring import Judging, judge_heads, load_members, unite_heads
    from pipeline.predictor.annotations import check_endings
    from pipeline.predictor.gathering import gather_media
    from pipeline.predictor.making import Running
    from pipeline.predictor.mapping import AS_THEY_ARE, read_map

    check_given(list_given(context))
    clips = gather_media(media) if media else []
    check_endings(annotations or ())
    named = [*(head or ()), *(bundle or ())]
    check_plot(save_plot, clips, named[:1] if join else named)
    classes = AS_THEY_ARE if map_ is None else read_map(map_)
    everyone = faces is WhoseFaces.all
    running = Running(ask_device(device), batch_size, detector, num_frames, everyone)
    members = load_members(head or (), bundle or (), running, join=join)
    united = unite_heads(members, classes, join=join)
    if corpus is not None:
        judge_heads(united, Judging(corpus, root, max_per_emotion, out), as_json=as_json)
        return
    predictors = united if join or classes else [member.predictor for member in members]
    telling = Telling(out, as_json, save_plot, smooth, plot, annotations or ())
    telling.tell(clips, [(own, own.space(window, hop, every, frames)) for own in predictors])


@app.command()
def bundle(
    head: Annotated[str, typer.Argument(help="Head of models/, or its folder.")],
    out: Annotated[Path, typer.Argument(help="Folder to write; it must not be there yet.")],
    licence: Annotated[
        str | None,
        typer.Option(help="What the head's own weights are under, in the Hub's words: mit."),
    ] = None,
) -> None:
    """Write a head, and the weights that it needs and may go along, to one folder."""
    from pipeline.cli.bundles import list_bundled
    from pipeline.cli.predictions import find_head
    from pipeline.paths import HEAD_REPORTS
    from pipeline.predictor.bundling import bundle_head

    for line in list_bundled(bundle_head(find_head(head), HEAD_REPORTS, out, licence), out):
        say(line)


@app.command()
def serve(
    *,
    head: Annotated[str | None, typer.Option(help="Head of models/, or its folder.")] = None,
    bundle: Annotated[Path | None, typer.Option(help="A bundle, in place of --head.")] = None,
    host: Host = "127.0.0.1",
    port: Port = 8765,
    token: Token = None,
    sessions: Sessions = Path("sessions"),
    keep: Keep = True,
    window: Window = None,
    hop: LiveHop = 0.5,
    detector: Detector = None,
    device: Device = None,
    megabytes: Megabytes = 200.0,
    seconds: Seconds = 600.0,
    waiting: Waiting = 8,
    live: Live = 4,
) -> None:
    """Serve a head: a page with camera and microphone, uploads, a socket for programs."""
    from pipeline.cli.predictions import ask_device, find_head
    from pipeline.errors import ParamsError
    from pipeline.live.service import Serving
    from pipeline.live.serving import serve_head
    from pipeline.live.uploads import Served
    from pipeline.predictor.making import Running

    if (head is None) == (bundle is None):
        raise ParamsError("expected a --head or a --bundle to serve, got none or both; name one")
    running = Running(ask_device(device), None, detector)
    served = Served(bundle or find_head(head or ""), bundle is not None, running)
    kept = sessions if keep else None
    serving = Serving(kept, megabytes, seconds, waiting, live, window, hop, token)
    serve_head(served, serving, host, port, say=partial(say, err=True))
