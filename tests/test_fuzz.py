"""Damaged files: whatever was done to one, it is in the ledger or passes, and costs no gigabytes.

Each case is made of its number alone, so that `MOODLINE_FUZZ=2000-2500` goes on where another run
ended; `make fuzz` has 5,000.
"""

import os
import struct
import zlib
from functools import cache
from itertools import islice

import cv2
import numpy as np
import pytest

from pipeline.engines import LOCAL, run_clips
from pipeline.errors import MediaError
from tests.makers import grey_frames, write_video
from tests.media.reading import read_all
from tests.media.test_sync import COUNTED, TIMED, write_flash

FIRST, LAST = (int(number) for number in os.environ.get("MOODLINE_FUZZ", "0-8").split("-"))
"""Numbers of the first case, and of the one after the last."""

FINDS = (2029,)
"""Cases that were found: a first picture a day before all else asked for a day of silence."""

LIMIT_SECONDS = 60.0
MOST_KILOBYTES = 1_000_000


COMBOS = [*TIMED, *COUNTED]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Number of a combination → suffix and bytes of an undamaged film."""
    folder = tmp_path_factory.mktemp("whole")

    @cache
    def read(number):
        path = folder / f"{number}.{COMBOS[number].suffix}"
        return path.suffix, write_flash(path, COMBOS[number]).read_bytes()

    return read


def flip_bits(data, other, rng):
    """Some bits of `data` turned, more often few than many."""
    count = int(2 ** rng.uniform(0, 10))
    places = rng.integers(0, len(data), count)
    data[places] ^= (1 << rng.integers(0, 8, count)).astype(np.uint8)
    return data


def flip_head(data, other, rng):
    """Bits of the first two kilobytes turned, where formats keep what they are."""
    return np.concatenate([flip_bits(data[:2048].copy(), other, rng), data[2048:]])


def cut_end(data, other, rng):
    return data[: rng.integers(1, len(data))]


def cut_middle(data, other, rng):
    first, last = sorted(rng.integers(0, len(data), 2))
    return np.concatenate([data[:first], data[last:]])


def repeat_stretch(data, other, rng):
    first, last = sorted(rng.integers(0, len(data), 2))
    return np.concatenate([data[:last], data[first:]])


def blank_stretch(data, other, rng):
    first, last = sorted(rng.integers(0, len(data), 2))
    data[first:last] = 0
    return data


def swap_head(data, other, rng):
    """The beginning of another format before the rest of this one."""
    size = int(2 ** rng.uniform(4, 13))
    return np.concatenate([other[:size], data[size:]])


def join(data, other, rng):
    return np.concatenate([data, other])


DAMAGES = (
    flip_bits,
    flip_head,
    cut_end,
    cut_middle,
    repeat_stretch,
    blank_stretch,
    swap_head,
    join,
)


def damage(number, whole, folder):
    """File `number`: a `whole` film, damaged in one way or two."""
    rng = np.random.default_rng(number)
    suffix, data = whole(number % len(COMBOS))
    _, other = whole(int(rng.integers(len(COMBOS))))
    content, stranger = (np.frombuffer(some, np.uint8) for some in (data, other))
    for way in rng.choice(len(DAMAGES), rng.integers(1, 3), replace=False):
        content = DAMAGES[way](content.copy(), stranger, rng)
    path = folder / f"{number}{suffix}"
    path.write_bytes(content.tobytes())
    return path


def test_damaged_files_neither_stop_nor_hang_a_stage_and_take_no_gigabytes(whole, tmp_path):
    numbers = iter(dict.fromkeys([*FINDS, *range(FIRST, LAST)]))
    broken = {}
    while batch := list(islice(numbers, 100)):
        paths = [damage(number, whole, tmp_path) for number in batch]
        done = run_clips(LOCAL, read_all, paths, workers=2, limit_seconds=lambda _: LIMIT_SECONDS)
        for path, found in done:
            if isinstance(found, MediaError):
                broken[path.name] = str(found)
            elif found[1] > MOST_KILOBYTES:
                broken[path.name] = f"{found[1]} kB"
            path.unlink()
    assert broken == {}


def promise_png(data):
    """A picture of 60,000 by 60,000, by its header."""
    head = b"IHDR" + struct.pack(">II", 60_000, 60_000) + data[24:29]
    return data[:12] + head + struct.pack(">I", zlib.crc32(head)) + data[33:]


def promise_jpeg(data):
    place = data.index(b"\xff\xc0") + 5
    return data[:place] + struct.pack(">HH", 65_000, 65_000) + data[place + 4 :]


def promise_bmp(data):
    return data[:18] + struct.pack("<ii", 60_000, 60_000) + data[26:]


def promise_film(data):
    place = data.index(b"avc1", data.index(b"stsd")) + 28
    return data[:place] + struct.pack(">HH", 65_000, 65_000) + data[place + 4 :]


PROMISES = {".png": promise_png, ".jpg": promise_jpeg, ".bmp": promise_bmp, ".mp4": promise_film}


def read_one(path):
    ((_, found),) = run_clips(
        LOCAL, read_all, [path], workers=1, limit_seconds=lambda _: LIMIT_SECONDS
    )
    assert not isinstance(found, MediaError), found
    return found


@pytest.mark.parametrize("suffix", PROMISES)
def test_headers_that_promise_huge_pictures_take_no_gigabytes(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    if suffix == ".mp4":
        write_video(path, grey_frames(25))
    else:
        noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
        path.write_bytes(cv2.imencode(suffix, noise)[1].tobytes())
    path.write_bytes(PROMISES[suffix](path.read_bytes()))
    reasons, kilobytes = read_one(path)
    assert kilobytes < MOST_KILOBYTES
    assert suffix == ".mp4" or reasons[1] in ("undecodable", "unreadable", "no_video")


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi", ".wav", ".mp3", ".ts", ".jpg", ".csv"])
def test_text_is_unreadable_whatever_it_is_called(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_text("path,emotion\na.mp4,happy\n" * 500)
    assert read_one(path)[0] == ["unreadable"] * 4
