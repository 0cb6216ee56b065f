"""Pictures and sound that ask for more than any has, and bytes that are not what they should be."""

import math
import os
import struct
import wave
import zlib
from io import BytesIO

import numpy as np
import pyarrow as pa
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cleaning.sound import AUDIO_SCHEMA, _digest, _digest_seen
from pipeline.errors import MediaError
from pipeline.media import timeline
from pipeline.media.audio import decode_audio, encode_flac
from pipeline.media.flac import decode_flac
from pipeline.media.inputs import read_pieces, read_sound
from pipeline.media.jpeg import count_pixels, decode_jpeg, encode_jpeg
from pipeline.media.sampling import Sampling
from pipeline.media.video import read_frames
from pipeline.rows import FrameRun


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


def test_a_line_of_pixels_is_no_picture(tmp_path):
    path = tmp_path / "line.png"
    path.write_bytes(write_png(16_384, 8))
    with pytest.raises(MediaError, match="got lines of 16,384 x 8 square pixels"):
        list(read_frames(path, Sampling()))
    data = encode_jpeg(np.zeros((2, 30_000, 3), np.uint8), 5)
    with pytest.raises(MediaError, match="got a line of 30,000 x 2"):  # 5 GB for a ViT
        decode_jpeg(data)


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


def write_jpeg(frame: bytes, scans: int) -> bytes:
    """A grey JPEG of 16,384 x 8,192 pixels, of scans that each go over all of them."""
    head = struct.pack(">HBHHB", 11, 8, 8192, 16_384, 1) + b"\x01\x11\x00"
    tables = b"\xff\xdb\0\x43\0" + bytes([1] * 64)
    for place, symbol in ((0x00, 0), (0x10, 0xE0)):  # its one code, of one bit
        tables += b"\xff\xc4\0\x14" + bytes([place, 1, *[0] * 15, symbol])
    scan = b"\xff\xda\0\x08\x01\x01\x00\x01\x3f\x00" + b"\x7f\xfe" * 64
    return b"\xff\xd8" + tables + frame + head + scan * scans + b"\xff\xd9"


def test_a_cell_of_a_few_bytes_for_all_pixels_is_refused():
    data = write_jpeg(b"\xff\xc0", 1)
    assert count_pixels(data) == 2**27
    with pytest.raises(MediaError, match=r"expected a picture, got \d+ bytes for 134,217,728 pix"):
        decode_jpeg(data)


@pytest.mark.parametrize(("frame", "scans"), [(b"\xff\xc2", 1), (b"\xff\xc0", 2), (b"\xff\xc1", 1)])
def test_a_cell_holds_a_picture_of_one_scan(frame, scans):
    padded = write_jpeg(frame, scans) + bytes(2**21)  # enough for its pixels
    with pytest.raises(MediaError, match="expected a JPEG file, got"):
        decode_jpeg(padded)


def test_a_cell_of_sound_holds_flac_alone():
    row = {"clip_id": "a", "hz": 16_000, "samples": 1, "flac": write_png(64, 48)}
    with pytest.raises(MediaError, match="expected a FLAC file"):
        read_sound(pa.Table.from_pylist([row], schema=AUDIO_SCHEMA))


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: os.symlink("/dev/zero", path)])
def test_what_is_no_file_is_not_digested(tmp_path, make):
    path = tmp_path / "a.mp4"
    make(path)
    assert _digest(str(path), _digest_seen).reason == "unreadable"
    assert _digest(str(tmp_path / ("n" * 300)), _digest_seen).reason == "unreadable"


def test_sound_of_one_sample_a_second_is_refused(tmp_path):
    path = tmp_path / "slow.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 1, 1, 0, "NONE", ""))
        file.writeframes(bytes(range(250)) * 8)
    with pytest.raises(MediaError, match="at least 1,000 samples a second, got 1"):
        decode_audio(path)


@pytest.mark.parametrize("hz", [2**20 + 1, 39_999_989])
def test_sound_whose_filter_would_take_gigabytes_is_refused(tmp_path, hz):
    path = tmp_path / "fast.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, hz, 0, "NONE", ""))
        file.writeframes(bytes(4000))
    with pytest.raises(MediaError, match=f"at most 1,048,576 samples a second, got {hz:,}"):
        decode_audio(path)


@pytest.mark.parametrize("marker", [0x00, 0x01, 0xD0, 0xD9, 0xFF])
def test_a_header_that_hides_where_decoders_skip_nothing_is_not_believed(marker):
    large, small = (encode_jpeg(np.zeros((size, size, 3), np.uint8), 90) for size in (600, 8))
    hidden = bytes([0xFF, marker]) + struct.pack(">H", len(large) - 2) + large[2:-2]
    with pytest.raises(MediaError, match="expected a JPEG file, got"):
        decode_jpeg(large[:2] + hidden + small[2:])


def write_flac(frames: int, hz: int = 1000) -> bytes:
    """FLAC of frames that each say in 16 bytes that 65,535 samples are alike (RFC 9639)."""

    def check(data: bytes, bits: int, polynomial: int) -> int:
        code = 0
        for byte in data:
            code ^= byte << (bits - 8)
            for _ in range(8):
                code = (code << 1) ^ (polynomial if code >> (bits - 1) else 0)
                code &= (1 << bits) - 1
        return code

    size = 65_535
    samples = frames * size
    about = size.to_bytes(2, "big") * 2 + bytes(6)
    about += (hz << 44 | 15 << 36 | samples).to_bytes(8, "big") + bytes(16)
    made = [b"fLaC\x80", len(about).to_bytes(3, "big"), about]
    for number in range(frames):
        head = b"\xff\xf8\x7d\x08" + chr(number).encode() + (size - 1).to_bytes(2, "big")
        head += hz.to_bytes(2, "big")
        frame = head + bytes([check(head, 8, 0x07)]) + b"\0" + (100).to_bytes(2, "big")
        made.append(frame + check(frame, 16, 0x8005).to_bytes(2, "big"))
    return b"".join(made)


def hold_picture(flac: bytes, picture: bytes) -> bytes:
    """A FLAC file that holds a picture, after the first of its blocks."""
    block = b"\0\0\0\x03\0\0\0\x09image/png" + bytes(20) + len(picture).to_bytes(4, "big") + picture
    return flac[:42] + b"\x06" + len(block).to_bytes(3, "big") + block + flac[42:]


def test_pictures_in_a_cell_of_sound_are_not_decoded():
    flac = encode_flac(np.sin(np.arange(16_000)), 16_000)
    bomb = hold_picture(flac, write_png(40_000, 40_000))
    assert np.array_equal(decode_flac(bomb, 16_000), decode_audio(BytesIO(flac)))


def test_a_cell_of_sound_is_of_its_form_and_holds_what_it_can():
    stereo = BytesIO()
    soundfile.write(stereo, np.zeros((99, 2)), 16_000, format="FLAC")
    with pytest.raises(MediaError, match=r"at 16,000 Hz, of 1 channel.* got 16,000 Hz, 2, PCM_16"):
        decode_flac(stereo.getvalue(), 16_000)
    assert len(decode_flac(write_flac(5), 1000)) == 5 * 65_535
    with pytest.raises(MediaError, match=r"at most 3,6\d\d s of sound in \d+ bytes"):
        decode_flac(write_flac(60), 1000)


@given(st.integers(0), st.integers(1, 255))
def test_damage_to_a_cell_of_sound_is_told(place, change):
    flac = bytearray(encode_flac(np.sin(np.arange(2000)), 16_000))
    frames = len(flac) - flac.index(b"\xff\xf8")
    flac[-1 - place % frames] ^= change
    with pytest.raises(MediaError, match="unreadable: expected"):
        decode_flac(bytes(flac), 16_000)


def test_a_film_of_more_pictures_than_any_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(timeline, "MOST_PICTURES", 99)
    for count in (99, 100):
        film = tmp_path / f"{count}.y4m"
        film.write_bytes(b"YUV4MPEG2 W1 H1 F25:1 Cmono\n" + b"FRAME\nx" * count)
    assert len([*read_frames(tmp_path / "99.y4m", Sampling())]) == 99
    with pytest.raises(MediaError, match="at most 99 pictures"):
        [*read_frames(tmp_path / "100.y4m", Sampling())]


def test_sound_of_hours_in_a_few_bytes_is_refused(tmp_path):
    path = tmp_path / "bomb.flac"
    path.write_bytes(write_flac(5))
    assert len(decode_audio(path)) > 5 * 65 * 16_000
    path.write_bytes(write_flac(60))
    assert path.stat().st_size < 3000
    with pytest.raises(MediaError, match=r"undecodable: expected at most 3,6\d\d s of sound in a"):
        decode_audio(path)


def test_sound_of_a_store_has_its_rate(tmp_path):
    row = {"clip_id": "a", "hz": 2**31 - 1, "samples": 1, "flac": b"fLaC"}
    with pytest.raises(MediaError, match=r"expected sound at 16,000 Hz, got 2,147,483,647"):
        read_sound(pa.Table.from_pylist([row], schema=AUDIO_SCHEMA))


@pytest.mark.parametrize("start", [math.nan, -1.0, 1e300])
def test_times_that_no_reader_takes_are_those_of_no_clip(start):
    crops = pa.table({"seconds": [start], "jpeg": [encode_jpeg(np.zeros((8, 8, 3), np.uint8), 90)]})
    with pytest.raises(MediaError, match="expected rows that begin at 0 s or later"):
        list(read_pieces("face", crops, None))
    words = pa.table({"text": ["so"], "start_seconds": [start], "end_seconds": [2e300]})
    with pytest.raises(MediaError, match="expected rows that begin at 0 s or later"):
        list(read_pieces("text", words, None))


def show(*jpegs: bytes) -> pa.Table:
    seconds = pa.array([float(number) for number in range(len(jpegs))])
    return pa.table({"seconds": seconds, "jpeg": pa.array(jpegs, pa.binary())})


def test_pictures_that_promise_more_than_their_bytes_hold_are_refused():
    small = encode_jpeg(np.zeros((8, 8, 3), np.uint8), 90)
    data = bytearray(small)
    place = data.index(b"\xff\xc0")
    data[place + 5 : place + 9] = struct.pack(">HH", 4000, 4000)
    with pytest.raises(MediaError, match=r"expected pictures, got .* bytes for 64,000,000 pixels"):
        list(read_pieces("face", show(*[bytes(data)] * 4), None))
    with pytest.raises(MediaError, match=r"of one size, got some of 64 to 16,000,000 pixels"):
        list(read_pieces("face", show(small, bytes(data)), None))
    plain = encode_jpeg(np.zeros((2000, 2000, 3), np.uint8), 1)
    (whole,) = read_pieces("face", show(plain, plain), None)
    assert whole.images.shape == (2, 2000, 2000, 3)
    with pytest.raises(
        MediaError, match=r"at most 4,294,967,296 bytes to be seen together, got 4,296,0"
    ):
        list(read_pieces("face", show(*[plain] * 358), None))
    assert len(next(read_pieces("face", show(*[plain] * 358), FrameRun())).images) == 5


def test_pixels_that_are_far_wider_than_high_are_not_made_square(tmp_path):
    data, path = write_png(64, 48), tmp_path / "wide.png"
    place = data.index(b"IDAT") - 4
    shape = b"pHYs" + struct.pack(">IIB", 60_000, 1, 0)  # FFmpeg: width and height of one
    chunk = struct.pack(">I", 9) + shape + struct.pack(">I", zlib.crc32(shape))
    path.write_bytes(data[:place] + chunk + data[place:])
    with pytest.raises(MediaError, match="at most 134,217,728 square pixels, got 3,840,000 in a"):
        list(read_frames(path, Sampling()))
