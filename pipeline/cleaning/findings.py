"""Findings: what is measured of a clip's media beside its sound, and kept apart from it.

They have a version of their own, so that another way of measuring makes no sound anew, nor the
features that lean on its key.
"""

from collections.abc import Mapping
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipeline.cleaning.prints import (
    MOST_UNITS,
    PICTURE_UNITS,
    SIZES,
    Print,
    print_pictures,
    print_sound,
)
from pipeline.errors import MediaError, StoreError
from pipeline.labels.clips import Clip
from pipeline.media.audio import Recording
from pipeline.media.probe import Probe
from pipeline.media.sampling import Sampling
from pipeline.media.video import read_frames
from pipeline.store.provenance import Provenance
from pipeline.store.writer import Made

FINDINGS_SCHEMA = pa.schema(
    [
        ("clip_id", pa.string()),
        ("kind", pa.string()),
        ("units", pa.int64()),
        ("bits", pa.binary()),
        ("valid", pa.binary()),
    ]
)
"""One row per clip that can be known again: its print, bits in the order of `numpy.packbits`."""

FINDINGS = Provenance("findings", {"version": 1})

SUFFIXES: Mapping[str, tuple[str, ...]] = {
    "aac": (".aac", ".adts"),
    "ac3": (".ac3",),
    "aiff": (".aif", ".aifc", ".aiff"),
    "amr": (".amr",),
    "asf": (".asf", ".wma", ".wmv"),
    "au": (".au", ".snd"),
    "avi": (".avi", ".divx"),
    "bmp_pipe": (".bmp",),
    "caf": (".caf",),
    "flac": (".flac",),
    "flv": (".f4v", ".flv"),
    "gif": (".gif",),
    "jpeg_pipe": (".jpeg", ".jpg"),
    "matroska,webm": (".mk3d", ".mka", ".mkv", ".webm"),
    "mov,mp4,m4a,3gp,3g2,mj2": (
        *(".3g2", ".3gp", ".f4v", ".m4a", ".m4b", ".m4v", ".mov", ".mp4", ".qt"),
    ),
    "mp3": (".mp2", ".mp3", ".mpga"),
    "mpeg": (".mpeg", ".mpg", ".vob"),
    "mpegts": (".m2t", ".m2ts", ".mts", ".ts"),
    "mpegvideo": (".m2v", ".mpeg", ".mpg", ".mpv"),
    "nistsphere": (".nist", ".sph", ".wav"),  # as corpora of the LDC have it
    "ogg": (".oga", ".ogg", ".ogv", ".opus", ".spx"),
    "png_pipe": (".png",),
    "apng": (".apng", ".png"),
    "tiff_pipe": (".tif", ".tiff"),
    "wav": (".wav", ".wave"),
    "w64": (".w64", ".wav"),
    "webp_pipe": (".webp",),
}
"""FFmpeg's name for a format → how its files are called. What is not here is not judged."""

KNOWN_SUFFIXES = frozenset(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)


def measure_findings(clip: Clip, probe: Probe, recording: Recording | None) -> Made:
    """What is measured of a clip that was opened: facts, and its print where it has one.

    It is that of its sound; of its pictures where nothing is heard.
    """
    heard = None if recording is None else print_sound(recording.samples)
    told = heard or _print_frames(clip, probe)
    return Made(
        None if told is None else _write_print(clip.clip_id, told),
        facts={
            "format": probe.format,
            "sound_track_seconds": probe.sound_track_seconds,
            "picture_track_seconds": None if probe.still else probe.picture_track_seconds,
            "back_steps": probe.back_steps,
            "back_seconds": probe.back_seconds,
        },
    )


def read_print(content: pa.Table) -> Print:
    """Print in a clip's rows; raises StoreError where these are no such thing."""
    (row,) = content.to_pylist()
    units, size = row["units"], SIZES.get(row["kind"], 0)
    if not 0 < units <= MOST_UNITS or len(row["bits"]) != units * size:
        raise StoreError(
            f"findings: {row['clip_id']}: expected a print of sound or pictures, got "
            f"{row['kind']!r} of {units} units and {len(row['bits'])} bytes; remove data/findings, "
            f"and run `dvc repro clean`"
        )
    bits = np.frombuffer(row["bits"], np.uint8).reshape(units, size)
    valid = np.unpackbits(np.frombuffer(row["valid"], np.uint8), count=units).astype(np.bool_)
    return Print(row["kind"], bits, valid)


def fits_suffix(path: Path, form: str) -> bool:
    """Whether a file of the format `form` may be called so; yes where either is not known.

    >>> fits_suffix(Path("a.mp4"), "matroska,webm"), fits_suffix(Path("a.WAV"), "wav")
    (False, True)
    """
    suffix = path.suffix.lower()
    return form not in SUFFIXES or suffix not in KNOWN_SUFFIXES or suffix in SUFFIXES[form]


def _print_frames(clip: Clip, probe: Probe) -> Print | None:
    """Print of the clip's first pictures, one each second; None where there are none."""
    if probe.fps is None and not probe.still:
        return None
    stretch = clip.start_seconds, clip.end_seconds
    frames = read_frames(Path(clip.path), Sampling(rate_hz=1.0), *stretch)
    try:
        return print_pictures(frame.image for frame in islice(frames, PICTURE_UNITS))
    except MediaError:  # whoever looks at the pictures meets it again
        return None


def _write_print(clip_id: str, told: Print) -> pa.Table:
    row = {
        "clip_id": clip_id,
        "kind": told.kind,
        "units": len(told.valid),
        "bits": told.bits.tobytes(),
        "valid": np.packbits(told.valid).tobytes(),
    }
    return pa.Table.from_pylist([row], schema=FINDINGS_SCHEMA)
