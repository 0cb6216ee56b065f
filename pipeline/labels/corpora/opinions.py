"""Opinions in videos from the web: CMU-MOSI, CMU-MOSEI and CH-SIMS, each segment with a sentiment.

Zadeh et al., IEEE Intelligent Systems 2016 and ACL 2018; Yu et al., ACL 2020. Two forms:

- `label.csv`, as shipped with CH-SIMS and in circulation for the others: `video_id`, `clip_id`,
  `text`, `label` and `mode` (train, valid, test); the film of a segment is
  `Raw/<video_id>/<clip_id>.mp4`.
- `.csd`, of the CMU Multimodal SDK, which is HDF5: a file whose name has `Labels` with sentiment
  and, for MOSEI, happy, sad, anger, surprise, disgust and fear of each segment and its stretch; one
  with `Words` and their stretches; whole videos by their name. Files of single segments, as some
  copies have them, are counted otherwise and not taken. The SDK has the split, by video; a
  segment of a video that is on no side of it takes part in none.

Without any film the words alone are the corpus. Sentiment is from -3 to 3, of CH-SIMS from -1 to 1,
emotions from 0 to 3, several at once; in a `.csd` by the names that its metadata give its columns,
else in the order above. Some segments have numbers beyond, which are no labels, and
some a stretch that ends before it begins, which are no clips. All of a video is one group.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from pipeline.errors import CorpusError, StoreError
from pipeline.labels.clip_labels import ClipLabels, Label
from pipeline.labels.clips import NO_MEDIA, Clip
from pipeline.labels.corpora.contract import Corpus
from pipeline.labels.corpora.files import enter_unnamed, find_files
from pipeline.labels.corpora.official import list_official
from pipeline.labels.corpora.params import CorpusParams
from pipeline.labels.corpora.sheets import read_rows
from pipeline.labels.emotions import Names
from pipeline.limits import MOST_CLIPS, MOST_SPOKEN, limit_unpacked
from pipeline.store.foreign import load_dataset, open_foreign
from pipeline.store.ledger import Entry

WORDS = {
    "happy": "happy",
    "sad": "sad",
    "anger": "angry",
    "surprise": "surprised",
    "disgust": "disgust",
    "fear": "fearful",
}
"""Emotions in the order of MOSEI's columns, after sentiment."""
COLUMNS = ("sentiment", *WORDS)
"""In the order that MOSEI's README tells."""
NAMES = Names(emotion=list(WORDS.values()), words=WORDS)

MOST = {"chsims": 1.0, "mosei": 3.0, "mosi": 3.0}
"""Corpus → its greatest sentiment."""
MOST_EMOTION = 3.0

SPLITS = {"train": "train", "valid": "val", "test": "test"}
VIDEOS = (".mp4", ".mkv", ".avi", ".mov")
TABLE = "label.csv"
SILENCE = "sp"
"""What stands for a pause among words."""

NAMES_BYTES = 2**16
"""Of the names of columns at most: seven words are some ten bytes each."""

TIME_BYTES = 8
"""Of a time in memory, whatever it takes in the file."""


@dataclass(frozen=True)
class Segment:
    """One segment of a video: labels as the authors have them, a stretch where it is no file."""

    video: str
    name: str
    words: str | None
    sentiment: float
    emotions: tuple[float, ...] = ()
    stretch: tuple[float, float] | None = None
    split: str | None = None

    @property
    def is_forward(self) -> bool:
        """Whether it is a file, or a stretch that begins before it ends."""
        return self.stretch is None or 0 <= self.stretch[0] < self.stretch[1]


def read(params: CorpusParams) -> Corpus:
    """Clips of all segments; raises CorpusError where there is neither form, or another."""
    root = Path(params.root)
    segments = sorted(_read_segments(root, params.kind), key=lambda one: (one.video, one.name))
    for former, segment in pairwise(segments):
        if (former.video, former.name) == (segment.video, segment.name):
            told = f"{segment.video}, {segment.name}"
            raise CorpusError(f"{root}: segment {told} is there twice; keep one")
    files = find_files(root, VIDEOS, "the corpus")
    films = _name_films(files)
    used = [one for one in segments if one.is_forward]
    backward = [one for one in segments if not one.is_forward]
    clips = [_make_clip(one, films, params.kind) for one in used]
    filmed = any(clip.path != NO_MEDIA for clip in clips)
    return Corpus(
        clips=clips,
        targets=[_label(one, params.kind) for one in used],
        names=NAMES,
        entries=[
            *(_enter_backward(one, params.kind) for one in backward),
            *(entry for one in used for entry in _enter_strange(one, params.kind)),
            *_enter_unplaced(used, params.kind),
            *(
                Entry(clip.clip_id, "labels", "marked", "no_file", "its words are there alone")
                for clip in clips
                if filmed and clip.path == NO_MEDIA
            ),
            *enter_unnamed(_list_segments(films, segments), clips, root),
        ],
    )


def _read_segments(root: Path, kind: str) -> Iterator[Segment]:
    if (root / TABLE).is_file():
        return _read_table(root / TABLE)
    files = find_files(root, (".csd",), "the corpus")
    labels = [path for path in files if "label" in path.stem.lower()]
    if len(labels) != 1:
        found = ", ".join(str(path.relative_to(root)) for path in labels) or "none"
        raise CorpusError(
            f"{root}: expected {TABLE}, or one file such as CMU_MOSEI_Labels.csd, found {found}; "
            f"mend `root`"
        )
    words = [path for path in files if "words" in path.stem.lower()]
    return _read_sequences(labels[0], words[0] if words else None, list_official(kind))


def _read_table(path: Path) -> Iterator[Segment]:
    rows = read_rows(path, ("video_id", "clip_id", "text", "label", "mode"))
    for number, row in enumerate(rows, start=1):
        try:
            yield Segment(
                video=row["video_id"].strip(),
                name=row["clip_id"].strip(),
                words=row["text"].strip() or None,
                sentiment=float(row["label"]),
                split=SPLITS[row["mode"].strip()],
            )
        except (KeyError, ValueError) as error:
            raise CorpusError(
                f"{path}: row {number}: expected a number as label, and mode train, valid or test, "
                f"got {row['label']!r} and {row['mode']!r}; restore the table"
            ) from error


Sequences = tuple[np.ndarray, Float64[np.ndarray, "rows 2"]]


@contextmanager
def _open_csd(path: Path) -> Iterator[dict[str, Any]]:
    """`data` and `metadata` of a computational sequence; raises CorpusError where it is none."""
    try:
        with open_foreign(path) as found:
            (top,) = found.values()
            yield _take_group(top, path.stem)
    except StoreError as error:
        raise CorpusError(
            f"{path}: not a readable computational sequence ({error}); get it again"
        ) from error


def _take_group(node: Any, name: str) -> dict[str, Any]:
    """`node` if it is a group: of a dataset, each look for a name would read all or a row of it."""
    if not isinstance(node, dict):
        raise ValueError(f"expected {name} as a group, got a dataset")
    return node


def read_csd(path: Path) -> Iterator[tuple[str, Sequences]]:
    """Name of each video in a computational sequence, with rows and when they begin and end.

    Raises CorpusError where the file is none, or all of it would take more memory than `limits`
    allow.
    """
    with _open_csd(path) as top:
        left = limit_unpacked(path.stat().st_size)
        for video, node in sorted(_take_group(top["data"], "data").items()):
            entry = _take_group(node, video)
            features = load_dataset(entry["features"], left)
            left -= features.nbytes
            intervals = load_dataset(entry["intervals"], left // TIME_BYTES)
            left -= TIME_BYTES * intervals.size
            timed = intervals.dtype.kind in "iuf" and intervals.shape[1:] == (2,)
            if not timed or len(features) != len(intervals):
                raise CorpusError(
                    f"{path}: {video}: expected a stretch of each row, got "
                    f"{features.shape} and {intervals.dtype} of {intervals.shape}; get the file "
                    f"again"
                )
            yield video, (features, intervals.astype(float))


def read_order(path: Path) -> list[int]:
    """Where each of COLUMNS stands in a computational sequence, by the names of its dimensions.

    Raises CorpusError where it names some of them alone. Without any they stand as in COLUMNS.
    """
    with _open_csd(path) as top:
        said = _take_group(top.get("metadata", {}), "metadata").get("dimension names")
        texts = np.array([]) if said is None else load_dataset(said, NAMES_BYTES)
    names = None
    if texts.size == 1 and texts.dtype.kind == "S":  # of the SDK a list in JSON, or another text
        with suppress(ValueError, RecursionError):
            names = json.loads(texts.item())
    plain = [str(name).strip().casefold() for name in names] if isinstance(names, list) else []
    if not {*plain} & {*COLUMNS[1:]}:
        return list(range(len(COLUMNS)))
    if sorted(plain) != sorted(COLUMNS):
        raise CorpusError(
            f"{path}: expected the dimensions {', '.join(COLUMNS)}, got {', '.join(plain)}; get "
            f"the file again"
        )
    return [plain.index(name) for name in COLUMNS]


def _read_sequences(
    labels: Path, words: Path | None, splits: Mapping[str, str]
) -> Iterator[Segment]:
    spoken = _Spoken(words)
    for count, (video, number, row, (start, end)) in enumerate(_read_rated(labels)):
        if count >= MOST_CLIPS:
            raise CorpusError(f"{labels}: expected at most {MOST_CLIPS:,} segments, got more")
        sentiment, *emotions = map(float, row)
        yield Segment(
            video=video,
            name=f"{number:03}",
            words=spoken.say(video, start, end),
            sentiment=sentiment,
            emotions=tuple(emotions),
            stretch=(float(start), float(end)),
            split=splits.get(video),
        )


def _read_rated(labels: Path) -> Iterator[tuple[str, int, np.ndarray, np.ndarray]]:
    """Video of each segment, its number there, its ratings as in COLUMNS, and its stretch."""
    order = read_order(labels)
    for video, (ratings, intervals) in read_csd(labels):
        numbers = ratings.dtype.kind in "fiu"
        if not numbers or ratings.ndim != 2 or ratings.shape[1] not in (1, len(COLUMNS)):
            raise CorpusError(
                f"{labels}: {video}: expected a sentiment, or that and {len(WORDS)} emotions, got "
                f"{ratings.dtype} of {ratings.shape}; get the file again"
            )
        rows = ratings if ratings.shape[1] == 1 else ratings[:, order]
        for number, (row, stretch) in enumerate(zip(rows, intervals, strict=True)):
            yield video, number, row, stretch


class _Spoken:
    """What is said in the videos of a file of words; nothing without one.

    Raises CorpusError where the file holds others.
    """

    def __init__(self, path: Path | None) -> None:
        self.path, self.left = path, MOST_SPOKEN
        self.videos = {} if path is None else dict(self._read(path))

    def _read(self, path: Path) -> Iterator[tuple[str, tuple[np.ndarray, ...]]]:
        """Words of each video; by the middle of each, their order, middles, and letters before."""
        for video, (words, intervals) in read_csd(path):
            if words.size and (words.dtype.kind != "S" or words.size != len(words)):
                raise CorpusError(
                    f"{path}: {video}: expected words, got {words.dtype} of {words.shape}; name "
                    f"the file otherwise if it holds none"
                )
            middles, texts = intervals.mean(axis=1), words.ravel().astype("S")
            order = np.argsort(middles, kind="stable")
            letters = np.cumsum(np.append(0, np.strings.str_len(texts)[order] + 1))
            yield video, (texts, order, middles[order], letters)

    def say(self, video: str, start: float, end: float) -> str | None:
        """Words whose middle is in a stretch, in the order of the file."""
        if video not in self.videos:
            return None
        words, order, middles, letters = self.videos[video]
        first, last = np.searchsorted(middles, (start, end))
        self.left -= int(letters[last] - letters[first])
        if self.left < 0:
            raise CorpusError(
                f"{self.path}: expected at most {MOST_SPOKEN:,} letters in all segments, got more; "
                f"get the file again"
            )
        texts = [word.decode("utf-8", "replace") for word in words[np.sort(order[first:last])]]
        return " ".join(text for text in texts if text != SILENCE) or None


def _name_films(files: Sequence[Path]) -> dict[str, Path]:
    """`<video>/<clip>`, and `<video>`, → file."""
    found = {}
    for path in files:
        found[f"{path.parent.name}/{path.stem}"] = path
        found.setdefault(path.stem, path)
    return found


def _list_segments(films: Mapping[str, Path], segments: Iterable[Segment]) -> list[Path]:
    """Films but for those of whole videos, which corpora ship beside their segments."""
    videos = {segment.video for segment in segments}
    return sorted({path for path in films.values() if path.stem not in videos})


def _make_clip(segment: Segment, films: dict[str, Path], corpus: str) -> Clip:
    cut = segment.stretch is not None
    film = films.get(segment.video if cut else f"{segment.video}/{segment.name}")
    start, end = segment.stretch or (None, None)
    return Clip(
        clip_id=_name(segment, corpus),
        corpus=corpus,
        path=NO_MEDIA if film is None else film.as_posix(),
        start_seconds=start,
        end_seconds=end,
        group=segment.video,
        dialogue=segment.video,
        transcript=segment.words,
    )


def _name(segment: Segment, corpus: str) -> str:
    return f"{corpus}/{segment.video}/{segment.name}"


def _label(segment: Segment, corpus: str) -> ClipLabels:
    most = MOST[corpus]
    labels: dict[str, Label] = {}
    if abs(segment.sentiment) <= most:
        labels["sentiment"] = segment.sentiment / most
    if segment.emotions and not _list_strange(segment.emotions):
        labels["emotions"] = tuple(zip(WORDS.values(), segment.emotions, strict=True))
    return ClipLabels(clip_id=_name(segment, corpus), split=segment.split, labels=labels)


def _list_strange(emotions: Sequence[float]) -> list[str]:
    named = zip(WORDS.values(), emotions, strict=True)
    return [f"{name} {value:g}" for name, value in named if not 0 <= value <= MOST_EMOTION]


def _enter_strange(segment: Segment, corpus: str) -> Iterator[Entry]:
    """Entry for a segment with a number off its scale."""
    strange = _list_strange(segment.emotions) if segment.emotions else []
    if not abs(segment.sentiment) <= MOST[corpus]:
        strange.insert(0, f"sentiment {segment.sentiment:g}")
    if strange:
        told = f"{', '.join(strange)}: off the scale, no label"
        yield Entry(_name(segment, corpus), "labels", "marked", "off_scale", told)


def _enter_unplaced(segments: Sequence[Segment], corpus: str) -> Iterator[Entry]:
    """Entry for each segment on no side, where others are on one."""
    unplaced = [segment for segment in segments if segment.split is None]
    if len(unplaced) < len(segments):
        for segment in unplaced:
            told = "the official split does not name its video"
            yield Entry(_name(segment, corpus), "labels", "marked", "no_split", told)


def _enter_backward(segment: Segment, corpus: str) -> Entry:
    start, end = segment.stretch or (0.0, 0.0)
    told = f"its stretch is {start:g} to {end:g} s"
    return Entry(_name(segment, corpus), "labels", "left_out", "no_stretch", told)
