"""Headers of MP4 that list more samples than any film has, for which FFmpeg would make room."""

import struct
from io import BytesIO

import pytest

from pipeline.errors import MediaError
from pipeline.media.bmff import check_samples
from pipeline.media.streams import open_media
from tests.makers import grey_frames, write_video

MANY = 30_000_000


def words(*numbers):
    return struct.pack(f">{len(numbers)}I", *numbers)


def box(kind, *inner):
    return words(8 + sum(map(len, inner))) + kind + b"".join(inner)


def full(kind, *inner):
    return box(kind, bytes(4), *inner)


def write_track(samples, handler=b"soun", tick=1024, chunk=1, hidden=b""):
    """A track that says all its samples have a byte each, in one chunk of so many."""
    table = [
        full(b"stsd", words(1), box(b"mp4a", bytes(28))),
        full(b"stts", words(1, samples, tick)),
    ]
    table += [full(b"stsc", words(1, 1, chunk, 1)), full(b"stco", words(1, 0))]
    table += [box(b"xxxx", hidden), full(b"stsz", words(1, samples))]
    inner = full(b"hdlr", words(0), handler, bytes(12)), box(b"minf", box(b"stbl", *table))
    return box(b"trak", full(b"tkhd", bytes(80)), box(b"mdia", full(b"mdhd", bytes(20)), *inner))


def write_film(*tracks, kind=b"moov"):
    return box(b"ftyp", b"isom") + box(kind, full(b"mvhd", bytes(96)), *tracks)


@pytest.mark.parametrize(
    "film",
    [
        write_film(write_track(MANY)),
        write_film(write_track(MANY // 2), write_track(MANY // 2, b"vide")),
        write_film(write_track(MANY), kind=b"free"),  # looked into where there is no other
        write_film(write_track(MANY, b"vide", tick=1)),
        write_film(write_track(1, tick=1, chunk=0xFFFF_FFFF)),
        write_film()
        + box(b"moof", box(b"traf", full(b"tfhd", words(1)), full(b"trun", words(MANY)))),
        write_film(write_track(MANY, hidden=b"stsz")),  # a name that the next is part of
        write_film(write_track(MANY, b"xxxx", tick=1, hidden=full(b"hdlr", words(0), b"soun"))),
    ],
)
def test_a_header_of_more_samples_than_any_film_is_refused(film, tmp_path):
    (tmp_path / "a.mp4").write_bytes(film)
    told = "unreadable: expected a header of at most 16,777,216 samples, got"
    with pytest.raises(MediaError, match=told), open_media(tmp_path / "a.mp4"):
        pass


def test_a_packed_header_is_refused():
    with pytest.raises(MediaError, match="expected a plain header, got a packed one"):
        check_samples(BytesIO(box(b"moov", box(b"cmov", box(b"dcom", b"zlib")))))


def test_an_hour_of_plain_sound_may_list_each_of_its_samples(tmp_path):
    sound = write_track(3600 * 96_000, tick=1, chunk=96_000)
    check_samples(BytesIO(write_film(sound)))
    large = tmp_path / "large.mov"
    with large.open("wb") as file:
        file.write(write_film(write_track(MANY, b"vide")))
        file.truncate(32 * MANY)  # so many samples may well lie in as many bytes
    with large.open("rb") as file:
        check_samples(file)


def test_films_and_what_is_none_are_let_through(tmp_path):
    film = write_video(tmp_path / "a.mp4", grey_frames(5))
    for data in (film.read_bytes(), b"", b"RIFF", b"fLaC" + bytes(99), words(1) + b"moov"):
        check_samples(BytesIO(data))
