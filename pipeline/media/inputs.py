"""What an encoder is given of a clip, read back from a store of media."""

import io
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from jaxtyping import Float

from pipeline.errors import MediaError
from pipeline.media.audio import decode_audio
from pipeline.media.jpeg import decode_jpeg
from pipeline.rows import ClipInput, FrameRun, Frames, Modality, Waveform, Words

STILL_SECONDS = 1.0
"""Stretch of a clip's only frame."""


PIECE_BYTES = 64_000_000
"""Decoded frames of a piece hold about so many bytes."""


def read_pieces(modality: Modality, table: pa.Table, run: FrameRun | None) -> Iterator[ClipInput]:
    """Input of a clip from its rows in `data/<modality>`, whole or in pieces.

    Sound and words are whole, and so are frames without a `run`. With one, pieces are of about
    PIECE_BYTES, and the rows of all pieces, one after another, are those of the whole.
    """
    if modality == "audio":
        yield read_sound(table)
    elif modality == "text":
        yield read_words(table)
    else:
        seconds = table["seconds"].to_numpy()
        starts, ends = stretch_frames(seconds)
        points = read_landmarks(table)
        jpegs = table["jpeg"]
        most = PIECE_BYTES // decode_jpeg(jpegs[0].as_py()).nbytes
        for piece in cut_pieces(len(seconds), run, most):
            shown = jpegs.slice(piece.start, piece.stop - piece.start).to_pylist()
            images = np.stack([decode_jpeg(jpeg) for jpeg in shown])
            seen = None if points is None else points[piece]
            yield Frames(images, starts[piece], ends[piece], seen)


def cut_pieces(frames: int, run: FrameRun | None, most: int) -> Iterator[slice]:
    """Stretches of a clip that hold each of its runs once; runs begin in `most` frames of each."""
    if run is None:
        yield slice(0, frames)
        return
    step = max(1, most // run.hop) * run.hop
    overlap = run.frames - run.hop
    for start in range(0, max(1, frames - overlap), step):
        yield slice(start, min(frames, start + step + overlap))


def read_landmarks(table: pa.Table) -> Float[np.ndarray, "frames 5 2"] | None:
    """Five points of the face in each frame, NaN where they are unknown; None of a scene."""
    if "landmarks" not in table.column_names:
        return None
    values = table["landmarks"].combine_chunks().flatten().to_numpy()
    points: Float[np.ndarray, "frames 5 2"] = values.reshape(-1, 5, 2)
    return points


def read_sound(table: pa.Table) -> Waveform:
    """Sound of a clip from its row in `data/audio`."""
    hz = table["hz"][0].as_py()
    data = table["flac"][0].as_py()
    if not data.startswith(b"fLaC"):
        raise MediaError(
            "unreadable",
            f"expected a FLAC file, got {len(data)} bytes that begin {data[:8]!r}; delete the part "
            "and run `dvc repro` again",
        )
    return Waveform(decode_audio(io.BytesIO(data), hz=hz), hz)


def read_words(table: pa.Table) -> Words:
    """Words of a clip from its rows in `data/text`."""
    starts, ends = (table[name].to_numpy() for name in ("start_seconds", "end_seconds"))
    packed = "context" in table.column_names
    context = tuple(table["context"][0].as_py()) if packed else None
    return Words(tuple(table["text"].to_pylist()), starts, ends, context)


def stretch_frames(
    seconds: Float[np.ndarray, " frames"],
) -> tuple[Float[np.ndarray, " frames"], Float[np.ndarray, " frames"]]:
    """Stretch of each frame: until the next one, but at most one and a half usual gaps.

    So frames that are missing in between leave a gap, and a variable frame rate is followed.
    """
    gaps = np.diff(seconds)
    usual = float(np.median(gaps)) if len(gaps) else STILL_SECONDS
    return seconds, seconds + np.minimum(np.append(gaps, usual), usual * 1.5)
