"""Options of `moodline predict` that say whose faces count, how many, and where a picture goes."""

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
