"""Films: a medium anew, with captions on the faces in it."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import cv2
import numpy as np
from av.container import OutputContainer
from av.packet import Packet
from av.video.reformatter import ColorRange, Colorspace
from jaxtyping import UInt8

from pipeline.engines import LOCAL, run_clips
from pipeline.errors import MediaError
from pipeline.faces.stores import allow_seconds
from pipeline.files import write_whole
from pipeline.labels.clips import Clip
from pipeline.media.sampling import Sampling
from pipeline.media.streams import Media, decode_frames, find_audio, open_media
from pipeline.media.video import Frame, read_frames
from pipeline.predictor.captions import Caption, draw_captions
from pipeline.predictor.gathering import name_kind
from pipeline.predictor.predictor import Told
from pipeline.progress import track

WIDEST = 1280
"""Pixels of a film's longer side at most: more would take as long again, and show no more."""

MINUTE_SECONDS = 600.0
"""For each minute of a film, to write it anew: what faces are searched in by default."""

TICK = Fraction(1, 90_000)
"""Of a second: frames keep their times to this, which is MPEG's own."""

CODING = {"crf": "21", "preset": "veryfast"}
"""Of H.264: about as good to the eye as the film, at several times its speed."""

BT709 = 1
"""FFmpeg's number for the matrix of colours that players take H.264 to have."""

CARRIED = frozenset({"aac", "mp3", "ac3", "eac3", "alac", "opus"})
"""Codecs of sound that players expect in MP4; others become AAC."""

AAC_HZ = (48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000)
"""Rates that AAC has; of others sound gets the first."""

Packets = Iterator[Packet]  # type: ignore[type-arg]


@dataclass(frozen=True)
class Film:
    """A film to write to `path`, of `people`, those told of in one clip."""

    path: Path
    people: Sequence[Told]
    emotions: Sequence[str]

    @property
    def clip(self) -> Clip:
        """What it is of."""
        return self.people[0].clip


def write_film(path: Path, people: Sequence[Told], emotions: Sequence[str]) -> None:
    """Write the film of `people`, those told of in one clip, as MP4; nothing where that is none.

    Around each face is a box, and beside it stand its person's number, the greatest class with a
    bar, and ratings, of the answer nearest in time. Nothing stands where the face was not found; in
    a film of which no face is known, all stands in a corner. Frames keep their times, and sound its
    packets if MP4 carries them. A film that breaks off is written up to there. Another process does
    it, with the limits that it has for faces; raises MediaError where that does not come to an end.
    """
    if name_kind(people[0].clip) == "film":
        write_whole(path, lambda aside: _film_apart(Film(aside, people, emotions)))


def _film_apart(film: Film) -> None:
    done = run_clips(LOCAL, make_film, [film], workers=1, limit_seconds=_allow_seconds)
    for _, made in done:
        if isinstance(made, MediaError):
            raise made


def _allow_seconds(film: Film) -> float:
    return allow_seconds(film.clip, MINUTE_SECONDS)


def make_film(film: Film) -> None:
    """Write a film in this process; raises MediaError where no frame can be read."""
    clip, people = film.clip, film.people
    frames = read_frames(Path(clip.path), Sampling())
    if (first := next(frames, None)) is None:
        raise MediaError("no_frames", "no frame was decoded")
    captions = [
        Caption(told, told.answer, film.emotions, place)
        for place, told in enumerate(people)
        if told.answer is not None
    ]
    count = round((clip.fps or 1.0) * (clip.duration_seconds or 0.0))
    drawn = track(_draw(chain([first], _read_on(frames)), captions), "film", count)
    _encode(film.path, Path(clip.path), drawn, clip.fps or 1.0)


def _read_on(frames: Iterator[Frame]) -> Iterator[Frame]:
    """`frames`, as far as they can be read."""
    with suppress(MediaError):
        yield from frames


def _draw(
    frames: Iterable[Frame], captions: Sequence[Caption]
) -> Iterator[tuple[float, UInt8[np.ndarray, "height width 3"]]]:
    """Seconds, and the frame with captions, of even sides and at most WIDEST."""
    for frame in frames:
        high, wide = frame.image.shape[:2]
        shrunk = min(1.0, WIDEST / max(wide, high))
        size = np.array([_make_even(wide * shrunk), _make_even(high * shrunk)])
        image = cv2.resize(frame.image, size.tolist(), interpolation=cv2.INTER_AREA)
        scale = size / np.array([wide, high])
        yield frame.seconds, draw_captions(image, captions, frame.seconds, scale)


def _make_even(pixels: float) -> int:
    return max(2, round(pixels / 2) * 2)


def _encode(
    path: Path,
    source: Path,
    frames: Iterator[tuple[float, UInt8[np.ndarray, "height width 3"]]],
    fps: float,
) -> None:
    """Write `frames` at their seconds, and the sound of the film at `source`, to `path`."""
    first = next(frames)
    options = {"movflags": "+faststart"}  # so that it plays before all of it is there
    with open_media(source) as media, av.open(str(path), "w", "mp4", options=options) as film:
        pictures = _add_pictures(film, first[1], fps)
        sound = _Sound(film, media)
        last = -1
        for seconds, image in chain([first], frames):
            ticks = round(seconds / TICK)
            if ticks > last:  # players take no two frames at once
                sound.mux(until=seconds)
                film.mux(pictures.encode(_make_picture(image, ticks)))
                last = ticks
        film.mux(pictures.encode(None))
        sound.mux()


def _add_pictures(
    film: OutputContainer, image: UInt8[np.ndarray, "height width 3"], fps: float
) -> av.VideoStream:
    stream = film.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001))
    stream.height, stream.width = image.shape[:2]
    stream.pix_fmt, stream.options = "yuv420p", dict(CODING)
    stream.codec_context.time_base = TICK
    stream.codec_context.colorspace = BT709
    stream.codec_context.color_range = ColorRange.MPEG
    return stream


def _make_picture(image: UInt8[np.ndarray, "height width 3"], ticks: int) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(
        format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
    )
    frame.pts, frame.time_base = ticks, TICK
    return frame


class _Sound:
    """The sound of a film on its way into another, in step with its pictures; maybe none."""

    def __init__(self, film: OutputContainer, media: Media) -> None:
        self._film, self._media = film, media
        self._packets: Packets = iter(())
        self._waiting: Packet | None = None  # type: ignore[type-arg]
        stream = find_audio(media)
        lane = None if stream is None else media.lane(stream)
        if stream is None or lane is None:
            return
        if lane.is_plain and stream.codec_context.name in CARRIED:
            self._packets = self._copy(stream, film.add_stream_from_template(stream), lane.zero)
        else:
            rate = stream.rate if stream.rate in AAC_HZ else AAC_HZ[0]
            layout = "mono" if stream.channels == 1 else "stereo"
            track = film.add_stream("aac", rate=rate, layout=layout)
            self._packets = self._recode(stream, track, rate, layout)

    def mux(self, until: float = np.inf) -> None:
        """Write what begins before a time, in seconds; what cannot be read ends the sound."""
        with suppress(MediaError, av.FFmpegError):
            while (packet := self._waiting or next(self._packets, None)) is not None:
                self._waiting = packet
                if float((packet.pts or 0) * (packet.time_base or 0)) > until:
                    return
                self._waiting = None
                self._film.mux(packet)

    def _copy(self, stream: av.AudioStream, track: av.AudioStream, zero: Fraction) -> Packets:
        """Packets of `stream` as they are, `zero` seconds earlier."""
        for packet in self._media.container.demux(stream):
            if packet.pts is None or packet.dts is None or not packet.time_base:
                continue
            ticks = round(zero / packet.time_base)
            packet.pts, packet.dts, packet.stream = packet.pts - ticks, packet.dts - ticks, track
            yield packet

    def _recode(
        self, stream: av.AudioStream, track: av.AudioStream, rate: int, layout: str
    ) -> Packets:
        """Frames of `stream` as `track` has them; a new form of them begins afresh."""
        form, place = None, 0
        resampler = av.AudioResampler("fltp", layout, rate)
        for seconds, frame in decode_frames(self._media, stream, 0.0):
            own = (frame.format.name, frame.layout.name, frame.sample_rate)
            if form != own:
                form, resampler = own, av.AudioResampler("fltp", layout, rate)
                place = max(place, round(seconds * rate))
            for made in resampler.resample(frame):
                made.pts, made.time_base = place, Fraction(1, rate)
                place += made.samples
                yield from track.encode(made)
        yield from track.encode(None)
