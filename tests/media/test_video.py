import struct
from fractions import Fraction
from io import BytesIO
from itertools import takewhile

import av
import numpy as np
import pytest
from av.video.reformatter import Colorspace
from PIL import Image

from pipeline.errors import MediaError
from pipeline.media import opening
from pipeline.media.sampling import Sampling
from pipeline.media.streams import decode_frames, find_video, open_media
from pipeline.media.video import read_frames
from tests.makers import Coding, Sound, grey_frames, tone, write_audio, write_video

COLOURS = np.array(
    [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (224, 172, 105)], np.uint8
)
HEVC = {"crf": "4", "x265-params": "log-level=none:keyint=10"}
FIELDS = {"crf": "4", "g": "10", "x264-params": "interlaced=1"}
BITRATE = {"b": "9M"}
FINE = {"qmin": "1", "qmax": "2"}


def numbers(frames):
    """Which of `grey_frames` each picture is."""
    return [round(frame.image.mean() / 5) for frame in frames]


def patches(height=64, width=192):
    """One upright patch for each of `COLOURS`."""
    return np.broadcast_to(np.repeat(COLOURS, width // 6, axis=0), (height, width, 3))


def worst_level(image, colours=COLOURS):
    """Most that the middle of a patch is away from its colour."""
    height, width = image.shape[:2]
    middles = image[height // 2, width // 12 :: width // 6]
    return np.abs(middles.astype(int) - colours).max()


def scenery(count, height=64, width=96):
    """Smooth noise that moves three pixels a frame."""
    noise = np.random.default_rng(5).integers(0, 255, (height // 8, 64, 3), dtype=np.uint8)
    wide = np.asarray(Image.fromarray(noise).resize((512, height), Image.Resampling.BILINEAR))
    return [wide[:, 3 * i % 400 :][:, :width] for i in range(count)]


def woven_bars(count, height=96, width=128):
    """Frames of two fields each, in which a bar goes on by four pixels."""
    frames = np.full((count, height, width, 3), 40, np.uint8)
    for frame, field in np.ndindex(count, 2):
        left = 10 + 4 * (2 * frame + field)
        frames[frame, field::2, left : left + 16] = 220
    return frames


def combing(image):
    """How much each line differs from those around it."""
    lines = image[..., 0].astype(int)
    return np.abs(lines[:-2] - 2 * lines[1:-1] + lines[2:]).mean()


def test_every_frame_comes_once_with_its_time(tmp_path):
    path = write_video(tmp_path / "a.mp4", grey_frames(23))
    frames = list(read_frames(path, Sampling()))
    assert [frame.index for frame in frames] == list(range(23))
    assert numbers(frames) == list(range(23))
    np.testing.assert_allclose([frame.seconds for frame in frames], np.arange(23) / 25, atol=1e-6)


@pytest.mark.parametrize(
    ("suffix", "coding"),
    [
        (".mp4", Coding()),
        (".mkv", Coding()),
        (".ts", Coding()),
        (".avi", Coding()),
        (".mp4", Coding(matrix=Colorspace.ITU709, declared=True)),
        (".mp4", Coding(pixel_format="yuvj420p", full_range=True, declared=True)),
        (".mkv", Coding(pixel_format="yuv420p10le")),
        (".mp4", Coding("libx265", options=HEVC)),
        (
            ".mkv",
            Coding("libx265", "yuv420p10le", Colorspace.BT2020, declared=True, options=HEVC),
        ),
        (".webm", Coding("libvpx", options=BITRATE)),
        (".webm", Coding("libvpx-vp9")),
        (".mkv", Coding("libsvtav1", "yuv420p10le")),
        (".avi", Coding("mjpeg", "yuvj420p", full_range=True, options=FINE)),
        (".mov", Coding("mjpeg", "yuvj422p", full_range=True, options=FINE)),
        (".mpg", Coding("mpeg2video", options=BITRATE)),
        (".avi", Coding("mpeg4", options=BITRATE)),
        (".flv", Coding("flv", options=BITRATE)),
        (".mov", Coding("prores_ks", "yuv422p10le", options={})),
        (".avi", Coding("rawvideo", "yuyv422", options={})),
        (".mkv", Coding("ffv1", "bgr0", options={})),
        (".mov", Coding("png", "rgba", options={})),
        (".mov", Coding("qtrle", "argb", options={})),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value.codec}-{value.pixel_format}",
)
def test_colours_are_those_that_were_stored(tmp_path, suffix, coding):
    path = write_video(tmp_path / f"a{suffix}", [patches()] * 5, coding=coding)
    frames = list(read_frames(path, Sampling()))
    assert [round(frame.seconds, 3) for frame in frames] == [0.0, 0.04, 0.08, 0.12, 0.16]
    assert max(worst_level(frame.image) for frame in frames) <= 4


@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("matrix", [Colorspace.ITU601, Colorspace.ITU709, Colorspace.BT2020])
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv420p10le"])
def test_a_declared_matrix_and_range_are_obeyed(tmp_path, pixel_format, matrix, full_range):
    coding = Coding("libx264", pixel_format, matrix, full_range, declared=True)
    path = write_video(tmp_path / "a.mp4", [patches()], coding=coding)
    (frame,) = read_frames(path, Sampling())
    assert worst_level(frame.image) <= 4


@pytest.mark.parametrize(
    ("height", "width", "matrix"),
    [
        (576, 720, Colorspace.ITU601),
        (720, 1278, Colorspace.ITU709),
        (544, 1284, Colorspace.ITU709),
    ],
)
def test_a_large_picture_without_a_matrix_is_taken_for_bt709(tmp_path, height, width, matrix):
    coding = Coding(matrix=matrix)
    path = write_video(tmp_path / "a.mp4", [patches(height, width)], coding=coding)
    (frame,) = read_frames(path, Sampling())
    assert worst_level(frame.image) <= 4


def test_hdr_keeps_its_curve(tmp_path):
    options = {"crf": "4", "x264-params": "transfer=smpte2084:colorprim=bt2020"}
    coding = Coding("libx264", "yuv420p10le", Colorspace.BT2020, declared=True, options=options)
    path = write_video(tmp_path / "a.mp4", [patches()], coding=coding)
    (frame,) = read_frames(path, Sampling())
    assert worst_level(frame.image) <= 4


def test_a_matrix_that_no_conversion_knows_is_undecodable(tmp_path):
    coding = Coding(options={"x264-params": "colormatrix=YCgCo"})
    path = write_video(tmp_path / "a.mp4", [patches()], coding=coding)
    with pytest.raises(MediaError, match="undecodable: expected pictures that convert to RGB, got"):
        next(read_frames(path, Sampling()))


@pytest.mark.parametrize("codec", ["ffv1", "libx264"])
def test_grey_pictures_span_black_to_white(tmp_path, codec):
    stripes = np.zeros((48, 64, 3), np.uint8)
    stripes[:, 32:] = 255
    path = write_video(tmp_path / "a.mkv", [stripes], coding=Coding(codec, "gray", options={}))
    (frame,) = read_frames(path, Sampling())
    assert frame.image[:, 4:28].max() <= 4
    assert frame.image[:, 36:].min() >= 251


def test_the_colours_of_a_palette_are_found(tmp_path):
    Image.fromarray(patches()).quantize(6).save(tmp_path / "a.gif")
    (frame,) = read_frames(tmp_path / "a.gif", Sampling())
    assert worst_level(frame.image) == 0


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".webp"])
@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(),
        Sampling(rate_hz=5.0, middle_share=0.3),
        Sampling(every=3, middle_share=0.3),
        Sampling(per_clip=2),
    ],
)
def test_a_still_picture_is_a_clip_of_one_frame(tmp_path, suffix, sampling):
    Image.fromarray(patches()).save(tmp_path / f"a{suffix}", quality=95)
    (frame,) = read_frames(tmp_path / f"a{suffix}", sampling)
    assert (frame.index, frame.seconds) == (0, 0.0)
    assert worst_level(frame.image) <= 4


@pytest.mark.parametrize(("orientation", "corner"), [(3, (-1, -1)), (6, (0, -1)), (8, (-1, 0))])
def test_a_turned_photograph_is_set_upright(tmp_path, orientation, corner):
    image = np.zeros((48, 64, 3), np.uint8)
    image[:24, :32] = 255
    exif = Image.Exif()
    exif[0x112] = orientation
    Image.fromarray(image).save(tmp_path / "a.jpg", exif=exif)
    (frame,) = read_frames(tmp_path / "a.jpg", Sampling())
    assert frame.image[corner].min() > 240


@pytest.mark.parametrize(
    ("matrix", "corner"),
    [
        ((-1, 0, 0, 1), (0, -1)),
        ((1, 0, 0, -1), (-1, 0)),
        ((0, 1, 1, 0), (0, 0)),
        ((0, -1, -1, 0), (-1, -1)),
    ],
)
def test_a_mirrored_picture_is_mirrored_back(tmp_path, matrix, corner):
    image = np.zeros((48, 64, 3), np.uint8)
    image[:24, :32] = 255
    path = write_video(tmp_path / "a.mp4", [image])
    set_display_matrix(path, matrix)
    (frame,) = read_frames(path, Sampling())
    assert frame.image[corner].min() > 240
    assert frame.image.mean() == pytest.approx(255 / 4, abs=3)
    assert frame.image.shape[0] == (48 if matrix[0] else 64)


@pytest.mark.parametrize(("ratio", "width"), [((4, 3), 256), ((10, 11), 175), ((1281, 1280), 192)])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_oblong_pixels_are_stretched_to_squares(tmp_path, suffix, ratio, width):
    coding = Coding(pixel_ratio=Fraction(*ratio))
    path = write_video(tmp_path / f"a{suffix}", [patches()], coding=coding)
    (frame,) = read_frames(path, Sampling())
    assert frame.image.shape == (64, width, 3)
    assert worst_level(frame.image[:, : width // 6 * 6]) <= 4


def test_oblong_pixels_of_a_turned_picture_are_stretched_upward(tmp_path):
    coding = Coding(pixel_ratio=Fraction(4, 3))
    path = write_video(tmp_path / "a.mp4", [patches()], rotation=90, coding=coding)
    (frame,) = read_frames(path, Sampling())
    assert frame.image.shape == (256, 64, 3)


def test_pictures_may_change_their_size(tmp_path):
    small = write_video(tmp_path / "small.ts", grey_frames(7))
    times = [1 + i / 25 for i in range(7)]
    large = write_video(tmp_path / "large.ts", grey_frames(7, 64, 96), seconds=times)
    path = tmp_path / "a.ts"
    path.write_bytes(small.read_bytes() + large.read_bytes())
    frames = list(read_frames(path, Sampling()))
    assert [frame.image.shape for frame in frames] == [(48, 64, 3)] * 7 + [(64, 96, 3)] * 7
    assert numbers(frames) == [*range(7), *range(7)]


@pytest.mark.parametrize(
    ("suffix", "coding"),
    [
        (".mp4", Coding(options=FIELDS)),
        (".mkv", Coding(options={**FIELDS, "x264-params": "bff=1"})),
        (".mpg", Coding("mpeg2video", options={**BITRATE, "flags": "+ildct+ilme"})),
        (".avi", Coding("mpeg4", options={**BITRATE, "flags": "+ildct+ilme"})),
    ],
)
def test_fields_are_deinterlaced_frame_by_frame(tmp_path, suffix, coding):
    path = write_video(tmp_path / f"a{suffix}", woven_bars(9), coding=coding)
    frames = list(read_frames(path, Sampling()))
    assert [frame.index for frame in frames] == list(range(9))
    np.testing.assert_allclose([frame.seconds for frame in frames], np.arange(9) / 25, atol=1e-3)
    assert max(combing(frame.image) for frame in frames) < 3
    for number, frame in enumerate(frames):  # where the bar is in one of the two fields
        left = np.argmax(frame.image[48, :, 0] > 130)
        assert left - 10 in (pytest.approx(8 * number, abs=2), pytest.approx(8 * number + 4, abs=2))


def test_colours_of_fields_are_kept(tmp_path):
    coding = Coding(matrix=Colorspace.ITU709, declared=True, options=FIELDS)
    path = write_video(tmp_path / "a.mp4", [patches()] * 3, coding=coding)
    assert all(worst_level(frame.image) <= 4 for frame in read_frames(path, Sampling()))


def test_progressive_pictures_are_not_deinterlaced(tmp_path):
    lines = woven_bars(3)
    path = write_video(tmp_path / "a.mkv", lines, coding=Coding("ffv1", "bgr0", options={}))
    for frame, image in zip(read_frames(path, Sampling()), lines, strict=True):
        np.testing.assert_array_equal(frame.image, image)


def test_odd_sizes_are_kept(tmp_path):
    path = write_video(tmp_path / "a.mp4", grey_frames(3, height=47, width=61))
    assert next(read_frames(path, Sampling())).image.shape == (47, 61, 3)


@pytest.mark.parametrize(("rotation", "corner"), [(90, (-1, 0)), (-90, (0, -1)), (180, (-1, -1))])
def test_a_turned_picture_is_set_upright(tmp_path, rotation, corner):
    image = np.zeros((48, 64, 3), np.uint8)
    image[:24, :32] = 255  # top left, before the turn
    path = write_video(tmp_path / "a.mp4", [image], rotation=rotation)
    (frame,) = read_frames(path, Sampling())
    assert frame.image.shape[:2] == ((48, 64) if rotation == 180 else (64, 48))
    assert frame.image[corner].min() > 240
    assert frame.image.mean() == pytest.approx(255 / 4, abs=3)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_variable_frame_rates_keep_their_own_times(tmp_path, suffix):
    times = [0.0, 0.04, 0.11, 0.5, 0.52, 1.3]
    path = write_video(tmp_path / f"a{suffix}", grey_frames(6), seconds=times)
    frames = list(read_frames(path, Sampling()))
    np.testing.assert_allclose([frame.seconds for frame in frames], times, atol=1e-3)


def test_sampling_takes_the_first_frame_at_or_after_each_tick(tmp_path):
    times = [0.0, 0.04, 0.11, 0.5, 0.52, 1.3]
    path = write_video(tmp_path / "a.mp4", grey_frames(6), seconds=times)
    frames = list(read_frames(path, Sampling(rate_hz=5.0)))
    assert [frame.index for frame in frames] == [0, 3, 5]
    assert numbers(frames) == [0, 3, 5]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_sampling_at_the_files_own_rate_gives_every_frame(tmp_path, suffix):
    path = write_video(tmp_path / f"a{suffix}", grey_frames(31), fps=30)
    assert len(list(read_frames(path, Sampling(rate_hz=30.0)))) == 31


def test_a_higher_rate_repeats_no_frame(tmp_path):
    path = write_video(tmp_path / "a.mp4", grey_frames(23))
    assert numbers(read_frames(path, Sampling(rate_hz=97.0))) == list(range(23))


def test_every_so_many_frames_the_first_is_taken(tmp_path):
    path = write_video(tmp_path / "a.mp4", grey_frames(23))
    frames = list(read_frames(path, Sampling(every=5), start_seconds=0.12))
    assert [frame.index for frame in frames] == [0, 5, 10, 15]
    assert numbers(frames) == [3, 8, 13, 18]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm", ".ts", ".avi", ".flv"])
def test_frames_of_a_clip_lie_in_the_middle_of_equal_parts(tmp_path, suffix):
    codecs = {".avi": "mpeg4", ".flv": "flv", ".webm": "libvpx"}
    coding = Coding(codecs.get(suffix, "libx264"), options=BITRATE)
    path = write_video(tmp_path / f"a{suffix}", grey_frames(45), coding=coding)
    frames = list(read_frames(path, Sampling(per_clip=5)))
    assert [frame.index for frame in frames] == [4, 13, 22, 31, 40]
    assert numbers(frames) == [4, 13, 22, 31, 40]
    assert frames[2].seconds == pytest.approx(22 / 25, abs=1e-3)


@pytest.mark.parametrize("end_seconds", [1.4, 99.0])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_frames_of_a_clip_are_spread_over_its_own_stretch(tmp_path, suffix, end_seconds):
    path = write_video(tmp_path / f"a{suffix}", grey_frames(35))
    frames = list(read_frames(path, Sampling(per_clip=3), 0.2, end_seconds))
    assert [frame.index for frame in frames] == [5, 15, 25]
    assert numbers(frames) == [10, 20, 30]


def test_pictures_are_spread_over_their_own_time_under_longer_sound(tmp_path):
    long = Sound(tone(4.0, 16_000), 16_000)
    path = write_video(tmp_path / "a.mkv", grey_frames(45), audio=long)
    assert numbers(read_frames(path, Sampling(per_clip=3))) == [7, 22, 37]


def test_a_clip_of_few_frames_gives_each_once(tmp_path):
    path = write_video(tmp_path / "a.mp4", grey_frames(7))
    assert numbers(read_frames(path, Sampling(per_clip=50))) == list(range(7))


def test_the_frame_in_the_middle_is_the_one_then_shown(tmp_path):
    times = [0.0, 0.04, 0.11, 0.5, 0.52, 1.3]
    path = write_video(tmp_path / "a.mkv", grey_frames(6), seconds=times)
    assert numbers(read_frames(path, Sampling(per_clip=3), end_seconds=1.5)) == [2, 4]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize(
    ("sampling", "sampled"),
    [
        (Sampling(middle_share=0.5), list(range(10, 30))),
        (Sampling(rate_hz=5.0, middle_share=0.5), [10, 15, 20, 25]),
        (Sampling(every=8, middle_share=0.5), [10, 18, 26]),
        (Sampling(per_clip=4, middle_share=0.5), [12, 17, 22, 27]),
    ],
)
def test_only_the_middle_share_is_sampled(tmp_path, suffix, sampling, sampled):
    path = write_video(tmp_path / f"a{suffix}", grey_frames(40))
    frames = list(read_frames(path, sampling))
    assert [frame.index for frame in frames] == sampled
    assert numbers(frames) == sampled


@pytest.mark.parametrize(
    ("suffix", "coding"),
    [
        (".mp4", Coding()),
        (".mkv", Coding()),
        (".ts", Coding(options={"g": "60", "sc_threshold": "0"})),
        (".ts", Coding(options={"x264-params": "intra-refresh=1:keyint=25"})),
        (".ts", Coding("mpeg4", options={**BITRATE, "g": "60"})),
        (".ts", Coding("mpeg2video", options={**BITRATE, "g": "12", "bf": "2"})),
        (".avi", Coding()),
        (".avi", Coding("mpeg4", options={**BITRATE, "g": "12"})),
        (".mp4", Coding("libx265", options={"x265-params": "log-level=none:open-gop=1:keyint=12"})),
        (".mkv", Coding(options={"x264-params": "open-gop=1:keyint=12:bframes=3"})),
        (".webm", Coding("libvpx-vp9", options={"b": "1M", "g": "12"})),
        (".mkv", Coding(options=FIELDS)),
    ],
    ids=lambda value: value if isinstance(value, str) else value.codec,
)
def test_a_stretch_is_a_slice_of_the_whole(tmp_path, suffix, coding):
    path = write_video(tmp_path / f"a{suffix}", scenery(70), coding=coding)
    whole = list(read_frames(path, Sampling()))
    for begin, end in ((0.12, 0.24), (1.4, 1.8), (2.6, 9.0)):
        stretch = list(read_frames(path, Sampling(), begin, end))
        cut = whole[round(25 * begin) : round(25 * end)]
        assert [frame.index for frame in stretch] == list(range(len(cut)))
        assert stretch[1].seconds == pytest.approx(0.04, abs=1e-3)
        assert all((a.image == b.image).all() for a, b in zip(cut, stretch, strict=True))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
def test_what_lies_before_a_stretch_is_read_by_the_survey_alone_and_not_decoded(
    tmp_path, suffix, monkeypatch
):
    monkeypatch.setattr(opening, "CELL_FORMATS", opening.FORMATS)  # bytes count what is read
    noise = np.random.default_rng(5).integers(0, 255, (500, 48, 48, 3), dtype=np.uint8)
    coding = Coding("libvpx" if suffix == ".webm" else "libx264", options={"g": "10", "b": "9M"})
    file = CountingFile(write_video(tmp_path / f"a{suffix}", noise, coding=coding).read_bytes())
    with open_media(file) as media:
        file.bytes_read = 0
        frames = decode_frames(media, find_video(media), 18.0)
        before = sum(1 for _ in takewhile(lambda timed: timed[0] < 18.0, frames))
    assert before <= 0.5 * 25 + 10
    assert file.bytes_read < 0.4 * len(file.getvalue())


def test_the_files_start_is_the_zero_of_the_clock(tmp_path):
    early = Sound(tone(1.0, 16_000), 16_000, start_seconds=3.0)
    times = [3.2 + i / 25 for i in range(11)]
    path = write_video(tmp_path / "a.mkv", grey_frames(11), seconds=times, audio=early)
    assert next(read_frames(path, Sampling())).seconds == pytest.approx(0.2, abs=1e-3)


def test_a_stretch_after_the_last_frame_is_empty(tmp_path):
    path = write_video(tmp_path / "a.mp4", grey_frames(7))
    assert list(read_frames(path, Sampling(), start_seconds=5.0)) == []


def test_a_file_of_sound_is_refused(tmp_path):
    path = write_audio(tmp_path / "a.wav", Sound(tone(0.3, 8000), 8000))
    with pytest.raises(MediaError, match="no_video: expected a stream of pictures"):
        next(read_frames(path, Sampling()))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_truncated_file_gives_what_it_has_and_then_says_so(tmp_path, suffix):
    noise = np.random.default_rng(5).integers(0, 255, (97, 48, 64, 3), dtype=np.uint8)
    whole = write_video(tmp_path / f"whole{suffix}", noise)
    path = front_loaded(whole, tmp_path / "cut.mp4") if suffix == ".mp4" else whole
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    frames = read_frames(path, Sampling())
    got = [next(frames) for _ in range(37)]
    assert [frame.index for frame in got] == list(range(37))
    with pytest.raises(MediaError, match=r"truncated: expected 3\.88 seconds as its header says"):
        list(frames)


def test_a_zero_byte_file_is_unreadable(tmp_path):
    (tmp_path / "a.mp4").touch()
    with pytest.raises(MediaError, match="unreadable: expected a media file"):
        next(read_frames(tmp_path / "a.mp4", Sampling()))


def test_damaged_pictures_are_undecodable(tmp_path):
    noise = np.random.default_rng(5).integers(0, 255, (97, 48, 64, 3), dtype=np.uint8)
    path = front_loaded(write_video(tmp_path / "whole.mp4", noise), tmp_path / "a.mp4")
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 3 :] = bytes(len(damaged) - len(damaged) // 3)
    path.write_bytes(damaged)
    with pytest.raises(MediaError, match=r"undecodable: .*Invalid data found"):
        list(read_frames(path, Sampling()))


def test_frames_without_timestamps_are_undecodable(tmp_path):
    path = write_video(tmp_path / "a.h264", grey_frames(7))
    with pytest.raises(MediaError, match="undecodable: expected timestamps, got none"):
        next(read_frames(path, Sampling()))


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


def set_display_matrix(path, matrix):
    """Write `matrix` (x and y of a step along a row, then along a column) into an MP4's track."""
    data = bytearray(path.read_bytes())
    begin = data.index(b"tkhd") + 44
    right, down, column_right, column_down = (65536 * value for value in matrix)
    words = (right, down, 0, column_right, column_down, 0, 0, 0, 1 << 30)
    data[begin : begin + 36] = struct.pack(">9i", *words)
    path.write_bytes(data)


class CountingFile(BytesIO):
    """A file that counts what is read of it."""

    bytes_read = 0

    def read(self, size=-1):
        data = super().read(size)
        self.bytes_read += len(data)
        return data
