"""What an encoder is given of a clip, read back from a store of media."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from jaxtyping import Float

from pipeline.errors import MediaError
from pipeline.limits import JPEG_PIXELS, MOST_SECONDS, TOGETHER_BYTES
from pipeline.media import AUDIO_HZ
from pipeline.media.flac import CURE, decode_flac
from pipeline.media.jpeg import count_pixels, decode_jpeg
from pipeline.modalities import Modality
from pipeline.rows import TIMES, ClipInput, FrameRun, Frames, Waveform, Words

STILL_SECONDS = 1.0
"""Stretch of a clip's only frame."""


PIECE_BYTES = 64_000_000
"""Decoded frames of a piece hold about so many bytes."""


def read_pieces(modality: Modality, table: pa.Table, run: FrameRun | None) -> Iterator[ClipInput]:
    """Input of a clip from its rows in `data/<modality>`, whole or in pieces.

    Sound and words are whole, and so are frames without a `run`. With one, pieces are of about
    PIECE_BYTES, and the rows of all pieces, one after another, are those of the whole. Raises
    MediaError `unreadable` or `undecodable`.
    """
    if modality == "audio":
        yield read_sound(table)
    elif modality == "text":
        yield read_words(table)
    else:
        seconds = table["seconds"].to_numpy()
        starts, ends = stretch_frames(seconds)
        _check_times(starts, ends)
        points = read_landmarks(table)
        jpegs = table["jpeg"]
        pixels = _count_pixels(jpegs)
        for piece in cut_pieces(len(seconds), run, PIECE_BYTES // (3 * pixels)):
            _check_together(3 * pixels * (piece.stop - piece.start))
            shown = jpegs.slice(piece.start, piece.stop - piece.start).to_pylist()
            images = np.stack([decode_jpeg(jpeg) for jpeg in shown])
            seen = None if points is None else points[piece]
            yield Frames(images, starts[piece], ends[piece], seen)


def _count_pixels(jpegs: pa.ChunkedArray) -> int:
    """Pixels of each picture of a clip, by what their headers say.

    Raises MediaError `unreadable` where they differ, or promise more than their bytes can hold.
    """
    counts = {count_pixels(jpeg.as_py()) for jpeg in jpegs} - {0}  # those are told when decoded
    pixels = max(counts, default=1)
    if len(counts) > 1:
        told = f"expected JPEG files of one size, got some of {min(counts):,} to {pixels:,} pixels"
        raise MediaError("unreadable", f"{told}; {CURE}")
    if pixels * len(jpegs) > JPEG_PIXELS * jpegs.nbytes:
        told = f"expected pictures, got {jpegs.nbytes:,} bytes for {pixels * len(jpegs):,} pixels"
        raise MediaError("unreadable", f"{told}; {CURE}")
    return pixels


def _check_together(size: int) -> None:
    """Raise MediaError `unreadable` for frames of so many bytes that an encoder sees together."""
    if size > TOGETHER_BYTES:
        told = f"expected frames of at most {TOGETHER_BYTES:,} bytes to be seen together, got"
        cure = "look at fewer (faces.rate_hz), or have frames encoded one by one"
        raise MediaError("unreadable", f"{told} {size:,}; {cure}")


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
    if hz != AUDIO_HZ:
        raise MediaError("unreadable", f"expected sound at {AUDIO_HZ:,} Hz, got {hz:,}; {CURE}")
    return Waveform(decode_flac(table["flac"][0].as_py(), hz), hz)


def read_words(table: pa.Table) -> Words:
    """Words of a clip from its rows in `data/text`."""
    starts, ends = (table[name].to_numpy() for name in TIMES)
    _check_times(starts, ends)
    packed = "context" in table.column_names
    context = tuple(table["context"][0].as_py()) if packed else None
    return Words(tuple(table["text"].to_pylist()), starts, ends, context)


def _check_times(starts: Float[np.ndarray, " rows"], ends: Float[np.ndarray, " rows"]) -> None:
    """Raise MediaError `unreadable` for times that no reader of their rows would take."""
    if not ((starts >= 0) & (starts <= ends) & (ends < MOST_SECONDS)).all():  # False of NaN
        told = "expected rows that begin at 0 s or later and end after that, got others"
        raise MediaError("unreadable", f"{told}; {CURE}")


def stretch_frames(
    seconds: Float[np.ndarray, " frames"],
) -> tuple[Float[np.ndarray, " frames"], Float[np.ndarray, " frames"]]:
    """Stretch of each frame: until the next one, but at most one and a half usual gaps.

    So frames that are missing in between leave a gap, and a variable frame rate is followed.
    """
    gaps = np.diff(seconds)
    usual = float(np.median(gaps)) if len(gaps) else STILL_SECONDS
    return seconds, seconds + np.minimum(np.append(gaps, usual), usual * 1.5)
