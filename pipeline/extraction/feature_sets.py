"""Extraction: a store of media through an encoder into a feature set, each clip once."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.encoders.contract import Recall
from pipeline.encoders.params import ENCODERS, FeatureParams
from pipeline.engines import LOCAL, EngineParams, run_clips
from pipeline.engines.ahead import read_ahead
from pipeline.engines.guard import isolate_clips
from pipeline.errors import MediaError, StoreError
from pipeline.extraction.ceilings import Ceilings, Encoded, measure_bytes
from pipeline.extraction.media_numbers import bound_numbers, measure_media
from pipeline.extraction.source import DTYPE, Source, open_source
from pipeline.labels.clip_labels import read_trained
from pipeline.progress import track
from pipeline.rows import Rows
from pipeline.store.index import rowless
from pipeline.store.ledger import Entry, describe_losses, enter_clips
from pipeline.store.provenance import FeatureProvenance
from pipeline.store.writer import Made, StoreWriter

NOT_IMPORTED = ("not_imported", "what was imported has no rows of it")

CRASHED_SHARE = 0.5
"""Where more of the clips crash their encoder, the fault is hardly theirs."""

TASK_BATCHES = 4
"""Most batches of clips that a worker encodes at a time; they are one part at least."""


def extract_features(
    params: FeatureParams,
    media: Path,
    out: Path,
    work: Path,
    *,
    trained: Path | None = None,
    engine: EngineParams = LOCAL,
    check: Callable[[Source], object] = lambda _: None,
) -> None:
    """Make `out` the feature set of the store of media at `media`.

    Views are made of the clips in the table `trained`, where the params ask for some, and their
    media are what the set says of `media`. Clips and
    views that the work store holds under the same key are linked, not encoded. Before any is,
    `check` is given what would encode them, and may raise. Raises
    StoreError as `make_clip` does and where a worker is lost, ParamsError where `Ceilings` are
    met.
    """
    apart = params.workers > 1 or engine != LOCAL
    source = open_source(hold_back(params) if apart else params, media, trained)
    check(source)
    made = source.provenance if trained is None else describe_media(source, read_trained(trained))
    with StoreWriter(work, made, params.format) as writer:
        missing = source.sort(writer.missing(source.keys, out))
        ceilings = Ceilings(out.name, params, len(missing))
        ceilings.check_clips()
        if apart:
            encoded = encode_apart(params, Job.of(params, source, work, trained), engine, missing)
        else:
            encoded = encode_into(writer, source, missing)
        what, limited = f"extract {out.name}", ceilings.limit(encoded)
        done = track(limited, what, len(missing), lambda clip: clip.seconds)
        # Told anew: with its traceback an error holds all that was read beside its clip.
        failures = {
            clip.clip_id: MediaError(clip.failure.reason, clip.failure.detail)
            for clip in done
            if clip.failure is not None
        }
        writer.close_part()
        encoded_now = (clip_id for clip_id in missing if clip_id not in failures)
        writer.adopt({clip_id: source.keys[clip_id] for clip_id in encoded_now})
        publish_features(writer, source, out, failures)


def describe_media(source: Source, trained: Iterable[str]) -> FeatureProvenance:
    """Provenance of the set of `source`, with what the media of the clips `trained` are like."""
    own = [clip_id for clip_id in trained if clip_id in source.media]
    measured = measure_media(source.params.modality, source.media, own)
    return replace(source.provenance, media=bound_numbers([*measured.values()]))


def hold_back(params: FeatureParams) -> FeatureParams:
    """`params` on a processor, uncompiled: enough to know what their encoder is."""
    plain = {"device": "cpu", "compile": False}
    known = type(params).model_fields
    return params.model_copy(update={name: plain[name] for name in plain.keys() & known.keys()})


def publish_features(
    writer: StoreWriter, source: Source, out: Path, failures: Mapping[str, MediaError]
) -> None:
    """Make `out` the set of all clips of `source`, which `writer` holds but for the `failures`.

    A view without rows is no clip that was left out: the ledger is silent on it. Raises StoreError
    where more than CRASHED_SHARE of the clips failed.
    """
    keys = {made: key for made, key in source.keys.items() if made not in failures}
    locations = writer.locate(keys)
    clips = [place.clip for made, place in locations.items() if made not in source.views]
    lost = [
        Entry(clip_id, "extract", "left_out", failure.reason, failure.detail)
        for clip_id, failure in failures.items()
        if clip_id not in source.views
    ]
    if len(lost) > CRASHED_SHARE * (len(source.keys) - len(source.views)):
        raise StoreError(
            f"{out}: expected an encoder that takes most clips, got {len(lost)} failures "
            f"({describe_losses(lost)}); mend the encoder's params or the machine"
        )
    # Clips whose modality is absent: nothing to encode, and the ledger upstream says why.
    silent = [clip_id for clip_id in source.media.index.clip_ids if clip_id not in source.keys]
    if isinstance(source.encoder, Recall):
        lost += [Entry(clip_id, "extract", "left_out", *NOT_IMPORTED) for clip_id in silent]
    locations.update((clip_id, rowless(clip_id)) for clip_id in silent)
    locations.update((clip_id, rowless(clip_id, "left_out")) for clip_id in failures)
    writer.publish(out, locations, [*enter_clips("extract", clips), *lost])


def encode_into(writer: StoreWriter, source: Source, clip_ids: Iterable[str]) -> Iterator[Encoded]:
    """Encode `clip_ids` and add their rows to `writer`; a GPU encodes what follows meanwhile.

    A clip whose encoding raises what nobody foresaw is told as a failure, and adds nothing.
    """
    encoded = isolate_clips(source.encode, clip_ids, source.params.batch)
    for clip_id, rows in read_ahead(encoded) if source.params.device == "cuda" else encoded:
        if isinstance(rows, MediaError):
            yield Encoded(clip_id, 0.0, 0, rows)
            continue
        writer.add(clip_id, source.keys[clip_id], make_clip(clip_id, rows, source.dtype))
        seconds = float(rows.end_seconds.max(initial=0.0))
        yield Encoded(clip_id, seconds, measure_bytes(rows, source.dtype.itemsize))


@dataclass(frozen=True)
class Job:
    """Encoding as another process is told of it: `options` are the params, as JSON."""

    encoder: str
    options: str
    fingerprint: str
    media: Path
    work: Path
    trained: Path | None

    @classmethod
    def of(cls, params: FeatureParams, source: Source, work: Path, trained: Path | None) -> "Job":
        """The job of `params` over the media of `source`; its paths hold in whatever folder."""
        paths = source.media.path.resolve(), work.resolve(), trained and trained.resolve()
        fingerprint = source.provenance.fingerprint
        return cls(params.encoder, params.model_dump_json(), fingerprint, *paths)

    def encode(self, clip_ids: Sequence[str]) -> list[Encoded]:
        """Encode `clip_ids` and commit their rows, in parts of this process alone."""
        source, writer = _begin(self)
        try:
            return list(encode_into(writer, source, clip_ids))
        finally:
            writer.close_part()


@lru_cache(maxsize=1)
def _begin(job: Job) -> tuple[Source, StoreWriter]:
    """What a worker keeps from task to task, until it ends.

    Raises StoreError where its encoder is another one than that of the process it works for.
    """
    params = ENCODERS.find(job.encoder).params.model_validate_json(job.options)
    source = open_source(params, job.media, job.trained)
    if source.provenance.fingerprint != job.fingerprint:
        raise StoreError(
            f"{job.media}: expected a worker with the encoder of fingerprint {job.fingerprint}, "
            f"got {source.provenance.fingerprint}; give each node the same weights and packages"
        )
    return source, StoreWriter(job.work, source.provenance, params.format).__enter__()


def encode_apart(
    params: FeatureParams, job: Job, engine: EngineParams, clip_ids: Sequence[str]
) -> Iterator[Encoded]:
    """Encode `clip_ids` in workers; what they have committed stays, whatever becomes of them.

    Raises StoreError where the same clips end their worker again and again.
    """
    size = max(1, min(TASK_BATCHES * params.batch, len(clip_ids) // (4 * params.workers)))
    tasks = [clip_ids[start : start + size] for start in range(0, len(clip_ids), size)]
    done = run_clips(
        engine,
        job.encode,
        tasks,
        workers=params.workers,
        limit_seconds=None,
        gpus=params.device == "cuda",
    )
    for task, encoded in done:
        if isinstance(encoded, MediaError):
            raise StoreError(
                f"{task[0]} to {task[-1]}: expected rows of these {len(task)} clips, got none: "
                f"{encoded.detail}; look at its memory, or set a smaller batch"
            )
        yield from encoded


def make_clip(clip_id: str, rows: Rows, dtype: np.dtype[Any] = DTYPE) -> Made:
    """Rows as they are stored; raises StoreError where one is not finite, or exceeds `dtype`."""
    if not len(rows):
        return Made(None, "left_out", "no_rows", "too short for the encoder, or empty")
    if not np.isfinite(rows.embedding).all():
        raise StoreError(
            f"{clip_id}: expected finite embeddings, got NaN or infinity; check the clip and the "
            f"encoder's precision, or exclude the clip in data/overrides.csv"
        )
    largest = float(np.abs(rows.embedding).max())
    if largest > float(np.finfo(dtype).max):
        raise StoreError(
            f"{clip_id}: expected values that {dtype.name} can hold, got {largest:g}; "
            f"choose a layer or a scaling with smaller values"
        )
    return Made(replace(rows, embedding=rows.embedding.astype(dtype)))
