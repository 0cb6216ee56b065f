"""Movies as talk sites serve them: H.264 video and AAC sound in an MP4."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import OutputContainer
from jaxtyping import Float, UInt8

FPS = 15
AUDIO_BITS_PER_SECOND = 32_000
VIDEO_OPTIONS = {"crf": "24", "preset": "veryslow", "threads": "1", "tune": "animation"}
"""One thread: with more, the bytes depend on the machine."""


def write_movie(
    path: Path,
    frames: UInt8[np.ndarray, "frames height width 3"],
    samples: Float[np.ndarray, " samples"] | None,
    *,
    hz: int,
) -> None:
    """Write RGB `frames` at FPS and mono `samples` in [-1, 1]; no sound stream for None."""
    with av.open(str(path), "w", format="mp4", options={"fflags": "+bitexact"}) as movie:
        video = movie.add_stream("libx264", rate=FPS, options=VIDEO_OPTIONS)
        video.height, video.width = frames.shape[1:3]
        video.pix_fmt = "yuv420p"
        sound = None if samples is None else _add_sound(movie, hz)
        for image in frames:
            movie.mux(video.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        movie.mux(video.encode(None))
        if sound is not None and samples is not None:
            movie.mux(sound.encode(_audio_frame(samples, hz)))
            movie.mux(sound.encode(None))


def _add_sound(movie: OutputContainer, hz: int) -> av.AudioStream:
    sound = movie.add_stream("aac", rate=hz, layout="mono")
    # The first packet of any stream opens all encoders: later would be too late.
    sound.bit_rate = AUDIO_BITS_PER_SECOND
    return sound


def _audio_frame(samples: Float[np.ndarray, " samples"], hz: int) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(samples[None].astype(np.float32), "fltp", "mono")
    frame.sample_rate = hz
    frame.time_base = Fraction(1, hz)
    frame.pts = 0
    return frame
