"""Streams of a media file, and their decoded frames in seconds since the file's start."""

import math
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any, overload

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream

from pipeline.errors import MediaError

PRE_ROLL_SECONDS = (0.5, 5.0, 25.0)
"""A seek goes this much further back: MP3 and Opus frames lean on those before them.

More where that is no place to begin: a seek in MPEG-TS ends anywhere between two key frames.
"""

REORDERING_SECONDS = 10.0
"""Decoding begins at most this much before the first picture is shown."""

REFUSED_SHARE = 0.05
"""Stray packets that a decoder refuses leave a gap; a larger share makes a stream undecodable."""

MISSING_SECONDS = 1.0
"""A file that ends this much before its declared duration was cut short."""

DECLARING_FORMATS = frozenset({"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"})
"""Formats, by FFmpeg's names, that declare a duration; it only estimates that of many others."""


@contextmanager
def open_container(source: Path | BytesIO) -> Iterator[InputContainer]:
    """Container of `source`; raises MediaError `unreadable` where FFmpeg cannot read a header."""
    try:
        # By default a tag in an old code page would be reason enough to refuse the file.
        container = av.open(source, "r", metadata_errors="replace")
    except av.FFmpegError as error:
        raise MediaError(
            "unreadable", f"expected a media file, FFmpeg says {error.strerror!r}; replace it"
        ) from error
    with container:
        yield container


def find_video(container: InputContainer) -> av.VideoStream | None:
    """First stream of pictures that is not a cover, or None."""
    streams = container.streams.video
    return next((s for s in streams if not s.disposition & Disposition.attached_pic), None)


def find_audio(container: InputContainer) -> av.AudioStream | None:
    """Stream of sound that FFmpeg holds for the main one, or None."""
    best = container.streams.best("audio")
    return next((s for s in container.streams.audio if s is best), None)


def declared_end(container: InputContainer, stream: Stream) -> float | None:
    """Seconds since the file's start at which `stream` says it ends, None where it does not."""
    if stream.duration is None or stream.time_base is None:
        return None
    end = ((stream.start_time or 0) + stream.duration) * stream.time_base
    return float(end - _zero(container))


def declared_duration(container: InputContainer) -> float | None:
    """Seconds from start to end that `container` declares or FFmpeg estimates, or None."""
    if container.duration is None:
        return None
    seconds = Fraction(container.duration, av.time_base)
    # Matroska writes the time of the end there, which is more where the start is not 0.
    return float(seconds - _zero(container) if "matroska" in container.format.name else seconds)


def list_times(container: InputContainer, stream: Stream) -> list[float]:
    """Seconds since the file's start at which the pictures of `stream` are shown, in order."""
    zero = _zero(container)
    return sorted(
        float(packet.pts * packet.time_base - zero)
        for packet in _read_packets(container)
        if packet.stream is stream
        and packet.pts is not None
        and packet.time_base is not None
        and not packet.is_discard
    )


def scan_duration(container: InputContainer, stream: Stream | None = None) -> float:
    """Seconds from the file's start to the end of the last packet, 0 without timestamps.

    The last of `stream`, or of all streams without one.
    """
    zero, packets = _zero(container), _read_packets(container)
    wanted = (packet for packet in packets if stream is None or packet.stream is stream)
    return max((_packet_end(packet, zero) for packet in wanted), default=0.0)


@overload
def decode_frames(
    container: InputContainer, stream: av.VideoStream, start_seconds: float
) -> Iterator[tuple[float, av.VideoFrame]]: ...


@overload
def decode_frames(
    container: InputContainer, stream: av.AudioStream, start_seconds: float
) -> Iterator[tuple[float, av.AudioFrame]]: ...


def decode_frames(
    container: InputContainer, stream: av.VideoStream | av.AudioStream, start_seconds: float
) -> Iterator[tuple[float, Any]]:
    """Frames of `stream` with their seconds, from one at or before `start_seconds` on.

    Raises MediaError after the last frame: `undecodable` where FFmpeg refuses too much,
    `truncated` where the file ends before it says it does.
    """
    stream.codec_context.thread_count = 1  # worker processes already fill the cores
    # Only from its beginning can the pictures of such a file be counted.
    if start_seconds > 0 and not _is_reordered_avi(container):
        for pre_roll in PRE_ROLL_SECONDS:
            _seek(container, stream, max(start_seconds - pre_roll, 0.0))
            frames = _decode(container, stream, from_key=True)
            first = next(frames, None)
            if first is not None and first[0] <= start_seconds:
                yield first
                yield from frames
                return
            if pre_roll >= start_seconds:
                break
        # Some indices point too far, and some streams begin late: only a full read can tell.
        _rewind(container, stream)
    yield from _decode(container, stream)


def _zero(container: InputContainer) -> Fraction:
    """Timestamp, in seconds, at which the file starts."""
    return Fraction(container.start_time or 0, av.time_base)


def _is_reordered_avi(container: InputContainer) -> bool:
    """Whether pictures are stored in another order than shown, in a format that has no times."""
    video = find_video(container)
    reordered = video is not None and bool(video.codec_context.has_b_frames)
    return container.format.name == "avi" and reordered


def _seek(container: InputContainer, stream: Stream, seconds: float) -> None:
    """Move to the last place at or before `seconds` where decoding can begin."""
    assert stream.time_base is not None
    offset = int((Fraction(seconds) + _zero(container)) / stream.time_base)
    # A format that cannot seek stays where it is, at its beginning, and is read from there.
    with suppress(av.FFmpegError):
        container.seek(offset, stream=stream)


def _rewind(container: InputContainer, stream: Stream) -> None:
    """Move to the first packet: some formats search for the time of decoding, others refuse it."""
    _seek(container, stream, 0.0)
    _seek(container, stream, -REORDERING_SECONDS)


def _decode(
    container: InputContainer, stream: av.VideoStream | av.AudioStream, *, from_key: bool = False
) -> Iterator[tuple[float, Any]]:
    """Frames of `stream` from where the container stands; raises as `decode_frames` does.

    With `from_key` the packets before the first that leans on no other are passed over.
    """
    zero, end_seconds = _zero(container), 0.0
    counted = stream.type == "video" and _is_reordered_avi(container)
    stored_ticks: deque[int | None] = deque()
    packets, refusals = 0, []
    for packet in _read_packets(container):
        end_seconds = max(end_seconds, _packet_end(packet, zero))
        if packet.stream is not stream or (from_key and packet.size and not packet.is_keyframe):
            continue
        from_key = False
        packets += 1
        try:
            frames = packet.decode()
        except av.FFmpegError as error:
            refusals.append(error.strerror)
            continue
        if counted and packet.size:
            stored_ticks.append(packet.dts)
        for frame in frames:
            if stored_ticks:
                frame.pts = stored_ticks.popleft()
            yield _frame_seconds(frame, zero), frame
    _check_end(container, end_seconds)
    if len(refusals) > REFUSED_SHARE * packets:
        raise MediaError(
            "undecodable",
            f"expected a readable {stream.type} stream, FFmpeg refused {len(refusals)} of its "
            f"{packets} packets, first with {refusals[0]!r}; replace the file",
        )


def _read_packets(container: InputContainer) -> Iterator[Packet]:  # type: ignore[type-arg]
    """Packets of all streams, since only all of them tell where the file ends."""
    try:
        yield from container.demux()
    except av.FFmpegError as error:
        raise MediaError(
            "undecodable", f"reading broke off, FFmpeg says {error.strerror!r}; replace the file"
        ) from error


def _check_end(container: InputContainer, end_seconds: float) -> None:
    declared = declared_duration(container)
    if declared is None or container.format.name not in DECLARING_FORMATS:
        return
    if end_seconds < declared - MISSING_SECONDS:
        raise MediaError(
            "truncated",
            f"expected {declared:.2f} seconds as its header says, got {end_seconds:.2f}; "
            "copy the file again",
        )


def _packet_end(packet: Packet, zero: Fraction) -> float:  # type: ignore[type-arg]
    """Seconds at which what `packet` holds is over, 0 for one without timestamps."""
    if packet.pts is None or packet.time_base is None:
        return 0.0
    begin = packet.pts * packet.time_base - zero
    if not packet.duration and isinstance(packet.stream, av.VideoStream):  # as in MPEG-TS and FLV
        return float(begin + 1 / (packet.stream.average_rate or math.inf))
    return float(begin + (packet.duration or 0) * packet.time_base)


def _frame_seconds(frame: av.VideoFrame | av.AudioFrame, zero: Fraction) -> float:
    # Old AVI files have decoding times only; without frame threads these follow the pictures.
    ticks = frame.dts if frame.pts is None else frame.pts
    if ticks is None or frame.time_base is None:
        raise MediaError("undecodable", "expected timestamps, got none; put it in a container")
    return float(ticks * frame.time_base - zero)
