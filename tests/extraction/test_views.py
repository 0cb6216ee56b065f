from dataclasses import replace

import cv2
import numpy as np
import pytest

from pipeline.errors import ParamsError
from pipeline.extraction import views
from pipeline.extraction.views import (
    PictureChange,
    View,
    augment,
    change_frames,
    change_sound,
    draw_picture,
    measure_pace,
    retime_rows,
    stretch_sound,
)
from pipeline.params import parse_feature
from pipeline.rows import Frames, Waveform
from tests.makers import tone
from tests.stores import make_rows
from tests.tones import make_mfcc

HZ = 16_000
VIEW = View("demo/a", 1)
SAME = PictureChange(
    mirrored=False,
    degrees=0.0,
    crop=1.0,
    right=0.0,
    down=0.0,
    brightness=1.0,
    contrast=1.0,
    saturation=1.0,
)
BOUNDS = {
    "degrees": (-10, 10),
    "crop": (0.85, 1),
    "right": (-1, 1),
    "down": (-1, 1),
    "brightness": (0.8, 1.2),
    "contrast": (0.8, 1.2),
    "saturation": (0.8, 1.2),
}


def make_frames(count=7, height=41, width=53) -> Frames:
    """Smooth pictures with landmarks, of which the second frame has none."""
    generator = np.random.default_rng(3)
    noise = generator.integers(0, 255, (count, height, width, 3)).astype(np.uint8)
    images = np.stack([cv2.GaussianBlur(image, (0, 0), 2) for image in noise])
    points = generator.uniform(10, 30, (count, 5, 2)).astype(np.float32)
    points[1] = np.nan
    return Frames(images, np.arange(count) / 5, np.arange(1, count + 1) / 5, points)


def make_sound(seconds=0.7, level=0.5) -> Waveform:
    return Waveform(tone(seconds, HZ, level=level)[0].astype(np.float32), HZ)


def measure_pitch(samples) -> float:
    return np.abs(np.fft.rfft(samples)).argmax() * HZ / len(samples)


@pytest.mark.parametrize("content", [make_frames(), make_sound()])
def test_a_view_is_the_same_wherever_it_is_made(content):
    first, again = augment(content, VIEW), augment(content, View("demo/a", 1))
    for name, value in vars(first).items():
        np.testing.assert_array_equal(value, getattr(again, name))


@pytest.mark.parametrize("other", [View("demo/a", 2), View("demo/b", 1)])
def test_another_view_and_another_clip_are_changed_otherwise(other):
    frames = make_frames()
    assert draw_picture(other.start_generator()) != draw_picture(VIEW.start_generator())
    assert not np.array_equal(augment(frames, VIEW).images, augment(frames, other).images)


def test_pieces_of_a_clip_are_changed_as_the_whole_is():
    frames = make_frames()
    whole = augment(frames, VIEW)
    pieces = [
        augment(Frames(*(value[part] for value in vars(frames).values())), VIEW)
        for part in (slice(0, 3), slice(2, 7))
    ]
    np.testing.assert_array_equal(pieces[0].images, whole.images[:3])
    np.testing.assert_array_equal(pieces[1].images, whole.images[2:])
    np.testing.assert_array_equal(pieces[1].landmarks, whole.landmarks[2:])


def test_input_is_left_as_it_is_and_times_stay():
    frames = make_frames()
    before = frames.images.copy()
    changed = augment(frames, VIEW)
    np.testing.assert_array_equal(frames.images, before)
    np.testing.assert_array_equal(changed.start_seconds, frames.start_seconds)
    assert measure_pace(frames, changed) == 1.0


def test_what_is_drawn_keeps_to_its_bounds():
    drawn = [draw_picture(View("a", number).start_generator()) for number in range(300)]
    for name, (low, high) in BOUNDS.items():
        values = [getattr(change, name) for change in drawn]
        assert low <= min(values) < low + (high - low) / 20
        assert high >= max(values) > high - (high - low) / 20
    assert 0.4 < np.mean([change.mirrored for change in drawn]) < 0.6


def test_nothing_changed_is_the_picture_itself():
    frames = make_frames()
    np.testing.assert_array_equal(change_frames(frames, SAME).images, frames.images)


def test_a_mirrored_face_has_its_left_eye_first():
    frames = make_frames()
    mirrored = change_frames(frames, replace(SAME, mirrored=True))
    np.testing.assert_array_equal(mirrored.images, frames.images[:, :, ::-1])
    np.testing.assert_array_equal(
        mirrored.landmarks[0, [0, 1, 2], 0], -frames.landmarks[0, [1, 0, 2], 0]
    )
    np.testing.assert_array_equal(mirrored.landmarks[0, [3, 4], 1], frames.landmarks[0, [4, 3], 1])
    assert np.isnan(mirrored.landmarks[1]).all()


@pytest.mark.parametrize("mirrored", [False, True])
def test_landmarks_lie_as_the_pictures_do(mirrored):
    change = replace(SAME, mirrored=mirrored, degrees=9.0, crop=0.9, right=0.7, down=-0.4)
    spots = np.array([[18, 15], [33, 14], [26, 22], [20, 29], [32, 30]])
    images = np.zeros((5, 41, 53, 3), np.uint8)
    images[np.arange(5), spots[:, 1], spots[:, 0]] = 255
    points = np.broadcast_to(spots.astype(np.float32), (5, 5, 2))
    changed = change_frames(Frames(images, np.arange(5.0), np.arange(5.0) + 1, points), change)
    found = np.array([find_spot(image[..., 0]) for image in changed.images])
    expected = changed.landmarks[0][views.MIRRORED] if mirrored else changed.landmarks[0]
    np.testing.assert_allclose(found - found[0], expected - expected[0], atol=0.3)


def find_spot(grey) -> np.ndarray:
    """Middle (x, y) of what is bright."""
    rows, columns = np.indices(grey.shape)
    return np.array([np.average(columns, weights=grey), np.average(rows, weights=grey)])


def test_colours_are_multiplied():
    image = np.full((1, 5, 7, 3), (40, 80, 160), np.uint8)
    frames = Frames(image, np.zeros(1), np.ones(1))
    assert change_frames(frames, replace(SAME, brightness=1.25)).images[0, 0, 0].tolist() == [
        50,
        100,
        200,
    ]
    grey = change_frames(frames, replace(SAME, saturation=0.0)).images[0, 0, 0]
    assert np.ptp(grey.astype(int)) == 0
    dull = change_frames(frames, replace(SAME, contrast=0.0)).images
    assert set(dull.ravel().tolist()) == {128}


def test_sound_is_played_faster_at_its_own_pitch():
    sound = make_sound(1.0)
    fast = stretch_sound(sound.samples, 1.1)
    assert len(fast) == round(HZ / 1.1)
    assert measure_pitch(fast) == pytest.approx(440, abs=2)


@pytest.mark.parametrize("rate", [0.9, 1.07])
def test_long_sound_is_stretched_in_blocks_without_a_seam(monkeypatch, rate):
    monkeypatch.setattr(views, "BLOCK_SAMPLES", 5_003)
    sound = make_sound(1.5).samples
    stretched = stretch_sound(sound, rate)
    assert len(stretched) == round(len(sound) / rate)
    assert measure_pitch(stretched) == pytest.approx(440, abs=2)
    inside = np.abs(stretched[1_000:-1_000])
    assert np.lib.stride_tricks.sliding_window_view(inside, 200).max(axis=1).min() > 0.05


def test_noise_lies_as_far_below_the_sound_as_was_drawn():
    sound = make_sound(2.0)
    ratios = []
    for number in range(11):
        changed = augment(sound, View("a", number)).samples.astype(float)
        steady = changed[2_000 : 2_000 + HZ]
        spectrum = np.abs(np.fft.rfft(steady * np.hanning(len(steady)))) ** 2
        voice = spectrum[425:456].sum()
        ratios.append(10 * np.log10(voice / (spectrum.sum() - voice)))
    assert 13 < min(ratios) < max(ratios) < 31


def test_loud_sound_is_never_clipped():
    sound = make_sound(level=1.0)
    for number in range(13):
        samples = augment(sound, View("a", number)).samples
        assert np.abs(samples).max() <= 1
        assert (np.abs(samples) > 0.999).mean() < 0.02


@pytest.mark.parametrize("samples", [0, 1, 2, 399, 1_025])
def test_short_sound_and_silence_go_through(samples):
    silent = Waveform(np.zeros(samples, np.float32), HZ)
    changed = change_sound(silent, VIEW.start_generator())
    assert not changed.samples.any()
    assert abs(len(changed.samples) - samples) <= 0.12 * samples + 1


def test_rows_of_a_view_come_back_to_the_clips_own_time():
    sound = make_sound(1.0)
    changed = augment(sound, VIEW)
    pace = measure_pace(sound, changed)
    rows = retime_rows(make_rows(np.zeros((1, 3)), step=len(changed.samples) / HZ), pace)
    assert rows.end_seconds[-1] == pytest.approx(1.0)


def test_views_of_text_are_refused():
    given = {"modality": "text", "encoder": "huggingface_text", "weights": "x", "views": 2}
    with pytest.raises(ParamsError, match=r"^params.yaml: features.words: views: expected 0 for"):
        parse_feature({"features": {"words": given}}, "words")


def test_views_are_no_setting_of_the_rows():
    assert make_mfcc(views=3).settings() == make_mfcc().settings()
