"""When a film flashes and when its sound beeps, as this code reads them."""

import numpy as np

from pipeline.media.audio import decode_audio
from pipeline.media.sampling import Sampling
from pipeline.media.video import read_frames

HZ = 16_000


def find_flashes(path, begin=None, end=None):
    """Seconds of the frames at which the picture turns bright."""
    frames = [(f.seconds, f.image.mean()) for f in read_frames(path, Sampling(), begin, end)]
    times, levels = (np.array(column) for column in zip(*frames, strict=True))
    bright = levels > (levels.min() + levels.max()) / 2
    return times[np.flatnonzero(bright & ~np.concatenate([[False], bright[:-1]]))].tolist()


def find_beeps(path, begin=None, end=None):
    """Seconds at which a loud tone begins after a pause of 0.3 s, or at the start."""
    samples = np.abs(decode_audio(path, start_seconds=begin, end_seconds=end))
    loud = np.flatnonzero(samples > samples.max() / 2)
    begins = np.concatenate([[True], np.diff(loud) > 0.3 * HZ])
    return (loud[begins] / HZ).tolist()
