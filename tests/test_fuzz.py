"""Damaged files: whatever was done to one, it is in the ledger or passes, and costs no gigabytes.

Each case is made of its number alone, so that `MOODLINE_FUZZ=2000-2500` goes on where another run
ended; `make fuzz` has 5,000.
"""

import os
from functools import cache
from itertools import islice

import numpy as np
import pytest

from pipeline.engines import LOCAL, run_clips
from pipeline.errors import MediaError
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
