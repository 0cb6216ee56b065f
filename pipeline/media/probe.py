"""What a media file holds, by its headers and the times of its packets."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

from av.stream import Stream

from pipeline.errors import MediaError
from pipeline.media.streams import (
    Media,
    find_audio,
    find_video,
    measure_duration,
    name_undecodable,
    open_media,
)


@dataclass(frozen=True)
class Probe:
    """`fps` is the average rate of pictures, None without any; `audio_hz` None without sound.

    `undecoded` is the codec of sound that FFmpeg has no decoder for, where there is no other.
    `remarks` say what was mended in the file's timestamps, by the word for it in the ledger.
    `still` is whether the file is a picture by itself. `format` is FFmpeg's name for what it is,
    `sound_track_seconds` and `picture_track_seconds` how long each track lasts within the stretch,
    None without one; `back_steps` and `back_seconds` are those of the timeline.
    """

    fps: float | None
    duration_seconds: float
    audio_hz: int | None
    undecoded: str | None = None
    remarks: Mapping[str, str] = field(default_factory=dict)
    still: bool = False
    format: str = ""
    sound_track_seconds: float | None = None
    picture_track_seconds: float | None = None
    back_steps: int = 0
    back_seconds: float = 0.0


STILL = "_pipe"
"""End of FFmpeg's names for formats of single pictures."""


def probe_media(
    path: Path, start_seconds: float | None = None, end_seconds: float | None = None
) -> Probe:
    """What the file at `path` holds, and how much of the stretch asked for lies in it.

    A stretch may end after the file does; its duration then ends with the file. Raises MediaError
    `missing`, `empty_file`, `unreadable`, `no_streams`, `no_decoder`, `no_duration`, `reversed` for
    a stretch that ends before it starts, and `outside` for one that starts outside the file.
    """
    _check_file(path)
    with open_media(path) as media:
        audio, fps = find_audio(media), _measure_fps(media)
        if fps is None and audio is None:
            raise _explain_nothing(media)
        begin, end = start_seconds or 0.0, inf if end_seconds is None else end_seconds
        return Probe(
            fps=fps,
            duration_seconds=_cut(_measure(media), begin, end_seconds),
            audio_hz=audio.rate if audio else None,
            undecoded=None if audio else name_undecodable(media, "audio"),
            remarks=media.timeline.remarks,
            still=media.format.endswith(STILL),
            format=media.format,
            sound_track_seconds=_measure_track(media, audio, begin, end),
            picture_track_seconds=_measure_track(media, find_video(media), begin, end),
            back_steps=media.timeline.back_steps,
            back_seconds=media.timeline.back_seconds,
        )


def _check_file(path: Path) -> None:
    if not os.path.isfile(path):  # of a name that is too long, too
        raise MediaError("missing", f"no file at {path}; link the corpus or mend its table")
    if path.stat().st_size == 0:
        raise MediaError("empty_file", f"{path} holds 0 bytes; copy it again")


def _explain_nothing(media: Media) -> MediaError:
    """Why neither pictures nor sound can be had."""
    codec = name_undecodable(media, "video") or name_undecodable(media, "audio")
    if codec is None:
        return MediaError("no_streams", "expected pictures or sound, got neither; replace it")
    return MediaError(
        "no_decoder", f"expected a codec that FFmpeg decodes, got {codec}; convert the file"
    )


def _measure_fps(media: Media) -> float | None:
    """Pictures a second, as the file says or else by their times; None without pictures."""
    video = find_video(media)
    if video is None:
        return None
    if video.average_rate:
        return float(video.average_rate)
    lane = media.lane(video)
    if lane is None or not lane.times or lane.end <= lane.times[0]:
        return None
    return len(lane.times) / (lane.end - lane.times[0])


def _measure_track(media: Media, track: Stream | None, begin: float, end: float) -> float | None:
    """Seconds of the stretch from `begin` to `end` that a track lasts, None where there is none."""
    lane = None if track is None else media.lane(track)
    return None if lane is None else max(min(lane.end, end) - max(lane.begin, begin), 0.0)


def _measure(media: Media) -> float:
    """Seconds from start to end; raises MediaError where there are none."""
    duration = measure_duration(media)
    if duration <= 0:
        raise MediaError("no_duration", "expected a length above 0 seconds, got 0; replace it")
    return duration


def _cut(duration: float, start: float, end: float | None) -> float:
    """Seconds of the stretch `[start, end)` that a file of `duration` seconds has."""
    if end is not None and end <= start:
        raise MediaError(
            "reversed", f"expected an end after {start:g} seconds, got {end:g}; mend the labels"
        )
    if not 0 <= start < duration:
        raise MediaError(
            "outside",
            f"expected a start within {duration:.3f} seconds, got {start:g}; mend the labels",
        )
    return duration - start if end is None else min(end, duration) - start
