"""BMFF: how many samples the header of an MP4 or QuickTime file lists (ISO/IEC 14496-12).

FFmpeg keeps an entry of each, of 36 bytes, though a header of a kilobyte may say in a word that
there are a hundred million of the same size.
"""

import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from pipeline.errors import MediaError
from pipeline.limits import LISTED_BYTES, MOST_HEADER, MOST_LISTED

# Names overlap where a stranger wants one to hide the next: what follows is looked at, not taken.
HANDLERS = re.compile(rb"hdlr(?=.{8}(soun|vide|m1a |subp|clcp))", re.DOTALL)
"""What a track is, as far as FFmpeg goes by it."""

SAMPLES = re.compile(rb"(?:trun(?=.{4}(.{4}))|st(?:sz|z2)(?=.{8}(.{4})))", re.DOTALL)
"""Samples of a fragment, or of a track."""

RUNS = re.compile(rb"stts(?=.{4}(.{12}))", re.DOTALL)
"""How many runs of samples that last equally long there are, and of the first, how many samples it
has and how long each is."""

CHUNKS = re.compile(rb"(?:stco|co64)(?=.{4}(.{4}))", re.DOTALL)

TOGETHER = re.compile(rb"stsc(?=.{4}(.{4}))", re.DOTALL)
"""Rows of a table that says how many samples lie together in chunks."""

LEAST_TOGETHER = 160
"""Samples of plain sound that FFmpeg makes one entry of, at least."""


@dataclass(frozen=True)
class Box:
    """A box of a file: what it is, and where what it holds begins and ends."""

    kind: bytes
    begin: int
    end: int


def check_samples(file: BinaryIO) -> None:
    """Raise MediaError `unreadable` where the header of `file` lists more samples than any film's.

    Within the boxes of a file names are looked for wherever they stand: FFmpeg looks into more
    boxes than a list here would name.
    """
    size = file.seek(0, os.SEEK_END)
    root = Box(b"root", 0, size)
    headers = (box for box in _walk(file, root) if box.kind != b"mdat" and _is_name(box.kind))
    listed = sum(_count_samples(file, box) for box in headers)
    most = max(MOST_LISTED, size // LISTED_BYTES)
    if listed > most:
        told = f"expected a header of at most {most:,} samples, got {listed:,}; convert the file"
        raise MediaError("unreadable", told)


def _walk(file: BinaryIO, box: Box) -> Iterator[Box]:
    """Boxes within `box` of `file`, as FFmpeg finds them."""
    place = box.begin
    while place + 8 <= box.end:
        file.seek(place)
        length, kind = struct.unpack(">I4s", file.read(8))
        begin = 8
        if length == 1:
            (length,) = struct.unpack(">Q", file.read(8).ljust(8, b"\0"))
            begin = 16
        length = length or box.end - place
        if length < begin:
            return
        yield Box(kind, min(place + begin, box.end), min(place + length, box.end))
        place += length


def _is_name(kind: bytes) -> bool:
    """Whether `kind` can be that of a header; files of other formats begin with other bytes."""
    return bool(re.fullmatch(rb"[ -~]{4}", kind))


def _count_samples(file: BinaryIO, box: Box) -> int:
    """Entries that FFmpeg makes of what a box of a file lists.

    Of all samples but those of plain sound, of which many become one. A box that may hold others is
    told to be of plain sound only where it stands as the standard has it.
    """
    header = _read(file, box)
    if b"cmov" in header:
        raise MediaError("unreadable", "expected a plain header, got a packed one; convert it")
    tracks = [one for one in _walk(file, box) if box.kind == b"moov" and one.kind == b"trak"]
    sounds = [_read(file, track) for track in tracks if _is_plain_sound(file, track)]
    alone = sum(map(_count_listed, sounds))
    return _count_listed(header) - alone + sum(map(_count_chunked, sounds))


def _read(file: BinaryIO, box: Box) -> bytes:
    size = box.end - box.begin
    if size > MOST_HEADER:
        told = f"expected a header of at most {MOST_HEADER:,} bytes, got {size:,}; convert the file"
        raise MediaError("unreadable", told)
    file.seek(box.begin)
    return file.read(size)


def _is_plain_sound(file: BinaryIO, track: Box) -> bool:
    """Whether a track is sound of which every sample lasts one tick of a clock."""
    held = _read(file, track)
    handler = _find(file, track, b"mdia", b"hdlr")
    kinds = {found[1] for found in HANDLERS.finditer(held)}
    runs = [struct.unpack(">III", found[1])[::2] for found in RUNS.finditer(held)]
    stated = handler[8:12] == b"soun" and _find(file, track, b"mdia", b"minf", b"stbl", b"stts")
    return bool(stated) and kinds == {b"soun"} and runs == [(1, 1)]


def _find(file: BinaryIO, box: Box, *kinds: bytes) -> bytes:
    """What the first box holds that so many steps lead to from `box`; nothing without one."""
    for kind in kinds:
        box = next((one for one in _walk(file, box) if one.kind == kind), Box(kind, 0, 0))
    return _read(file, box)


def _count_listed(header: bytes) -> int:
    """Samples that all tables in `header` list."""
    return sum(_read_number(found[1] or found[2]) for found in SAMPLES.finditer(header))


def _count_chunked(track: bytes) -> int:
    """Entries of plain sound, whose chunks are parted in pieces."""
    chunks = sum(_read_number(found[1]) for found in CHUNKS.finditer(track))
    return chunks * max(1, -(-_find_longest(track) // LEAST_TOGETHER))


def _find_longest(track: bytes) -> int:
    """Samples of the chunk that has most."""
    longest = 0
    for found in TOGETHER.finditer(track):
        first = found.end() + 8
        rows = track[first : first + 12 * _read_number(found[1])]
        whole = rows[: len(rows) // 12 * 12]
        longest = max([longest, *(row[1] for row in struct.iter_unpack(">III", whole))])
    return longest


def _read_number(four: bytes) -> int:
    return int.from_bytes(four, "big")
