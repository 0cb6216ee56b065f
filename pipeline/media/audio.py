"""Sound: any file's as mono samples at one rate, and FLAC to keep them in."""

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import av
import numpy as np
from jaxtyping import Float, Float32, Int16

from pipeline.errors import MediaError
from pipeline.limits import (
    LEAST_HZ,
    MOST_SOUND_HZ,
    MOST_TRACKS,
    SOUND_BYTES_A_SECOND,
    SOUND_SECONDS,
)
from pipeline.media.mixing import Mixer, measure_channels
from pipeline.media.streams import (
    PADDING_SECONDS,
    Media,
    declared_end,
    decode_frames,
    list_audio,
    open_media,
)

STRAY_SECONDS = 0.008
"""Timestamps that stray less from the count of samples are jitter; sound follows the others, so it
is never further than this from its pictures."""

STRAY_FRAMES = 3
"""So many frames in a row stray the same way where something is missing; one alone is jitter."""

PCM_SCALE = 1 << 15

BLOCK = 1 << 20
"""Samples that are worked on at a time: an hour's intermediate results take gigabytes."""

FAINT_DBFS = -40.0
"""Channels that cancel out leave less; the sound is then looked at channel by channel."""

CANCELLED_POWER = 0.01
"""Channels whose mean has a smaller share of the power of the loudest cancel out."""

RESAMPLING = {"rematrix_maxval": "1.0", "filter_size": "192", "cutoff": "0.97"}
"""How FFmpeg turns sound into mono at another rate. Its own filter loses 2.9 dB at 7.5 kHz when it
makes 16 kHz, and leaves 8.5 kHz at -26 dB, as what is not there; this one loses nothing below 7.5
kHz, and leaves all above 8.1 kHz below -93 dB. Unless the sum of weights is bounded, stereo
becomes a mono √2 too loud for floating-point codecs (AAC, MP3), and rightly for others."""


@dataclass(frozen=True)
class Recording:
    """Mono `samples` in [-1, 1], and what was found in the file's own.

    `clipped_share` of them are as loud as can be, `mended` were no finite numbers and are silence.
    `remarks` say which sound was taken where it is not the plain mean of the main track's channels,
    by the word for it in the ledger.
    """

    samples: Float32[np.ndarray, " samples"]
    clipped_share: float
    mended: int
    remarks: dict[str, str]

    @property
    def sounds(self) -> bool:
        """Whether there is anything that 16 bits tell from silence."""
        return any((np.abs(block) * PCM_SCALE > 0.5).any() for block in split(self.samples))


@dataclass(frozen=True)
class Stretch:
    """What is asked of a file: samples at `hz` from `begin` to `end`, None for all there are."""

    hz: int
    begin: float
    end: float | None


def decode_audio(
    source: Path | BytesIO,
    *,
    hz: int = 16_000,
    start_seconds: float | None = None,
    end_seconds: float | None = None,
) -> Float32[np.ndarray, " samples"]:
    """The samples of `read_recording`."""
    return read_recording(
        source, hz=hz, start_seconds=start_seconds, end_seconds=end_seconds
    ).samples


def read_recording(
    source: Path | BytesIO,
    *,
    hz: int = 16_000,
    start_seconds: float | None = None,
    end_seconds: float | None = None,
) -> Recording:
    """Mono samples in [-1, 1] at `hz`, from `start_seconds` on; sample n is at n / hz seconds.

    They are those of the main track, or of the first that sounds where that one is silent; the mean
    of its channels, or the loudest where they cancel out. Gaps, and the time before a track that
    begins late, are silence. The samples end with the sound or at `end_seconds`. Raises MediaError
    `no_audio` where there is no track in the stretch, `undecodable` for more than MOST_TRACKS, and
    `unreadable`, `undecodable` or `truncated` as `streams` does.
    """
    stretch = Stretch(hz, start_seconds or 0.0, end_seconds)
    with open_media(source) as media:
        tracks = len(list_audio(media))
    if not tracks:
        raise MediaError("no_audio", "expected a stream of sound, got none; add one")
    if tracks > MOST_TRACKS:
        told = f"expected at most {MOST_TRACKS} tracks of sound, got {tracks}"
        raise MediaError("undecodable", f"{told}; take out those that nobody needs")
    first: Recording | MediaError | None = None
    for number in range(tracks):
        found = _try_track(source, number, stretch)
        if isinstance(found, Recording) and found.sounds:
            return found if first is None else _remark_track(found, number)
        first = first or found
    assert first is not None
    if isinstance(first, MediaError):
        raise first
    return first


def encode_flac(samples: Float[np.ndarray, " samples"], hz: int) -> bytes:
    """A mono 16-bit FLAC file of `samples` at `hz`; what exceeds [-1, 1] is clipped.

    The same samples give the same bytes with the same FFmpeg.
    """
    file = BytesIO()
    # Without `bitexact` the file would carry FFmpeg's version.
    with av.open(file, "w", format="flac", container_options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("flac", rate=hz, layout="mono")
        for number, block in enumerate(split(samples)):
            frame = av.AudioFrame.from_ndarray(quantise(block)[None], format="s16", layout="mono")
            frame.sample_rate, frame.pts = hz, number * BLOCK
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


def quantise(samples: Float[np.ndarray, " samples"]) -> Int16[np.ndarray, " samples"]:
    """`samples` as 16 bits have them; what exceeds [-1, 1] is clipped."""
    scaled = np.clip(np.rint(samples * PCM_SCALE), -PCM_SCALE, PCM_SCALE - 1)
    return np.asarray(scaled, np.int16)


def split(samples: Float[np.ndarray, " samples"]) -> list[Float[np.ndarray, " block"]]:
    """`samples` in blocks of BLOCK, the last one shorter; an empty one where there are none."""
    return [samples[start : start + BLOCK] for start in range(0, max(len(samples), 1), BLOCK)]


def loudness_dbfs(samples: Float[np.ndarray, " samples"]) -> float:
    """Root mean square of `samples` in dB below full scale, minus infinity for digital silence."""
    energy = sum(float(np.sum(np.square(block, dtype=np.float64))) for block in split(samples))
    return 10 * math.log10(energy / len(samples)) if energy > 0 else -math.inf


def sound_seconds(samples: Float[np.ndarray, " samples"], hz: int) -> float:
    """Seconds from the first to the last of `samples` that 16 bits tell from silence.

    Silence fills the time before a track that begins late, and an editor's padding is no sound
    either.
    """
    first, last = len(samples), -1
    for number, block in enumerate(split(samples)):
        heard = np.flatnonzero(np.rint(block * PCM_SCALE))
        if len(heard):
            first = min(first, number * BLOCK + int(heard[0]))
            last = number * BLOCK + int(heard[-1])
    return max(last + 1 - first, 0) / hz


def _try_track(source: Path | BytesIO, number: int, stretch: Stretch) -> Recording | MediaError:
    """What track `number` holds, or that it holds nothing; raises other MediaErrors."""
    try:
        recording = _read_track(source, number, stretch, Mixer())
    except MediaError as error:
        if error.reason != "no_audio":
            raise
        return error
    faint = loudness_dbfs(recording.samples)
    if faint > FAINT_DBFS:
        return recording
    with open_media(source) as media:
        stream = list_audio(media)[number]
        powers = measure_channels(
            frame
            for seconds, frame in decode_frames(media, stream, stretch.begin)
            if stretch.end is None or seconds < stretch.end
        )
    if len(powers) < 2 or 10 ** (faint / 10) >= CANCELLED_POWER * powers.max():
        return recording
    loudest = int(powers.argmax())
    found = _read_track(source, number, stretch, Mixer(loudest))
    told = f"channels cancel out in their mean ({faint:.1f} dBFS); channel {loudest + 1} was taken"
    return replace(found, remarks={"antiphase": told})


def _remark_track(recording: Recording, number: int) -> Recording:
    told = f"the main track of sound is silent; the {number + 1}. was taken"
    return replace(recording, remarks={**recording.remarks, "other_track": told})


def _read_track(source: Path | BytesIO, number: int, stretch: Stretch, mixer: Mixer) -> Recording:
    """What `mixer` makes of track `number`; raises MediaError as `read_recording` does."""
    with open_media(source) as media:
        stream = list_audio(media)[number]
        most = SOUND_SECONDS + _count_bytes(source) / SOUND_BYTES_A_SECOND
        track = Track(stretch.hz, round(most * stretch.hz))
        for seconds, frame in settle(decode_frames(media, stream, stretch.begin)):
            if stretch.end is not None and seconds >= stretch.end:
                track.reach(stretch.end - stretch.begin)
                break
            track.add(mixer.mix(frame), seconds - stretch.begin)
        samples = _cut_end(track.finish(), media, stream, stretch)
    if len(samples) == 0:
        raise MediaError(
            "no_audio", f"expected sound after {stretch.begin:g} seconds, got none; mend it"
        )
    np.clip(samples, -1.0, 1.0, out=samples)
    return Recording(samples, mixer.clipped_share, mixer.mended, {})


def _count_bytes(source: Path | BytesIO) -> int:
    return source.getbuffer().nbytes if isinstance(source, BytesIO) else source.stat().st_size


def _cut_end(
    samples: Float32[np.ndarray, " samples"],
    media: Media,
    stream: av.AudioStream,
    stretch: Stretch,
) -> Float32[np.ndarray, " kept"]:
    """`samples` up to the stretch's end, or without what a codec adds to fill its last frame."""
    if stretch.end is not None:
        return samples[: round((stretch.end - stretch.begin) * stretch.hz)]
    end = declared_end(media, stream)
    if end is None:
        return samples
    declared, padding = round((end - stretch.begin) * stretch.hz), PADDING_SECONDS * stretch.hz
    return samples[:declared] if declared < len(samples) <= declared + padding else samples


Timed = tuple[float, av.AudioFrame]


def settle(frames: Iterator[Timed]) -> Iterator[Timed]:
    """`frames`, each where the one before it ends, but for those after which time has moved on.

    It has where STRAY_FRAMES in a row stray to the same side by more than STRAY_SECONDS: sound is
    missing there, or too much. Damage or a receiver's jitter moves one frame, and soon comes back.
    """
    clock: float | None = None
    for seconds, frame, following in look_ahead(frames):
        if clock is None or has_moved(clock, [(seconds, frame), *following]):
            clock = seconds
        yield clock, frame
        clock += frame.samples / frame.sample_rate


def look_ahead(frames: Iterator[Timed]) -> Iterator[tuple[float, av.AudioFrame, list[Timed]]]:
    """Each of `frames` with those that follow it, at most so many that all are STRAY_FRAMES."""
    held: deque[Timed] = deque()
    for timed in frames:
        held.append(timed)
        if len(held) == STRAY_FRAMES:
            yield *held.popleft(), [*held]
    while held:
        yield *held.popleft(), [*held]


def has_moved(clock: float, frames: list[Timed]) -> bool:
    """Whether all `frames` stray to the same side of where they would be from `clock` on."""
    strays = []
    for seconds, frame in frames:
        strays.append(seconds - clock)
        clock += frame.samples / frame.sample_rate
    return min(strays) > STRAY_SECONDS or max(strays) < -STRAY_SECONDS


class Track:
    """Samples heard so far, each where its time says; at most so many."""

    def __init__(self, hz: int, most: int) -> None:
        self._hz = hz
        self._most = most
        self._samples = bytearray()
        self._form: tuple[str, str, int] | None = None
        self._clock = -math.inf
        self._skip = 0
        self._resampler: av.AudioResampler | None = None

    def add(self, frame: av.AudioFrame, seconds: float) -> None:
        """Append `frame`, which begins at `seconds`; a gap or a new form of it starts afresh."""
        if frame.sample_rate < LEAST_HZ:
            told = f"expected at least {LEAST_HZ:,} samples a second, got {frame.sample_rate:,}"
            raise MediaError("undecodable", f"{told}; replace the file")
        if frame.sample_rate > MOST_SOUND_HZ:
            told = f"expected at most {MOST_SOUND_HZ:,} samples a second, got {frame.sample_rate:,}"
            raise MediaError("undecodable", f"{told}; replace the file")
        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        if form != self._form or abs(seconds - self._clock) > STRAY_SECONDS / 2:
            self.reach(seconds)
            self._form, self._clock = form, seconds
            self._resampler = av.AudioResampler(
                format="flt", layout="mono", rate=self._hz, options=RESAMPLING
            )
        self._clock += frame.samples / frame.sample_rate
        assert self._resampler is not None
        self._write(self._resampler.resample(frame))

    def reach(self, seconds: float) -> None:
        """Be silent from what was heard to `seconds`, or skip what was heard already."""
        self._flush()
        missing = round(seconds * self._hz) - len(self._samples) // 4
        self._expect(max(missing, 0))
        self._samples += bytes(4 * max(missing, 0))
        self._skip = max(-missing, 0)

    def finish(self) -> Float32[np.ndarray, " samples"]:
        """All samples."""
        self._flush()
        return np.frombuffer(self._samples, dtype=np.float32)

    def _flush(self) -> None:
        if self._resampler is not None:
            self._write(self._resampler.resample(None))

    def _write(self, blocks: list[av.AudioFrame]) -> None:
        for block in blocks:
            samples = block.to_ndarray()[0]
            self._expect(len(samples))
            self._samples += samples[self._skip :].tobytes()
            self._skip = max(self._skip - len(samples), 0)

    def _expect(self, samples: int) -> None:
        """Raise MediaError `undecodable` where so many more are more than a file can hold."""
        if len(self._samples) // 4 + samples > self._most:
            raise MediaError(
                "undecodable",
                f"expected at most {self._most / self._hz:,.0f} s of sound in a file of its size, "
                f"got more; replace the file",
            )
