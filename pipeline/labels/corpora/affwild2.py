"""Aff-Wild2: people in videos from the web, rated frame by frame; the data of the ABAW challenges.

Kollias and Zafeiriou, BMVC 2019; by agreement with its authors. Below the root, wherever:

- `VA_Estimation_Challenge`, `EXPR_Recognition_Challenge` (once `…_Classification_…`) and
  `AU_Detection_Challenge`, each with `Train_Set` and `Validation_Set`: a text for each video, or
  for each of two people in it, `<video>_left` and `<video>_right`. Its first line names the
  columns, the next ones are the frames in order. -5 is no rating, -1 no expression or unit; one
  rating without the other is none.
- The videos, `<video>.mp4` or `.avi`. Their rates differ, and some change: frames have the times
  that the file says.
- `cropped_aligned` and later releases beside it, `cropped_aligned_new_50_vids`: a folder for each
  text, with pictures numbered by frame from 1, and gaps where no face was found. Of two folders of
  one name, the one with more pictures counts.

Videos may be on other sides in the other challenge: the first of `tracks` that has one decides.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
from jaxtyping import Float64

from pipeline.engines import LOCAL, run_clips
from pipeline.errors import CorpusError, MediaError
from pipeline.files import open_regular, walk_folders
from pipeline.labels.clip_labels import FRAMES_SCHEMA, ClipLabels
from pipeline.labels.clips import Clip
from pipeline.labels.corpora.contract import Corpus
from pipeline.labels.corpora.files import enter_absent, enter_unnamed
from pipeline.labels.corpora.params import Affwild2Params, Track
from pipeline.labels.emotions import Names
from pipeline.labels.texts import read_text
from pipeline.media.streams import find_video, open_media
from pipeline.store.ledger import Entry
from pipeline.targets import UNITS

EXPRESSIONS = {
    "Neutral": "neutral",
    "Anger": "angry",
    "Disgust": "disgust",
    "Fear": "fearful",
    "Happiness": "happy",
    "Sadness": "sad",
    "Surprise": "surprised",
    "Other": "other",
}
"""Column of the first line → class, in the order of the numbers below it."""
NAMES = Names(emotion=list(EXPRESSIONS.values()), words=EXPRESSIONS)

LIMIT_SECONDS = 600.0
"""A video's packets are read in seconds, from a slow disk in minutes."""

Times = Float64[np.ndarray, " frames"]
"""When each frame of a video is shown, in seconds."""

FOLDERS: Mapping[Track, str] = {"va": "VA_Estimation", "expr": "EXPR_", "au": "AU_Detection"}
"""What a challenge's folder begins with."""
SIDES = {"Train_Set": "train", "Validation_Set": "val"}
COLUMNS: Mapping[Track, Sequence[str]] = {
    "va": ("valence", "arousal"),
    "expr": tuple(EXPRESSIONS),
    "au": tuple(f"AU{unit}" for unit in UNITS),
}
"""What the first line of a text names."""
WIDTHS: Mapping[Track, int] = {"va": 2, "expr": 1, "au": len(UNITS)}
"""Numbers in each further line: an expression is the place of its name."""
SCALES: Mapping[Track, tuple[float, float]] = {
    "va": (-1, 1),
    "expr": (0, len(EXPRESSIONS) - 1),
    "au": (0, 1),
}
MARKS: Mapping[Track, float] = {"va": -5, "expr": -1, "au": -1}
"""What stands for no label."""

VIDEOS = frozenset({".mp4", ".avi", ".mkv", ".mov"})
CROPS = "cropped_aligned"
DEEPEST = 4
"""Folders below the root in which folders are looked for: crops are millions of files."""

_PERSON = re.compile(r"_(left|right)$")
_SEGMENT = re.compile(r"\[\s*(\d+(?:\.\d*)?)s? - (\d+(?:\.\d*)?)s?\]\s*(.*)", re.ASCII)

Ratings = Float64[np.ndarray, "frames columns"]


@dataclass(frozen=True)
class Stretch:
    """A part of a video, and what is said in it; from 0 to infinity for all of it."""

    start_seconds: float
    end_seconds: float
    words: str | None = None


@dataclass(frozen=True)
class Annotated:
    """One person in one video: the side of the split, and the text of each track."""

    name: str
    side: str
    texts: Mapping[Track, Path]


def read(params: Affwild2Params) -> Corpus:
    """Clips, one for each annotated person, or stretch; raises CorpusError where a text is none."""
    root = Path(params.root)
    folders = list(_walk(root))
    annotated = _find_texts(root, folders, params.tracks)
    videos, crops = _find_videos(folders), _find_crops(folders)
    seen, entries = _see_all(annotated, videos, crops, params.transcripts)
    if not seen:
        raise CorpusError(
            f"{root}: expected the videos of {len(annotated)} texts, found none; put them below it"
        )
    used = {_PERSON.sub("", name) for name in annotated} | annotated.keys()
    spare = [path for name, path in sorted(videos.items()) if name not in used]
    clips = [clip for one in seen for clip in one.list_clips(crops)]
    return Corpus(
        clips=clips,
        targets=[target for one in seen for target in one.list_targets()],
        names=NAMES,
        frames=pa.concat_tables([one.cut() for one in seen]).combine_chunks(),
        entries=[*entries, *enter_unnamed(spare, clips, root)],
    )


@dataclass(frozen=True)
class _Seen:
    """An annotated person in a video with frames at `seconds`: labelled frames, and stretches."""

    person: Annotated
    video: Path
    seconds: Times
    frames: pa.Table
    stretches: Sequence[Stretch]
    remarks: list[tuple[str, str]]

    def list_clips(self, crops: Mapping[str, Path]) -> list[Clip]:
        """A clip of each stretch."""
        name = self.person.name
        return [_make_clip(name, self.video, crops.get(name), one) for one in self.stretches]

    def list_targets(self) -> list[ClipLabels]:
        """The place of each stretch."""
        ids = (_name(self.person.name, one) for one in self.stretches)
        return [ClipLabels(clip_id=clip_id, split=self.person.side) for clip_id in ids]

    def cut(self) -> pa.Table:
        """Labelled frames of all stretches, counted and timed from the start of each.

        At once: each stretch by itself would look at all frames, and a line of a text is one.
        """
        starts, ends = (
            np.array([getattr(one, end) for one in self.stretches])
            for end in ("start_seconds", "end_seconds")
        )
        places = np.searchsorted(ends, self.frames["seconds"].to_numpy(), side="right")
        inside = places < len(ends)
        held, places = self.frames.filter(pa.array(inside)), places[inside]
        ids = pa.array([_name(self.person.name, one) for one in self.stretches], pa.string())
        first = np.searchsorted(self.seconds, starts)
        columns = {
            **{name: held[name] for name in held.column_names},
            "clip_id": ids.take(pa.array(places)),
            "seconds": pa.array(held["seconds"].to_numpy() - starts[places]),
            "frame": pa.array(held["frame"].to_numpy() - first[places]),
        }
        return pa.table({name: columns[name] for name in FRAMES_SCHEMA.names}, schema=FRAMES_SCHEMA)


def _see_all(
    annotated: Mapping[str, Annotated],
    videos: Mapping[str, Path],
    crops: Mapping[str, Path],
    transcripts: str | None,
) -> tuple[list[_Seen], list[Entry]]:
    """Everyone whose video can be read, in order of names; and who cannot be seen, and remarks."""
    seen: list[_Seen] = []
    entries: list[Entry] = []
    filmed = {name: videos.get(name) or videos.get(_PERSON.sub("", name)) for name in annotated}
    times = _time_all(sorted({video for video in filmed.values() if video is not None}))
    for name, person in sorted(annotated.items()):
        video = filmed[name]
        if video is None:
            entries.append(enter_absent(f"affwild2/{name}"))
            continue
        seconds = times[video]
        if isinstance(seconds, MediaError):
            told = "left_out", seconds.reason, seconds.detail
            entries.append(Entry(f"affwild2/{name}", "labels", *told))
            continue
        one = _see(person, video, seconds, read_stretches(transcripts, name))
        if crops and name not in crops:
            one.remarks.append(("no_crops", "no folder of crops has its name"))
        entries += [Entry(f"affwild2/{name}", "labels", "marked", *told) for told in one.remarks]
        seen.append(one)
    return seen, entries


def _time_all(videos: Sequence[Path]) -> dict[Path, Times | MediaError]:
    """Video → what `read_times` makes of it, apart: a header may ask for any memory."""
    return dict(
        run_clips(LOCAL, read_times, videos, workers=1, limit_seconds=lambda _: LIMIT_SECONDS)
    )


def _see(person: Annotated, video: Path, seconds: Times, stretches: Sequence[Stretch]) -> _Seen:
    """Person in a video with frames at `seconds`, with remarks on labels."""
    frames, told = read_frames(person, seconds)
    if late := _count_after(frames, stretches):
        told.append(("outside", f"{late} labelled frames come after its transcript"))
    return _Seen(person, video, seconds, frames, stretches, told)


def _walk(root: Path) -> Iterator[Path]:
    """Folders below `root`, those of crops but not what is in them."""
    if not root.is_dir():
        raise CorpusError(f"{root}: no such folder; put Aff-Wild2 there, or a link to it")
    for inner, folders, _ in walk_folders(root):
        path = Path(inner)
        yield path
        if path.name.startswith(CROPS) or len(path.relative_to(root).parts) >= DEEPEST:
            folders.clear()


def _find_texts(
    root: Path, folders: Sequence[Path], tracks: Sequence[Track]
) -> dict[str, Annotated]:
    """Name → person, of all that `tracks` annotate; the first track decides on the side."""
    found: dict[str, Annotated] = {}
    for track in tracks:
        for folder in folders:
            if folder.name in SIDES and folder.parent.name.startswith(FOLDERS[track]):
                for text in sorted(folder.glob("*.txt")):
                    if not text.name.startswith("."):
                        known = found.get(text.stem, Annotated(text.stem, SIDES[folder.name], {}))
                        _check_once(text, known.texts.get(track))
                        texts = {**known.texts, track: text}
                        found[text.stem] = Annotated(text.stem, known.side, texts)
    if not found:
        raise CorpusError(
            f"{root}: expected folders of annotations such as VA_Estimation_Challenge/Train_Set, "
            f"found none; put them there"
        )
    return found


def _check_once(path: Path, other: Path | None) -> None:
    """Refuse a second file of one name: of two releases, one would be taken by chance."""
    if other is not None:
        raise CorpusError(f"{path}: {other} is of the same video; keep one release of the two")


def _find_videos(folders: Sequence[Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for folder in folders:
        if folder.name.startswith(CROPS):
            continue
        for path in sorted(folder.iterdir()):
            if path.suffix.lower() in VIDEOS and not path.name.startswith("."):
                _check_once(path, found.get(path.stem))
                found[path.stem] = path
    return found


def _find_crops(folders: Sequence[Path]) -> dict[str, Path]:
    """Name → folder of its crops; of two releases, the one with more pictures.

    An archive may unpack to a folder of its own name within that.
    """
    found: dict[str, Path] = {}
    releases = [folder for folder in folders if folder.name.startswith(CROPS)]
    inner = [path for release in releases for path in sorted(release.glob(f"{CROPS}*/"))]
    for release in [*releases, *inner]:
        for path in (child for child in sorted(release.iterdir()) if child.is_dir()):
            other = found.get(path.name)
            if other is None or len(os.listdir(path)) > len(os.listdir(other)):
                found[path.name] = path
    return found


def read_times(video: Path) -> Times:
    """When each frame of `video` is shown, in seconds; raises MediaError where it has none."""
    with open_media(video) as media:
        stream = find_video(media)
        lane = media.lane(stream) if stream is not None else None
        if lane is None or not lane.times:
            raise MediaError("no_video", "expected a stream of pictures, got none; get it again")
        return np.array([float(time) for time in lane.times])


def read_frames(person: Annotated, seconds: Times) -> tuple[pa.Table, list[tuple[str, str]]]:
    """Labelled frames of a video; remarks on labels of frames that are not there, or off scale."""
    columns: dict[str, np.ndarray] = {}
    told = []
    for track, text in person.texts.items():
        ratings = read_ratings(text, track)
        if len(ratings) > len(seconds):
            detail = f"{track}: {len(ratings)} labels for {len(seconds)} frames; the last ones go"
            told.append(("more_labels", detail))
        held = ratings[: len(seconds)]
        low, high = SCALES[track]
        marked = held == MARKS[track]
        off = ~marked & ~((held >= low) & (held <= high))
        if off.any():
            detail = f"{track}: {off.any(axis=1).sum()} frames with numbers off their scale"
            told.append(("off_scale", detail))
        wrong = marked | off
        if track == "va":
            wrong = wrong.any(axis=1, keepdims=True)
        held = np.where(wrong, np.nan, held)
        padded = np.full((len(seconds), held.shape[1]), np.nan)
        padded[: len(held)] = held
        columns[track] = padded
    return _tabulate(columns, seconds), told


def read_ratings(text: Path, track: Track) -> Ratings:
    """Numbers of each frame in an annotation; raises CorpusError where it is none of `track`."""
    header = COLUMNS[track]
    try:
        with open_regular(text) as file:
            first, rest = file.readline().removesuffix(b"\n"), file.read()
        names = [name.strip() for name in first.decode().strip().split(",")]
        width = WIDTHS[track]
        if names != list(header):
            raise CorpusError(
                f"{text}: expected a first line {','.join(header)}, got {first.decode()!r}; "
                f"restore it"
            )
        if not rest.strip():
            return np.empty((0, width))
        table = pyarrow.csv.read_csv(
            pa.BufferReader(rest),
            read_options=pyarrow.csv.ReadOptions(column_names=[f"c{n}" for n in range(width)]),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types={f"c{n}": pa.float64() for n in range(width)}
            ),
        )
    except (OSError, UnicodeDecodeError, pa.ArrowException) as error:
        raise CorpusError(
            f"{text}: expected numbers of each frame ({error}); restore it"
        ) from error
    return np.stack([column.to_numpy() for column in table.columns], axis=1)


def _tabulate(columns: Mapping[str, np.ndarray], seconds: np.ndarray) -> pa.Table:
    """Frames that have a label, without the clip that they are of."""
    frames = len(seconds)
    ratings = columns.get("va", np.full((frames, 2), np.nan))
    classes = columns.get("expr", np.full((frames, 1), np.nan))[:, 0]
    known = ~np.isnan(classes)
    numbers = np.where(known, classes, 0).astype(np.int64)
    names = pa.DictionaryArray.from_arrays(
        pa.array(numbers, mask=~known), pa.array(NAMES.emotion)
    ).cast(pa.string())
    units = columns.get("au", np.full((frames, len(UNITS)), np.nan))
    labelled = known | ~np.isnan(ratings).any(axis=1) | ~np.isnan(units).all(axis=1)
    held = {
        "frame": pa.array(np.arange(frames)),
        "seconds": pa.array(seconds),
        "emotion": names,
        "valence": pa.array(ratings[:, 0], from_pandas=True),
        "arousal": pa.array(ratings[:, 1], from_pandas=True),
        **{
            f"au{unit}": pa.array(column, from_pandas=True)
            for unit, column in zip(UNITS, units.T, strict=True)
        },
    }
    return pa.table(held).filter(pa.array(labelled))


def _count_after(frames: pa.Table, stretches: Sequence[Stretch]) -> int:
    """Labelled frames that no stretch reaches."""
    return int(np.count_nonzero(frames["seconds"].to_numpy() >= stretches[-1].end_seconds))


def read_stretches(folder: str | None, name: str) -> list[Stretch]:
    """Stretches that a transcript cuts its video into, each from the end of the one before.

    Lines are such as `[0.00s - 3.20s] Hello.`; without a folder, a file, or a line the video is one
    stretch. Raises CorpusError for a line of another form, or one that ends before it begins.
    """
    path = Path(folder or "", f"{_PERSON.sub('', name)}.txt")
    if folder is None or not path.is_file():
        return [Stretch(0.0, np.inf)]
    lines = read_text(path, "restore it").splitlines()
    stretches: list[Stretch] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        found = _SEGMENT.fullmatch(line.strip())
        begin = stretches[-1].end_seconds if stretches else 0.0
        if found is None or float(found[2]) <= begin:
            raise CorpusError(
                f"{path}: line {number}: expected `[start s - end s] words` that ends after "
                f"{begin:g} s, got {line!r}; mend it"
            )
        stretches.append(Stretch(begin, float(found[2]), found[3].strip() or None))
    return stretches or [Stretch(0.0, np.inf)]


def _name(name: str, stretch: Stretch) -> str:
    """Id of a clip."""
    if np.isinf(stretch.end_seconds):
        return f"affwild2/{name}"
    return f"affwild2/{name}@{stretch.start_seconds:010.3f}-{stretch.end_seconds:010.3f}"


def _make_clip(name: str, video: Path, crops: Path | None, stretch: Stretch) -> Clip:
    whole = np.isinf(stretch.end_seconds)
    return Clip(
        clip_id=_name(name, stretch),
        corpus="affwild2",
        path=video.as_posix(),
        start_seconds=None if whole else stretch.start_seconds,
        end_seconds=None if whole else stretch.end_seconds,
        subject=name,
        group=_PERSON.sub("", name),
        transcript=stretch.words,
        crops=None if crops is None else crops.as_posix(),
    )
