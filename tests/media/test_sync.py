"""Frames and sound of one clip agree, in every container that FFmpeg writes."""

from fractions import Fraction
from typing import NamedTuple

import av
import numpy as np
import pytest

from pipeline.media.audio import decode_audio
from pipeline.media.probe import probe_media
from tests.media.sync import find_beeps, find_flashes

QUICK = {"deadline": "realtime", "cpu-used": "8", "g": "12", "b": "2M"}

OPTIONS = {
    "libvpx": QUICK,
    "libvpx-vp9": QUICK,
    "libx264": {"g": "12", "b": "2M", "preset": "veryfast"},
    "libx265": {"x265-params": "log-level=none:keyint=12"},
    "opus": {"strict": "-2"},
    "vorbis": {"strict": "-2"},
}
"""Options that encoders ask for."""

FPS, HZ = 25, 48_000
SECONDS, FLASH_SECONDS = 3.4, 2.0


class Combo(NamedTuple):
    """A container by its suffix, codecs by FFmpeg's names, and the rate of sound."""

    suffix: str
    video: str
    audio: str
    hz: int = HZ

    def __str__(self):
        return "-".join(map(str, self))


TIMED = [
    Combo("mp4", "libx264", "aac"),
    Combo("mp4", "libx264", "aac", 16_000),
    Combo("mp4", "libx265", "ac3"),
    Combo("mp4", "libx264", "libopus"),
    Combo("mp4", "mpeg4", "libmp3lame"),
    Combo("mov", "libx264", "pcm_s16le"),
    Combo("mov", "mjpeg", "aac"),
    Combo("m4v", "libx264", "aac"),
    Combo("3gp", "libx264", "aac", 16_000),
    Combo("mkv", "libx264", "flac"),
    Combo("mkv", "libx264", "vorbis"),
    Combo("mkv", "libx264", "libmp3lame"),
    Combo("mkv", "ffv1", "pcm_s16le"),
    Combo("webm", "libvpx", "vorbis"),
    Combo("webm", "libvpx-vp9", "libopus"),
    Combo("ts", "libx264", "aac"),
    Combo("ts", "mpeg2video", "mp2"),
    Combo("m2ts", "libx264", "ac3"),
    Combo("mpg", "mpeg1video", "mp2"),
    Combo("vob", "mpeg2video", "ac3"),
    Combo("flv", "flv", "libmp3lame", 44_100),
    Combo("flv", "libx264", "aac"),
    Combo("wmv", "wmv2", "wmav2"),
    Combo("asf", "msmpeg4", "libmp3lame"),
    Combo("nut", "mpeg4", "pcm_s16le"),
    Combo("nut", "libx264", "vorbis"),
]
"""Containers that keep a time for each packet, so streams may begin whenever they do."""

COUNTED = [
    Combo("avi", "mpeg4", "libmp3lame"),
    Combo("avi", "mjpeg", "pcm_s16le"),
    Combo("avi", "libx264", "ac3"),
    Combo("mxf", "mpeg2video", "pcm_s16le"),
]
"""Containers that count packets, so all streams begin at 0."""


def write_flash(path, combo, audio_start=0.0, both_start=0.0):
    """A film of SECONDS that is bright for 0.2 s, and beeps as long, at FLASH_SECONDS."""
    with av.open(str(path), "w") as container:
        pictures = container.add_stream(combo.video, rate=FPS)
        pictures.width, pictures.height = 96, 64
        pictures.pix_fmt = "yuvj420p" if combo.video == "mjpeg" else "yuv420p"
        pictures.codec_context.time_base = Fraction(1, FPS)
        pictures.options = OPTIONS.get(combo.video, {"g": "12", "b": "2M"})
        sound = container.add_stream(combo.audio, rate=combo.hz, layout="stereo")
        sound.codec_context.bit_rate = 128_000
        sound.options = OPTIONS.get(combo.audio, {})
        packets = [*film(pictures, both_start), *beeping(sound, combo.hz, audio_start, both_start)]
        packets.sort(key=lambda packet: packet.dts * packet.time_base)
        for packet in packets:
            container.mux(packet)
    return path


def film(stream, start):
    """Packets of pictures of some kilobytes each: FFmpeg mistimes several in one pack of a VOB."""
    noise = np.random.default_rng(7)
    for number in range(round(SECONDS * FPS)):
        bright = 0 <= number / FPS - FLASH_SECONDS < 0.2
        image = noise.integers(0, 40, (64, 96, 3), np.uint8) + np.uint8(200 * bright)
        frame = av.VideoFrame.from_ndarray(image, format="rgb24")
        frame.pts, frame.time_base = number + round(start * FPS), Fraction(1, FPS)
        yield from stream.encode(frame)
    yield from stream.encode(None)


def beeping(stream, hz, begin, start):
    seconds = np.arange(round(begin * hz), round(SECONDS * hz)) / hz
    loud = (seconds >= FLASH_SECONDS) & (seconds < FLASH_SECONDS + 0.2)
    wave = np.where(loud, 0.5, 0.01) * np.sin(2 * np.pi * 1000 * (seconds - FLASH_SECONDS))
    form = stream.codec_context.format.name
    both = np.stack([wave, wave])
    if form.startswith("s16"):
        both, form = np.rint(both * 32_767).astype(np.int16), form.rstrip("p")
        frame = av.AudioFrame.from_ndarray(both.T.reshape(1, -1), format=form, layout="stereo")
    else:
        frame = av.AudioFrame.from_ndarray(both.astype(np.float32), format="fltp", layout="stereo")
    frame.sample_rate, frame.time_base = hz, Fraction(1, hz)
    frame.pts = round((begin + start) * hz)
    resampler = av.AudioResampler(format=stream.codec_context.format.name, layout="stereo", rate=hz)
    for block in resampler.resample(frame):
        yield from stream.encode(block)
    yield from stream.encode(None)


def assert_agreement(path):
    (flash,), (beep,) = find_flashes(path), find_beeps(path)
    assert beep == pytest.approx(flash, abs=0.02)
    whole = decode_audio(path)
    for begin, end in ((1.5, 2.7), (1.93, 3.1)):
        (shown,), (heard,) = find_flashes(path, begin, end), find_beeps(path, begin, end)
        assert begin + shown == pytest.approx(flash, abs=0.005)
        assert begin + heard == pytest.approx(beep, abs=0.005)
    assert len(whole) / 16_000 == pytest.approx(probe_media(path).duration_seconds, abs=0.15)


@pytest.mark.parametrize("combo", [*TIMED, *COUNTED], ids=str)
def test_flash_and_beep_agree_in_the_whole_and_in_stretches(tmp_path, combo):
    assert_agreement(write_flash(tmp_path / f"a.{combo.suffix}", combo))


ONE_EACH = {combo.suffix: combo for combo in TIMED}.values()


@pytest.mark.parametrize("combo", ONE_EACH, ids=str)
def test_they_agree_where_sound_begins_late(tmp_path, combo):
    assert_agreement(write_flash(tmp_path / f"a.{combo.suffix}", combo, audio_start=0.7))


@pytest.mark.parametrize("combo", ONE_EACH, ids=str)
def test_they_agree_where_a_file_begins_late(tmp_path, combo):
    path = write_flash(tmp_path / f"a.{combo.suffix}", combo, audio_start=0.3, both_start=7.0)
    assert_agreement(path)
