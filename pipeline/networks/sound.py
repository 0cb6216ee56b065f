"""What encoders of sound and Whisper share: the rate they expect, rows of no sound or all of it."""

import numpy as np

from pipeline.errors import StoreError
from pipeline.media import AUDIO_HZ
from pipeline.rows import Rows, Waveform


def check_hz(clip: Waveform) -> None:
    """Raise StoreError for sound at another rate than AUDIO_HZ."""
    if clip.hz != AUDIO_HZ:
        raise StoreError(f"audio: expected {AUDIO_HZ} Hz, got {clip.hz} Hz; run `dvc repro clean`")


def make_no_rows(row_shape: tuple[int, ...]) -> Rows:
    """What a clip gives that is too short, or empty."""
    nowhen = np.zeros(0)
    return Rows(np.zeros((0, *row_shape), np.float32), nowhen, nowhen, nowhen > 0)


def make_one_row(row: np.ndarray, samples: int) -> Rows:
    """`row` for a whole clip of so many samples."""
    seconds = np.array([0.0, samples / AUDIO_HZ])
    return Rows(row[None], seconds[:1], seconds[1:], np.array([True]))
