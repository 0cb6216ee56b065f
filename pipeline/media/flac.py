"""FLAC: sound as the stores keep it, read back."""

from io import BytesIO

import numpy as np
from jaxtyping import Float32

from pipeline.errors import MediaError
from pipeline.limits import SOUND_BYTES_A_SECOND, SOUND_SECONDS

CURE = "delete the part and run `dvc repro` again"


def decode_flac(data: bytes, hz: int) -> Float32[np.ndarray, " samples"]:
    """Samples in [-1, 1] of a file as `encode_flac` makes them at `hz`.

    libsndfile reads them five times as fast as FFmpeg does by Python, to the same bits, and checks
    the sum of each frame, which FFmpeg does not. Raises MediaError `unreadable` for other files and
    damaged ones, `undecodable` where it says that it holds more than its bytes can.
    """
    import soundfile  # only who reads sound needs it

    if not data.startswith(b"fLaC"):  # nor is any other reader of the library tried
        raise MediaError(
            "unreadable",
            f"expected a FLAC file, got {len(data)} bytes that begin {data[:8]!r}; {CURE}",
        )
    try:
        with soundfile.SoundFile(BytesIO(data)) as file:
            form = file.samplerate, file.channels, file.subtype
            if form != (hz, 1, "PCM_16"):
                told = "expected FLAC at {:,} Hz, of {} channel, as {}, got {:,} Hz, {}, {}"
                raise MediaError("unreadable", f"{told.format(hz, 1, 'PCM_16', *form)}; {CURE}")
            most = SOUND_SECONDS + len(data) / SOUND_BYTES_A_SECOND
            if file.frames > most * hz:
                told = f"expected at most {most:,.0f} s of sound in {len(data):,} bytes, got more"
                raise MediaError("undecodable", f"{told}; {CURE}")
            samples: Float32[np.ndarray, " samples"] = file.read(file.frames, dtype="float32")
            if len(samples) < file.frames:
                told = f"expected {file.frames:,} samples of sound, got {len(samples):,}"
                raise MediaError("unreadable", f"{told}; {CURE}")
    except soundfile.SoundFileError as error:
        told = f"expected a whole FLAC file, got a damaged one ({error})"
        raise MediaError("unreadable", f"{told}; {CURE}") from error
    return samples
