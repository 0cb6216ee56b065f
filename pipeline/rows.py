"""What passes between media, encoders and stores: one clip's input, and its rows of output.

All times are seconds from the clip's start. A stretch is half-open: [start, end).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Shaped, UInt8

TIMES = ("start_seconds", "end_seconds")
"""Columns of a table that tell the stretch of a row."""


@dataclass(frozen=True)
class Frames:
    """RGB images of one clip, each with the stretch of time it stands for.

    `landmarks` are those of the face (`faces.contract.Faces`), NaN in a frame without; None for a
    scene.
    """

    images: UInt8[np.ndarray, "frames height width 3"]
    start_seconds: Float[np.ndarray, " frames"]
    end_seconds: Float[np.ndarray, " frames"]
    landmarks: Float[np.ndarray, "frames 5 2"] | None = None

    @property
    def nbytes(self) -> int:
        """Bytes of the images."""
        return self.images.nbytes


@dataclass(frozen=True)
class Waveform:
    """Mono sound of one clip in [-1, 1]."""

    samples: Float[np.ndarray, " samples"]
    hz: int

    @property
    def nbytes(self) -> int:
        """Bytes of the samples."""
        return self.samples.nbytes


@dataclass(frozen=True)
class Words:
    """What is said in one clip: texts with the stretch of time each covers, in order.

    `context` is what was said before, turn by turn; None where that was not asked for.
    """

    texts: tuple[str, ...]
    start_seconds: Float[np.ndarray, " texts"]
    end_seconds: Float[np.ndarray, " texts"]
    context: tuple[str, ...] | None = None

    @property
    def nbytes(self) -> int:
        """Bytes of the texts, as UTF-8."""
        return sum(len(text.encode()) for text in (*self.texts, *(self.context or ())))


ClipInput = Frames | Waveform | Words
"""Input of an encoder: `Frames` for face and scene, `Waveform` for audio, `Words` for text."""


@dataclass(frozen=True)
class FrameRun:
    """So many frames in a row, the next ones `hop` frames later: what one row of a video is of."""

    frames: int = 1
    hop: int = 1


@dataclass(frozen=True)
class Rows:
    """Embedding of one clip; `valid` is False for a row that stands for nothing seen or heard."""

    embedding: Shaped[np.ndarray, "rows *row_shape"]
    start_seconds: Float[np.ndarray, " rows"]
    end_seconds: Float[np.ndarray, " rows"]
    valid: Bool[np.ndarray, " rows"]

    def __len__(self) -> int:
        return len(self.embedding)
