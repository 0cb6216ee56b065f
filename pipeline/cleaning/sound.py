"""Cleaning: every clip's media opened once, its sound packed, and what cannot be used left out."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

from pipeline.cleaning.params import CleanParams
from pipeline.engines import LOCAL, EngineParams, run_clips
from pipeline.errors import CorpusError, MediaError
from pipeline.files import digest_file, digest_json
from pipeline.labels.clips import CLEAN_SCHEMA, NO_MEDIA, Clip, write_clips
from pipeline.labels.pending import PendingMedia, find_pending
from pipeline.media import AUDIO_HZ
from pipeline.media.audio import (
    Recording,
    encode_flac,
    loudness_dbfs,
    read_recording,
    sound_seconds,
)
from pipeline.media.probe import Probe, probe_media
from pipeline.progress import track
from pipeline.store.index import Location
from pipeline.store.ledger import Entry, check_share, describe_losses, write_ledger
from pipeline.store.parts import PartClip
from pipeline.store.provenance import Provenance
from pipeline.store.writer import Made, StoreWriter

AUDIO_SCHEMA = pa.schema(
    [
        ("clip_id", pa.string()),
        ("hz", pa.int64()),
        ("samples", pa.int64()),
        ("flac", pa.binary()),
    ]
)
"""One row per clip that has sound: mono 16-bit FLAC."""

PROVENANCE = Provenance("clean", {"audio_hz": AUDIO_HZ, "codec": "flac", "version": 4})

FLOOR_DBFS = -200.0
"""Loudness that stands for digital silence, whose own is minus infinity."""

WORDS_SECONDS = 1.0
"""What a clip of words alone is said to last, unless the corpus states its stretch."""

PICTURE = "picture"
"""Word, in the ledger, for a clip that is one picture, which is of any length."""

CLIPPED_SHARE = 0.01
"""Sound of which a larger share is as loud as can be is marked: it was cut off there."""

SOUND_SHARE = 0.9
"""A clip whose sound covers a smaller share of its duration is marked."""

Digest = TypeVar("Digest", str, str | None)


@dataclass(frozen=True)
class Cleaned:
    """What `clean` found: the usable clips, where all sound lies, and both ledgers."""

    clips: list[Clip]
    sounds: dict[str, Location]
    clip_entries: list[Entry]
    sound_entries: list[Entry]


def clean_corpus(
    clips: Sequence[Clip],
    params: CleanParams,
    kept: frozenset[str],
    out: Path,
    work: Path,
    *,
    engine: EngineParams = LOCAL,
) -> None:
    """Write `out`/clips (usable clips, ledger) and `out`/audio (the store of their sound).

    Clips in `kept` stay whatever their length. Raises MoodlineError when more clips than
    allowed are left out, CorpusError when all are.
    """
    digested, failures = _digest_media(clips, params.workers)
    with StoreWriter(work, PROVENANCE, "parquet") as writer:
        keys = derive_keys(digested)
        missing = frozenset(writer.missing(keys, out / "audio"))
        undecoded = [clip for clip in digested if clip.clip_id in missing]
        failures |= _decode_missing(undecoded, keys, params, writer, engine)
        writer.close_part()
        found = writer.locate({c: key for c, key in keys.items() if c not in failures})
        cleaned = judge_clips(
            {clip.clip_id: clip for clip in [*clips, *digested]}.values(),
            found,
            failures,
            params=params,
            kept=kept,
        )
        cleaned.clip_entries.extend(find_doubles(cleaned.clips))
        check_share(cleaned.clip_entries, len(clips), params.allowed_share)
        if not cleaned.clips:
            raise CorpusError(
                f"clean: expected at least one usable clip, got none of {len(clips)} "
                f"({describe_losses(cleaned.clip_entries)}); mend the corpus"
            )
        writer.publish(out / "audio", cleaned.sounds, cleaned.sound_entries)
    write_clips(out / "clips" / "clips.parquet", cleaned.clips, CLEAN_SCHEMA)
    write_ledger(out / "clips" / "ledger.parquet", cleaned.clip_entries)


def list_undecoded(clips: Sequence[Clip], params: CleanParams, work: Path) -> PendingMedia:
    """Those of `clips` whose sound the work store lacks."""
    return PendingMedia(
        clips=len(clips),
        items=find_pending(clips, PROVENANCE.fingerprint, derive_keys(clips), work),
        workers=params.workers,
        make=_size_sound,
        limit_seconds=lambda _: params.limit_seconds,
    )


def _size_sound(clip: Clip, _: Path) -> int:
    return decode_clip(clip).bytes


def derive_keys(clips: Iterable[Clip]) -> dict[str, str]:
    """clip_id → key of the clip's sound."""
    return {clip.clip_id: clip.derive_key(PROVENANCE.fingerprint) for clip in clips}


def _decode_missing(
    clips: Sequence[Clip],
    keys: Mapping[str, str],
    params: CleanParams,
    writer: StoreWriter,
    engine: EngineParams,
) -> dict[str, MediaError]:
    """Decode `clips`; returns the failures that may not hold next time."""
    decoded = run_clips(
        engine,
        decode_clip,
        clips,
        workers=params.workers,
        limit_seconds=lambda _: params.limit_seconds,
    )
    failures = {}
    for clip, made in track(decoded, "clean", len(clips)):
        if isinstance(made, MediaError):
            failures[clip.clip_id] = made
        else:
            writer.add(clip.clip_id, keys[clip.clip_id], made)
    return failures


def decode_clip(clip: Clip) -> Made:
    """Sound of one clip and the facts of its media; unusable media give a `left_out`."""
    if clip.path == NO_MEDIA:
        alone = {"fps": None, "duration_seconds": _measure_words(clip)}
        return Made(None, "absent", "no_media", "the corpus gives words alone", alone)
    try:
        probe = probe_media(Path(clip.path), clip.start_seconds, clip.end_seconds)
        recording = _decode_sound(clip, probe)
    except MediaError as error:
        return Made(None, "left_out", error.reason, error.detail)
    facts = {"fps": probe.fps, "duration_seconds": probe.duration_seconds, **probe.remarks}
    if recording is None:
        return Made(None, "absent", *_explain_absence(probe), facts)
    samples = recording.samples
    row = {
        "clip_id": clip.clip_id,
        "hz": AUDIO_HZ,
        "samples": len(samples),
        "flac": encode_flac(samples, AUDIO_HZ),
    }
    return Made(
        pa.Table.from_pylist([row], schema=AUDIO_SCHEMA),
        facts={
            **facts,
            "audio_hz": probe.audio_hz,
            "loudness_dbfs": max(loudness_dbfs(samples), FLOOR_DBFS),
            "sound_seconds": sound_seconds(samples, AUDIO_HZ),
            "clipped_share": recording.clipped_share,
            **_list_remarks(recording),
        },
    )


def _measure_words(clip: Clip) -> float:
    """Seconds of a clip that is words alone."""
    if clip.start_seconds is None or clip.end_seconds is None:
        return WORDS_SECONDS
    return clip.end_seconds - clip.start_seconds


def _explain_absence(probe: Probe) -> tuple[str, str]:
    """Why no sound goes with the pictures: the word for it, and a sentence."""
    if probe.still:
        return PICTURE, "a picture makes no sound"
    if probe.undecoded is None:
        return "no_audio", "no sound goes with the pictures"
    told = f"expected sound that FFmpeg decodes, got {probe.undecoded}; convert the file"
    return "no_decoder", told


def _list_remarks(recording: Recording) -> dict[str, str]:
    """What was mended in a recording, by the word for it."""
    if not recording.mended:
        return recording.remarks
    told = f"{recording.mended} samples are no finite numbers; they were taken for silence"
    return {**recording.remarks, "not_finite": told}


def _decode_sound(clip: Clip, probe: Probe) -> Recording | None:
    """Sound of the clip, None where its pictures have no sound to them."""
    if probe.audio_hz is None:
        return None
    try:
        return read_recording(
            Path(clip.path),
            hz=AUDIO_HZ,
            start_seconds=clip.start_seconds,
            end_seconds=clip.end_seconds,
        )
    except MediaError as error:
        # A track may be over before the clip begins: its pictures are no worse for it.
        if error.reason != "no_audio" or probe.fps is None:
            raise
        return None


def judge_clips(
    clips: Iterable[Clip],
    found: Mapping[str, Location],
    failures: Mapping[str, MediaError],
    *,
    params: CleanParams,
    kept: frozenset[str],
) -> Cleaned:
    """What to keep of `found`, by the thresholds in `params`: nothing is decoded again for them."""
    cleaned = Cleaned([], {}, [], [])
    for clip in clips:
        failure = failures.get(clip.clip_id) or _judge_length(
            found[clip.clip_id].clip, params, clip.clip_id in kept
        )
        if failure is not None:
            entry = Entry(clip.clip_id, "clean", "left_out", failure.reason, failure.detail)
            cleaned.clip_entries.append(entry)
            continue
        cleaned.clip_entries.extend(_remark(found[clip.clip_id].clip, MEDIA_REMARKS))
        location, entries = _judge_sound(found[clip.clip_id], params)
        cleaned.clips.append(_describe(clip, location.clip))
        cleaned.sounds[clip.clip_id] = location
        cleaned.sound_entries.extend(entries)
    return cleaned


def find_doubles(clips: Iterable[Clip]) -> list[Entry]:
    """Entry for each clip whose content another one before it has, under another id.

    Two people whose crops a corpus ships share their film, and are none.
    """
    first: dict[tuple[object, ...], str] = {}
    entries = []
    for clip in clips:
        if clip.path == NO_MEDIA:
            continue
        content = (clip.media_digest, clip.start_seconds, clip.end_seconds, clip.crops_digest)
        other = first.setdefault(content, clip.clip_id)
        if other != clip.clip_id:
            told = f"the same bytes and stretch as {other}"
            entries.append(Entry(clip.clip_id, "clean", "marked", "doubled", told))
    return entries


def _digest_media(clips: Sequence[Clip], workers: int) -> tuple[list[Clip], dict[str, MediaError]]:
    """Clips with the digest of their file, and the failure of each whose file cannot be read."""
    paths = sorted({clip.path for clip in clips} - {NO_MEDIA})
    with ThreadPoolExecutor(workers) as pool:
        found = pool.map(partial(_digest, digest=digest_file), paths)
        files = dict(zip(paths, found, strict=True))
    files[NO_MEDIA] = digest_json(None)
    folders = {clip.crops: _digest(clip.crops, _digest_crops) for clip in clips if clip.crops}
    digested, failures = [], {}
    for clip in clips:
        media, crops = files[clip.path], folders[clip.crops] if clip.crops else None
        if isinstance(media, MediaError):
            failures[clip.clip_id] = media
        elif isinstance(crops, MediaError):
            failures[clip.clip_id] = crops
        else:
            digested.append(replace(clip, media_digest=media, crops_digest=crops))
    return digested, failures


def _digest(path: str, digest: Callable[[Path], Digest]) -> Digest | MediaError:
    """What `digest` makes of what lies at `path`, or why it cannot be read."""
    try:
        return digest(Path(path))
    except FileNotFoundError:
        return MediaError("missing", f"{path}: no such file")
    except OSError as error:
        told = f"{path}: expected a file that can be read, the system says {error.strerror!r}"
        return MediaError("unreadable", f"{told}; mend its path or its permissions")


def _digest_crops(folder: Path) -> str | None:
    """Digest of the crops that a corpus ships for a clip, None where it ships none."""
    if not os.path.isdir(folder):
        return None
    files = (path for path in folder.iterdir() if path.is_file())
    return digest_json({path.name: digest_file(path) for path in files})


def _judge_length(clip: PartClip, params: CleanParams, kept: bool) -> MediaError | None:
    """Why the clip cannot stay, or None."""
    if clip.status == "left_out":
        return MediaError(clip.reason, clip.detail)
    seconds = float(clip.facts["duration_seconds"] or 0)
    if clip.reason in ("no_media", PICTURE):
        return None
    if kept or params.min_seconds <= seconds <= params.max_seconds:
        return None
    reason = "too_short" if seconds < params.min_seconds else "too_long"
    bounds = f"{params.min_seconds:g} to {params.max_seconds:g} s"
    return MediaError(reason, f"{seconds:.3f} s, expected {bounds}")


def _judge_sound(location: Location, params: CleanParams) -> tuple[Location, list[Entry]]:
    """Where the clip's sound lies, if it is one, and the remarks it earns."""
    clip = location.clip
    if clip.status == "absent":
        return location, [Entry(clip.clip_id, "clean", "absent", clip.reason, clip.detail)]
    loudness = float(clip.facts["loudness_dbfs"] or 0)
    detail = f"{loudness:.1f} dBFS"
    if loudness < params.silent_dbfs:
        silent = replace(clip, rows=0, status="left_out", reason="silent", detail=detail)
        return Location(silent, None), [Entry(clip.clip_id, "clean", "left_out", "silent", detail)]
    entries = _remark(clip, SOUND_REMARKS)
    remarks = {"quiet": detail} if loudness < params.quiet_dbfs else {}
    clipped = float(clip.facts["clipped_share"] or 0)
    if clipped > CLIPPED_SHARE:
        remarks["clipped"] = f"{clipped:.1%} of the samples are as loud as can be"
    seconds, sounding = (float(clip.facts[name] or 0) for name in _SPANS)
    if sounding < SOUND_SHARE * seconds:
        remarks["short_sound"] = f"sound in {sounding:.3f} of {seconds:.3f} s"
    entries += [Entry(clip.clip_id, "clean", "marked", *remark) for remark in remarks.items()]
    return replace(location, clip=replace(clip, status="marked" if entries else "ok")), entries


def _remark(clip: PartClip, words: Sequence[str]) -> list[Entry]:
    """What was mended in a clip, of what `words` name."""
    facts = {word: clip.facts[word] for word in words if word in clip.facts}
    return [
        Entry(clip.clip_id, "clean", "marked", word, str(detail)) for word, detail in facts.items()
    ]


MEDIA_REMARKS = ("joined", "tracks_apart")
SOUND_REMARKS = ("antiphase", "not_finite", "other_track")
"""Words for what was mended in the media of a clip, or in its sound."""

_SPANS = ("duration_seconds", "sound_seconds")


def _describe(clip: Clip, found: PartClip) -> Clip:
    facts = {name: found.facts.get(name) for name in ("fps", "duration_seconds", "audio_hz")}
    return replace(clip, **facts)  # type: ignore[arg-type]
