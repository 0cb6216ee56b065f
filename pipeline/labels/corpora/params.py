"""What `corpus` in params.yaml says, and the table of corpora."""

from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from pipeline.families import Family, ParamsMember, suggest
from pipeline.sections import Section
from pipeline.targets import TARGETS

Ends = Annotated[list[float], Field(min_length=2, max_length=2)]
"""The numbers that stand for a rating's least and greatest value."""


class CorpusParams(Section):
    """What every corpus is told.

    `root` is the folder its authors ship, `depends_on` what `dvc repro` watches to know that the
    corpus changed: the folder itself, or a manifest of it. Files outside of `root`, named or linked
    to, are clips only with `follow`: a table from a stranger could name any file of this machine.
    """

    name: str
    root: str
    depends_on: str
    follow: bool = False


class DemoParams(CorpusParams):
    """The demo corpus has no options of its own."""


class RavdessParams(CorpusParams):
    """Which of RAVDESS's files are clips, and which usual protocol places the actors."""

    modality: Literal["audio", "audiovisual"] = "audiovisual"
    channel: Literal["speech", "song", "both"] = "speech"
    protocol: Literal["luna_jimenez", "three_actors", "katerynach"] = "luna_jimenez"


class TableParams(CorpusParams):
    """Where the table is and what its columns and words mean.

    `table` is a path below `root`, or absolute. `columns` is moodline's column → the table's own,
    `path` a clip's path made of columns (`"dia{Dialogue_ID}.mp4"`). `words` is the table's emotion
    word → class, or None for no label, `blanks` are further cells that mean no value, `scale` is
    rating → its ends in the table. `emotions` are the classes in the order of their index; None
    takes those found, sorted. `called` is the corpus that clips are of where no column says it.
    """

    table: str = "clips.csv"
    columns: dict[str, str] = {}
    ignore: list[str] = []
    path: str | None = None
    called: Annotated[str, Field(pattern=r"^[^/#\s]+$")] = "table"
    emotions: list[str] | None = None
    words: dict[str, str | None] = {}
    blanks: list[str] = []
    scale: dict[str, Ends] = {}

    @field_validator("scale")
    @classmethod
    def _check_scale(cls, scale: dict[str, Ends]) -> dict[str, Ends]:
        """Refuse scales of what is no rating, and those without length."""
        ratings = [name for name, target in TARGETS.items() if target.kind == "rating"]
        for name, (low, high) in scale.items():
            if name not in ratings:
                told = f"unknown rating {name!r}; {suggest(name, ratings)}"
                raise PydanticCustomError("scale", "{told}", {"told": told})
            if low == high:
                told = f"{name}: expected two ends that differ, such as [1, 5]"
                raise PydanticCustomError("scale", "{told}", {"told": told})
        return scale


CORPORA: Family[ParamsMember[CorpusParams]] = Family(
    "corpus",
    {
        "demo": ParamsMember("pipeline.labels.corpora.demo", DemoParams),
        "ravdess": ParamsMember("pipeline.labels.corpora.ravdess", RavdessParams),
        "table": ParamsMember("pipeline.labels.corpora.table", TableParams),
    },
)
