"""Small real media, made by PyAV; the clips they are; the parts and the numbers made of them."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from pipeline.labels.clips import Clip
from pipeline.store.parquet import PARTS


@contextmanager
def lay_deep(root: Path, folders: int = 1500) -> Iterator[Path]:
    """`root` with so many folders within one another, which no path leads to the last of."""
    root.mkdir()
    with chdir(root):
        for _ in range(folders):
            os.mkdir("a")
            os.chdir("a")
        try:
            yield root
        finally:
            for _ in range(folders):  # nothing else removes them
                os.chdir("..")
                os.rmdir("a")


AUDIO_CODECS = {
    ".avi": "pcm_s16le",
    ".flac": "flac",
    ".m4a": "aac",
    ".mka": "pcm_s16le",
    ".mkv": "flac",
    ".mov": "aac",
    ".mp3": "mp3",
    ".mp4": "aac",
    ".ts": "aac",
    ".wav": "pcm_s16le",
}


DECLARED_MATRICES = {Colorspace.ITU601: 6, Colorspace.ITU709: 1, Colorspace.BT2020: 9}
"""FFmpeg's numbers for them in a file."""


@dataclass(frozen=True)
class Coding:
    """How pictures are stored: FFmpeg's names; 4:2:0 for even sizes and 4:4:4 for odd.

    RGB pictures become others by `matrix` and `full_range`, which the file tells if `declared`.
    """

    codec: str = "libx264"
    pixel_format: str | None = None
    matrix: Colorspace = Colorspace.ITU601
    full_range: bool = False
    declared: bool = False
    pixel_ratio: Fraction | None = None
    options: Mapping[str, str] = field(default_factory=lambda: {"crf": "8", "g": "10"})


@dataclass(frozen=True)
class Sound:
    """A track: `samples` are `(channels, samples)` in [-1, 1], one or two channels."""

    samples: np.ndarray
    hz: int
    start_seconds: float = 0.0


def tone(seconds, hz, pitch_hz=440.0, level=0.5):
    """A sine, `(1, samples)`."""
    return level * np.sin(2 * np.pi * pitch_hz * np.arange(round(seconds * hz)) / hz)[None]


def grey_frames(count, height=48, width=64):
    """Frames `(count, height, width, 3)` whose grey says their number: 5 times it."""
    levels = np.arange(count, dtype=np.uint8) * 5
    return np.broadcast_to(levels[:, None, None, None], (count, height, width, 3))


def write_video(
    path: Path,
    frames: Sequence[np.ndarray] | np.ndarray,
    fps: int = 25,
    *,
    audio: Sound | None = None,
    seconds: Sequence[float] | None = None,
    rotation: int = 0,
    coding: Coding | None = None,
) -> Path:
    """Video of RGB `frames`, at `seconds` or else at `fps`: H.264, a key frame every ten."""
    base = Fraction(1, 90_000)
    times = [Fraction(i, fps) for i in range(len(frames))] if seconds is None else seconds
    with av.open(path, "w") as container:
        coding = coding or Coding()
        pictures = _add_pictures(container, frames[0].shape[:2], fps, rotation, coding)
        track = None if audio is None else _add_track(container, path, audio)
        for image, time in zip(frames, times, strict=True):
            frame = _picture(image, pictures.pix_fmt, coding)
            frame.pts, frame.time_base = round(time / base), base
            container.mux(pictures.encode(frame))
        container.mux(pictures.encode(None))
        if audio is not None:
            container.mux(track.encode(_sound_frame(track, audio)))
            container.mux(track.encode(None))
    return path


def write_audio(path: Path, audio: Sound) -> Path:
    """File of sound alone, in the codec its suffix stands for."""
    return write_parts(path, [audio])


def write_parts(path: Path, parts: Sequence[Sound]) -> Path:
    """File of one track that sounds in `parts`, each at its own time, in order."""
    with av.open(path, "w") as container:
        stream = _add_track(container, path, parts[0])
        for part in parts:
            container.mux(stream.encode(_sound_frame(stream, part)))
        container.mux(stream.encode(None))
    return path


def make_clips(paths: Mapping[str, Path]) -> list[Clip]:
    """A clip for each file of `paths` (clip_id → file)."""
    return [Clip(clip_id=name, corpus="toy", path=str(path)) for name, path in paths.items()]


def list_parts(work: Path) -> dict[str, set[str]]:
    """File of each part of media in the work store `work` → its clips."""
    paths = work.glob("*/[!.]*")
    return {path.name: {clip.clip_id for clip in PARTS.read_clips(path)} for path in paths}


def project_values(values: np.ndarray) -> list[float]:
    """Norm of all `values`, and two weighted sums of them over that norm.

    A digest would change with the last bit, and a digest of rounded values with a value that
    lies at an edge of rounding. These change by less than 1e-3 from one processor to another.
    """
    flat = values.ravel().astype(np.float64)
    norm = np.linalg.norm(flat)
    waves = [np.cos(np.arange(len(flat)) * step) for step in (0.7, 1.9)]
    return [float(norm), *(float(flat @ wave / norm) for wave in waves)]


def _add_pictures(container, size, fps, rotation, coding):
    height, width = size
    stream = container.add_stream(coding.codec, rate=fps)
    stream.width, stream.height = width, height
    usual = "yuv444p" if height % 2 or width % 2 else "yuv420p"
    stream.pix_fmt = coding.pixel_format or usual
    ticks_hz = fps if coding.codec.startswith("mpeg") else 90_000  # these know no other times
    stream.codec_context.time_base = Fraction(1, ticks_hz)
    stream.codec_context.thread_count = 1
    stream.options = dict(coding.options)
    if coding.declared:
        stream.codec_context.colorspace = DECLARED_MATRICES[coding.matrix]
        stream.codec_context.color_range = _color_range(coding)
    if coding.pixel_ratio is not None:
        stream.codec_context.sample_aspect_ratio = coding.pixel_ratio
    if rotation:
        stream.set_display_rotation(rotation)
    return stream


def _picture(image, pixel_format, coding):
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
    if not pixel_format.startswith(("yuv", "gray")):
        return frame.reformat(format=pixel_format)
    return frame.reformat(
        format=pixel_format,
        dst_colorspace=coding.matrix,
        dst_color_range=_color_range(coding),
    )


def _color_range(coding):
    return ColorRange.JPEG if coding.full_range else ColorRange.MPEG


def _add_track(container, path, audio):
    layout = "mono" if len(audio.samples) == 1 else "stereo"
    return container.add_stream(AUDIO_CODECS[path.suffix], rate=audio.hz, layout=layout)


def _sound_frame(stream, audio):
    if stream.format.name.startswith("s16"):
        scaled = np.clip(np.rint(audio.samples * 32768), -32768, 32767).astype(np.int16)
        samples, form = scaled.T.reshape(1, -1), "s16"
    else:
        samples, form = audio.samples.astype(np.float32), "fltp"
    frame = av.AudioFrame.from_ndarray(samples, format=form, layout=stream.layout.name)
    frame.sample_rate, frame.time_base = audio.hz, Fraction(1, audio.hz)
    frame.pts = round(audio.start_seconds * audio.hz)
    return frame
