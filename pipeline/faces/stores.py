"""Packing: every clip's people, their face crops, and whole frames if asked for, as stores."""

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from pathlib import Path

import pyarrow as pa
from pydantic import ValidationError

from pipeline.engines import LOCAL, EngineParams, run_clips
from pipeline.errors import MediaError, StoreError, tell_first
from pipeline.faces import DETECTORS, GIVEN
from pipeline.faces.cutting import Cut, cut_clip
from pipeline.faces.params import FacesParams
from pipeline.faces.searching import list_weights, resolve_detector
from pipeline.faces.serving import list_devices, serve_detector
from pipeline.faces.spool import take_rows
from pipeline.faces.tables import SCHEMAS
from pipeline.files import digest_file
from pipeline.labels.clips import Clip
from pipeline.labels.pending import PendingMedia, find_pending
from pipeline.limits import FILM_BYTES_A_SECOND
from pipeline.media.sampling import SAMPLED
from pipeline.progress import track
from pipeline.store.index import Location, rowless
from pipeline.store.ledger import Entry, check_share, enter_clips
from pipeline.store.provenance import Provenance, derive_key
from pipeline.store.reader import MediaStore
from pipeline.store.writer import Made, StoreWriter

VERSION = 3
"""Raised whenever sampling, linking, choosing, cropping or scaling changes."""

SPARSE_SHARE = 0.8
"""A clip with a face in a smaller share of its frames is marked."""


def pack_faces(
    clips: Sequence[Clip],
    params: FacesParams,
    out: Path,
    work: Path,
    *,
    engine: EngineParams = LOCAL,
) -> None:
    """Write the stores `out`/face, `out`/tracks and `out`/scene; a video is decoded once for all.

    Raises ParamsError as `resolve_detector` does, and MoodlineError when more of the clips with
    video than allowed have no face.
    """
    params = resolve_detector(params)
    filmed = [clip for clip in clips if clip.fps is not None]
    blind = [clip.clip_id for clip in clips if clip.fps is None]
    with ExitStack() as stack:
        writers = {
            name: stack.enter_context(StoreWriter(work, provenance, "parquet", SCHEMAS[name]))
            for name, provenance in describe_crops(params).items()
        }
        keys = {name: _derive_keys(filmed, w.provenance) for name, w in writers.items()}
        asked = list_stores(params)
        lacking = {name: frozenset(writers[name].missing(keys[name], out / name)) for name in asked}
        failures = _cut_missing(filmed, params, writers, keys, lacking, engine=engine)
        for name, writer in writers.items():
            writer.close_part()
            wanted = keys[name] if name in asked else {}
            lacked = lacking.get(name, frozenset())
            failed = {clip: failure for clip, failure in failures.items() if clip in lacked}
            locations, entries = _collect(writer, wanted, failed)
            absent = blind if wanted else [clip.clip_id for clip in clips]
            locations.update((clip_id, rowless(clip_id)) for clip_id in absent)
            if name == "face":
                entries += [Entry(clip_id, "faces", "absent", *NO_VIDEO) for clip_id in blind]
                check_share(entries, len(filmed), params.allowed_share)
            writer.publish(out / name, locations, entries if name != "tracks" else [])


def list_uncut(clips: Sequence[Clip], params: FacesParams, work: Path) -> PendingMedia:
    """Those of `clips` with video, or unknown to `clean`, whose pictures the work store lacks."""
    params = resolve_detector(params)
    filmed = [clip for clip in clips if clip.fps is not None or not clip.cleaned]
    crops = describe_crops(params)
    items: dict[str, Clip] = {}
    for made in (crops[name] for name in list_stores(params)):
        items |= find_pending(filmed, made.fingerprint, _derive_keys(filmed, made), work)

    return PendingMedia(
        clips=len(filmed),
        items=items,
        workers=params.workers,
        make=partial(_size_crops, params=params),
        limit_seconds=partial(allow_seconds, a_minute=params.limit_seconds),
    )


def _size_crops(clip: Clip, folder: Path, params: FacesParams) -> int:
    return sum(made.bytes for made in make_crops(clip, folder, params).values())


def make_crops(clip: Clip, folder: Path, params: FacesParams) -> dict[str, Made]:
    """Store → what `clip` gives to it, in this process; `params` as `resolve_detector` has them.

    Rows are in files in `folder` meanwhile.
    """
    return make_stores(cut_clip(clip, params=params, folder=folder))


NO_VIDEO = ("no_video", "no stream of pictures, or none that FFmpeg decodes")


def list_stores(params: FacesParams) -> tuple[str, ...]:
    """Stores that `params` ask rows for."""
    return ("face", "tracks", "scene") if params.scene_pixels else ("face", "tracks")


def describe_crops(params: FacesParams) -> dict[str, Provenance]:
    """Provenance of `face`, `tracks` and `scene`: everything that shapes them.

    `params` are as `resolve_detector` gives them.
    """
    sampled = {"version": VERSION, **asdict(params.sampling)}
    detector = DETECTORS.load(params.detector).Detector
    found = {
        **sampled,
        **params.model_dump(include=_FOUND),
        "detector_version": detector.version,
        "weights_digests": [digest_file(path) for path in list_weights(params)],
    }
    cut = params.model_dump(include=_CUT)
    whole = {"scene_pixels": params.scene_pixels, "jpeg_quality": params.jpeg_quality}
    return {
        "face": Provenance("faces", {**found, **cut}),
        "tracks": Provenance("tracks", found),
        "scene": Provenance("faces", {**sampled, **whole}),
    }


_FOUND = {"detector", "min_score", "search_pixels", "precision", "gap_seconds"}
_CUT = {"choose", "align", "pixels", "margin", "jpeg_quality", "thresholds"}
"""Params that shape who is found in the frames, and their crops."""


def read_params(faces: MediaStore) -> FacesParams:
    """Params that the store of crops was made by, as its settings have them.

    Raises StoreError where these are not the settings of stage `faces`.
    """
    settings = faces.provenance["settings"]
    if (
        absent := {*SAMPLED, *_FOUND, *_CUT, "detector_version", "weights_digests"}
        - settings.keys()
    ):
        raise StoreError(
            f"{faces.path}/store.json: settings.{min(absent)}: expected what stage `faces` has "
            f"there, got none; run `dvc repro faces`"
        )
    digests = settings["weights_digests"]
    if not isinstance(digests, list) or not all(isinstance(one, str) for one in digests):
        raise StoreError(
            f"{faces.path}/store.json: settings.weights_digests: expected a list of digests, got "
            f"{digests!r}; run `dvc repro faces`"
        )
    stated = {name: settings[name] for name in FacesParams.model_fields if name in settings}
    try:
        return FacesParams.model_validate(stated)
    except ValidationError as error:
        raise StoreError(
            f"{faces.path}/store.json: settings.{tell_first(error)}; run `dvc repro faces`"
        ) from error


def _derive_keys(clips: Iterable[Clip], provenance: Provenance) -> dict[str, str]:
    """clip_id → key; crops that the corpus ships count where they are what is taken."""
    keys = {clip.clip_id: clip.derive_key(provenance.fingerprint) for clip in clips}
    if provenance.settings.get("detector") != GIVEN:
        return keys
    return {clip.clip_id: derive_key(keys[clip.clip_id], clip.crops_digest or "") for clip in clips}


def _cut_missing(
    clips: Sequence[Clip],
    params: FacesParams,
    writers: Mapping[str, StoreWriter],
    keys: Mapping[str, Mapping[str, str]],
    lacking: Mapping[str, frozenset[str]],
    *,
    engine: EngineParams,
) -> dict[str, MediaError]:
    """Cut the clips that any store is `lacking`; returns failures that may not hold next time."""
    anywhere = frozenset().union(*lacking.values())
    missing, failures = _find_files(clip for clip in clips if clip.clip_id in anywhere)
    devices = list_devices(params, engine) if missing else []
    with writers["face"].scratch() as folder, serve_detector(params, devices) as servers:
        cuts = run_clips(
            engine,
            partial(cut_clip, params=params, folder=folder, servers=servers),
            missing,
            workers=params.workers,
            limit_seconds=partial(allow_seconds, a_minute=params.limit_seconds),
            gpus=params.device == "cuda" and not servers,
        )
        for clip, cut in track(cuts, f"faces by {params.detector}", len(missing)):
            if isinstance(cut, MediaError):
                failures[clip.clip_id] = cut
                continue
            for name, made in make_stores(cut).items():
                if clip.clip_id in lacking.get(name, ()):
                    writers[name].add(clip.clip_id, keys[name][clip.clip_id], made)
    return failures


def allow_seconds(clip: Clip, a_minute: float) -> float:
    """Longest that the work on `clip` may take: so long for each minute of it, or part of one.

    As many minutes as its file has bytes for: a few pictures may say that they last for years.
    """
    size = os.path.getsize(clip.path) if os.path.isfile(clip.path) else 0
    seconds = min(clip.duration_seconds or 0, size / FILM_BYTES_A_SECOND)
    return a_minute * max(1, math.ceil(seconds / 60))


def _find_files(clips: Iterable[Clip]) -> tuple[list[Clip], dict[str, MediaError]]:
    """Clips whose file is there, and the failure of each of the others."""
    present, failures = [], {}
    for clip in clips:
        if os.path.isfile(clip.path):
            present.append(clip)
        else:
            detail = f"{clip.path}: no such file; link the corpus, or `dvc pull` the faces"
            failures[clip.clip_id] = MediaError("missing", detail)
    return present, failures


def make_stores(cut: Cut) -> dict[str, Made]:
    """Store → its rows of a clip, and the remark it earns; the files of `cut` are gone."""
    rows = {name: take_rows(path) for name, path in cut.rows.items()}
    return {
        "face": _make_faces(cut, rows["face"]),
        "tracks": Made(rows["tracks"] if len(rows["tracks"]) else None),
        "scene": _make_scenes(cut, rows["scene"]),
    }


def _make_faces(cut: Cut, rows: pa.Table) -> Made:
    found = cut.shown + cut.spoilt
    seen = f"a face in {found} of {cut.frames} frames"
    if told := ", ".join(f"{count} {what}" for what, count in cut.poor.items() if count):
        seen = f"{seen}, {sum(cut.poor.values())} crops left out ({told})"
    facts = {"frames": cut.frames, "people": cut.people}
    reason = "poor_faces" if cut.spoilt > cut.frames - found else "face_leaves"
    if not cut.shown:
        reason = "poor_faces" if cut.spoilt else "no_face"
        return Made(None, "left_out", *_explain(cut, reason, seen), facts)
    if cut.broken or cut.shown < SPARSE_SHARE * cut.frames:
        return Made(rows, "marked", *_explain(cut, reason, seen), facts)
    return Made(rows, facts=facts)


def _make_scenes(cut: Cut, rows: pa.Table) -> Made:
    if len(rows):
        return Made(rows, facts={"height": cut.height})
    return Made(None, "left_out", *_explain(cut, "no_frames", "no frame was decoded"))


def _explain(cut: Cut, reason: str, detail: str) -> tuple[str, str]:
    """Reason and detail of a remark: a broken video explains all else."""
    return (cut.broken.reason, cut.broken.detail) if cut.broken else (reason, detail)


def _collect(
    writer: StoreWriter, keys: Mapping[str, str], failures: Mapping[str, MediaError]
) -> tuple[dict[str, Location], list[Entry]]:
    """Where each clip of `keys` lies, and the ledger of those that are not plain."""
    locations = writer.locate({c: key for c, key in keys.items() if c not in failures})
    entries = enter_clips("faces", (place.clip for place in locations.values()))
    for clip_id in keys.keys() & failures.keys():
        locations[clip_id] = rowless(clip_id, "left_out")
        failure = failures[clip_id]
        entries.append(Entry(clip_id, "faces", "left_out", failure.reason, failure.detail))
    return locations, entries
