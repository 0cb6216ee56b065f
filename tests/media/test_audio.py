import io
import math

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pipeline.errors import MediaError
from pipeline.media.audio import (
    decode_audio,
    encode_flac,
    loudness_dbfs,
    read_recording,
    settle,
)
from pipeline.media.probe import probe_media
from tests.makers import Sound, grey_frames, tone, write_audio, write_parts, write_video


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mkv", ".avi"])
@pytest.mark.parametrize("hz", [8000, 16_000, 44_100])
def test_lossless_sound_comes_back_on_time_at_the_rate_asked_for(tmp_path, suffix, hz):
    path = write_audio(tmp_path / f"a{suffix}", Sound(tone(1.37, hz), hz))
    samples = decode_audio(path)
    assert samples.dtype == np.float32
    assert abs(len(samples) - 1.37 * 16_000) <= 1
    expected = tone(1.37, 16_000)[0][: len(samples)]
    np.testing.assert_allclose(samples[200:-200], expected[200:-200], atol=1e-3)


@pytest.mark.parametrize("suffix", [".m4a", ".mp3", ".mov"])
def test_what_a_codec_adds_to_fill_its_frames_is_cut_off(tmp_path, suffix):
    path = write_audio(tmp_path / f"a{suffix}", Sound(tone(1.37, 44_100), 44_100))
    assert abs(len(decode_audio(path)) - 1.37 * 16_000) <= 1


@pytest.mark.parametrize("suffix", [".wav", ".m4a"])
def test_stereo_is_mixed_to_the_mean_of_its_channels(tmp_path, suffix):
    both = np.concatenate([tone(1.1, 16_000, level=0.9), tone(1.1, 16_000, level=0.3)])
    samples = decode_audio(write_audio(tmp_path / f"a{suffix}", Sound(both, 16_000)))
    assert loudness_dbfs(samples) == pytest.approx(20 * math.log10(0.6 / math.sqrt(2)), abs=0.1)


def test_a_track_that_begins_late_begins_with_silence(tmp_path):
    late = Sound(tone(0.5, 16_000), 16_000, start_seconds=0.4)
    samples = decode_audio(write_video(tmp_path / "a.mkv", grey_frames(31), audio=late))
    assert len(samples) == 14_400
    assert not samples[:6400].any()
    np.testing.assert_allclose(samples[6400:], late.samples[0], atol=1e-4)


def test_the_files_start_is_the_zero_of_the_clock(tmp_path):
    times = [7 + i / 25 for i in range(31)]
    late = Sound(tone(0.5, 16_000), 16_000, start_seconds=7.4)
    path = write_video(tmp_path / "a.mkv", grey_frames(31), seconds=times, audio=late)
    samples = decode_audio(path)
    assert len(samples) == 14_400
    assert np.flatnonzero(samples)[0] == 6401
    assert probe_media(path).duration_seconds == pytest.approx(1.24)


def test_a_gap_in_the_timestamps_is_silence(tmp_path):
    path = tmp_path / "gap.mka"
    parts = [Sound(tone(0.5, 16_000), 16_000), Sound(tone(0.3, 16_000), 16_000, start_seconds=0.9)]
    write_parts(path, parts)
    samples = decode_audio(path)
    assert len(samples) == 19_200
    assert not samples[8000:14_400].any()
    np.testing.assert_allclose(samples[14_400:], parts[1].samples[0], atol=1e-4)


def test_a_stretch_is_a_slice_of_the_whole(tmp_path):
    noise = np.random.default_rng(3).uniform(-0.5, 0.5, (1, 16_000 * 4))
    path = write_audio(tmp_path / "a.flac", Sound(noise, 16_000))
    stretch = decode_audio(path, start_seconds=1.7, end_seconds=2.9)
    np.testing.assert_array_equal(stretch, decode_audio(path)[27_200:46_400])


def test_a_stretch_before_a_late_track_is_silent(tmp_path):
    late = Sound(tone(0.5, 16_000), 16_000, start_seconds=0.8)
    path = write_video(tmp_path / "a.mkv", grey_frames(31), audio=late)
    samples = decode_audio(path, start_seconds=0.2, end_seconds=0.5)
    assert len(samples) == 4800
    assert not samples.any()


def write_tracks(path, tracks):
    """File of several tracks of sound, the first of them the main one."""
    with av.open(str(path), "w") as container:
        layouts = ["mono" if len(samples) == 1 else "stereo" for samples in tracks]
        streams = [container.add_stream("flac", rate=16_000, layout=name) for name in layouts]
        for stream, samples in zip(streams, tracks, strict=True):
            scaled = np.rint(samples * 32_767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(
                scaled.T.reshape(1, -1), format="s16", layout=stream.layout.name
            )
            frame.sample_rate, frame.pts = 16_000, 0
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return path


def test_channels_that_cancel_out_give_the_loudest(tmp_path):
    voice = tone(1.1, 16_000, level=0.3)
    path = write_tracks(tmp_path / "a.mka", [np.concatenate([voice, -voice])])
    recording = read_recording(path)
    assert loudness_dbfs(recording.samples) == pytest.approx(-13.47, abs=0.1)
    assert recording.remarks["antiphase"].endswith("channel 1 was taken")


def test_a_silent_main_track_gives_way_to_one_that_sounds(tmp_path):
    voice = tone(1.1, 16_000, level=0.3)
    path = write_tracks(tmp_path / "a.mka", [voice * 0, voice])
    recording = read_recording(path)
    assert loudness_dbfs(recording.samples) == pytest.approx(-13.47, abs=0.1)
    assert recording.remarks["other_track"].endswith("the 2. was taken")


def test_silence_in_all_tracks_is_silence(tmp_path):
    path = write_tracks(tmp_path / "a.mka", [np.zeros((1, 17_000)), np.zeros((2, 17_000))])
    recording = read_recording(path)
    assert not recording.samples.any()
    assert recording.remarks == {}


def test_more_tracks_than_broadcasters_have_are_refused_before_each_is_decoded(tmp_path):
    path = write_tracks(tmp_path / "a.mka", [np.zeros((1, 16))] * 33)
    with pytest.raises(MediaError, match="expected at most 32 tracks of sound, got 33"):
        read_recording(path)


@pytest.mark.parametrize("scale", [1.0, 32_768.0])
def test_sound_that_is_cut_off_tells_its_share(tmp_path, scale):
    path = tmp_path / "a.wav"
    samples = np.clip(3 * tone(1.1, 16_000, level=1.0), -1, 1) * scale
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_f32le", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples.astype(np.float32), format="flt", layout="mono")
        frame.sample_rate = 16_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    share = 1 - 2 / np.pi * np.arcsin(1 / 3)
    wanted = share if scale == 1.0 else pytest.approx(1.0, abs=0.01)
    assert read_recording(path).clipped_share == pytest.approx(wanted, abs=0.01)


@pytest.mark.parametrize("hz", [22_050, 44_100, 48_000])
@pytest.mark.parametrize(("pitch_hz", "least", "most"), [(7500, -0.5, 0.1), (8500, -150, -80)])
def test_resampling_keeps_what_fits_and_lets_no_alias_through(tmp_path, hz, pitch_hz, least, most):
    path = tmp_path / "a.wav"
    wave = tone(1.3, hz, pitch_hz=pitch_hz, level=0.5).astype(np.float32)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_f32le", rate=hz, layout="mono")
        frame = av.AudioFrame.from_ndarray(wave, format="flt", layout="mono")
        frame.sample_rate = hz
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    middle = decode_audio(path)[3000:-3000]
    assert least < loudness_dbfs(middle) - loudness_dbfs(wave[0]) < most


def test_a_gap_of_some_milliseconds_is_kept_and_jitter_of_one_frame_is_not():
    frames = [av.AudioFrame(format="s16", layout="mono", samples=160) for _ in range(12)]
    for frame in frames:
        frame.sample_rate = 16_000
    times = [n / 100 + 0.03 * (n == 3) + 0.05 * (n >= 7) for n in range(12)]
    settled = [seconds for seconds, _ in settle(iter(zip(times, frames, strict=True)))]
    assert settled == pytest.approx([n / 100 + 0.05 * (n >= 7) for n in range(12)])


def test_samples_never_leave_minus_one_to_one(tmp_path):
    square = np.sign(tone(0.5, 16_000, pitch_hz=313.0))
    samples = decode_audio(write_audio(tmp_path / "a.mp3", Sound(square, 16_000)))
    assert np.abs(samples).max() == 1.0


def test_a_file_without_sound_is_refused(tmp_path):
    path = write_video(tmp_path / "a.mp4", grey_frames(7))
    with pytest.raises(MediaError, match="no_audio: expected a stream of sound"):
        decode_audio(path)


def test_a_stretch_after_the_sound_is_refused(tmp_path):
    path = write_audio(tmp_path / "a.flac", Sound(tone(1.0, 16_000), 16_000))
    with pytest.raises(MediaError, match="no_audio: expected sound after 3 seconds"):
        decode_audio(path, start_seconds=3.0)


def test_a_damaged_file_is_undecodable(tmp_path):
    path = write_audio(tmp_path / "a.flac", Sound(tone(3.0, 16_000), 16_000))
    damaged = bytearray(path.read_bytes())
    damaged[200:] = b"\x00" * (len(damaged) - 200)
    path.write_bytes(damaged)
    with pytest.raises(MediaError, match=r"undecodable|no_audio|truncated"):
        decode_audio(path)


def test_a_truncated_file_is_refused(tmp_path):
    noise = np.random.default_rng(3).uniform(-0.5, 0.5, (1, 16_000 * 4))
    path = write_audio(tmp_path / "a.mkv", Sound(noise, 16_000))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(MediaError, match=r"truncated: expected 4\.00 seconds as its header says"):
        decode_audio(path)


@settings(max_examples=30)
@given(
    hnp.arrays(np.float32, st.integers(1, 9973), elements=st.floats(-1.0, 1.0, width=32)),
    st.sampled_from([8000, 16_000, 44_100]),
)
def test_flac_keeps_samples_within_one_step_of_16_bits(samples, hz):
    decoded = decode_audio(io.BytesIO(encode_flac(samples, hz)), hz=hz)
    assert len(decoded) == len(samples)
    np.testing.assert_allclose(decoded, samples, atol=1 / 32_768)


def test_flac_clips_what_is_too_loud():
    decoded = decode_audio(io.BytesIO(encode_flac(np.array([2.0, -2.0, 0.5]), 16_000)))
    np.testing.assert_allclose(decoded, [1.0, -1.0, 0.5], atol=1 / 32_768)


def test_flac_of_the_same_samples_is_the_same_bytes():
    samples = tone(0.7, 16_000)[0]
    assert encode_flac(samples, 16_000) == encode_flac(samples.copy(), 16_000)


def test_loudness_of_a_full_scale_sine_is_three_decibels_below_it():
    assert loudness_dbfs(tone(1.0, 16_000, level=1.0)[0]) == pytest.approx(-3.0103, abs=1e-3)


def test_loudness_of_digital_silence_is_minus_infinity():
    assert loudness_dbfs(np.zeros(7)) == -math.inf


def test_a_real_track_that_begins_late_is_silent_until_then(real_data):
    samples = decode_audio(real_data("clips/face_leaves.mov"))
    assert np.flatnonzero(samples)[0] / 16_000 == pytest.approx(107_164 / 44_100, abs=1e-3)
