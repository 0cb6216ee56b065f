"""Planning: what each stage would do, counted and measured before anything is spent.

What a stage has yet to make is told by its own room, by the keys that the stage itself goes by.
Times and sizes come from a few clips that go through the stages' own functions, and grow with the
length of media. As in the stages, media are opened in processes of their own, for so long at most.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Generic, TypeVar

import pyarrow as pa

from pipeline.cleaning.params import CleanParams
from pipeline.cleaning.sound import decode_clip, derive_keys, describe_sound, list_undecoded
from pipeline.encoders.params import FeatureParams
from pipeline.engines import LOCAL, run_clips
from pipeline.engines.guard import guard_clip
from pipeline.errors import MediaError
from pipeline.extraction.lacking import list_unencoded
from pipeline.faces.params import FacesParams
from pipeline.faces.searching import resolve_detector
from pipeline.faces.stores import allow_seconds, describe_crops, list_uncut, make_crops
from pipeline.heads.params import HEADS
from pipeline.heads.shared.params import HeadParams
from pipeline.labels.clips import CLEAN_SCHEMA, Clip, read_clips
from pipeline.labels.labelling import label_corpora
from pipeline.labels.pending import Inputs, Pending, PendingMedia, PendingRows
from pipeline.labels.reading import read_corpus
from pipeline.labels.runs import find_trained, list_runs
from pipeline.media.probe import probe_media
from pipeline.modalities import Modality
from pipeline.params import Params
from pipeline.paths import CLIPS, DATA, OVERRIDES, SPLITS
from pipeline.store.ledger import read_ledger
from pipeline.store.provenance import Provenance
from pipeline.store.reader import MediaStore, open_media
from pipeline.store.writer import Made
from pipeline.words.params import TranscribeParams
from pipeline.words.texts import get_words, is_heard, pack_words
from pipeline.words.transcripts import describe_source, list_unpacked

Item = TypeVar("Item")
Result = TypeVar("Result")

PROBES = 50
"""Files whose headers are read for the length of those that were not cleaned yet."""

PROBE_SECONDS = 10.0
"""So long may the headers of one file take."""


@dataclass(frozen=True)
class Setting:
    """What is asked for, where the data and the work store lie, and how many clips to try.

    The clips in `trained` have views where a feature set asks for some; those found `broken` are
    not tried again.
    """

    params: Params
    data: Path
    work: Path
    sample: int
    trained: frozenset[str] = frozenset()
    broken: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Sample:
    """What a few clips cost: their length, the time they took, and what they would write."""

    clips: int
    media_seconds: float
    seconds: float
    bytes: int


@dataclass(frozen=True)
class Forecast:
    """What a stage would do; `seconds` and `bytes` are None where they were not measured."""

    stage: str
    to_do: int
    clips: int
    media_seconds: float
    seconds: float | None
    bytes: int | None
    remark: str


def plan_project(project: Path, params: Params, work: Path, sample: int) -> list[Forecast]:
    """Forecasts of the stages from `clean` to `train`, in the order they run.

    `work` is the work store, `sample` the clips to try in each stage.
    """
    read = {name: read_corpus(corpus, name) for name, corpus in params.corpora.items()}
    files = project / OVERRIDES, project / SPLITS
    labelled = label_corpora(read, params.corpora, params.splits, *files)
    trained = frozenset(find_trained(labelled.targets))
    setting = Setting(params, project / DATA, work, sample, trained)
    clips, runs = survey_clips(labelled.clips, project / CLIPS), list_runs(labelled.targets)
    return [
        plan_clean(clips, setting),
        plan_faces(clips, setting),
        plan_words(clips, setting),
        *(plan_extract(name, own, clips, setting) for name, own in params.features.items()),
        *(plan_train(name, own, len(clips), len(runs)) for name, own in params.heads.items()),
    ]


def survey_clips(labelled: Sequence[Clip], cleaned: Path) -> list[Clip]:
    """Clips to plan for: `labelled` ones, without those that `clean` left out.

    They stand as in the folder `cleaned`; one that is not there yet keeps `media_digest` None,
    and has the mean length of its like, by the headers of some of them.
    """
    seen, settled = {}, set()
    if (cleaned / "clips.parquet").is_file():
        clips = read_clips(cleaned / "clips.parquet", CLEAN_SCHEMA)
        seen = {(clip.clip_id, *_place_of(clip)): clip for clip in clips}
        settled = {entry.clip_id for entry in read_ledger(cleaned / "ledger.parquet")}
    found = [seen.get((clip.clip_id, *_place_of(clip)), clip) for clip in labelled]
    found = [clip for clip in found if clip.cleaned or clip.clip_id not in settled]
    length = estimate_length([clip for clip in found if not clip.cleaned])
    return [c if c.cleaned else replace(c, duration_seconds=length) for c in found]


def estimate_length(clips: Sequence[Clip]) -> float:
    """Mean seconds of `clips`, by the headers of some of them; 0 where none can be read."""
    found = run_apart(_probe_length, spread(clips, PROBES), lambda _: PROBE_SECONDS)
    lengths = [length for length in found.values() if not isinstance(length, MediaError)]
    return sum(lengths) / len(lengths) if lengths else 0.0


def _probe_length(clip: Clip, _: Path) -> float:
    """Seconds of a clip by its headers; raises as `probe_media` does."""
    return probe_media(Path(clip.path), clip.start_seconds, clip.end_seconds).duration_seconds


def run_apart(
    make: Callable[[Clip, Path], Result],
    clips: Sequence[Clip],
    limit_seconds: Callable[[Clip], float],
) -> dict[str, Result | MediaError]:
    """clip_id → what `make` makes of it in another process, or what is wrong with it.

    `make` has a folder for what it needs meanwhile, and `limit_seconds` for each clip.
    """
    with TemporaryDirectory() as folder:
        work = partial(_make_in, make, Path(folder))
        done = run_clips(LOCAL, work, clips, workers=1, limit_seconds=limit_seconds)
        return {clip.clip_id: result for clip, result in done}


def _make_in(make: Callable[[Clip, Path], Result], folder: Path, clip: Clip) -> Result:
    return make(clip, folder)


def spread(items: Sequence[Item], count: int) -> list[Item]:
    """At most `count` of `items`, from the first on, at even distances."""
    step = max(1.0, len(items) / count)
    return [items[int(number * step)] for number in range(min(count, len(items)))]


def measure(work: Callable[[list[Item]], int], items: Sequence[tuple[Item, float]]) -> Sample:
    """What `work` costs for `items`, each with its media seconds; it returns bytes to be written.

    One item goes through once more beforehand, so that what is loaded once does not count. Where
    the work breaks off, the items that it takes alone are what is measured.
    """
    if not items:
        return Sample(0, 0.0, 0.0, 0)
    chosen = [item for item, _ in items]
    try:
        guard_clip(work, chosen[:1])
        start = time.perf_counter()
        written = guard_clip(work, chosen)
        seconds = time.perf_counter() - start
    except MediaError:
        taken = [item for item in items if _takes(work, item[0])]
        return measure(work, taken) if len(taken) < len(items) else Sample(0, 0.0, 0.0, 0)
    return Sample(len(items), sum(length for _, length in items), seconds, written)


def _takes(work: Callable[[list[Item]], int], item: Item) -> bool:
    """Whether `work` on `item` alone comes to an end."""
    try:
        guard_clip(work, [item])
    except MediaError:
        return False
    return True


def forecast(
    stage: str, to_do: Sequence[Clip], clips: int, sample: Sample, workers: int = 1
) -> Forecast:
    """`sample` grown to all media of the clips `to_do`, of `clips` in all."""
    media_seconds = _sum_seconds(to_do)
    if not to_do:
        return Forecast(stage, 0, clips, 0.0, 0.0, 0, "all there")
    if not sample.media_seconds:
        remark = "no clip could be tried"
        return Forecast(stage, len(to_do), clips, media_seconds, None, None, remark)
    share = media_seconds / sample.media_seconds
    return Forecast(
        stage,
        len(to_do),
        clips,
        media_seconds,
        seconds=sample.seconds * share / workers,
        bytes=round(sample.bytes * share),
        remark=f"from {sample.clips} clip{'s' * (sample.clips > 1)}",
    )


def forecast_media(stage: str, pending: PendingMedia, setting: Setting) -> Forecast:
    """Forecast of a stage by the media that it has yet to open, some of which are tried."""
    chosen = [pending.items[made] for made in _choose(pending, setting)]
    timed = try_media(Stopwatch(pending.make), chosen, pending.limit_seconds, setting)
    tried = Sample(
        clips=len(timed),
        media_seconds=_sum_seconds(clip for clip in chosen if clip.clip_id in timed),
        seconds=math.fsum(seconds for seconds, _ in timed.values()),
        bytes=sum(size for _, size in timed.values()),
    )
    return _grow(stage, pending, tried)


def forecast_rows(stage: str, pending: PendingRows, setting: Setting) -> Forecast:
    """Forecast of a stage by the rows that it has yet to make, some of which are tried."""
    loaded = pending.load(_choose(pending, setting))
    items = [(one, pending.items[one[0]].duration_seconds or 0.0) for one in loaded.items()]
    return _grow(stage, pending, measure(lambda some: pending.make(dict(some)), items))


def _choose(pending: Pending, setting: Setting) -> list[str]:
    """Items to try."""
    whole = [made for made, clip in pending.items.items() if clip.clip_id not in setting.broken]
    return spread(whole, setting.sample)


def _grow(stage: str, pending: Pending, tried: Sample) -> Forecast:
    to_do = list(pending.items.values())
    found = forecast(stage, to_do, pending.clips, tried, pending.workers)
    return replace(found, to_do=len({clip.clip_id for clip in to_do}))


class Stopwatch(Generic[Result]):
    """Gives the seconds that `make` takes for a clip, with what it makes.

    The first clip of a process goes through once more beforehand, within the same limit, so that
    what is loaded once does not count.
    """

    def __init__(self, make: Callable[[Clip, Path], Result]) -> None:
        self._make = make
        self._loaded = False

    def __call__(self, clip: Clip, folder: Path) -> tuple[float, Result]:
        """Seconds, and what was made."""
        if not self._loaded:
            self._make(clip, folder)
            self._loaded = True
        start = time.perf_counter()
        made = self._make(clip, folder)
        return time.perf_counter() - start, made


def try_media(
    make: Callable[[Clip, Path], Result],
    clips: Sequence[Clip],
    limit_seconds: Callable[[Clip], float],
    setting: Setting,
) -> dict[str, Result]:
    """clip_id → what `make` makes of it, as `run_apart` does; what breaks off is noted."""
    found = run_apart(make, clips, limit_seconds)
    setting.broken.update(name for name, made in found.items() if isinstance(made, MediaError))
    return {name: made for name, made in found.items() if not isinstance(made, MediaError)}


def plan_clean(clips: Sequence[Clip], setting: Setting) -> Forecast:
    """Forecast of stage `clean`."""
    pending = list_undecoded(clips, setting.params.clean, setting.work)
    return forecast_media("clean", pending, setting)


def plan_faces(clips: Sequence[Clip], setting: Setting) -> Forecast:
    """Forecast of stage `faces`."""
    pending = list_uncut(clips, setting.params.faces, setting.work)
    return forecast_media("faces", pending, setting)


def plan_words(clips: Sequence[Clip], setting: Setting) -> Forecast:
    """Forecast of stage `transcribe`, which copies the corpus's own words, and may hear others."""
    params = setting.params.transcribe
    if params.model is not None:
        from pipeline.words.whisper.transcriber import list_unheard  # torch: seconds

        sounds = find_inputs("audio", clips, setting)
        pending = list_unheard(clips, sounds, params, setting.work)
        return forecast_rows("transcribe", pending, setting)
    to_do = list_unpacked(clips, params.context_turns, setting.work)
    size = sum(len(get_words(clip).encode()) for clip in to_do)
    counts = len(to_do), len(clips)
    return Forecast("transcribe", *counts, _sum_seconds(to_do), None, size, "copied, not timed")


def plan_extract(
    name: str, params: FeatureParams, clips: Sequence[Clip], setting: Setting
) -> Forecast:
    """Forecast of stage `extract@<name>`."""
    media = find_inputs(params.modality, clips, setting)
    pending = list_unencoded(params, clips, media, setting.trained, setting.work)
    return forecast_rows(f"extract@{name}", pending, setting)


def plan_train(name: str, params: HeadParams, clips: int, runs: int) -> Forecast:
    """Forecast of stage `train@<name>`, counted and not timed."""
    solved = HEADS.load(params.kind).Head.solved
    epochs = "solved at once" if solved else f"at most {params.training.epochs} epochs"
    remark = f"{runs} runs, {epochs}, not timed"
    return Forecast(f"train@{name}", clips, clips, 0.0, None, None, remark)


def find_inputs(modality: Modality, clips: Sequence[Clip], setting: Setting) -> Inputs:
    """Media of `clips` as they are in `data/<modality>`, or are yet to be made."""
    params, store = setting.params, _open_current(setting, modality)
    held = store.list_keys() if store is not None else {}
    sounds = derive_keys(clips, describe_sound(params.clean)) if modality == "audio" else {}
    named = {clip.clip_id: clip for clip in clips}
    keys: dict[str, str | None] = {}
    for clip_id, clip in named.items():
        if store is not None and clip_id in store:
            keys |= {clip_id: held[clip_id]} if clip_id in held else {}
        elif _may_have(clip, modality, params.transcribe):
            keys[clip_id] = sounds.get(clip_id) if clip.cleaned else None

    def read(clip_ids: Sequence[str]) -> dict[str, pa.Table]:
        held = _read_rows(store, clip_ids) if store is not None else {}
        lacking = [named[clip_id] for clip_id in clip_ids if clip_id not in held]
        return held | _make_rows(lacking, modality, setting)

    return Inputs(keys, read)


def _may_have(clip: Clip, modality: Modality, transcribe: TranscribeParams) -> bool:
    """Whether the clip has the modality, or may have it as far as is known."""
    if modality == "text" and transcribe.model is not None and is_heard(clip, transcribe):
        modality = "audio"
    known = {"audio": clip.audio_hz, "text": clip.transcript}.get(modality, clip.fps)
    return known is not None or (not clip.cleaned and modality != "text")


def _read_rows(store: MediaStore, clip_ids: Sequence[str]) -> dict[str, pa.Table]:
    """Rows of those clips that `store` has some of."""
    held = (clip_id for clip_id in clip_ids if store.has_rows(clip_id))
    return {clip_id: rows for clip_id in held if (rows := store[clip_id]) is not None}


def _make_rows(clips: Sequence[Clip], modality: Modality, setting: Setting) -> dict[str, pa.Table]:
    """Rows as the stage of the modality would make them, of those clips that have any."""
    clean, faces = setting.params.clean, setting.params.faces
    made: Mapping[str, Made]
    if modality == "text":
        made = {clip.clip_id: pack_words(clip) for clip in clips}
    elif modality == "audio":
        decode = partial(_make_sound, params=clean)
        made = try_media(decode, clips, lambda _: clean.limit_seconds, setting)
    else:
        cut = partial(_make_pictures, modality=modality, params=resolve_detector(faces))
        limit = partial(allow_seconds, a_minute=faces.limit_seconds)
        made = try_media(cut, clips, limit, setting)
    return {name: one.content for name, one in made.items() if isinstance(one.content, pa.Table)}


def _make_sound(clip: Clip, _: Path, params: CleanParams) -> Made:
    return decode_clip(clip, params).sound


def _make_pictures(clip: Clip, folder: Path, modality: Modality, params: FacesParams) -> Made:
    return make_crops(clip, folder, params)[modality]


def _open_current(setting: Setting, modality: Modality) -> MediaStore | None:
    """Store of a modality if it is made as the params ask, else None."""
    path = setting.data / modality
    if not (path / "store.json").is_file():
        return None
    store = open_media(path)
    wanted = _describe_media(setting.params, modality)
    return store if store.provenance["fingerprint"] == wanted.fingerprint else None


def _describe_media(params: Params, modality: Modality) -> Provenance:
    if modality == "text":
        return describe_source(params.transcribe)
    if modality == "audio":
        return describe_sound(params.clean)
    return describe_crops(resolve_detector(params.faces))[modality]


def _place_of(clip: Clip) -> tuple[str, float | None, float | None, str | None]:
    return clip.path, clip.start_seconds, clip.end_seconds, clip.crops


def _sum_seconds(clips: Iterable[Clip]) -> float:
    return math.fsum(clip.duration_seconds or 0.0 for clip in clips)
