"""Packets that hold far more than their file."""

import struct

import pytest

from pipeline.errors import MediaError
from pipeline.media.audio import decode_audio


def element(number, *parts):
    """An element of Matroska, whose length stands in eight bytes."""
    body = b"".join(parts)
    return bytes.fromhex(number) + struct.pack(">Q", len(body) | 1 << 56) + body


def write_stripped(path, header, blocks):
    """Sound of 16 bits in blocks of two samples, before each of which stand the samples `header`.

    Matroska strips it off each block, and writes it once.
    """
    audio = element("E1", element("B5", struct.pack(">f", 8000)), element("6264", b"\x10"))
    settings = element("5034", element("4254", b"\x03"), element("4255", header))
    track = element(
        *("AE", element("D7", b"\x01"), element("83", b"\x02"), element("86", b"A_PCM/INT/LIT")),
        *(audio, element("6D80", element("6240", settings))),
    )
    cluster = [element("A3", b"\x81", struct.pack(">hB", n, 128), bytes(4)) for n in range(blocks)]
    head = element("1A45DFA3", element("4282", b"matroska"))
    sound = element("1F43B675", element("E7", b"\0"), *cluster)
    path.write_bytes(head + element("18538067", element("1654AE6B", track), sound))
    return path


def test_a_header_written_once_for_many_packets_is_refused_where_it_makes_them_far_larger(tmp_path):
    assert decode_audio(write_stripped(tmp_path / "a.mka", bytes(60), 7)).size
    with pytest.raises(MediaError, match="packets of at most 4 times the file's bytes, got more"):
        decode_audio(write_stripped(tmp_path / "b.mka", bytes(100_000), 30))
