"""What a media file holds, from its headers alone."""

from dataclasses import dataclass
from pathlib import Path

from av.container import InputContainer

from pipeline.errors import MediaError
from pipeline.media.streams import (
    declared_duration,
    declared_end,
    find_audio,
    find_video,
    open_container,
    scan_duration,
)


@dataclass(frozen=True)
class Probe:
    """`fps` is the average rate of pictures, None without any; `audio_hz` None without sound."""

    fps: float | None
    duration_seconds: float
    audio_hz: int | None


def probe_media(
    path: Path, start_seconds: float | None = None, end_seconds: float | None = None
) -> Probe:
    """What the file at `path` holds, and how much of the stretch asked for lies in it.

    A stretch may end after the file does; its duration then ends with the file. Raises MediaError
    `missing`, `empty_file`, `unreadable`, `no_streams`, `no_duration`, `reversed` for a stretch
    that ends before it starts, and `outside` for one that starts outside the file.
    """
    _check_file(path)
    with open_container(path) as container:
        video, audio = find_video(container), find_audio(container)
        if video is None and audio is None:
            raise MediaError("no_streams", "expected pictures or sound, got neither; replace it")
        return Probe(
            fps=float(video.average_rate) if video and video.average_rate else None,
            duration_seconds=_cut(_measure(container), start_seconds or 0.0, end_seconds),
            audio_hz=audio.rate if audio else None,
        )


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise MediaError("missing", f"no file at {path}; link the corpus or mend its table")
    if path.stat().st_size == 0:
        raise MediaError("empty_file", f"{path} holds 0 bytes; copy it again")


def _measure(container: InputContainer) -> float:
    """Seconds from start to end: as the container says, else its streams, else its packets."""
    duration = declared_duration(container)
    if duration is None:
        streams = (*container.streams.video, *container.streams.audio)
        ends = [declared_end(container, stream) for stream in streams]
        duration = max((end for end in ends if end is not None), default=0.0)
    duration = duration if duration > 0 else scan_duration(container)
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
