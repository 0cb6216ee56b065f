"""Sound: any file's as mono samples at one rate, and FLAC to keep them in."""

import math
from io import BytesIO
from pathlib import Path

import av
import numpy as np
from jaxtyping import Float, Float32

from pipeline.errors import MediaError
from pipeline.media.streams import declared_end, decode_frames, find_audio, open_container

GAP_SECONDS = 0.1
"""Timestamps that stray less from the count of samples are jitter; beyond it they are a gap."""

PCM_SCALE = 1 << 15


def decode_audio(
    source: Path | BytesIO,
    *,
    hz: int = 16_000,
    start_seconds: float | None = None,
    end_seconds: float | None = None,
) -> Float32[np.ndarray, " samples"]:
    """Mono samples in [-1, 1] at `hz`, from `start_seconds` on; sample n is at n / hz seconds.

    Gaps, and the time before a track that begins late, are silence. The samples end with the
    sound or at `end_seconds`. Raises MediaError `no_audio` where nothing sounds in the stretch,
    and `unreadable`, `undecodable` or `truncated` as `streams` does.
    """
    begin = start_seconds or 0.0
    with open_container(source) as container:
        stream = find_audio(container)
        if stream is None:
            raise MediaError("no_audio", "expected a stream of sound, got none; add one")
        track = _Track(hz)
        for seconds, frame in decode_frames(container, stream, begin):
            if end_seconds is not None and seconds >= end_seconds:
                track.reach(end_seconds - begin)
                break
            track.add(frame, seconds - begin)
        samples = track.finish()
        if end_seconds is not None:
            samples = samples[: round((end_seconds - begin) * hz)]
        elif (end := declared_end(container, stream)) is not None:
            samples = _trim_padding(samples, round((end - begin) * hz), round(GAP_SECONDS * hz))
    if len(samples) == 0:
        raise MediaError("no_audio", f"expected sound after {begin:g} seconds, got none; mend it")
    return np.clip(samples, -1.0, 1.0, out=samples)


def encode_flac(samples: Float[np.ndarray, " samples"], hz: int) -> bytes:
    """A mono 16-bit FLAC file of `samples` at `hz`; what exceeds [-1, 1] is clipped.

    The same samples give the same bytes with the same FFmpeg.
    """
    scaled = np.clip(np.rint(samples * PCM_SCALE), -PCM_SCALE, PCM_SCALE - 1).astype(np.int16)
    file = BytesIO()
    # Without `bitexact` the file would carry FFmpeg's version.
    with av.open(file, "w", format="flac", container_options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("flac", rate=hz, layout="mono")
        frame = av.AudioFrame.from_ndarray(scaled[None], format="s16", layout="mono")
        frame.sample_rate = hz
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


def loudness_dbfs(samples: Float[np.ndarray, " samples"]) -> float:
    """Root mean square of `samples` in dB below full scale, minus infinity for digital silence."""
    power = float(np.mean(np.square(samples, dtype=np.float64))) if len(samples) else 0.0
    return 10 * math.log10(power) if power > 0 else -math.inf


def sound_seconds(samples: Float[np.ndarray, " samples"], hz: int) -> float:
    """Seconds from the first to the last of `samples` that 16 bits tell from silence.

    Silence fills the time before a track that begins late, and an editor's padding is no sound
    either.
    """
    heard = np.flatnonzero(np.rint(samples * PCM_SCALE))
    return float(heard[-1] + 1 - heard[0]) / hz if len(heard) else 0.0


def _trim_padding(
    samples: Float32[np.ndarray, " samples"], declared: int, padding: int
) -> Float32[np.ndarray, " kept"]:
    """`samples` without the silence that a codec adds to fill its last frame, or as they are."""
    return samples[:declared] if declared < len(samples) <= declared + padding else samples


class _Track:
    """Samples heard so far, each where its time says."""

    def __init__(self, hz: int) -> None:
        self._hz = hz
        self._samples = bytearray()
        self._form: tuple[str, str, int] | None = None
        self._clock = -math.inf
        self._skip = 0
        self._resampler: av.AudioResampler | None = None

    def add(self, frame: av.AudioFrame, seconds: float) -> None:
        """Append `frame`, which begins at `seconds`; a gap or a new form of it starts afresh."""
        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        if form != self._form or abs(seconds - self._clock) > GAP_SECONDS:
            self.reach(seconds)
            self._form, self._clock = form, seconds
            # FFmpeg turns stereo into mono √2 too loud for floating-point codecs (AAC, MP3) and
            # rightly for others, unless the sum of weights is bounded.
            self._resampler = av.AudioResampler(
                format="flt", layout="mono", rate=self._hz, options={"rematrix_maxval": "1.0"}
            )
        self._clock += frame.samples / frame.sample_rate
        assert self._resampler is not None
        self._write(self._resampler.resample(frame))

    def reach(self, seconds: float) -> None:
        """Be silent from what was heard to `seconds`, or skip what was heard already."""
        self._flush()
        missing = round(seconds * self._hz) - len(self._samples) // 4
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
            self._samples += samples[self._skip :].tobytes()
            self._skip = max(self._skip - len(samples), 0)
