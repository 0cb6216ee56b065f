import av
import numpy as np
import pytest

from pipeline.errors import MediaError
from pipeline.media.video import read_frames
from tests.makers import Sound, grey_frames, tone, write_audio, write_video


def numbers(frames):
    """Which of `grey_frames` each picture is."""
    return [round(frame.image.mean() / 5) for frame in frames]


def test_every_frame_comes_once_with_its_time(tmp_path):
    path = write_video(tmp_path / "a.mp4", grey_frames(23))
    frames = list(read_frames(path, rate_hz=None))
    assert [frame.index for frame in frames] == list(range(23))
    assert numbers(frames) == list(range(23))
    np.testing.assert_allclose([frame.seconds for frame in frames], np.arange(23) / 25, atol=1e-6)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".avi"])
def test_saturated_red_stays_red(tmp_path, suffix):
    red = np.zeros((48, 64, 3), np.uint8)
    red[..., 0] = 255
    (frame,) = read_frames(write_video(tmp_path / f"a{suffix}", [red]), rate_hz=None)
    assert frame.image[..., 0].min() > 245
    assert frame.image[..., 1:].max() < 10


def test_odd_sizes_are_kept(tmp_path):
    path = write_video(tmp_path / "a.mp4", grey_frames(3, height=47, width=61))
    assert next(read_frames(path, rate_hz=None)).image.shape == (47, 61, 3)


@pytest.mark.parametrize(("rotation", "corner"), [(90, (-1, 0)), (-90, (0, -1)), (180, (-1, -1))])
def test_a_turned_picture_is_set_upright(tmp_path, rotation, corner):
    image = np.zeros((48, 64, 3), np.uint8)
    image[:24, :32] = 255  # top left, before the turn
    path = write_video(tmp_path / "a.mp4", [image], rotation=rotation)
    (frame,) = read_frames(path, rate_hz=None)
    assert frame.image.shape[:2] == ((48, 64) if rotation == 180 else (64, 48))
    assert frame.image[corner].min() > 240
    assert frame.image.mean() == pytest.approx(255 / 4, abs=3)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_variable_frame_rates_keep_their_own_times(tmp_path, suffix):
    times = [0.0, 0.04, 0.11, 0.5, 0.52, 1.3]
    path = write_video(tmp_path / f"a{suffix}", grey_frames(6), seconds=times)
    frames = list(read_frames(path, rate_hz=None))
    np.testing.assert_allclose([frame.seconds for frame in frames], times, atol=1e-3)


def test_sampling_takes_the_first_frame_at_or_after_each_tick(tmp_path):
    times = [0.0, 0.04, 0.11, 0.5, 0.52, 1.3]
    path = write_video(tmp_path / "a.mp4", grey_frames(6), seconds=times)
    frames = list(read_frames(path, rate_hz=5.0))
    assert [frame.index for frame in frames] == [0, 3, 5]
    assert numbers(frames) == [0, 3, 5]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_sampling_at_the_files_own_rate_gives_every_frame(tmp_path, suffix):
    path = write_video(tmp_path / f"a{suffix}", grey_frames(31), fps=30)
    assert len(list(read_frames(path, rate_hz=30.0))) == 31


def test_a_higher_rate_repeats_no_frame(tmp_path):
    path = write_video(tmp_path / "a.mp4", grey_frames(23))
    assert numbers(read_frames(path, rate_hz=97.0)) == list(range(23))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".avi"])
def test_a_stretch_is_a_slice_of_the_whole(tmp_path, suffix):
    path = write_video(tmp_path / f"a{suffix}", grey_frames(47))
    whole = list(read_frames(path, rate_hz=None))
    stretch = list(read_frames(path, rate_hz=None, start_seconds=0.92, end_seconds=1.4))
    assert numbers(stretch) == list(range(23, 35))
    assert [frame.index for frame in stretch] == list(range(12))
    assert stretch[1].seconds == pytest.approx(0.04, abs=1e-3)
    assert all((a.image == b.image).all() for a, b in zip(whole[23:35], stretch, strict=True))


def test_the_files_start_is_the_zero_of_the_clock(tmp_path):
    early = Sound(tone(1.0, 16_000), 16_000, start_seconds=3.0)
    times = [3.2 + i / 25 for i in range(11)]
    path = write_video(tmp_path / "a.mkv", grey_frames(11), seconds=times, audio=early)
    assert next(read_frames(path, rate_hz=None)).seconds == pytest.approx(0.2, abs=1e-3)


def test_a_stretch_after_the_last_frame_is_empty(tmp_path):
    path = write_video(tmp_path / "a.mp4", grey_frames(7))
    assert list(read_frames(path, rate_hz=None, start_seconds=5.0)) == []


def test_a_file_of_sound_is_refused(tmp_path):
    path = write_audio(tmp_path / "a.wav", Sound(tone(0.3, 8000), 8000))
    with pytest.raises(MediaError, match="no_video: expected a stream of pictures"):
        next(read_frames(path, rate_hz=None))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_truncated_file_gives_what_it_has_and_then_says_so(tmp_path, suffix):
    noise = np.random.default_rng(5).integers(0, 255, (97, 48, 64, 3), dtype=np.uint8)
    whole = write_video(tmp_path / f"whole{suffix}", noise)
    path = front_loaded(whole, tmp_path / "cut.mp4") if suffix == ".mp4" else whole
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    frames = read_frames(path, rate_hz=None)
    got = [next(frames) for _ in range(37)]
    assert [frame.index for frame in got] == list(range(37))
    with pytest.raises(MediaError, match=r"truncated: expected 3\.88 seconds as its header says"):
        list(frames)


def test_a_zero_byte_file_is_unreadable(tmp_path):
    (tmp_path / "a.mp4").touch()
    with pytest.raises(MediaError, match="unreadable: expected a media file"):
        next(read_frames(tmp_path / "a.mp4", rate_hz=None))


def test_damaged_pictures_are_undecodable(tmp_path):
    noise = np.random.default_rng(5).integers(0, 255, (97, 48, 64, 3), dtype=np.uint8)
    path = front_loaded(write_video(tmp_path / "whole.mp4", noise), tmp_path / "a.mp4")
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 3 :] = bytes(len(damaged) - len(damaged) // 3)
    path.write_bytes(damaged)
    with pytest.raises(MediaError, match=r"undecodable: .*Invalid data found"):
        list(read_frames(path, rate_hz=None))


def test_frames_without_timestamps_are_undecodable(tmp_path):
    path = write_video(tmp_path / "a.h264", grey_frames(7))
    with pytest.raises(MediaError, match="undecodable: expected timestamps, got none"):
        next(read_frames(path, rate_hz=None))


def front_loaded(source, path):
    """Copy with the index at the front, where it survives being cut short."""
    options = {"movflags": "faststart"}
    with av.open(str(source)) as old, av.open(str(path), "w", options=options) as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)
    return path
