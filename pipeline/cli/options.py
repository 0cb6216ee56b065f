"""Options of the commands about new media: what is asked, of whom, how, what is made."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class WhoseFaces(StrEnum):
    """Who is answered for in a film."""

    one = "one"
    all = "all"


Faces = Annotated[
    WhoseFaces,
    typer.Option(help="Answer for the one whom the recipe chooses, or for all who are seen."),
]

Frames = Annotated[
    int | None,
    typer.Option(min=1, help="Faces that an answer goes by, the last of its window; else all."),
]

SavePlot = Annotated[
    Path | None,
    typer.Option(help="Write the timeline of one medium by one head to this PNG, too."),
]

Media = Annotated[
    list[str] | None,
    typer.Argument(help="Films, sounds, pictures, texts: files, folders, patterns."),
]

Heads = Annotated[
    list[str] | None,
    typer.Option(help="Head of models/, or its folder; several. With --join, a weight: face:0.6."),
]

Bundles = Annotated[
    list[str] | None,
    typer.Option(help="Bundle of a head: its folder, or its name on the Hub; several, as heads."),
]

Join = Annotated[bool, typer.Option("--join", help="All heads answer as one, by the mean of them.")]

Map = Annotated[
    str | None,
    typer.Option("--map", help="What classes are called: fer2013, or a YAML file (calm: neutral)."),
]

Corpus = Annotated[
    str | None,
    typer.Option(help="Judge heads on this labelled corpus, of params.yaml or with --root."),
]

Root = Annotated[Path | None, typer.Option(help="Folder of --corpus; else that in params.yaml.")]

MaxPerEmotion = Annotated[
    int | None, typer.Option(min=1, help="Clips of each class of --corpus, a count; else all.")
]

NumFrames = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Frames of each clip of --corpus, from its middle; else as in training.",
    ),
]

Every = Annotated[
    int, typer.Option(min=1, help="Answer at every so manieth frame of a film, a count.")
]

Hop = Annotated[
    float | None,
    typer.Option(min=1e-3, help="Seconds from answer to answer, in place of --every."),
]

Window = Annotated[
    float | None,
    typer.Option(
        min=1e-3,
        help="Seconds around each answer, or before one live, that it goes by; else the head's "
        "own, or 1.",
    ),
]

Smooth = Annotated[
    int, typer.Option(min=1, help="Answers that each value is the mean of; 1: as they are.")
]

Detector = Annotated[
    str | None, typer.Option(help="Find faces by this detector, not by the head's own.")
]

Device = Annotated[
    str | None, typer.Option(help="cpu or cuda, for all networks; else as in training.")
]

BatchSize = Annotated[
    int | None, typer.Option(min=1, help="Clips encoded at once; else as in training.")
]

Plot = Annotated[bool, typer.Option(help="Draw pictures beside the tables, and make a page.")]

Annotations = Annotated[
    list[str] | None,
    typer.Option(
        help="Write annotations, too: eaf (ELAN), TextGrid (Praat), vtt, mp4 (film); several."
    ),
]

AsJson = Annotated[
    bool, typer.Option("--json", help="Print a line of JSON for each medium and head.")
]

Host = Annotated[str, typer.Option(help="Address to listen at; others need a token.")]

Port = Annotated[int, typer.Option(min=0, max=65535, help="Port; 0: any that is free.")]

Token = Annotated[
    str | None,
    typer.Option(envvar="MOODLINE_TOKEN", help="What clients must know; made for other hosts."),
]

Sessions = Annotated[Path, typer.Option(help="Folder that sessions are kept in, as they come.")]

Keep = Annotated[bool, typer.Option(help="Keep what was live, for as long as you do.")]

LiveHop = Annotated[float, typer.Option(min=0.05, help="Seconds from one live answer to the next.")]

Megabytes = Annotated[float, typer.Option(min=0.1, help="Most of an upload, in MB.")]

Seconds = Annotated[float, typer.Option(min=1, help="Most that one upload may take.")]

Waiting = Annotated[
    int, typer.Option(min=1, help="Uploads that wait or are at work; more are sent away.")
]

Live = Annotated[int, typer.Option(min=1, help="Streams at once; more are sent away.")]
