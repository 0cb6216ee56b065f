"""Any of the 32 corpora that EmoBox has metadata of: its files, classes, and fixed folds.

Ma et al., Interspeech 2024; `data/<dataset>` of its repository. `label_map.json` is a corpus's word
→ class; `fold_<k>/<dataset>_train_fold_<k>.json`, `…_test_…` and, for some, `…_valid_…` have for
each clip its file (`wav`), its word (`emo`) and, where it is a part of a file, its `start_time` and
`end_time`. Files are looked for below `root`, as the metadata name them.

With several folds, each clip is in the test set of one; with one, its three sets are the split.
"""

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, RootModel

from pipeline.errors import CorpusError, StoreError
from pipeline.labels.clip_labels import ClipLabels
from pipeline.labels.clips import Clip
from pipeline.labels.corpora import Corpus
from pipeline.labels.corpora.files import enter_absent
from pipeline.labels.corpora.params import EmoboxParams
from pipeline.labels.emotions import Names
from pipeline.store.records import RecordT, read_record

SPLITS = {"train": "train", "valid": "val", "test": "test"}

SPELLED = {
    "anger": "angry",
    "fear": "fearful",
    "happiness": "happy",
    "joy": "happy",
    "sadness": "sad",
    "surprise": "surprised",
}
"""EmoBox's class, in lower case, → class of all corpora, where it is another word."""


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
    names = _list_names(_read(folder / "label_map.json", _Map).root)
    sets = _read_sets(folder)
    places = _place(sets, folder)
    described = {clip_id: said for found in sets.values() for clip_id, said in found.items()}
    media = {clip_id: Path(params.root) / said.wav for clip_id, said in described.items()}
    here = _list_present(media, params.root, name)
    return Corpus(
        clips=[_make_clip(clip_id, media[clip_id], described[clip_id], name) for clip_id in here],
        targets=[
            ClipLabels(
                clip_id=f"{name}/{clip_id}",
                split=places[clip_id][0],
                fold=places[clip_id][1],
                labels={
                    "emotion": names.emotion_of(described[clip_id].emo, f"{folder}: {clip_id}")
                },
            )
            for clip_id in here
        ],
        names=names,
        entries=[enter_absent(f"{name}/{clip_id}") for clip_id in sorted(media.keys() - {*here})],
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


def _list_present(media: Mapping[str, Path], root: str, name: str) -> list[str]:
    """Clips whose file is there, in order; raises CorpusError where none is."""
    here = sorted(clip_id for clip_id, path in media.items() if path.is_file())
    if not here:
        raise CorpusError(
            f"{root}: none of the {len(media)} files of {name} is there, the first being "
            f"{next(iter(media.values()))}; mend `root`"
        )
    return here


def _make_clip(clip_id: str, path: Path, said: Described, name: str) -> Clip:
    return Clip(
        clip_id=f"{name}/{clip_id}",
        corpus=name,
        path=path.as_posix(),
        start_seconds=said.start_time,
        end_seconds=said.end_time,
    )


def _list_names(words: Mapping[str, str]) -> Names:
    plain = {word: SPELLED.get(name.lower(), name.lower()) for word, name in words.items()}
    return Names(emotion=sorted(set(plain.values())), words=plain)


def _place(
    sets: Mapping[Path, Mapping[str, Described]], folder: Path
) -> dict[str, tuple[str | None, int | None]]:
    """Clip → its side and its fold, one of which is None."""
    folds = {int(path.parent.name.removeprefix("fold_")) for path in sets}
    places: dict[str, tuple[str | None, int | None]] = {}
    for path, clips in sets.items():
        fold = int(path.parent.name.removeprefix("fold_"))
        side = SPLITS[path.stem.split("_")[-3]]
        for clip_id in clips:
            if len(folds) == 1:
                places[clip_id] = (side, None)
            elif side == "test":
                if clip_id in places and places[clip_id][1] is not None:
                    raise CorpusError(f"{folder}: {clip_id} is tested in two folds; get it again")
                places[clip_id] = (None, fold - 1)
            else:
                places.setdefault(clip_id, (None, None))
    return places
