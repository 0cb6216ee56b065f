"""What `corpora` in params.yaml says, and the table of corpora."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator
from pydantic_core import PydanticCustomError

from pipeline.families import Family, ParamsMember, suggest
from pipeline.sections import Section
from pipeline.targets import TARGETS, UNITS

ClassName = Annotated[str, StringConstraints(pattern=r"^\S(.*\S)?$")]
"""Name of a class: something, without blanks around it."""

Ends = Annotated[list[float], Field(min_length=2, max_length=2)]
"""The numbers that stand for a rating's least and greatest value."""


class CorpusParams(Section):
    """What every corpus is told.

    `kind` is the row of CORPORA that reads it, `root` the folder its authors ship, `depends_on`
    what `dvc repro` watches to know that the corpus changed: the folder itself, or a manifest of
    it. Files outside of `root`, named or linked to, are read only with `follow`: a corpus from a
    stranger could name any file of this machine. `quarantine` says what becomes of clips that are
    known to be bad, each with its source. `map` makes classes of the corpus others, or None for
    no label, so that several corpora have one vocabulary. `side` puts the whole corpus on
    one side, so that heads train on some corpora and are tested on others.
    """

    kind: str
    root: str
    depends_on: str
    follow: bool = False
    quarantine: Literal["exclude", "mark"] = "exclude"
    map: dict[str, ClassName | None] = {}
    side: Literal["train", "val", "test"] | None = None


class RavdessParams(CorpusParams):
    """Which of RAVDESS's files are clips, and which usual protocol places the actors."""

    modality: Literal["audio", "video", "audiovisual"] = "audiovisual"
    channel: Literal["speech", "song", "both"] = "speech"
    protocol: Literal["luna_jimenez", "three_actors", "katerynach"] = "luna_jimenez"


Track = Literal["va", "expr", "au"]
"""Challenge of Aff-Wild2: valence and arousal, expressions, or action units."""


class Affwild2Params(CorpusParams):
    """Which annotations of Aff-Wild2 are labels, and whether transcripts cut its videos.

    The first of `tracks` that annotates a video decides on its side. `transcripts` is a folder of
    `<video>.txt` with lines such as `[0.00s - 3.20s] Hello.`: each is a clip.
    """

    tracks: Annotated[list[Track], Field(min_length=1, max_length=3)] = ["va", "expr", "au"]
    transcripts: str | None = None


class CremadParams(CorpusParams):
    """Which of CREMA-D's media are clips, and whose word is the emotion.

    `emotion` takes what actors were asked to show, or what most voters saw, none where they tie;
    `voters` had the voice alone, the face alone, or both.
    """

    modality: Literal["audio", "audiovisual"] = "audiovisual"
    emotion: Literal["intended", "voted"] = "intended"
    voters: Literal["voice", "face", "both"] = "both"


class IemocapParams(CorpusParams):
    """Which turns of IEMOCAP are clips, which emotions are classes, and who is left out in turn.

    `classes` has `happy` for excitement, too, in `four`. Protocols: `sessions` are five folds,
    `speakers` ten, `conversations` trains on sessions 1 to 4 and tests on 5.
    """

    modality: Literal["audio", "audiovisual"] = "audio"
    style: Literal["both", "improvised", "scripted"] = "both"
    classes: Literal["four", "six", "all"] = "four"
    protocol: Literal["sessions", "speakers", "conversations"] = "sessions"


class MeldParams(CorpusParams):
    """Which of MELD's two annotations are the classes: seven emotions, or three sentiments."""

    classes: Literal["emotion", "sentiment"] = "emotion"


class MspPodcastParams(CorpusParams):
    """Which of MSP-Podcast's test sets tests."""

    test: Literal["test1", "test2"] = "test1"


class EmoboxParams(CorpusParams):
    """Where EmoBox's metadata of a corpus are: `metadata` is its folder `data/<dataset>`."""

    metadata: str


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


@dataclass(frozen=True)
class CorpusMember(ParamsMember[CorpusParams]):
    """A row of the table, with what people ask before they have the corpus.

    `source` is where it comes from, `targets` what its clips can be labelled with, `protocols` who
    trains and who tests by it. Its module says how its folder is laid out.
    """

    about: str
    licence: str
    source: str
    targets: tuple[str, ...]
    protocols: str


CORPORA: Family[CorpusMember] = Family(
    "corpus",
    {
        "affwild2": CorpusMember(
            "pipeline.labels.corpora.affwild2",
            Affwild2Params,
            "people in 600 videos from the web, rated frame by frame; the ABAW challenges",
            "by agreement with its authors",
            "sites.google.com/view/dimitrioskollias/databases/aff-wild2",
            ("emotion", "valence", "arousal", *(f"au{unit}" for unit in UNITS)),
            "official train and validation",
        ),
        "chsims": CorpusMember(
            "pipeline.labels.corpora.opinions",
            CorpusParams,
            "2,281 segments of Chinese films and shows, with their sentiment",
            "research use",
            "github.com/thuiar/MMSA",
            ("sentiment",),
            "official, in label.csv",
        ),
        "cremad": CorpusMember(
            "pipeline.labels.corpora.cremad",
            CremadParams,
            "91 actors, twelve sentences, six emotions, votes of 2,443 people",
            "ODbL 1.0",
            "github.com/CheyneyComputerScience/CREMA-D",
            ("emotion", "intensity", "votes"),
            "none official: folds or holdout of actors",
        ),
        "demo": CorpusMember(
            "pipeline.labels.corpora.demo",
            CorpusParams,
            "synthetic speakers with drawn faces",
            "as moodline",
            "comes with moodline",
            ("emotion", "valence", "arousal"),
            "none official: folds or holdout of speakers",
        ),
        "emobox": CorpusMember(
            "pipeline.labels.corpora.emobox",
            EmoboxParams,
            "any of 32 corpora of speech that EmoBox has metadata of",
            "each corpus's own",
            "github.com/emo-box/EmoBox",
            ("emotion",),
            "EmoBox's fixed folds, or its split",
        ),
        "emodb": CorpusMember(
            "pipeline.labels.corpora.acted",
            CorpusParams,
            "ten actors, ten German sentences, seven emotions",
            "free to use",
            "emodb.bilderbar.info",
            ("emotion",),
            "none official: leave one speaker out",
        ),
        "emovo": CorpusMember(
            "pipeline.labels.corpora.acted",
            CorpusParams,
            "six actors, fourteen Italian sentences, seven emotions",
            "research use",
            "voice.fub.it/activities/corpora/emovo",
            ("emotion",),
            "none official: leave one speaker out",
        ),
        "fer2013": CorpusMember(
            "pipeline.labels.corpora.fer2013",
            CorpusParams,
            "35,887 grey faces of 48 by 48 pixels in seven emotions",
            "none stated",
            "kaggle.com/datasets/msambare/fer2013",
            ("emotion",),
            "official Training, PublicTest and PrivateTest",
        ),
        "iemocap": CorpusMember(
            "pipeline.labels.corpora.iemocap",
            IemocapParams,
            "ten actors in five sessions, emotions, ratings and votes of 10,039 turns",
            "by agreement with USC SAIL",
            "sail.usc.edu/iemocap",
            ("emotion", "valence", "arousal", "dominance", "votes"),
            "sessions, speakers, conversations",
        ),
        "meld": CorpusMember(
            "pipeline.labels.corpora.meld",
            MeldParams,
            "13,708 turns of dialogues in Friends, seven emotions, three sentiments",
            "GPL-3.0",
            "github.com/declare-lab/MELD",
            ("emotion", "sentiment"),
            "official train, dev and test",
        ),
        "mosei": CorpusMember(
            "pipeline.labels.corpora.opinions",
            CorpusParams,
            "23,500 segments of 1,000 speakers on the web, sentiment and six emotions",
            "research use",
            "github.com/CMU-MultiComp-Lab/CMU-MultimodalSDK",
            ("sentiment", "emotions"),
            "official, by segment in label.csv, else by video",
        ),
        "mosi": CorpusMember(
            "pipeline.labels.corpora.opinions",
            CorpusParams,
            "2,199 segments of 93 reviews on the web, with their sentiment",
            "research use",
            "github.com/CMU-MultiComp-Lab/CMU-MultimodalSDK",
            ("sentiment",),
            "official, by segment in label.csv, else by video",
        ),
        "msp_podcast": CorpusMember(
            "pipeline.labels.corpora.msp_podcast",
            MspPodcastParams,
            "turns of podcasts, nine emotions and three ratings",
            "by agreement with UT Dallas",
            "lab-msp.com/MSP/MSP-Podcast.html",
            ("emotion", "valence", "arousal", "dominance"),
            "official Train, Development, Test1 or Test2",
        ),
        "ravdess": CorpusMember(
            "pipeline.labels.corpora.ravdess",
            RavdessParams,
            "24 actors say, and sing, two sentences in eight emotions",
            "CC BY-NC-SA 4.0",
            "zenodo.org/records/1188976",
            ("emotion", "intensity"),
            "luna_jimenez, three_actors, katerynach",
        ),
        "savee": CorpusMember(
            "pipeline.labels.corpora.acted",
            CorpusParams,
            "four English men, 480 sentences, seven emotions",
            "research use",
            "kahlan.eps.surrey.ac.uk/savee",
            ("emotion",),
            "none official: leave one speaker out",
        ),
        "table": CorpusMember(
            "pipeline.labels.corpora.table",
            TableParams,
            "a corpus of your own, one row for each clip",
            "yours",
            "yours",
            tuple(TARGETS),
            "columns `split` or `fold`; folds or holdout of groups",
        ),
        "tess": CorpusMember(
            "pipeline.labels.corpora.acted",
            CorpusParams,
            "two actresses, 200 words, seven emotions",
            "CC BY-NC-ND 4.0",
            "doi.org/10.5683/SP2/E8H2MF",
            ("emotion",),
            "none official; two speakers make no folds",
        ),
    },
)
