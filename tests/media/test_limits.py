"""Pictures and sound that ask for more than any has, and bytes that are not what they should be."""

import os
import struct
import wave
import zlib

import numpy as np
import pyarrow as pa
import pytest

from pipeline.cleaning.sound import AUDIO_SCHEMA, _digest
from pipeline.errors import MediaError
from pipeline.files import digest_file
from pipeline.media.audio import decode_audio
from pipeline.media.inputs import read_sound
from pipeline.media.jpeg import count_pixels, decode_jpeg, encode_jpeg
from pipeline.media.sampling import Sampling
from pipeline.media.video import read_frames


def write_png(width, height):
    """A white picture of one bit a pixel, which costs no more to send than a line of text."""
    packed = zlib.compressobj(9)
    row = b"\0" + b"\xff" * (width // 8)
    pixels = b"".join([*(packed.compress(row) for _ in range(height)), packed.flush()])
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", pixels), (b"IEND", b""))
    made = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(made)


def test_a_picture_of_too_many_pixels_is_refused(tmp_path):
    path = tmp_path / "bomb.png"
    path.write_bytes(write_png(16_384, 8200))
    assert path.stat().st_size < 100_000
    with pytest.raises(MediaError, match="undecodable"):
        list(read_frames(path, Sampling()))
    path.write_bytes(write_png(1024, 600))
    (frame,) = read_frames(path, Sampling())
    assert frame.image.shape == (600, 1024, 3)


@pytest.mark.parametrize("data", [b"", b"GIF89a", write_png(64, 48), b"\xff\xd8\xff\xd9"])
def test_a_cell_of_pictures_holds_jpeg_alone(data):
    with pytest.raises(MediaError, match="expected a JPEG file"):
        decode_jpeg(data)


def test_a_cell_that_says_it_has_too_many_pixels_is_refused():
    data = bytearray(encode_jpeg(np.zeros((8, 8, 3), np.uint8), 90))
    place = data.index(b"\xff\xc0")
    data[place + 5 : place + 9] = struct.pack(">HH", 65_000, 65_000)
    with pytest.raises(MediaError, match=r"at most 134,217,728 pixels, got 4,225,000,000"):
        decode_jpeg(bytes(data))


def test_a_cell_of_sound_holds_flac_alone():
    row = {"clip_id": "a", "hz": 16_000, "samples": 1, "flac": write_png(64, 48)}
    with pytest.raises(MediaError, match="expected a FLAC file"):
        read_sound(pa.Table.from_pylist([row], schema=AUDIO_SCHEMA))


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: os.symlink("/dev/zero", path)])
def test_what_is_no_file_is_not_digested(tmp_path, make):
    path = tmp_path / "a.mp4"
    make(path)
    assert _digest(str(path), digest_file).reason == "unreadable"
    assert _digest(str(tmp_path / ("n" * 300)), digest_file).reason == "unreadable"


def test_sound_of_one_sample_a_second_is_refused(tmp_path):
    path = tmp_path / "slow.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 1, 1, 0, "NONE", ""))
        file.writeframes(bytes(range(250)) * 8)
    with pytest.raises(MediaError, match="at least 1,000 samples a second, got 1"):
        decode_audio(path)


def test_a_header_that_hides_in_a_marker_without_length_is_not_believed():
    picture = encode_jpeg(np.zeros((600, 400, 3), np.uint8), 90)
    assert count_pixels(picture[:2] + b"\xff\x01" + picture[2:]) == 240_000
