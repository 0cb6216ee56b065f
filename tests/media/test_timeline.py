"""The clock of files whose own is broken."""

import struct
import time

import av
import numpy as np
import pytest

from pipeline.errors import MediaError
from pipeline.media.audio import decode_audio
from pipeline.media.inputs import stretch_frames
from pipeline.media.probe import probe_media
from pipeline.media.sampling import Sampling
from pipeline.media.streams import open_media
from pipeline.media.video import read_frames
from tests.makers import Coding, Sound, grey_frames, tone, write_audio, write_parts, write_video
from tests.media.sync import find_beeps, find_flashes


def join_files(path, parts):
    """A file of the bytes of `parts`, end to end."""
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def count_frames(path, *stretch):
    return sum(1 for _ in read_frames(path, Sampling(), *stretch))


@pytest.fixture(scope="module")
def tape(tmp_path_factory):
    """Seven recordings of a second each, joined end to end."""
    folder = tmp_path_factory.mktemp("tape")
    parts = [
        write_video(folder / f"{n}.ts", grey_frames(25), audio=Sound(tone(1.0, 48_000), 48_000))
        for n in range(7)
    ]
    return join_files(folder / "tape.ts", parts)


def test_a_tape_of_many_recordings_is_one_after_another(tape):
    probe = probe_media(tape)
    assert probe.duration_seconds == pytest.approx(7.2, abs=0.25)
    assert probe.remarks["joined"].startswith("timestamps jump or begin anew at 6 places")
    assert count_frames(tape) == 7 * 25


def test_a_stretch_of_a_tape_is_a_slice_of_it(tape):
    whole = list(read_frames(tape, Sampling()))
    cut = [frame.image.mean() for frame in whole if 4.4 <= frame.seconds < 5.2]
    stretch = [frame.image.mean() for frame in read_frames(tape, Sampling(), 4.4, 5.2)]
    assert stretch == cut
    heard = decode_audio(tape)[round(4.4 * 16_000) : round(5.2 * 16_000)]
    np.testing.assert_allclose(
        decode_audio(tape, start_seconds=4.4, end_seconds=5.2)[400:], heard[400:], atol=0.02
    )


def beep(seconds, at, hz):
    """A track that sounds for 0.2 s, `(1, samples)`."""
    samples = np.zeros((1, round(seconds * hz)), np.float32)
    samples[:, round(at * hz) :][:, : hz // 5] = tone(0.2, hz, hz / 8)
    return Sound(samples, hz)


def flash(times, at):
    """Frames of which those within 0.2 s of `at` are bright."""
    bright = [0 <= time - at < 0.2 for time in times]
    return np.stack([np.full((32, 48, 3), 220 * shown, np.uint8) for shown in bright])


def test_a_phones_rate_that_varies_with_the_light_keeps_flash_and_beep_together(tmp_path):
    steps = np.random.default_rng(5).choice([0.0333, 0.0334, 0.04, 0.0666, 0.25], 120)
    times = np.cumsum(steps) - steps[0]
    at = times[70]
    sound = beep(times[-1], at, 48_000)
    path = write_video(tmp_path / "a.mp4", flash(times, at), seconds=times, audio=sound)
    assert find_flashes(path) == pytest.approx([at], abs=1e-3)
    assert find_beeps(path) == pytest.approx([at], abs=0.02)
    assert count_frames(path) == len(times)


def test_the_end_of_a_film_of_two_hours_is_as_exact_as_its_beginning(tmp_path):
    seconds, at = 2 * 3600, 7188.0
    times = range(0, seconds, 4)
    path = write_video(
        tmp_path / "film.mkv",
        flash(times, at),
        fps=1,
        seconds=times,
        audio=beep(seconds, at, 1000),
        coding=Coding("mpeg4"),
    )
    assert probe_media(path).duration_seconds == pytest.approx(seconds, abs=3.1)
    assert find_flashes(path, 7183.0, 7200.0) == pytest.approx([5.0], abs=1e-3)
    assert find_beeps(path, 7183.0, 7200.0) == pytest.approx([5.0], abs=0.01)
    assert count_frames(path) == len(times)


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_tracks_hours_apart_begin_together_and_take_no_silence(tmp_path, suffix):
    late = Sound(tone(1.0, 16_000), 16_000, start_seconds=11 * 3600)
    path = write_video(tmp_path / f"a{suffix}", grey_frames(25), audio=late)
    probe = probe_media(path)
    assert probe.duration_seconds == pytest.approx(1.0, abs=0.1)
    assert "don't meet" in probe.remarks["tracks_apart"]
    assert len(decode_audio(path)) == pytest.approx(16_000, abs=1100)


def test_a_long_pause_is_kept_where_no_broadcast_is_read(tmp_path):
    parts = [Sound(tone(0.5, 16_000), 16_000), Sound(tone(0.5, 16_000), 16_000, start_seconds=60)]
    path = write_parts(tmp_path / "a.mka", parts)
    assert len(decode_audio(path)) == 60.5 * 16_000
    assert probe_media(path).remarks == {}


def test_a_survey_is_made_once_for_each_state_of_a_file(tmp_path):
    path = write_audio(tmp_path / "a.wav", Sound(tone(1.3, 8000), 8000))
    with open_media(path) as first, open_media(path) as second:
        assert first.timeline is second.timeline
    write_audio(path, Sound(tone(0.7, 8000), 8000))
    assert probe_media(path).duration_seconds == pytest.approx(0.7)


@pytest.mark.parametrize("promised", [0, 0xFFFF_FFFF])
def test_a_wav_that_does_not_know_its_length_is_whole(tmp_path, promised):
    path = write_audio(tmp_path / "a.wav", Sound(tone(1.3, 8000), 8000))
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.index(b"data") + 4, promised)
    path.write_bytes(data)
    assert len(decode_audio(path)) / 16_000 == pytest.approx(1.3, abs=0.01)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mka"])
def test_sound_cut_short_is_truncated(tmp_path, suffix):
    noise = np.random.default_rng(3).uniform(-0.5, 0.5, (1, 16_000 * 4))
    path = write_audio(tmp_path / f"a{suffix}", Sound(noise, 16_000))
    path.write_bytes(path.read_bytes()[: round(0.4 * path.stat().st_size)])
    with pytest.raises(MediaError, match=r"truncated: expected 4\.00 seconds as its header says"):
        decode_audio(path)


def test_a_film_comes_before_a_still_picture(tmp_path):
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        still, film = (container.add_stream("libx264", rate=25) for _ in range(2))
        for stream in (still, film):
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for stream, count in ((still, 1), (film, 13)):
            for image in grey_frames(count):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            container.mux(stream.encode(None))
    assert count_frames(path) == 13


def write_element(name, content):
    """An element of Matroska, whose length takes eight bytes (RFC 8794)."""
    return bytes.fromhex(name) + (1 << 56 | len(content)).to_bytes(8, "big") + content


def write_grey(path, milliseconds):
    """Matroska of a grey picture of 8 x 8 pixels at each of these times, in this order."""
    size = write_element("b0", b"\x08") + write_element("ba", b"\x08")
    shown = write_element("e0", size + write_element("2eb524", b"Y800"))
    plain = write_element("d7", b"\1") + write_element("73c5", b"\1") + write_element("83", b"\1")
    track = write_element("ae", plain + write_element("86", b"V_UNCOMPRESSED") + shown)
    pictures = (
        write_element("1f43b675", write_element("e7", ms.to_bytes(8, "big")) + write_element(
            "a3", b"\x81\0\0\x80" + bytes([ms % 251] * 64)))
        for ms in milliseconds
    )  # fmt: skip
    parts = [write_element("1549a966", b""), write_element("1654ae6b", track), *pictures]
    head = write_element("1a45dfa3", write_element("4282", b"matroska"))
    path.write_bytes(head + write_element("18538067", b"".join(parts)))
    return path


def test_no_picture_is_shown_before_the_one_before_it(tmp_path):
    path = write_grey(tmp_path / "a.mkv", [0, 600, 400, 200, 700, 500, 900])
    seconds = [frame.seconds for frame in read_frames(path, Sampling())]
    assert seconds == pytest.approx([0, 0.6, 0.6, 0.6, 0.7, 0.7, 0.9])
    starts, ends = stretch_frames(np.array(seconds))
    assert (starts <= ends).all()


def test_a_clock_that_jumps_at_every_picture_takes_no_minutes(tmp_path):
    path = write_grey(tmp_path / "a.mkv", range(0, 20_000 * 700_000, 700_000))
    begun = time.process_time()
    with open_media(path) as media:
        assert "at 19999 places" in media.timeline.remarks["joined"]
    assert time.process_time() - begun < 20
