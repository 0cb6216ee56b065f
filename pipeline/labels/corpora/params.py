"""What `corpus` in params.yaml says, and the table of corpora."""

from typing import Literal

from pipeline.families import Family, ParamsMember
from pipeline.sections import Section


class CorpusParams(Section):
    """What every corpus is told.

    `root` is the folder its authors ship, `depends_on` what `dvc repro` watches to know that the
    corpus changed: the folder itself, or a manifest of it.
    """

    name: str
    root: str
    depends_on: str


class DemoParams(CorpusParams):
    """The demo corpus has no options of its own."""


class RavdessParams(CorpusParams):
    """Which of RAVDESS's files are clips, and which usual protocol places the actors."""

    modality: Literal["audio", "audiovisual"] = "audiovisual"
    channel: Literal["speech", "song", "both"] = "speech"
    protocol: Literal["luna_jimenez", "three_actors", "katerynach"] = "luna_jimenez"


class TableParams(CorpusParams):
    """Where the table is and what its words mean.

    `table` is a path below `root`, or absolute. `columns` is moodline's column → the table's own,
    `words` the table's emotion word → class. `emotions` are the classes in the order of their
    index; None takes those found, sorted.
    """

    table: str = "clips.csv"
    columns: dict[str, str] = {}
    ignore: list[str] = []
    emotions: list[str] | None = None
    words: dict[str, str] = {}


CORPORA: Family[ParamsMember[CorpusParams]] = Family(
    "corpus",
    {
        "demo": ParamsMember("pipeline.labels.corpora.demo", DemoParams),
        "ravdess": ParamsMember("pipeline.labels.corpora.ravdess", RavdessParams),
        "table": ParamsMember("pipeline.labels.corpora.table", TableParams),
    },
)
