"""What an encoder is given of a clip, read back from a store of media."""

import io

import numpy as np
import pyarrow as pa
from jaxtyping import Float

from pipeline.encoders import Modality
from pipeline.faces.crops import decode_jpeg
from pipeline.media.audio import decode_audio
from pipeline.rows import ClipInput, Frames, Waveform, Words

STILL_SECONDS = 1.0
"""Stretch of a clip's only frame."""


def read_input(modality: Modality, table: pa.Table) -> ClipInput:
    """Input of a clip from its rows in `data/<modality>`."""
    if modality == "audio":
        hz = table["hz"][0].as_py()
        return Waveform(decode_audio(io.BytesIO(table["flac"][0].as_py()), hz=hz), hz)
    if modality == "text":
        starts, ends = (table[name].to_numpy() for name in ("start_seconds", "end_seconds"))
        packed = "context" in table.column_names
        context = tuple(table["context"][0].as_py()) if packed else None
        return Words(tuple(table["text"].to_pylist()), starts, ends, context)
    images = np.stack([decode_jpeg(jpeg) for jpeg in table["jpeg"].to_pylist()])
    return Frames(images, *stretch_frames(table["seconds"].to_numpy()))


def stretch_frames(
    seconds: Float[np.ndarray, " frames"],
) -> tuple[Float[np.ndarray, " frames"], Float[np.ndarray, " frames"]]:
    """Stretch of each frame: until the next one, but at most one and a half usual gaps.

    So frames that are missing in between leave a gap, and a variable frame rate is followed.
    """
    gaps = np.diff(seconds)
    usual = float(np.median(gaps)) if len(gaps) else STILL_SECONDS
    return seconds, seconds + np.minimum(np.append(gaps, usual), usual * 1.5)
