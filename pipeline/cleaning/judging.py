"""Judging: which clips stay, by what was measured of them; no threshold decodes anything again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pipeline.cleaning.alikes import Alike
from pipeline.cleaning.findings import fits_suffix
from pipeline.cleaning.params import CleanParams, Verdict
from pipeline.errors import MediaError
from pipeline.labels.clips import Clip
from pipeline.limits import MOST_SECONDS
from pipeline.store.index import Location
from pipeline.store.ledger import Entry
from pipeline.store.parts import PartClip

PICTURE = "picture"
"""Word, in the ledger, for a clip that is one picture, which is of any length."""

MEDIA_REMARKS = ("joined", "tracks_apart")
SOUND_REMARKS = ("antiphase", "not_finite", "other_track")
"""Words for what was mended in the media of a clip, or in its sound."""

_SPANS = ("duration_seconds", "sound_seconds")


@dataclass(frozen=True)
class Cleaned:
    """What `clean` found: the usable clips, where all sound lies, both ledgers, who is alike."""

    clips: list[Clip] = field(default_factory=list)
    sounds: dict[str, Location] = field(default_factory=dict)
    clip_entries: list[Entry] = field(default_factory=list)
    sound_entries: list[Entry] = field(default_factory=list)
    alikes: list[Alike] = field(default_factory=list)


@dataclass(frozen=True)
class Measured:
    """Where the sound of a clip lies, and what was found beside it."""

    sound: Location
    findings: Location


def judge_clips(
    clips: Iterable[Clip],
    measured: Mapping[str, Measured],
    failures: Mapping[str, MediaError],
    *,
    params: CleanParams,
    kept: frozenset[str],
) -> Cleaned:
    """What to keep of `measured` by `params`; clips in `kept` whatever was found in them."""
    cleaned = Cleaned()
    for clip in clips:
        failure = failures.get(clip.clip_id)
        if failure is None:
            failure = _judge_clip(clip, measured[clip.clip_id], cleaned, params, kept)
        if failure is not None:
            entry = Entry(clip.clip_id, "clean", "left_out", failure.reason, failure.detail)
            cleaned.clip_entries.append(entry)
    return cleaned


def tell_alikes(
    cleaned: Cleaned,
    word: str,
    alikes: Sequence[Alike],
    *,
    params: CleanParams,
    kept: frozenset[str],
) -> Cleaned:
    """`cleaned` with an entry, called `word`, for each clip that is like one before it.

    Of several like it the first in `alikes` is told.
    """
    first = {alike.clip_id: alike for alike in reversed(alikes)}
    rejects = params.checks.judge(word) == "reject"
    gone = {clip_id for clip_id in first if rejects and clip_id not in kept}
    entries = [
        Entry(clip_id, "clean", "left_out" if clip_id in gone else "marked", word, str(alike))
        for clip_id, alike in first.items()
    ]
    return Cleaned(
        clips=[clip for clip in cleaned.clips if clip.clip_id not in gone],
        sounds={name: place for name, place in cleaned.sounds.items() if name not in gone},
        clip_entries=[e for e in cleaned.clip_entries if e.clip_id not in gone] + entries,
        sound_entries=[e for e in cleaned.sound_entries if e.clip_id not in gone],
        alikes=[
            alike
            for alike in (*cleaned.alikes, *alikes)
            if alike.clip_id not in gone and alike.other_id not in gone
        ],
    )


def _judge_clip(
    clip: Clip, measured: Measured, cleaned: Cleaned, params: CleanParams, kept: frozenset[str]
) -> MediaError | None:
    """Why the clip is left out; or None, and it is in `cleaned`."""
    stays = clip.clip_id in kept
    if failure := _judge_length(measured.sound.clip, params, stays):
        return failure
    location, remarks, absence = _judge_sound(measured.sound, params)
    seen = _judge_media(clip, measured, params)
    marks: list[list[Entry]] = []
    for found in (seen, remarks):
        verdicts = {word: params.checks.judge(word) for word in found}
        for word in found if not stays else ():
            if verdicts[word] == "reject":
                return MediaError(word, found[word])
        marks.append(_mark(clip.clip_id, found, verdicts))
    if marks[1]:
        location = replace(location, clip=replace(location.clip, status="marked"))
    cleaned.clip_entries.extend(marks[0])
    cleaned.sound_entries.extend([*absence, *marks[1]])
    cleaned.clips.append(_describe(clip, location.clip))
    cleaned.sounds[clip.clip_id] = location
    return None


def _mark(clip_id: str, found: Mapping[str, str], verdicts: Mapping[str, Verdict]) -> list[Entry]:
    return [
        Entry(clip_id, "clean", "marked", word, told)
        for word, told in found.items()
        if verdicts[word] != "off"
    ]


def _judge_length(clip: PartClip, params: CleanParams, kept: bool) -> MediaError | None:
    """Why the clip cannot stay, or None."""
    if clip.status == "left_out":
        return MediaError(clip.reason, clip.detail)
    for name in ("duration_seconds", "fps"):
        number = float(clip.facts.get(name) or 0)
        if not 0 <= number < MOST_SECONDS:  # which no stage would read from the table of clips
            told = f"expected {name} up to {MOST_SECONDS:g}, got {number:g}; replace the file"
            return MediaError("undecodable", told)
    seconds = float(clip.facts["duration_seconds"] or 0)
    if clip.reason in ("no_media", PICTURE):
        return None
    if kept or params.min_seconds <= seconds <= params.max_seconds:
        return None
    reason = "too_short" if seconds < params.min_seconds else "too_long"
    bounds = f"{params.min_seconds:g} to {params.max_seconds:g} s"
    return MediaError(reason, f"{seconds:.3f} s, expected {bounds}")


def _judge_media(clip: Clip, measured: Measured, params: CleanParams) -> dict[str, str]:
    """Word → what is strange about the media of a clip."""
    facts = measured.findings.clip.facts
    found = _list_mended(measured.sound.clip, MEDIA_REMARKS)
    form = str(facts.get("format") or "")
    if form and not fits_suffix(Path(clip.path), form):
        found["wrong_extension"] = f"a file of the format {form} is called {Path(clip.path).name}"
    back = float(facts.get("back_seconds") or 0)
    if back > params.back_seconds:
        found["backwards"] = (
            f"timestamps go back at {facts['back_steps']} packets, by up to {back:.3f} s"
        )
    tracks = [facts.get("sound_track_seconds"), facts.get("picture_track_seconds")]
    sound, pictures = (None if seconds is None else float(seconds) for seconds in tracks)
    if sound is not None and pictures is not None:
        gap = abs(sound - pictures)
        if gap > max(params.apart_seconds, params.apart_share * max(sound, pictures)):
            found["lengths_apart"] = f"{sound:.3f} s of sound, {pictures:.3f} s of pictures"
    return found


def _judge_sound(
    location: Location, params: CleanParams
) -> tuple[Location, dict[str, str], list[Entry]]:
    """Where the clip's sound lies, word → what is strange about it, and an entry if it is none."""
    clip = location.clip
    if clip.status == "absent":
        return location, {}, [Entry(clip.clip_id, "clean", "absent", clip.reason, clip.detail)]
    loudness = float(clip.facts["loudness_dbfs"] or 0)
    detail = f"{loudness:.1f} dBFS"
    if loudness < params.silent_dbfs:
        silent = replace(clip, rows=0, status="left_out", reason="silent", detail=detail)
        entry = Entry(clip.clip_id, "clean", "left_out", "silent", detail)
        return Location(silent, None), {}, [entry]
    found = _list_mended(clip, SOUND_REMARKS)
    if loudness < params.quiet_dbfs:
        found["quiet"] = detail
    clipped = float(clip.facts["clipped_share"] or 0)
    if clipped > params.clipped_share:
        found["clipped"] = f"{clipped:.1%} of the samples are as loud as can be"
    seconds, sounding = (float(clip.facts[name] or 0) for name in _SPANS)
    if sounding < params.sound_share * seconds:
        found["short_sound"] = f"sound in {sounding:.3f} of {seconds:.3f} s"
    return location, found, []


def _list_mended(clip: PartClip, words: Sequence[str]) -> dict[str, str]:
    """Word → what was mended in a clip, of what `words` name."""
    return {word: str(clip.facts[word]) for word in words if word in clip.facts}


def _describe(clip: Clip, found: PartClip) -> Clip:
    facts = {name: found.facts.get(name) for name in ("fps", "duration_seconds", "audio_hz")}
    return replace(clip, **facts)  # type: ignore[arg-type]
