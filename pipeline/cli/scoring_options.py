"""Options of `moodline predict` for several heads as one, and for corpora that judge them."""

from pathlib import Path
from typing import Annotated

import typer

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

Judge = Annotated[
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
