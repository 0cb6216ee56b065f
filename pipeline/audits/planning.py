"""Planning: what each stage would do, counted and measured before anything is spent.

What is there is counted by the keys that the stages themselves go by. Times and sizes come from a
few clips that go through the stages' own functions in memory, and grow with the length of media.
"""

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import pyarrow as pa

from pipeline.cleaning.sound import PROVENANCE as SOUND
from pipeline.cleaning.sound import decode_clip
from pipeline.encoders import ENCODERS, Encoder, FeatureParams
from pipeline.errors import MediaError
from pipeline.extraction.ceilings import measure_bytes
from pipeline.extraction.source import DTYPE, Source, encode_clips
from pipeline.extraction.views import View
from pipeline.faces.cutting import cut_clip
from pipeline.faces.params import FacesParams
from pipeline.faces.searching import resolve_detector
from pipeline.faces.stores import describe_crops, list_stores, make_stores
from pipeline.files import digest_json
from pipeline.heads import HEADS, HeadParams
from pipeline.labels.clips import CLEAN_SCHEMA, Clip, read_clips
from pipeline.labels.labelling import label_corpus
from pipeline.labels.runs import find_trained, list_runs
from pipeline.media.probe import probe_media
from pipeline.params import Params
from pipeline.paths import CLIPS, DATA, OVERRIDES
from pipeline.rows import Modality
from pipeline.store import ROW_FORMATS
from pipeline.store.ledger import read_ledger
from pipeline.store.provenance import Provenance, derive_key
from pipeline.store.reader import MediaStore, open_media
from pipeline.store.work import WorkParts
from pipeline.store.writer import Made
from pipeline.words.params import TranscribeParams
from pipeline.words.texts import is_heard
from pipeline.words.transcripts import describe_source

Item = TypeVar("Item")

PROBES = 50
"""Files whose headers are read for the length of those that were not cleaned yet."""


@dataclass(frozen=True)
class Setting:
    """What is asked for, where the data and the work store lie, and how many clips to try.

    The clips in `trained` have views where a feature set asks for some.
    """

    params: Params
    data: Path
    work: Path
    sample: int
    trained: frozenset[str] = frozenset()


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
    labelled = label_corpus(params.corpus, params.splits, project / OVERRIDES)
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
    found = [clip for clip in found if clip.media_digest or clip.clip_id not in settled]
    length = estimate_length([clip for clip in found if _is_raw(clip)])
    return [replace(c, duration_seconds=length) if _is_raw(c) else c for c in found]


def estimate_length(clips: Sequence[Clip]) -> float:
    """Mean seconds of `clips`, by the headers of some of them; 0 where none can be read."""
    lengths = []
    for clip in spread(clips, PROBES):
        try:
            probe = probe_media(Path(clip.path), clip.start_seconds, clip.end_seconds)
        except MediaError:
            continue
        lengths.append(probe.duration_seconds)
    return sum(lengths) / len(lengths) if lengths else 0.0


def spread(items: Sequence[Item], count: int) -> list[Item]:
    """At most `count` of `items`, from the first on, at even distances."""
    step = max(1.0, len(items) / count)
    return [items[int(number * step)] for number in range(min(count, len(items)))]


def measure(work: Callable[[list[Item]], int], items: Sequence[tuple[Item, float]]) -> Sample:
    """What `work` costs for `items`, each with its media seconds; it returns bytes to be written.

    The first item goes through once more beforehand, so that what is loaded once does not count.
    """
    if not items:
        return Sample(0, 0.0, 0.0, 0)
    chosen = [item for item, _ in items]
    work(chosen[:1])
    start = time.perf_counter()
    written = work(chosen)
    seconds = time.perf_counter() - start
    return Sample(len(items), sum(length for _, length in items), seconds, written)


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


def plan_clean(clips: Sequence[Clip], setting: Setting) -> Forecast:
    """Forecast of stage `clean`: clips whose sound is not in the work store."""
    to_do = _find_missing(clips, SOUND, setting)
    sample = measure(_pack_sounds, _choose(to_do, setting))
    return forecast("clean", to_do, len(clips), sample, setting.params.clean.workers)


def plan_faces(clips: Sequence[Clip], setting: Setting) -> Forecast:
    """Forecast of stage `faces`: clips that have, or may have, pictures, and lack their crops."""
    params = resolve_detector(setting.params.faces)
    filmed = [clip for clip in clips if _may_have(clip, "face", setting.params.transcribe)]
    crops = describe_crops(params)
    lacking = {
        clip.clip_id: clip
        for name in list_stores(params)
        for clip in _find_missing(filmed, crops[name], setting)
    }
    to_do = list(lacking.values())
    sample = measure(partial(_pack_crops, params=params), _choose(to_do, setting))
    return forecast("faces", to_do, len(filmed), sample, params.workers)


def plan_words(clips: Sequence[Clip], setting: Setting) -> Forecast:
    """Forecast of stage `transcribe`, which copies the corpus's own words, and may hear others."""
    if setting.params.transcribe.model is not None:
        return plan_hearing(clips, setting)
    media = _open_current(setting, "text")
    to_do = [clip for clip in clips if media is None or clip.clip_id not in media]
    size = sum(len((clip.transcript or "").encode()) for clip in to_do)
    counts = len(to_do), len(clips)
    return Forecast("transcribe", *counts, _sum_seconds(to_do), None, size, "copied, not timed")


def plan_hearing(clips: Sequence[Clip], setting: Setting) -> Forecast:
    """Forecast of stage `transcribe` with a model: clips to hear whose words the work store lacks.

    The corpus's own words are counted with those that are there: to copy them takes no time.
    """
    from pipeline.words.whisper.checkpoint import Checkpoint  # torch: seconds
    from pipeline.words.whisper.listening import Listener
    from pipeline.words.whisper.transcriber import measure_hearing

    params, audio = setting.params.transcribe, _open_current(setting, "audio")
    checkpoint = Checkpoint(params)
    fingerprint = checkpoint.provenance.fingerprint
    parts = WorkParts(setting.work, fingerprint, "parquet")
    to_do = [
        clip
        for clip in clips
        if _may_have(clip, "audio", params)
        and is_heard(clip, params)
        and (_is_raw(clip) or (clip.clip_id, _derive_heard(clip, fingerprint)) not in parts)
    ]
    tables = [
        (table, seconds)
        for clip, seconds in _choose(to_do, setting)
        if (table := _read_media(clip, "audio", audio, setting)) is not None
    ]
    hear = partial(measure_hearing, Listener(checkpoint)) if tables else len
    sample = measure(hear, tables)
    return forecast("transcribe", to_do, len(clips), sample)


def plan_extract(
    name: str, params: FeatureParams, clips: Sequence[Clip], setting: Setting
) -> Forecast:
    """Forecast of stage `extract@<name>`: clips whose rows, or views, are not in the work store."""
    encoder: Encoder = ENCODERS.load(params.encoder).Encoder(params)
    media = _open_current(setting, params.modality)
    transcribe = setting.params.transcribe
    asked = [clip for clip in clips if _may_have(clip, params.modality, transcribe)]
    to_do = _list_copies(asked, params, setting)
    if media is not None:
        source = Source(params, encoder, media, setting.trained)
        new = [clip for clip in clips if clip.clip_id not in media]
        held = [clip for clip in clips if clip.clip_id in source.keys]
        lacking = _find_lacking(source, _list_copies(held, params, setting), setting)
        asked, to_do = [*held, *new], [*lacking, *_list_copies(new, params, setting)]
    tables = [
        ((table, copy.view), copy.clip.duration_seconds or 0.0)
        for copy in spread(to_do, setting.sample)
        if (table := _read_media(copy.clip, params.modality, media, setting)) is not None
    ]
    sample = measure(partial(_encode, encoder, params), tables)
    media_of = [copy.clip for copy in to_do]
    found = forecast(f"extract@{name}", media_of, len(asked), sample, params.workers)
    return replace(found, to_do=len({copy.clip.clip_id for copy in to_do}))


def plan_train(name: str, params: HeadParams, clips: int, runs: int) -> Forecast:
    """Forecast of stage `train@<name>`, counted and not timed."""
    solved = HEADS.load(params.kind).Head.solved
    epochs = "solved at once" if solved else f"at most {params.training.epochs} epochs"
    remark = f"{runs} runs, {epochs}, not timed"
    return Forecast(f"train@{name}", clips, clips, 0.0, None, None, remark)


@dataclass(frozen=True)
class Copy:
    """What of a clip is encoded: itself, or a view."""

    clip: Clip
    view: View | None

    @property
    def id(self) -> str:
        """Its id in the feature set."""
        return self.view.id if self.view else self.clip.clip_id


def _list_copies(clips: Iterable[Clip], params: FeatureParams, setting: Setting) -> list[Copy]:
    """Each of `clips` and its views."""
    copies = []
    for clip in clips:
        views = params.views if clip.clip_id in setting.trained else 0
        numbered = [View(clip.clip_id, number) for number in range(1, views + 1)]
        copies += [Copy(clip, view) for view in (None, *numbered)]
    return copies


def _find_lacking(source: Source, copies: Iterable[Copy], setting: Setting) -> list[Copy]:
    """Those of `copies` whose rows the work store has in no format."""
    fingerprint, keys = source.provenance.fingerprint, source.keys
    parts = [WorkParts(setting.work, fingerprint, name) for name in ROW_FORMATS]
    return [copy for copy in copies if not any((copy.id, keys[copy.id]) in p for p in parts)]


def _is_raw(clip: Clip) -> bool:
    return clip.media_digest is None


def _may_have(clip: Clip, modality: Modality, transcribe: TranscribeParams) -> bool:
    """Whether the clip has the modality, or may have it as far as is known."""
    if modality == "text" and transcribe.model is not None and is_heard(clip, transcribe):
        modality = "audio"
    known = {"audio": clip.audio_hz, "text": clip.transcript}.get(modality, clip.fps)
    return known is not None or (_is_raw(clip) and modality != "text")


def _place_of(clip: Clip) -> tuple[str, float | None, float | None]:
    return clip.path, clip.start_seconds, clip.end_seconds


def _find_missing(clips: Iterable[Clip], provenance: Provenance, setting: Setting) -> list[Clip]:
    """Clips that `clean` has not seen, and those whose key the work store lacks."""
    fingerprint = provenance.fingerprint
    parts = WorkParts(setting.work, fingerprint, "parquet")
    return [
        clip
        for clip in clips
        if _is_raw(clip) or (clip.clip_id, clip.derive_key(fingerprint)) not in parts
    ]


def _derive_heard(clip: Clip, fingerprint: str) -> str:
    """Key of what a model hears in a clip."""
    return derive_key(digest_json([clip.derive_key(SOUND.fingerprint)]), fingerprint)


def _choose(clips: Sequence[Clip], setting: Setting) -> list[tuple[Clip, float]]:
    """Clips to try, each with its length."""
    return [(clip, clip.duration_seconds or 0.0) for clip in spread(clips, setting.sample)]


def _sum_seconds(clips: Iterable[Clip]) -> float:
    return math.fsum(clip.duration_seconds or 0.0 for clip in clips)


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
        return SOUND
    return describe_crops(resolve_detector(params.faces))[modality]


def _read_media(
    clip: Clip, modality: Modality, media: MediaStore | None, setting: Setting
) -> Any | None:
    """Rows of a clip in `data/<modality>`, or as they would be; None where it has none."""
    if media is not None and media.has_rows(clip.clip_id):
        return media[clip.clip_id]
    if modality == "audio":
        return decode_clip(clip).content
    if modality == "text":
        row = {"start_seconds": 0.0, "end_seconds": 1.0, "text": clip.transcript}
        return pa.Table.from_pylist([row]) if clip.transcript else None
    return _cut(clip, resolve_detector(setting.params.faces))[modality].content


def _pack_sounds(clips: Sequence[Clip]) -> int:
    contents: list[Any] = [decode_clip(clip).content for clip in clips]
    return sum(content.nbytes for content in contents if content is not None)


def _pack_crops(clips: Sequence[Clip], params: FacesParams) -> int:
    contents: list[Any] = [made.content for clip in clips for made in _cut(clip, params).values()]
    return sum(content.nbytes for content in contents if content is not None)


def _cut(clip: Clip, params: FacesParams) -> dict[str, Made]:
    """Store → what `clip` gives to it."""
    with TemporaryDirectory() as folder:
        return make_stores(cut_clip(clip, params=params, folder=Path(folder)))


def _encode(
    encoder: Encoder, params: FeatureParams, copies: Sequence[tuple[pa.Table, View | None]]
) -> int:
    """Bytes of the rows of a batch as they are stored."""
    media = {str(number): table for number, (table, _) in enumerate(copies)}
    views = {str(number): View(str(number), 1) for number, (_, view) in enumerate(copies) if view}
    encoded = encode_clips(encoder, params, media, media, views)
    return sum(measure_bytes(rows, DTYPE.itemsize) for _, rows in encoded)
