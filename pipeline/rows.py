"""What passes between media, encoders and stores: one clip's input, and its rows of output.

All times are seconds from the clip's start. A stretch is half-open: [start, end).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Shaped, UInt8


@dataclass(frozen=True)
class Frames:
    """RGB images of one clip, each with the stretch of time it stands for."""

    images: UInt8[np.ndarray, "frames height width 3"]
    start_seconds: Float[np.ndarray, " frames"]
    end_seconds: Float[np.ndarray, " frames"]


@dataclass(frozen=True)
class Waveform:
    """Mono sound of one clip in [-1, 1]."""

    samples: Float[np.ndarray, " samples"]
    hz: int


@dataclass(frozen=True)
class Words:
    """What is said in one clip: texts with the stretch of time each covers, in order.

    `context` is what was said before, turn by turn; None where that was not asked for.
    """

    texts: tuple[str, ...]
    start_seconds: Float[np.ndarray, " texts"]
    end_seconds: Float[np.ndarray, " texts"]
    context: tuple[str, ...] | None = None


ClipInput = Frames | Waveform | Words
"""Input of an encoder: `Frames` for face and scene, `Waveform` for audio, `Words` for text."""


@dataclass(frozen=True)
class Rows:
    """Embedding of one clip; `valid` is False for a row that stands for nothing seen or heard."""

    embedding: Shaped[np.ndarray, "rows *row_shape"]
    start_seconds: Float[np.ndarray, " rows"]
    end_seconds: Float[np.ndarray, " rows"]
    valid: Bool[np.ndarray, " rows"]

    def __len__(self) -> int:
        return len(self.embedding)
