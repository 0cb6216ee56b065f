"""Streams of a media file, and their decoded frames in seconds since the file's start."""

import re
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any, overload

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream

from pipeline.errors import MediaError
from pipeline.limits import MOST_PIXELS
from pipeline.media.opening import open_container, stat_file
from pipeline.media.riff import measure_promise
from pipeline.media.timeline import (
    Lane,
    Timeline,
    find_shown,
    is_flush,
    list_streams,
    read_packets,
    survey_timeline,
)

PRE_ROLL_SECONDS = (0.5, 5.0, 25.0)
"""A seek goes this much further back: MP3 and Opus frames lean on those before them.

More where that is no place to begin: a seek in MPEG-TS ends anywhere between two key frames.
"""

REORDERING_SECONDS = 10.0
"""Decoding begins at most this much before the first picture is shown."""

REFUSED_SHARE = 0.05
"""Stray packets that a decoder refuses leave a gap; a larger share makes a stream undecodable."""

DECLARING_FORMATS = {
    "aiff": 0.1,
    "flac": 0.1,
    "matroska,webm": 1.0,
    "mov,mp4,m4a,3gp,3g2,mj2": 1.0,
    "wav": 0.1,
}
"""Formats, by FFmpeg's names, that declare a duration, and seconds by which it may be wrong; where
more is missing, the file was cut short. FFmpeg only estimates the duration of many others."""

PADDING_SECONDS = 0.1
"""Codecs fill their last frame, so packets may end so much later than what they hold."""

SOUGHT_FORMATS = frozenset(
    {"asf", "avi", "flac", "matroska,webm", "mov,mp4,m4a,3gp,3g2,mj2", "wav"}
)
"""Formats, by FFmpeg's names, whose timestamps after a seek are right to the sample. In the others
a stretch is reached by passing over packets, which takes a hundredth of decoding them."""

DEEP_PROBE = {"probesize": "50000000", "analyzeduration": "120000000"}
"""FFmpeg looks so far, in bytes and microseconds, for streams that a header does not tell of."""

HEADLESS = frozenset({"dhav", "flv", "mpeg", "mpegts", "swf", "wtv"})
"""Formats whose streams may begin anywhere. PyAV may pass over the packets of one that it does not
know without a word, for it asks memory that nobody wrote whether to take them."""

KEPT_SURVEYS = 8
"""Clips of one file come one after another, and its timeline is the same for all."""


@dataclass(frozen=True)
class Media:
    """An open file and its timeline; `declared` are the seconds that it says it lasts, or None."""

    container: InputContainer
    timeline: Timeline
    declared: float | None

    @property
    def format(self) -> str:
        """FFmpeg's name for the format."""
        return self.container.format.name

    def lane(self, stream: Stream) -> Lane | None:
        """Where `stream` lies on the timeline, None where it holds nothing."""
        return self.timeline.lanes.get(stream.index)


@dataclass(frozen=True)
class Survey:
    """What is known of a file before it is decoded; `options` are those to open it with."""

    timeline: Timeline
    options: tuple[tuple[str, str], ...]


@contextmanager
def open_media(source: Path | BytesIO) -> Iterator[Media]:
    """File at `source`, surveyed; raises MediaError `unreadable` where FFmpeg cannot read a header.

    Every packet is read once beforehand; of a path, that is remembered.
    """
    survey = _recall_survey(source)
    with open_container(source, dict(survey.options)) as container:
        declared = declared_duration(container)
        if declared is not None and container.format.name == "wav":
            declared *= measure_promise(source)
        yield Media(container, survey.timeline, declared)


def _recall_survey(source: Path | BytesIO) -> Survey:
    if isinstance(source, BytesIO):
        return _survey_media(source)
    found = stat_file(source)
    return _survey_path(source, found.st_size, found.st_mtime_ns)


@lru_cache(KEPT_SURVEYS)
def _survey_path(path: Path, size: int, changed_ns: int) -> Survey:
    """Survey of the file at `path`, which has `size` bytes since `changed_ns`."""
    return _survey_media(path)


def _survey_media(source: Path | BytesIO) -> Survey:
    """Survey of `source`; a header that tells of too little is looked for again, further on."""
    with open_container(source) as container:
        timeline, streams = survey_timeline(container), len(container.streams)
        told = not timeline.unannounced and not any(map(_is_unknown, list_streams(container)))
        if told and container.format.name not in HEADLESS:
            return Survey(timeline, ())
    with open_container(source, DEEP_PROBE) as container:
        if told and len(container.streams) == streams:
            return Survey(timeline, ())
        return Survey(survey_timeline(container), tuple(DEEP_PROBE.items()))


def _is_unknown(stream: Stream) -> bool:
    """Whether FFmpeg knows the codec of `stream`, but has not met its rate or its size."""
    context = stream.codec_context
    if isinstance(context, av.AudioCodecContext):
        return not context.sample_rate
    return isinstance(context, av.VideoCodecContext) and not (context.width and context.height)


def find_video(media: Media) -> av.VideoStream | None:
    """Stream of pictures that is shown, or None: a film before a still, the default one first.

    Covers, and streams that FFmpeg has no decoder for, are none.
    """
    streams = list_streams(media.container)
    films = [s for s in streams if isinstance(s, av.VideoStream) and s.codec_context is not None]

    def rank(stream: av.VideoStream) -> tuple[bool, bool]:
        lane = media.lane(stream)
        moves = lane is not None and len(lane.times) > 1
        return moves, bool(stream.disposition & Disposition.default)

    return max(films, key=rank, default=None)


def list_audio(media: Media) -> list[av.AudioStream]:
    """Streams of sound that FFmpeg has a decoder for, the one it holds for the main one first."""
    streams = [s for s in media.container.streams.audio if s.codec_context is not None]
    best = media.container.streams.best("audio")
    return sorted(streams, key=lambda stream: stream is not best)


def find_audio(media: Media) -> av.AudioStream | None:
    """Main stream of sound that FFmpeg has a decoder for, or None."""
    return next(iter(list_audio(media)), None)


def name_undecodable(media: Media, kind: str) -> str | None:
    """Codec of the first stream of `kind` that FFmpeg has no decoder for, None without any."""
    streams = [s for s in media.container.streams if s.type == kind and s.codec_context is None]
    return _name_codec(media.container, streams[0]) if streams else None


def _name_codec(container: InputContainer, stream: Stream) -> str:
    """What FFmpeg, which logs it and tells it nowhere else, calls a codec that it cannot decode."""
    former = av.logging.get_level()
    av.logging.set_level(av.logging.INFO)
    try:
        told = container.dumps_format()  # type: ignore[attr-defined]
    finally:
        av.logging.set_level(former)
    found = re.search(
        rf"Stream #0:{stream.index}\b.*?: (?:Audio|Video): (\S+) (?:\((\S+) /)?", told
    )
    names = [name for name in found.groups() if name and name != "none"] if found else []
    return names[0].rstrip(",") if names else "an unknown codec"


def declared_end(media: Media, stream: Stream) -> float | None:
    """Seconds since the file's start at which `stream` says it ends, None where it does not.

    What it says counts only where its packets end there, too.
    """
    lane = media.lane(stream)
    if stream.duration is None or stream.time_base is None or lane is None:
        return None
    end = float(((stream.start_time or 0) + stream.duration) * stream.time_base - lane.zero)
    return end if abs(end - lane.end) <= PADDING_SECONDS else None


def declared_duration(container: InputContainer) -> float | None:
    """Seconds from start to end that `container` declares or FFmpeg estimates, or None."""
    if container.duration is None:
        return None
    seconds = Fraction(container.duration, av.time_base)
    # Matroska writes the time of the end there, which is more where the start is not 0.
    start = Fraction(container.start_time or 0, av.time_base)
    return float(seconds - start if "matroska" in container.format.name else seconds)


def measure_duration(media: Media) -> float:
    """Seconds from the file's start to its end, 0 where it holds nothing.

    By its packets, and as it declares itself where that is the same but for what codecs add.
    """
    end, declared = media.timeline.end, media.declared
    return declared if declared and abs(declared - end) <= PADDING_SECONDS else max(end, 0.0)


@overload
def decode_frames(
    media: Media, stream: av.VideoStream, start_seconds: float
) -> Iterator[tuple[float, av.VideoFrame]]: ...


@overload
def decode_frames(
    media: Media, stream: av.AudioStream, start_seconds: float
) -> Iterator[tuple[float, av.AudioFrame]]: ...


def decode_frames(
    media: Media, stream: av.VideoStream | av.AudioStream, start_seconds: float
) -> Iterator[tuple[float, Any]]:
    """Frames of `stream` with their seconds, from one at or before `start_seconds` on.

    Raises MediaError after the last frame: `undecodable` where FFmpeg refuses too much,
    `truncated` where the file ends before it says it does.
    """
    stream.codec_context.thread_count = 1  # worker processes already fill the cores
    stream.codec_context.options = {"max_pixels": str(MOST_PIXELS)}
    lane = media.lane(stream)
    if lane is None:
        _check_end(media)
        return
    # Only from its beginning can the pictures of such a file be counted.
    if start_seconds <= 0 or _is_counted(media, stream):
        yield from _decode(media, stream)
    elif lane.is_plain and _may_seek(media, stream):
        yield from _decode_sought(media, stream, lane, start_seconds)
    else:
        yield from _decode(media, stream, first=_find_first(lane, start_seconds))


def _may_seek(media: Media, stream: av.VideoStream | av.AudioStream) -> bool:
    """Whether timestamps are right after a seek; in WAV they are where samples have one size."""
    coded = media.format == "wav" and not stream.codec_context.name.startswith("pcm_")
    return media.format in SOUGHT_FORMATS and not coded


def _decode_sought(
    media: Media, stream: av.VideoStream | av.AudioStream, lane: Lane, start_seconds: float
) -> Iterator[tuple[float, Any]]:
    """As `decode_frames`, from a seek on that ends early enough, or from the beginning."""
    for pre_roll in PRE_ROLL_SECONDS:
        _seek(media.container, stream, lane, max(start_seconds - pre_roll, 0.0))
        frames = _decode(media, stream, from_key=True)
        first = next(frames, None)
        if first is not None and first[0] <= start_seconds:
            yield first
            yield from frames
            return
        if pre_roll >= start_seconds:
            break
    # Some indices point too far, and some streams begin late: only a full read can tell.
    _seek(media.container, stream, lane, 0.0)
    # Some formats search for the time of decoding, others refuse it.
    _seek(media.container, stream, lane, -REORDERING_SECONDS)
    yield from _decode(media, stream)


def _find_first(lane: Lane, start_seconds: float) -> int:
    """Number of the packet with which decoding may begin for what is shown at `start_seconds`.

    It is the last but one that leans on no other: where a picture is renewed strip by strip
    (`intra-refresh`), it is whole only when the next begins.
    """
    starts = sorted(number for number, seconds in lane.keys if seconds <= start_seconds)
    return starts[-2] if len(starts) > 1 else 0


def _is_counted(media: Media, stream: Stream) -> bool:
    """Whether pictures are stored in another order than shown, in a format that has no times."""
    reordered = isinstance(stream, av.VideoStream) and bool(stream.codec_context.has_b_frames)
    return media.format == "avi" and reordered


def _seek(container: InputContainer, stream: Stream, lane: Lane, seconds: float) -> None:
    """Move to the last place at or before `seconds` where decoding can begin."""
    assert stream.time_base is not None
    offset = int((Fraction(seconds) + lane.zero) / stream.time_base)
    # A format that cannot seek stays where it is, at its beginning, and is read from there.
    with suppress(av.FFmpegError):
        container.seek(offset, stream=stream)


def _decode(
    media: Media, stream: av.VideoStream | av.AudioStream, *, first: int = 0, from_key: bool = False
) -> Iterator[tuple[float, Any]]:
    """Frames of `stream` from where the container stands; raises as `decode_frames` does.

    Packets before number `first` are passed over, with `from_key` those before the first that leans
    on no other.
    """
    lane = media.timeline.lanes[stream.index]
    mend, clock = _Mender(lane), _Clock(lane.zero, stream)
    counted = _is_counted(media, stream)
    stored_ticks: deque[int | None] = deque()
    refusals: list[str | None] = []
    for packet in read_packets(media.container):
        if packet is None or packet.stream is not stream:
            continue
        if packet.size or not is_flush(packet):
            number = mend.apply(packet)
            # A packet of nothing repeats the picture before it, as in Theora and MPEG-4.
            if number < first or not packet.size or (from_key and not packet.is_keyframe):
                continue
        from_key = False
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
            yield clock.tell(frame), frame
    _check_end(media)
    if len(refusals) > REFUSED_SHARE * mend.packets:
        raise MediaError(
            "undecodable",
            f"expected a readable {stream.type} stream, FFmpeg refused {len(refusals)} of its "
            f"{mend.packets} packets, first with {refusals[0]!r}; replace the file",
        )


class _Mender:
    """Mends the timestamps of the packets of one stream, in their order."""

    def __init__(self, lane: Lane) -> None:
        self._shifts = deque(lane.shifts)
        self._plain = lane.is_plain
        self._shift: Fraction | None = Fraction(0)
        self.packets = 0

    def apply(self, packet: Packet) -> int:  # type: ignore[type-arg]
        """Put `packet` on the timeline; its number."""
        number, self.packets = self.packets, self.packets + 1
        while self._shifts and self._shifts[0][0] <= number:
            self._shift = self._shifts.popleft()[1]
        if packet.pts != (shown := find_shown(packet)):
            packet.pts = shown
        if self._shift is None:
            packet.pts = packet.dts = None
        elif self._shift and packet.time_base:
            ticks = round(self._shift / packet.time_base)
            packet.pts = None if packet.pts is None else packet.pts + ticks
            packet.dts = None if packet.dts is None else packet.dts + ticks
        return number


class _Clock:
    """Tells when frames of one stream begin; one that does not say follows the one before it."""

    def __init__(self, zero: Fraction, stream: av.VideoStream | av.AudioStream) -> None:
        self._zero = float(zero)
        self._stream = stream
        self._end: float | None = None

    def tell(self, frame: av.VideoFrame | av.AudioFrame) -> float:
        """Seconds of `frame`; raises MediaError where none before it has a timestamp either."""
        # Old AVI files have decoding times only; without frame threads these follow the pictures.
        ticks = frame.dts if frame.pts is None else frame.pts
        base = frame.time_base
        if ticks is not None and base is not None:  # fractions would take longer than decoding
            seconds = ticks * base.numerator / base.denominator - self._zero
        elif self._end is not None:
            seconds = self._end
        else:
            raise MediaError("undecodable", "expected timestamps, got none; put it in a container")
        self._end = seconds + self._measure(frame)
        return seconds

    def _measure(self, frame: av.VideoFrame | av.AudioFrame) -> float:
        if isinstance(frame, av.AudioFrame):
            return frame.samples / frame.sample_rate
        rate = self._stream.average_rate if isinstance(self._stream, av.VideoStream) else None
        return float(1 / rate) if rate else 0.0


def _check_end(media: Media) -> None:
    slack = DECLARING_FORMATS.get(media.format)
    if media.declared is None or slack is None:
        return
    end = max(media.timeline.raw_end - _start(media.container), media.timeline.end)
    if end < media.declared - slack:
        raise MediaError(
            "truncated",
            f"expected {media.declared:.2f} seconds as its header says, got {end:.2f}; "
            "copy the file again",
        )


def _start(container: InputContainer) -> float:
    return (container.start_time or 0) / av.time_base
