from fractions import Fraction

import av
import numpy as np
import pytest

from pipeline.errors import MediaError
from pipeline.media.probe import Probe, probe_media
from tests.makers import Sound, grey_frames, tone, write_audio, write_video


def test_a_video_with_sound_tells_rate_duration_and_sampling(tmp_path):
    path = write_video(tmp_path / "a.mp4", grey_frames(23), audio=Sound(tone(0.92, 22_050), 22_050))
    probe = probe_media(path)
    assert (probe.fps, probe.audio_hz) == (25.0, 22_050)
    assert probe.duration_seconds == pytest.approx(0.92, abs=1e-3)


def test_a_silent_video_has_no_audio_rate(tmp_path):
    assert probe_media(write_video(tmp_path / "a.mp4", grey_frames(7))).audio_hz is None


def test_a_sound_file_has_no_fps(tmp_path):
    path = write_audio(tmp_path / "a.wav", Sound(tone(1.3, 8000), 8000))
    assert probe_media(path) == Probe(
        fps=None, duration_seconds=1.3, audio_hz=8000, format="wav", sound_track_seconds=1.3
    )


def test_the_duration_is_that_of_the_stretch(tmp_path):
    path = write_audio(tmp_path / "a.wav", Sound(tone(1.3, 8000), 8000))
    assert probe_media(path, 0.3, 0.7).duration_seconds == pytest.approx(0.4)
    assert probe_media(path, 0.3).duration_seconds == pytest.approx(1.0)
    assert probe_media(path, 0.3, 7.0).duration_seconds == pytest.approx(1.0)


def test_a_file_that_declares_no_duration_is_measured_by_its_packets(tmp_path):
    path = tmp_path / "live.mkv"
    with av.open(str(path), "w", options={"live": "1"}) as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for image in grey_frames(11):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    with av.open(str(path)) as container:
        assert container.duration is None
    assert probe_media(path).duration_seconds == pytest.approx(11 / 25)


def test_cover_art_is_no_video(tmp_path):
    path = tmp_path / "cover.mp3"
    with av.open(str(path), "w") as container:
        sound = container.add_stream("mp3", rate=16_000, layout="mono")
        cover = container.add_stream("png")
        cover.width, cover.height, cover.pix_fmt = 16, 16, "rgb24"
        cover.disposition = av.stream.Disposition.attached_pic
        picture = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")
        picture.pts, picture.time_base = 0, Fraction(1, 25)
        container.mux(cover.encode(picture))
        samples = tone(0.5, 16_000).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        frame.sample_rate = 16_000
        container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    with av.open(str(path)) as container:
        assert len(container.streams.video) == 1
    assert probe_media(path).fps is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "missing"), (b"", "empty_file"), (b"no media at all" * 99, "unreadable")],
)
def test_what_is_no_media_file_is_refused_with_a_word_for_it(tmp_path, content, reason):
    path = tmp_path / "a.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MediaError) as caught:
        probe_media(path)
    assert caught.value.reason == reason


def test_subtitles_alone_are_no_streams(tmp_path):
    written, path = tmp_path / "a.srt", tmp_path / "a.mkv"
    written.write_text("1\n00:00:00,000 --> 00:00:01,000\nhello\n")
    with av.open(written) as source, av.open(path, "w") as target:
        stream = target.add_stream_from_template(source.streams[0])
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    with pytest.raises(MediaError, match="no_streams: expected pictures or sound"):
        probe_media(path)


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        (1.5, None, "outside: expected a start within 1.300 seconds, got 1.5"),
        (-0.5, None, "outside"),
        (0.7, 0.7, "reversed: expected an end after 0.7 seconds, got 0.7"),
        (0.7, 0.2, "reversed"),
    ],
)
def test_a_stretch_outside_the_file_is_refused(tmp_path, start, end, message):
    path = write_audio(tmp_path / "a.wav", Sound(tone(1.3, 8000), 8000))
    with pytest.raises(MediaError, match=message):
        probe_media(path, start, end)


def test_real_clips_are_probed(real_data):
    probe = probe_media(real_data("clips/talking_4.mp4"))
    assert (probe.fps, probe.duration_seconds, probe.audio_hz) == (25.0, 20.0, 48_000)
    assert (probe.format, probe.back_steps) == ("mov,mp4,m4a,3gp,3g2,mj2", 0)
