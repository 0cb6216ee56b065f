"""RIFF: how much sound the header of a WAV file promises, which FFmpeg cuts to what there is."""

import os
import struct
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

UNKNOWN_BYTES = frozenset({0, 0xFFFF_FFFF})
"""What a program writes that does not know the length yet, and cannot go back."""

HEADERS = frozenset({b"RIFF", b"RF64", b"BW64"})


def measure_promise(source: Path | BytesIO) -> float:
    """Bytes of sound that the header of a WAV file promises, as a multiple of those there are.

    It is 1 where all are there, or the header does not say. RF64 keeps lengths beyond 4 GB in a
    chunk of its own, `ds64` (EBU Tech 3306).
    """
    if isinstance(source, BytesIO):
        return _measure(source)
    with source.open("rb") as file:
        return _measure(file)


def _measure(file: BinaryIO) -> float:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(12)
    if head[:4] not in HEADERS or head[8:] != b"WAVE":
        return 1.0
    long_bytes = 0
    for name, promised in _walk_chunks(file):
        if name == b"ds64":
            long_bytes = struct.unpack("<8xQ", file.read(16).ljust(16, b"\0"))[0]
        elif name == b"data":
            known = long_bytes if promised in UNKNOWN_BYTES else promised
            return max(1.0, known / max(size - file.tell(), 1))
    return 1.0


def _walk_chunks(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Name and bytes of each chunk, `file` standing at its content."""
    while len(head := file.read(8)) == 8:
        name, size = struct.unpack("<4sI", head)
        begin = file.tell()
        yield name, size
        file.seek(begin + size + size % 2)
