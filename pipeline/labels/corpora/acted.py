"""Acted corpora whose labels are in the names of their files: EmoDB, SAVEE, TESS, EMOVO.

A row of SCHEMES for each: the form of a name, what its codes mean, and who speaks.

- EmoDB, Burkhardt et al., Interspeech 2005: `wav/03a01Fa.wav` is speaker 03, sentence a01, `F` for
  Freude, version a; 535 files.
- SAVEE, Haq and Jackson, AVSP 2009: `DC/a01.wav` or `DC_a01.wav` is speaker DC, anger, take 01;
  480 files, 120 of them neutral. `AudioVisualClip/DC/a1.avi` is the film of `AudioData/DC/a01.wav`.
- TESS, Pichora-Fuller and Dupuis, 2010: `OAF_back_angry.wav` is the older actress, "Say the word
  back", anger; 2,800 files. `ps` is a pleasant surprise; `OA_bite_neutral.wav` lacks a letter.
- EMOVO, Costantini et al., LREC 2014: `f1/dis-f1-b1.wav` is disgust, first woman, sentence b1; 588
  files.

Where files of several formats are there, those of the first are the clips.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import CorpusError
from pipeline.labels.clip_labels import ClipLabels
from pipeline.labels.clips import Clip
from pipeline.labels.corpora.contract import Corpus
from pipeline.labels.corpora.files import find_files, name_once
from pipeline.labels.corpora.params import CorpusParams
from pipeline.labels.emotions import Names


@dataclass(frozen=True)
class Speaker:
    """Who speaks; `age` in years, None where the authors do not tell."""

    sex: str
    age: int | None = None


@dataclass(frozen=True)
class Scheme:
    """How a corpus names its files.

    `form` finds `speaker`, `emotion` and, where it is told, `sentence` in a file's folder and
    stem, such as `DC/a01`; `words` is code → class, in the order of classes. `sentences` is code →
    words, or `said` what to say with the code in it. `digits` are those of the number that a name
    ends in, which some copies shorten; of files with several `suffixes` the first are the clips.
    """

    called: str
    form: str
    example: str
    words: Mapping[str, str]
    speakers: Mapping[str, Speaker]
    sentences: Mapping[str, str] = field(default_factory=dict)
    said: str | None = None
    digits: int = 0
    suffixes: tuple[str, ...] = (".wav", ".flac")

    @property
    def names(self) -> Names:
        """Its classes, and the codes that stand for them."""
        return Names(emotion=list(dict.fromkeys(self.words.values())), words=dict(self.words))


SCHEMES: Mapping[str, Scheme] = {
    "emodb": Scheme(
        called="EmoDB",
        form=r".*?(?P<speaker>\d\d)(?P<sentence>[ab]\d\d)(?P<emotion>[A-Z])[a-z]",
        example="03a01Fa",
        words={
            "W": "angry",
            "L": "bored",
            "E": "disgust",
            "A": "fearful",
            "F": "happy",
            "T": "sad",
            "N": "neutral",
        },
        speakers={
            "03": Speaker("male", 31),
            "08": Speaker("female", 34),
            "09": Speaker("female", 21),
            "10": Speaker("male", 32),
            "11": Speaker("male", 26),
            "12": Speaker("male", 30),
            "13": Speaker("female", 32),
            "14": Speaker("female", 35),
            "15": Speaker("male", 25),
            "16": Speaker("female", 31),
        },
        sentences={
            "a01": "Der Lappen liegt auf dem Eisschrank.",
            "a02": "Das will sie am Mittwoch abgeben.",
            "a04": "Heute abend könnte ich es ihm sagen.",
            "a05": "Das schwarze Stück Papier befindet sich da oben neben dem Holzstück.",
            "a07": "In sieben Stunden wird es soweit sein.",
            "b01": "Was sind denn das für Tüten, die da unter dem Tisch stehen?",
            "b02": "Sie haben es gerade hochgetragen und jetzt gehen sie wieder runter.",
            "b03": "An den Wochenenden bin ich jetzt immer nach Hause gefahren und habe Agnes "
            "besucht.",
            "b09": "Ich will das eben wegbringen und dann mit Karl was trinken gehen.",
            "b10": "Die wird auf dem Platz sein, wo wir sie immer hinlegen.",
        },
    ),
    "emovo": Scheme(
        called="EMOVO",
        form=r".*?/(?P<emotion>[a-z]{3})-(?P<speaker>[fm]\d)-(?P<sentence>[a-z]\d)",
        example="dis-f1-b1",
        words={
            "neu": "neutral",
            "gio": "happy",
            "tri": "sad",
            "rab": "angry",
            "pau": "fearful",
            "dis": "disgust",
            "sor": "surprised",
        },
        speakers={
            **{f"f{number}": Speaker("female") for number in (1, 2, 3)},
            **{f"m{number}": Speaker("male") for number in (1, 2, 3)},
        },
    ),
    "savee": Scheme(
        called="SAVEE",
        form=r"(?:.*?[/_])?(?P<speaker>DC|JE|JK|KL)[/_](?P<emotion>sa|su|[a-z])\d\d?",
        example="DC/a01",
        words={
            "n": "neutral",
            "h": "happy",
            "sa": "sad",
            "a": "angry",
            "f": "fearful",
            "d": "disgust",
            "su": "surprised",
        },
        speakers=dict.fromkeys(("DC", "JE", "JK", "KL"), Speaker("male")),
        digits=2,
        suffixes=(".wav", ".flac", ".avi", ".mp4"),
    ),
    "tess": Scheme(
        called="TESS",
        form=r".*?/(?P<speaker>OAF?|YAF)_(?P<sentence>[a-z]+)_(?P<emotion>[a-z]+)",
        example="OAF_back_angry",
        words={
            "neutral": "neutral",
            "happy": "happy",
            "sad": "sad",
            "angry": "angry",
            "fear": "fearful",
            "disgust": "disgust",
            "ps": "surprised",
        },
        speakers={
            "OAF": Speaker("female", 64),
            "OA": Speaker("female", 64),
            "YAF": Speaker("female", 26),
        },
        said="Say the word {}",
    ),
}
"""Corpus → how it names its files."""

SPELLED = {"OA": "OAF"}
"""Speakers whose code is misspelt in a file's name."""


@dataclass(frozen=True)
class Told:
    """What the name of a file, or of its folder, says; the speaker's `code` as it stands there."""

    code: str
    emotion: str
    sentence: str | None

    @property
    def speaker(self) -> str:
        """Who speaks."""
        return SPELLED.get(self.code, self.code)


def read(params: CorpusParams) -> Corpus:
    """A clip for each file; raises CorpusError for a name of another form, or no file."""
    scheme, root = SCHEMES[params.kind], Path(params.root)
    files = find_files(root, scheme.suffixes, scheme.called)
    suffix = next((one for one in scheme.suffixes if any(_is_of(path, one) for path in files)), "")
    told = {path: parse_name(path, scheme) for path in files if _is_of(path, suffix)}
    if not told:
        raise CorpusError(
            f"{root}: expected files of {scheme.called} such as {scheme.example}, found none with "
            f"{', '.join(scheme.suffixes)}; mend `root`"
        )
    named = name_once((f"{params.kind}/{_name(path, told[path], scheme)}", path) for path in told)
    ids = sorted(named)
    return Corpus(
        clips=[
            _make_clip(clip_id, named[clip_id], told[named[clip_id]], scheme) for clip_id in ids
        ],
        targets=[
            ClipLabels(clip_id=clip_id, labels={"emotion": told[named[clip_id]].emotion})
            for clip_id in ids
        ],
        names=scheme.names,
        remarks=list(_tell_others([path for path in files if path not in told])),
    )


def _is_of(path: Path, suffix: str) -> bool:
    return path.suffix.lower() == suffix


def _tell_others(files: Sequence[Path]) -> Iterator[str]:
    """Sentence on `files`, of formats that are not the first."""
    if files:
        yield (
            f"files of other formats beside the first are no clips: {len(files)} files, first "
            f"{files[0]}; to have them instead, name a folder with these alone as `root`"
        )


def parse_name(path: Path, scheme: Scheme) -> Told:
    """What the name of the file at `path` says; raises CorpusError that names the file."""
    found = re.fullmatch(scheme.form, f"{path.parent.name}/{path.stem}")
    if found is None:
        raise CorpusError(
            f"{path}: expected a name of {scheme.called} such as {scheme.example}, got "
            f"{path.stem!r}; restore its name or move it out of the corpus"
        )
    codes = found.groupdict()
    if codes["speaker"] not in scheme.speakers:
        known = ", ".join(scheme.speakers)
        raise CorpusError(f"{path}: expected speaker {known}, got {codes['speaker']!r}")
    sentence = codes.get("sentence")
    if scheme.sentences and sentence not in scheme.sentences:
        known = ", ".join(scheme.sentences)
        raise CorpusError(f"{path}: expected sentence {known}, got {sentence!r}")
    emotion = scheme.names.emotion_of(codes["emotion"], str(path))
    return Told(codes["speaker"], emotion, sentence)


def _name(path: Path, told: Told, scheme: Scheme) -> str:
    """Name of a clip: the file's own, its speaker first where that is told by the folder alone."""
    stem = re.sub(r"\d+$", lambda number: number[0].zfill(scheme.digits), path.stem)
    return stem if told.code in stem else f"{told.code}_{stem}"


def _make_clip(clip_id: str, path: Path, told: Told, scheme: Scheme) -> Clip:
    speaker = scheme.speakers[told.speaker]
    return Clip(
        clip_id=clip_id,
        corpus=clip_id.split("/", maxsplit=1)[0],
        path=path.as_posix(),
        subject=told.speaker,
        group=told.speaker,
        sex=speaker.sex,
        age=None if speaker.age is None else float(speaker.age),
        transcript=_say(told.sentence, scheme),
    )


def _say(sentence: str | None, scheme: Scheme) -> str | None:
    if sentence is None or scheme.said is None:
        return scheme.sentences.get(sentence or "")
    return scheme.said.format(sentence)
