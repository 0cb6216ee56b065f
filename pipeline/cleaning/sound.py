"""Cleaning: every clip's media opened once, its sound packed, and what cannot be used left out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

from pipeline.cleaning.alikes import find_alikes, find_doubles, write_alikes
from pipeline.cleaning.findings import FINDINGS, FINDINGS_SCHEMA, measure_findings, read_print
from pipeline.cleaning.gain import apply_gain
from pipeline.cleaning.judging import PICTURE, Cleaned, Measured, judge_clips, tell_alikes
from pipeline.cleaning.params import CleanParams
from pipeline.engines import LOCAL, EngineParams, run_clips
from pipeline.errors import CorpusError, MediaError
from pipeline.files import FileState, digest_file, digest_json, look_at
from pipeline.labels.clips import CLEAN_SCHEMA, NO_MEDIA, Clip, write_clips
from pipeline.labels.holding import digest_crops, hold_media
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
from pipeline.store.ledger import check_share, describe_losses, write_ledger
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
"""Of sound that is as loud as its media have it."""

FLOOR_DBFS = -200.0
"""Loudness that stands for digital silence, whose own is minus infinity."""

WORDS_SECONDS = 1.0
"""What a clip of words alone is said to last, unless the corpus states its stretch."""

Digest = TypeVar("Digest", tuple[FileState | None, str], str | None)

Keys = Mapping[str, Mapping[str, str]]
"""Store → clip_id → key."""


class UnusableError(CorpusError):
    """None of the clips can be used; the ledger says of each what is wrong with it."""


@dataclass(frozen=True)
class Decoded:
    """What is made of one clip: its sound, and what was found beside it."""

    sound: Made
    findings: Made = field(default_factory=lambda: Made(None))


def describe_sound(params: CleanParams) -> Provenance:
    """Provenance of sound as `params` ask for it."""
    if params.gain is None:
        return PROVENANCE
    gain = {"gain": params.gain, "gain_level": params.level}
    return replace(PROVENANCE, settings={**PROVENANCE.settings, **gain})


def clean_corpus(
    clips: Sequence[Clip],
    params: CleanParams,
    kept: frozenset[str],
    out: Path,
    work: Path,
    *,
    engine: EngineParams = LOCAL,
) -> None:
    """Write `out`/clips (usable clips, ledger, who is alike), `out`/audio and `out`/findings.

    The last two are stores of the clips' sound, and of what was measured beside it. Clips in `kept`
    stay whatever their length, and whatever was found in them. Raises MoodlineError when more clips
    than allowed are left out, and UnusableError, once all is written, when all are.
    """
    digested, failures = _digest_media(clips, params.workers)
    with ExitStack() as stack:
        writers = {
            name: stack.enter_context(StoreWriter(work, made, "parquet", schema))
            for name, made, schema in (
                ("audio", describe_sound(params), AUDIO_SCHEMA),
                ("findings", FINDINGS, FINDINGS_SCHEMA),
            )
        }
        keys = {name: derive_keys(digested, made.provenance) for name, made in writers.items()}
        failures |= _decode_missing(digested, keys, params, writers, out, engine=engine)
        found = _locate(keys, writers, failures)
        named = {clip.clip_id: clip for clip in [*clips, *digested]}
        cleaned = judge_clips(named.values(), found, failures, params=params, kept=kept)
        cleaned = _compare_clips(cleaned, keys["findings"], writers["findings"], params, kept)
        check_share(cleaned.clip_entries, len(clips), params.allowed_share)
        writers["audio"].publish(out / "audio", cleaned.sounds, cleaned.sound_entries)
        told = {clip.clip_id: found[clip.clip_id].findings for clip in cleaned.clips}
        writers["findings"].publish(out / "findings", told, [])
    write_clips(out / "clips" / "clips.parquet", cleaned.clips, CLEAN_SCHEMA)
    write_ledger(out / "clips" / "ledger.parquet", cleaned.clip_entries)
    write_alikes(out / "clips" / "alikes.parquet", cleaned.alikes)
    if not cleaned.clips:
        raise UnusableError(
            f"clean: expected at least one usable clip, got none of {len(clips)} "
            f"({describe_losses(cleaned.clip_entries)}); mend the corpus"
        )


def list_undecoded(clips: Sequence[Clip], params: CleanParams, work: Path) -> PendingMedia:
    """Those of `clips` of which the work store lacks the sound, or what is found beside it."""
    items: dict[str, Clip] = {}
    for made in (describe_sound(params), FINDINGS):
        items |= find_pending(clips, made.fingerprint, derive_keys(clips, made), work)
    return PendingMedia(
        clips=len(clips),
        items=items,
        workers=params.workers,
        make=partial(_size_clip, params=params),
        limit_seconds=lambda _: params.limit_seconds,
    )


def _size_clip(clip: Clip, _: Path, params: CleanParams) -> int:
    made = decode_clip(clip, params)
    return made.sound.bytes + made.findings.bytes


def derive_keys(clips: Iterable[Clip], provenance: Provenance) -> dict[str, str]:
    """clip_id → key of what is made of the clip's media in this way."""
    fingerprint = provenance.fingerprint
    return {clip.clip_id: clip.derive_key(fingerprint) for clip in clips}


def _decode_missing(
    clips: Sequence[Clip],
    keys: Keys,
    params: CleanParams,
    writers: Mapping[str, StoreWriter],
    out: Path,
    *,
    engine: EngineParams,
) -> dict[str, MediaError]:
    """Decode those of `clips` that a store lacks; returns failures that may not hold next time."""
    lacking = {name: frozenset(w.missing(keys[name], out / name)) for name, w in writers.items()}
    anywhere = frozenset().union(*lacking.values())
    missing = [clip for clip in clips if clip.clip_id in anywhere]
    decoded = run_clips(
        engine,
        partial(decode_clip, params=params),
        missing,
        workers=params.workers,
        limit_seconds=lambda _: params.limit_seconds,
    )
    failures = {}
    for clip, made in track(decoded, "clean", len(missing)):
        if isinstance(made, MediaError):
            failures[clip.clip_id] = made
            continue
        for name, one in (("audio", made.sound), ("findings", made.findings)):
            if clip.clip_id in lacking[name]:
                writers[name].add(clip.clip_id, keys[name][clip.clip_id], one)
    for writer in writers.values():
        writer.close_part()
    return failures


def _locate(
    keys: Keys, writers: Mapping[str, StoreWriter], failures: Mapping[str, MediaError]
) -> dict[str, Measured]:
    """Clip → where what was made of it lies, but for `failures`."""
    found = [
        writers[name].locate({c: key for c, key in keys[name].items() if c not in failures})
        for name in ("audio", "findings")
    ]
    return {clip_id: Measured(place, found[1][clip_id]) for clip_id, place in found[0].items()}


def _compare_clips(
    cleaned: Cleaned,
    keys: Mapping[str, str],
    findings: StoreWriter,
    params: CleanParams,
    kept: frozenset[str],
) -> Cleaned:
    """`cleaned`, in which clips of the same content, or nearly the same, are told."""
    if params.checks.doubled != "off":
        doubles = find_doubles(cleaned.clips)
        cleaned = tell_alikes(cleaned, "doubled", doubles, params=params, kept=kept)
    if params.checks.alike != "off":
        wanted = {clip.clip_id: keys[clip.clip_id] for clip in cleaned.clips}
        prints = {
            clip_id: read_print(made.content)
            for clip_id, made in findings.read(wanted).items()
            if isinstance(made.content, pa.Table)
        }
        alikes = find_alikes(cleaned.clips, prints, params)
        cleaned = tell_alikes(cleaned, "alike", alikes, params=params, kept=kept)
    return cleaned


def decode_clip(clip: Clip, params: CleanParams) -> Decoded:
    """Sound of one clip, the facts of its media, and its print; `left_out` for unusable media.

    Raises MediaError as `hold_media` does.
    """
    with hold_media(clip):
        return _decode(clip, params)


def _decode(clip: Clip, params: CleanParams) -> Decoded:
    if clip.path == NO_MEDIA:
        alone = {"fps": None, "duration_seconds": _measure_words(clip)}
        return Decoded(Made(None, "absent", "no_media", "the corpus gives words alone", alone))
    try:
        probe = probe_media(Path(clip.path), clip.start_seconds, clip.end_seconds)
        recording = _decode_sound(clip, probe)
    except MediaError as error:
        return Decoded(Made(None, "left_out", error.reason, error.detail))
    return Decoded(
        _make_sound(clip, probe, recording, params), measure_findings(clip, probe, recording)
    )


def _make_sound(clip: Clip, probe: Probe, recording: Recording | None, params: CleanParams) -> Made:
    facts = {"fps": probe.fps, "duration_seconds": probe.duration_seconds, **probe.remarks}
    if recording is None:
        return Made(None, "absent", *_explain_absence(probe), facts)
    samples = packed = recording.samples
    if params.gain is not None and params.level is not None:
        packed = apply_gain(samples, params.gain, params.level)
    row = {
        "clip_id": clip.clip_id,
        "hz": AUDIO_HZ,
        "samples": len(samples),
        "flac": encode_flac(packed, AUDIO_HZ),
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


def _digest_media(clips: Sequence[Clip], workers: int) -> tuple[list[Clip], dict[str, MediaError]]:
    """Clips with the digest of their file, and the failure of each whose file cannot be read."""
    paths = sorted({clip.path for clip in clips} - {NO_MEDIA})
    with ThreadPoolExecutor(workers) as pool:
        found = pool.map(partial(_digest, digest=_digest_seen), paths)
        files = dict(zip(paths, found, strict=True))
    files[NO_MEDIA] = (None, digest_json(None))
    folders = {clip.crops: _digest(clip.crops, digest_crops) for clip in clips if clip.crops}
    digested, failures = [], {}
    for clip in clips:
        media, crops = files[clip.path], folders[clip.crops] if clip.crops else None
        if isinstance(media, MediaError):
            failures[clip.clip_id] = media
        elif isinstance(crops, MediaError):
            failures[clip.clip_id] = crops
        else:
            state, digest = media
            seen = replace(clip, media_state=state, media_digest=digest, crops_digest=crops)
            digested.append(seen)
    return digested, failures


def _digest_seen(path: Path) -> tuple[FileState | None, str]:
    """State of the file at `path` as it was before its digest was taken, and that."""
    return look_at(path), digest_file(path)


def _digest(path: str, digest: Callable[[Path], Digest]) -> Digest | MediaError:
    """What `digest` makes of what lies at `path`, or why it cannot be read."""
    try:
        return digest(Path(path))
    except FileNotFoundError:
        return MediaError("missing", f"{path}: no such file")
    except OSError as error:
        told = f"{path}: expected a file that can be read, the system says {error.strerror!r}"
        return MediaError("unreadable", f"{told}; mend its path or its permissions")
