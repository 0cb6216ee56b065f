"""Any of the 32 corpora that EmoBox has metadata of: its files, classes, and fixed folds.

Ma et al., Interspeech 2024; `data/<dataset>` of its repository. `label_map.json`, of EMOVO
`label_dict.json`, is a corpus's word → class, whatever its capitals; without it the words are the
classes. `fold_<k>/<dataset>_train_fold_<k>.json`, `…_test_…` and, for some, `…_valid_…` have for
each clip its file (`wav`), its word (`emo`) and, where it is a part of a file, its `start_time` and
`end_time`. Files are looked for below `root`, as the metadata name them.

With several folds, each clip is in the test set of one; with one, its three sets are the split.
Further test sets, `…_test2_…` of MER2023, take part in nothing. The metadata do not say who speaks:
FORMS has how the names of clips tell it, where they do.
"""

import os
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, RootModel

from pipeline.errors import CorpusError, StoreError
from pipeline.families import suggest
from pipeline.labels.clip_labels import ClipLabels
from pipeline.labels.clips import Clip
from pipeline.labels.corpora.contract import Corpus
from pipeline.labels.corpora.files import enter_absent, enter_unnamed, find_files
from pipeline.labels.corpora.params import EmoboxParams
from pipeline.labels.emotions import Names
from pipeline.store.records import RecordT, read_record

MAPS = ("label_map.json", "label_dict.json")
"""Files that may say what words mean, the first that is there."""

SPLITS = {"train": "train", "valid": "val", "test": "test"}

FURTHER = re.compile(r"test\d+")
"""Sides beside a corpus's test set."""

SPELLED = {
    "anger": "angry",
    "boredom": "bored",
    "fear": "fearful",
    "happiness": "happy",
    "joy": "happy",
    "sadness": "sad",
    "surprise": "surprised",
}
"""EmoBox's class, in lower case, → class of all corpora, where it is another word."""


NOTHING = frozenset({"no-agreement"})
"""EmoBox's classes, in lower case, that are none."""


class Form(NamedTuple):
    """How the name of a clip, without its dataset's, tells who speaks and what it is a part of.

    `subject` and `group` are made of the parts that `pattern` finds.
    """

    pattern: str
    subject: str | None = r"\1"
    group: str = r"\1"


FORMS = {
    "aesdd": Form(r"[a-z]\d+-0?(\d).*"),
    "ased": Form(r"(?:\w+-){4}(\d+)"),
    "asvpesd": Form(r"(?:\d+-){5}(\d+)-.*"),
    "cafe": Form(r"(\d\d)-.*"),
    "casia": Form(r"\d+-(\w+)-.*"),
    "cremad": Form(r"(1\d{3})-.*"),
    "emodb": Form(r"(\d\d)[ab].*"),
    "emovdb": Form(r"([a-z]+)-.*"),
    "emovo": Form(r"[a-z]+-([fm]\d)-.*"),
    "enterface": Form(r"s_?(\d+)_.*"),
    "esd": Form(r"(\d{4})-.*"),
    "iemocap": Form(r"(Ses\d\d).*_([FM])(?:XX)?\d+", subject=r"\1\2"),
    "jlcorpus": Form(r"((?:fe)?male\d)-.*"),
    "m3ed": Form(r"(\w+)_\d+_\d+", subject=None),
    "mead": Form(r"([MW]\d{3})-.*"),
    "meld": Form(r"(dia\d+)_utt\d+-(\w+)", subject=None, group=r"\2/\1"),
    "msppodcast": Form(r"(MSP-PODCAST_\d+)_.*", subject=None),
    "oreau": Form(r"(\d\d)[a-z].*"),
    "polish": Form(r"([a-z]\d)\..*"),
    "ravdess": Form(r"(?:\d\d-){6}(\d\d)"),
    "resd": Form(r"(\d+)_.*", subject=None),
    "savee": Form(r"([A-Z]{2})-.*"),
    "shemo": Form(r"([FM]\d\d).*"),
    "subesco": Form(r"([FM]_\d\d)_.*"),
    "tess": Form(r"(OA|YA)F?-.*"),
    "turevdb": Form(r"(\d+)_.*"),
    "urdu": Form(r"(S[FM]\d+)_.*"),
}
"""Dataset → its form, as found in all of its names.

Groups are speakers; sessions of IEMOCAP, series of M3ED, dialogues of MELD and RESD and podcasts of
MSP-Podcast. Names of the others tell neither.
"""


class Described(BaseModel):
    """What the metadata say of a clip."""

    wav: str
    emo: str
    start_time: float | None = None
    end_time: float | None = None


class _Set(RootModel[dict[str, Described]]):
    """Clip → what is said of it."""


class _Map(RootModel[dict[str, str]]):
    """A corpus's word → class."""


def read(params: EmoboxParams) -> Corpus:
    """Clips of the corpus that `params` name; raises CorpusError where its metadata are absent."""
    folder = Path(params.metadata)
    name = folder.name
    sets = _read_sets(folder)
    places = _place(sets, folder)
    described = {clip_id: said for found in sets.values() for clip_id, said in found.items()}
    classes = _find_classes(folder, described)
    root = Path(params.root)
    media = {clip_id: root / said.wav for clip_id, said in described.items()}
    here = _list_present(media, root, name)
    clips = [_make_clip(clip_id, media[clip_id], described[clip_id], name) for clip_id in here]
    return Corpus(
        clips=clips,
        targets=[
            ClipLabels.of(
                f"{name}/{clip_id}",
                {"emotion": classes[described[clip_id].emo]},
                split=places[clip_id][0],
                fold=places[clip_id][1],
            )
            for clip_id in here
        ],
        names=_list_names(classes),
        entries=[
            *(enter_absent(f"{name}/{clip_id}") for clip_id in sorted(media.keys() - {*here})),
            *enter_unnamed(_list_files(media.values(), root, name), clips, root),
        ],
        remarks=[*_tell_further(sets), *_tell_unknown(clips, name)],
    )


def _read_sets(folder: Path) -> dict[Path, dict[str, Described]]:
    """File of a side of a fold → its clips; raises CorpusError where there is none."""
    sets = {path: _read(path, _Set).root for path in sorted(folder.glob("fold_*/*_fold_*.json"))}
    if not sets:
        raise CorpusError(
            f"{folder}: expected folders such as fold_1 of EmoBox's data, found none; mend "
            f"`metadata`"
        )
    return sets


def _read(path: Path, kind: type[RecordT]) -> RecordT:
    try:
        return read_record(path, kind, "metadata of EmoBox", "mend `metadata`")
    except StoreError as error:
        raise CorpusError(*error.args) from error


def _list_present(media: Mapping[str, Path], root: Path, name: str) -> list[str]:
    """Clips whose file is there, in order; raises CorpusError where none is."""
    here = sorted(clip_id for clip_id, path in media.items() if path.is_file())
    if not here:
        raise CorpusError(
            f"{root}: none of the {len(media)} files of {name} is there, the first being "
            f"{next(iter(media.values()))}; mend `root`"
        )
    return here


def _list_files(named: Collection[Path], root: Path, name: str) -> list[Path]:
    """Files that are where the `named` ones below `root` are, and called as these."""
    inside = [
        path
        for path in named
        if path.is_relative_to(root) and ".." not in path.relative_to(root).parts
    ]
    if not inside:
        return []
    below = Path(os.path.commonpath([path.parent for path in inside]))
    return find_files(below, {path.suffix.lower() for path in inside}, name)


def _make_clip(clip_id: str, path: Path, said: Described, name: str) -> Clip:
    form = FORMS.get(name)
    found = form and re.fullmatch(form.pattern, clip_id.removeprefix(f"{name}-"))
    return Clip(
        clip_id=f"{name}/{clip_id}",
        corpus=name,
        path=path.as_posix(),
        start_seconds=said.start_time,
        end_seconds=said.end_time,
        subject=found.expand(form.subject) if form and found and form.subject else None,
        group=found.expand(form.group) if form and found else None,
    )


def _find_classes(folder: Path, described: Mapping[str, Described]) -> dict[str, str | None]:
    """Word of the metadata → class, None for no label; raises CorpusError for an unknown word."""
    words = {described[clip_id].emo: clip_id for clip_id in sorted(described, reverse=True)}
    maps = [path for path in (folder / name for name in MAPS) if path.exists()]
    stated = _read(maps[0], _Map).root if maps else {word: word for word in words}
    folded = {word.casefold(): name for word, name in stated.items()}
    found: dict[str, str | None] = {}
    for word, clip_id in words.items():
        name = stated.get(word, folded.get(word.casefold()))
        if name is None:
            raise CorpusError(
                f"{folder}: {clip_id}: unknown emotion {word!r}; {suggest(word, stated)}"
            )
        plain = name.lower()
        found[word] = None if plain in NOTHING else SPELLED.get(plain, plain)
    return found


def _list_names(classes: Mapping[str, str | None]) -> Names:
    words = {word: name for word, name in classes.items() if name is not None}
    return Names(emotion=sorted(set(words.values())), words=words)


Place = tuple[str | None, int | None]


def _place(sets: Mapping[Path, Mapping[str, Described]], folder: Path) -> dict[str, Place]:
    """Clip → its side and its fold, one of which is None."""
    several = len({path.parent for path in sets}) > 1
    places: dict[str, Place] = {}
    for path, clips in sets.items():
        fold, side = _parse_set(path)
        for clip_id in clips:
            held = places.setdefault(clip_id, (None, None))
            if FURTHER.fullmatch(side) or (several and side != "test"):
                continue
            places[clip_id] = (None, fold - 1) if several else (SPLITS[side], None)
            if held not in ((None, None), places[clip_id]):
                twice = "tested in two folds" if several else "on two sides"
                raise CorpusError(f"{folder}: {clip_id} is {twice}; get it again")
    return places


def _parse_set(path: Path) -> tuple[int, str]:
    """Fold and side that the file at `path` is of; raises CorpusError where they are others."""
    fold, side = path.parent.name.removeprefix("fold_"), path.stem.split("_")[-3]
    if not re.fullmatch(r"[1-9]\d{0,3}", fold) or not (side in SPLITS or FURTHER.fullmatch(side)):
        raise CorpusError(
            f"{path}: expected a fold's number, and {', '.join(SPLITS)} or a further test set, got "
            f"{fold!r} and {side!r}; get the metadata again"
        )
    return int(fold), side


def _tell_further(sets: Mapping[Path, Mapping[str, Described]]) -> Iterator[str]:
    """Sentence for each test set that is not the corpus's own."""
    sides = {path: _parse_set(path)[1] for path in sets}
    tested = {name for path, side in sides.items() if side == "test" for name in sets[path]}
    for path, side in sides.items():
        if spare := sets[path].keys() - tested if FURTHER.fullmatch(side) else ():
            yield f"{path.name}: a further test set: {len(spare)} clips take part in nothing"


def _tell_unknown(clips: list[Clip], name: str) -> Iterator[str]:
    """Sentence where nobody knows who speaks in some of `clips`."""
    if unknown := sum(clip.group is None for clip in clips):
        yield (
            f"the names of {unknown} clips of {name} do not tell who speaks: folds, a holdout, and "
            f"what is cut from train for val may have a speaker on two sides"
        )
